from django.urls import path

from llm.views import UsageView

urlpatterns = [path("usage/", UsageView.as_view(), name="usage")]
