"""Every address of the board."""

from django.urls import path

from .views import ballots, board, items, meetings

app_name = "crb"

urlpatterns = [
    path("", board.board, name="board"),
    path("meetings/<int:pk>/", meetings.meeting, name="meeting"),
    path("meetings/<int:pk>/start/", meetings.start_meeting, name="start_meeting"),
    path("meetings/<int:pk>/join/", meetings.join_meeting, name="join_meeting"),
    path("meetings/<int:pk>/close/", meetings.close_meeting, name="close_meeting"),
    path("meetings/<int:pk>/cancel/", meetings.cancel_meeting, name="cancel_meeting"),
    path("boards/<int:pk>/ballot/", ballots.open_ballot, name="open_ballot"),
    path("meetings/<int:pk>/extend/", ballots.extend_ballot, name="extend_ballot"),
    path("meetings/<int:pk>/end/", ballots.end_ballot, name="end_ballot"),
    path("items/<int:pk>/vote/", items.cast_vote, name="cast_vote"),
    path("items/<int:pk>/recuse/", items.recuse, name="recuse"),
    path("items/<int:pk>/outcome/", items.record_outcome, name="record_outcome"),
]
