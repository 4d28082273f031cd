"""Every address of the board."""

from django.urls import path

from .views import agenda, board, items, meetings

app_name = "crb"

urlpatterns = [
    path("", board.board, name="board"),
    path("meetings/<int:pk>/", meetings.meeting, name="meeting"),
    path("meetings/<int:pk>/start/", meetings.start_meeting, name="start_meeting"),
    path("meetings/<int:pk>/join/", meetings.join_meeting, name="join_meeting"),
    path("meetings/<int:pk>/close/", meetings.close_meeting, name="close_meeting"),
    path("meetings/<int:pk>/cancel/", meetings.cancel_meeting, name="cancel_meeting"),
    path("meetings/<int:pk>/publish/", agenda.publish_agenda, name="publish_agenda"),
    path("meetings/<int:pk>/order/", agenda.reorder_agenda, name="reorder_agenda"),
    path("meetings/<int:pk>/late/", agenda.add_late, name="add_late"),
    path("meetings/<int:pk>/consent/", agenda.record_consent, name="record_consent"),
    path("meetings/<int:pk>/agenda/<int:number>/", agenda.agenda_version, name="agenda_version"),
    path("items/<int:pk>/plan/", agenda.plan_item, name="plan_item"),
    path("items/<int:pk>/defer/", agenda.defer_item, name="defer_item"),
    path("items/<int:pk>/pull/", agenda.pull_from_consent, name="pull_from_consent"),
    path("items/<int:pk>/vote/", items.cast_vote, name="cast_vote"),
    path("items/<int:pk>/recuse/", items.recuse, name="recuse"),
    path("items/<int:pk>/outcome/", items.record_outcome, name="record_outcome"),
]
