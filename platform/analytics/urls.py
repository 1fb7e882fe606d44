from django.urls import path

from analytics.api.runs import RunView

urlpatterns = [
    path("datasets/<uuid:dataset_id>/run/", RunView.as_view()),
]
