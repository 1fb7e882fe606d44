from django.urls import path

from chat.api.public import PublicMessages, PublicSessionsView
from chat.api.streaming import events_view, turns_view
from chat.api.views import ConversationDetail, ConversationList, MessageList, SessionsView

urlpatterns = [
    path("chat/sessions/", SessionsView.as_view(), name="chat-sessions"),
    path("conversations/", ConversationList.as_view(), name="conversations"),
    path("conversations/<uuid:conversation_id>/", ConversationDetail.as_view(), name="conversation"),
    path("conversations/<uuid:conversation_id>/messages/", MessageList.as_view(), name="conversation-messages"),
    path("conversations/<uuid:conversation_id>/events/", events_view, name="conversation-events"),
    path("conversations/<uuid:conversation_id>/turns/", turns_view, name="conversation-turns"),
    path("public/<str:publishable_key>/sessions/", PublicSessionsView.as_view(), name="public-sessions"),
    path(
        "public/<str:publishable_key>/conversations/<uuid:conversation_id>/messages/",
        PublicMessages.as_view(),
        name="public-messages",
    ),
]
