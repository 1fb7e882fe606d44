from django.urls import path

from tenants.limits.views import RateLimitDetail, RateLimitList
from tenants.views import MeView

urlpatterns = [
    path("me/", MeView.as_view(), name="me"),
    path("rate-limits/", RateLimitList.as_view(), name="rate-limits"),
    path("rate-limits/<uuid:limit_id>/", RateLimitDetail.as_view(), name="rate-limit"),
]
