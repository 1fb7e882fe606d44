from django.urls import path

from npc.play import views
from npc.play.pages import play_page

urlpatterns = [
    path("", play_page, name="play"),
    path("sessions/", views.open_view, name="play-open"),
    path("session/", views.session_view, name="play-session"),
    path("session/turns/", views.turns_view, name="play-turns"),
    path("session/moves/", views.moves_view, name="play-moves"),
    path("session/rest/", views.rest_view, name="play-rest"),
    path("session/events/", views.events_view, name="play-events"),
    path("session/save/", views.save_view, name="play-save"),
    path("session/saves/", views.saves_view, name="play-saves"),
    path("session/load/", views.load_view, name="play-load"),
    path("session/log/", views.log_view, name="play-log"),
    path("session/characters/<str:character>/", views.sheet_view, name="play-sheet"),
]
