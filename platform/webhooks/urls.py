from django.urls import path

from webhooks.api import (
    DeliveryDetail,
    DeliveryList,
    DeliveryResend,
    WebhookDetail,
    WebhookList,
    WebhookResend,
    WebhookRotate,
    WebhookTest,
)

urlpatterns = [
    path("", WebhookList.as_view(), name="webhooks"),
    path("<uuid:webhook_id>/", WebhookDetail.as_view(), name="webhook"),
    path("<uuid:webhook_id>/rotate/", WebhookRotate.as_view(), name="webhook-rotate"),
    path("<uuid:webhook_id>/test/", WebhookTest.as_view(), name="webhook-test"),
    path("<uuid:webhook_id>/resend/", WebhookResend.as_view(), name="webhook-resend"),
    path("<uuid:webhook_id>/deliveries/", DeliveryList.as_view(), name="webhook-deliveries"),
    path("<uuid:webhook_id>/deliveries/<uuid:delivery_id>/", DeliveryDetail.as_view(), name="webhook-delivery"),
    path(
        "<uuid:webhook_id>/deliveries/<uuid:delivery_id>/resend/",
        DeliveryResend.as_view(),
        name="webhook-delivery-resend",
    ),
]
