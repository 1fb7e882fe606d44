from django.urls import URLPattern, path

from analytics.pages import views

urlpatterns: list[URLPattern] = [
    path("", views.ask_page, name="ask"),
    path("q/<uuid:question_id>/", views.question_page, name="ask-question"),
    path("data/", views.datasets_page, name="ask-datasets"),
    path("data/<uuid:dataset_id>/", views.dataset_page, name="ask-dataset"),
    path("saved/", views.saved_page, name="ask-saved"),
    path("history/", views.history_page, name="ask-history"),
]
