"""Every address of the board."""

from django.urls import path

from .views import ballots, board, calendar, feed, items, live, meetings, overtime

app_name = "crb"

urlpatterns = [
    path("", board.board, name="board"),
    path("calendar/", feed.calendar, name="calendar"),
    path("calendar/address/", feed.make_feed, name="make_feed"),
    path("calendar/address/revoke/", feed.revoke_feed, name="revoke_feed"),
    path("feed/<str:token>.ics", feed.feed, name="feed"),
    path("<int:pk>/meetings/", calendar.meetings, name="meetings"),
    path("<int:pk>/meetings/call/", calendar.call_meeting, name="call_meeting"),
    path("<int:pk>/absences/record/", calendar.record_absence, name="record_absence"),
    path("absences/<int:pk>/withdraw/", calendar.withdraw_absence, name="withdraw_absence"),
    path("meetings/<int:pk>/move/", calendar.move_meeting, name="move_meeting"),
    path("statistics/", overtime.statistics, name="statistics"),
    path("decisions/", overtime.decisions, name="decisions"),
    path("decisions/export/", overtime.export_decisions, name="export_decisions"),
    path("questions/", overtime.questions, name="questions"),
    path("attendance/", overtime.attendance, name="attendance"),
    path("meetings/<int:pk>/", meetings.meeting, name="meeting"),
    path("meetings/<int:pk>/start/", meetings.start_meeting, name="start_meeting"),
    path("meetings/<int:pk>/join/", meetings.join_meeting, name="join_meeting"),
    path("meetings/<int:pk>/live/", live.live, name="live"),
    path("meetings/<int:pk>/present/", live.present, name="present"),
    path("meetings/<int:pk>/go/", meetings.go_to_item, name="go_to_item"),
    path("meetings/<int:pk>/close/", meetings.close_meeting, name="close_meeting"),
    path("meetings/<int:pk>/cancel/", meetings.cancel_meeting, name="cancel_meeting"),
    path("boards/<int:pk>/ballot/", ballots.open_ballot, name="open_ballot"),
    path("meetings/<int:pk>/extend/", ballots.extend_ballot, name="extend_ballot"),
    path("meetings/<int:pk>/end/", ballots.end_ballot, name="end_ballot"),
    path("items/<int:pk>/vote/", items.cast_vote, name="cast_vote"),
    path("items/<int:pk>/recuse/", items.recuse, name="recuse"),
    path("items/<int:pk>/outcome/", items.record_outcome, name="record_outcome"),
    path("items/<int:pk>/outcome/preview/", items.preview_outcome, name="preview_outcome"),
]
