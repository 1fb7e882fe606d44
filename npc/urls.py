from django.urls import path

from npc.api.knowledge import KnowledgeView, MemoriesView, MemoryView
from npc.api.results import ActionResultView, ReplayView
from npc.api.sessions import (
    EventsView,
    ExportView,
    ImportView,
    LogView,
    SavesView,
    SessionDetail,
    SessionList,
    StateView,
)
from npc.api.turns import cancel_view, turns_view
from npc.api.warm import warm_view
from npc.api.worlds import (
    WorldCheck,
    WorldDetail,
    WorldDiff,
    WorldList,
    WorldTrial,
    WorldVersionDetail,
    WorldVersionList,
)

urlpatterns = [
    path("worlds/", WorldList.as_view(), name="worlds"),
    path("worlds/check/", WorldCheck.as_view(), name="world-check"),
    path("worlds/<str:world>/", WorldDetail.as_view(), name="world"),
    path("worlds/<str:world>/versions/", WorldVersionList.as_view(), name="world-versions"),
    path("worlds/<str:world>/versions/<int:number>/", WorldVersionDetail.as_view(), name="world-version"),
    path("worlds/<str:world>/diff/", WorldDiff.as_view(), name="world-diff"),
    path("worlds/<str:world>/try/", WorldTrial.as_view(), name="world-trial"),
    path("sessions/", SessionList.as_view(), name="game-sessions"),
    path("sessions/import/", ImportView.as_view(), name="game-import"),
    path("sessions/<uuid:session_id>/export/", ExportView.as_view(), name="game-export"),
    path("sessions/<uuid:session_id>/", SessionDetail.as_view(), name="game-session"),
    path("sessions/<uuid:session_id>/state/", StateView.as_view(), name="game-state"),
    path("sessions/<uuid:session_id>/events/", EventsView.as_view(), name="game-events"),
    path("sessions/<uuid:session_id>/saves/", SavesView.as_view(), name="game-saves"),
    path("sessions/<uuid:session_id>/log/", LogView.as_view(), name="game-log"),
    path("sessions/<uuid:session_id>/warm/", warm_view, name="game-warm"),
    path("sessions/<uuid:session_id>/turns/", turns_view, name="game-turns"),
    path("sessions/<uuid:session_id>/turns/<uuid:turn_id>/cancel/", cancel_view, name="game-turn-cancel"),
    path("sessions/<uuid:session_id>/turns/<uuid:turn_id>/replay/", ReplayView.as_view(), name="game-turn-replay"),
    path("sessions/<uuid:session_id>/actions/<uuid:action_id>/result/", ActionResultView.as_view(), name="game-result"),
    path("sessions/<uuid:session_id>/knowledge/", KnowledgeView.as_view(), name="game-knowledge"),
    path(
        "sessions/<uuid:session_id>/characters/<str:character>/memories/", MemoriesView.as_view(), name="game-memories"
    ),
    path(
        "sessions/<uuid:session_id>/characters/<str:character>/memories/<uuid:memory_id>/",
        MemoryView.as_view(),
        name="game-memory",
    ),
]
