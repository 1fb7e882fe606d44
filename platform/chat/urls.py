from django.urls import path

from chat.api import handover, retention
from chat.api.public import PublicMessages, PublicSessionsView
from chat.api.streaming import events_view, turns_view
from chat.api.views import ConversationDetail, ConversationList, MessageList, SessionsView
from chat.widget.api import PublicWidgetView

urlpatterns = [
    path("chat/sessions/", SessionsView.as_view(), name="chat-sessions"),
    path("conversations/", ConversationList.as_view(), name="conversations"),
    path("conversations/<uuid:conversation_id>/", ConversationDetail.as_view(), name="conversation"),
    path("conversations/<uuid:conversation_id>/messages/", MessageList.as_view(), name="conversation-messages"),
    path("conversations/<uuid:conversation_id>/events/", events_view, name="conversation-events"),
    path("conversations/<uuid:conversation_id>/turns/", turns_view, name="conversation-turns"),
    path("public/<str:publishable_key>/widget/", PublicWidgetView.as_view(), name="public-widget"),
    path("public/<str:publishable_key>/sessions/", PublicSessionsView.as_view(), name="public-sessions"),
    path(
        "public/<str:publishable_key>/conversations/<uuid:conversation_id>/messages/",
        PublicMessages.as_view(),
        name="public-messages",
    ),
    path("conversations/<uuid:conversation_id>/takeover/", handover.takeover_view, name="conversation-takeover"),
    path("conversations/<uuid:conversation_id>/reply/", handover.reply_view, name="conversation-reply"),
    path("conversations/<uuid:conversation_id>/note/", handover.note_view, name="conversation-note"),
    path("conversations/<uuid:conversation_id>/transfer/", handover.transfer_view, name="conversation-transfer"),
    path("conversations/<uuid:conversation_id>/release/", handover.release_view, name="conversation-release"),
    path("conversations/<uuid:conversation_id>/close/", handover.close_view, name="conversation-close"),
    path("conversations/<uuid:conversation_id>/read/", handover.ReadView.as_view(), name="conversation-read"),
    path("conversations/<uuid:conversation_id>/notes/", handover.NoteList.as_view(), name="conversation-notes"),
    path(
        "conversations/<uuid:conversation_id>/handoffs/", handover.HandoffList.as_view(), name="conversation-handoffs"
    ),
    path(
        "conversations/<uuid:conversation_id>/handoff/",
        handover.HandoffRequestView.as_view(),
        name="conversation-handoff",
    ),
    path("conversations/<uuid:conversation_id>/contact/", handover.ContactView.as_view(), name="conversation-contact"),
    path(
        "conversations/<uuid:conversation_id>/satisfaction/",
        handover.SatisfactionView.as_view(),
        name="conversation-satisfaction",
    ),
    path("contact-requests/", handover.ContactRequestList.as_view(), name="contact-requests"),
    path("contact-requests/<uuid:request_id>/", handover.ContactRequestDetail.as_view(), name="contact-request"),
    path("canned-replies/", handover.CannedReplyList.as_view(), name="canned-replies"),
    path("canned-replies/<uuid:reply_id>/", handover.CannedReplyDetail.as_view(), name="canned-reply"),
    path(
        "public/<str:publishable_key>/conversations/<uuid:conversation_id>/handoff/",
        handover.PublicHandoffRequestView.as_view(),
        name="public-handoff",
    ),
    path(
        "public/<str:publishable_key>/conversations/<uuid:conversation_id>/contact/",
        handover.PublicContactView.as_view(),
        name="public-contact",
    ),
    path(
        "public/<str:publishable_key>/conversations/<uuid:conversation_id>/satisfaction/",
        handover.PublicSatisfactionView.as_view(),
        name="public-satisfaction",
    ),
    path("retention/", retention.RetentionView.as_view(), name="retention"),
    path("erasures/", retention.ErasureList.as_view(), name="erasures"),
    path("erasures/<uuid:erasure_id>/", retention.ErasureDetail.as_view(), name="erasure"),
    path("erasures/<uuid:erasure_id>/retry/", retention.ErasureRetry.as_view(), name="erasure-retry"),
    path("end-users/export/", retention.EndUserExport.as_view(), name="end-user-export"),
    path(
        "public/<str:publishable_key>/conversations/<uuid:conversation_id>/erasure/",
        retention.PublicErasure.as_view(),
        name="public-erasure",
    ),
]
