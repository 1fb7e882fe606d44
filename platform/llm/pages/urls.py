from django.urls import URLPattern, path

from llm.pages import views

urlpatterns: list[URLPattern] = [
    path("", views.usage_page, name="usage-page"),
    path("usage.csv", views.usage_file, name="usage-file"),
]
