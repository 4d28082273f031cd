"""What can be asked of the lists behind the board's figures; all of it is in the address."""

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from changes.models import BoardDecision, Question
from changes.states import State
from expansive_cm.ui.forms import DateInput, rows_field

from ..models import Board, BoardEvent, BoardOutcome, Meeting
from ..overtime import figures
from ..presence import Presence, held, with_presence

ANY = ("", _("Any"))
SETTLED = "settled"
ADDRESSES = "addresses"
UNANSWERED, ANSWERED, MOOT = "unanswered", "answered", "moot"
MOST_DAYS = 36_500


class ListForm(forms.Form):
    """A list of one board; the board stays in the address when filters change."""

    def __init__(self, board: Board, data: QueryDict) -> None:
        super().__init__(data)
        self.of = board
        self.fields["board"] = forms.CharField(required=False, widget=forms.HiddenInput)

    @property
    def active(self) -> int:
        """How many filters are on."""
        return sum(1 for name in self.fields if name != "board" and self.data.get(name))

    def clean(self) -> dict[str, Any]:
        """Days must be in order."""
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first one."))
        return cleaned


def _since() -> forms.DateField:
    return forms.DateField(label=_("Meetings from"), required=False, widget=DateInput)


def _until() -> forms.DateField:
    return forms.DateField(label=_("Meetings to"), required=False, widget=DateInput)


class DecisionFilterForm(ListForm):
    """Outcome, days of the meeting, how long it took, customer, promise, one meeting."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=[ANY, (SETTLED, _("Accepted or rejected")), *BoardDecision.Outcome.choices],
        required=False,
    )
    since = _since()
    until = _until()
    over = forms.IntegerField(
        label=_("Took more than … days"), min_value=0, max_value=MOST_DAYS, required=False
    )
    organisation = forms.ModelChoiceField(
        label=_("Customer"),
        queryset=Organisation.objects.order_by("name"),
        empty_label=ANY[1],
        required=False,
    )
    promise = forms.ChoiceField(
        label=_("Promise"), choices=[ANY, *figures.PromiseState.choices], required=False
    )
    meeting = forms.ModelChoiceField(
        label=_("Meeting"),
        queryset=Meeting.objects.none(),
        required=False,
        widget=forms.HiddenInput,
    )

    def __init__(self, board: Board, data: QueryDict) -> None:
        super().__init__(board, data)
        rows_field(self, "meeting").queryset = board.meetings.all()

    def select(self, user: User) -> QuerySet[BoardOutcome]:
        """Return the decisions that every filter lets through."""
        wanted = self.cleaned_data
        found = figures.decisions(self.of, user)
        if wanted["outcome"] == SETTLED:
            found = figures.settled(found)
        elif wanted["outcome"]:
            found = found.filter(decision__outcome=wanted["outcome"])
        if wanted["since"]:
            found = found.filter(counted_on__gte=wanted["since"])
        if wanted["until"]:
            found = found.filter(counted_on__lte=wanted["until"])
        if wanted["over"] is not None:
            found = found.filter(days__gt=wanted["over"])
        if wanted["organisation"]:
            found = found.filter(item__change__organisation=wanted["organisation"])
        if wanted["promise"]:
            found = figures.with_promise(found, wanted["promise"])
        return found.filter(item__meeting=wanted["meeting"]) if wanted["meeting"] else found


class QuestionFilterForm(ListForm):
    """Whether it was answered, by whom it is to be, how long ago it was asked."""

    state = forms.ChoiceField(
        label=_("Answer"),
        choices=[
            ANY,
            (UNANSWERED, _("Unanswered")),
            (ANSWERED, _("Answered")),
            (MOOT, _("No longer needed")),
        ],
        required=False,
    )
    person = forms.CharField(
        label=_("To be answered by"),
        max_length=100,
        required=False,
        help_text=_("Part of the name."),
    )
    over = forms.IntegerField(
        label=_("Asked more than … days ago"), min_value=0, max_value=MOST_DAYS, required=False
    )

    def select(self, questions: QuerySet[Question]) -> QuerySet[Question]:
        """Narrow the board's questions down to what is asked for."""
        wanted = self.cleaned_data
        waits = Q(answered_at=None, change__state=State.INFORMATION_REQUIRED)
        states = {
            UNANSWERED: waits,
            ANSWERED: Q(answered_at__isnull=False),
            MOOT: Q(answered_at=None) & ~Q(change__state=State.INFORMATION_REQUIRED),
        }
        questions = questions.filter(states.get(wanted["state"], Q()))
        if wanted["person"].strip():
            questions = questions.filter(answerer__display_name__icontains=wanted["person"].strip())
        if wanted["over"] is not None:
            before = timezone.now() - timedelta(days=wanted["over"])
            questions = questions.filter(decision__recorded_at__lt=before)
        return questions


class AttendanceFilterForm(ListForm):
    """One member and how their seat was taken; days of the meeting."""

    member = forms.ModelChoiceField(
        label=_("Member"),
        queryset=User.objects.none(),
        empty_label=_("Everybody"),
        required=False,
    )
    presence = forms.ChoiceField(
        label=_("Presence"), choices=[ANY, *Presence.choices], required=False
    )
    since = _since()
    until = _until()

    def __init__(self, board: Board, data: QueryDict) -> None:
        super().__init__(board, data)
        members = User.objects.filter(pk__in=board.memberships.values("user"))
        rows_field(self, "member").queryset = members.order_by("display_name")

    def clean(self) -> dict[str, Any]:
        """How a seat was taken is asked of one member."""
        cleaned = super().clean()
        if cleaned.get("presence") and not cleaned.get("member") and "member" not in self.errors:
            self.add_error("member", _("Choose whose presence."))
        return cleaned

    def select(self) -> QuerySet[Meeting]:
        """Return the meetings that every filter lets through."""
        wanted = self.cleaned_data
        found = held(self.of, wanted["since"], wanted["until"])
        if wanted["member"] is None:
            return found
        return with_presence(found, wanted["member"], wanted["presence"])


class RecordFilterForm(ListForm):
    """By whom, and in which meeting; or what is no board's, as calendar addresses are.

    Steps are taken by others than members too: by owners of actions, and whoever has a calendar.
    """

    about = forms.ChoiceField(
        label=_("About"),
        choices=[("", _("This board")), (ADDRESSES, _("Calendar addresses of everybody"))],
        required=False,
    )
    person = forms.ModelChoiceField(
        label=_("By"), queryset=User.objects.none(), empty_label=_("Everybody"), required=False
    )
    meeting = forms.ModelChoiceField(
        label=_("Meeting"),
        queryset=Meeting.objects.none(),
        required=False,
        widget=forms.HiddenInput,
    )

    def __init__(self, board: Board, data: QueryDict) -> None:
        super().__init__(board, data)
        acted = BoardEvent.objects.filter(actor=OuterRef("pk"))
        people = User.objects.filter(Exists(acted))
        rows_field(self, "person").queryset = people.order_by("display_name")
        rows_field(self, "meeting").queryset = board.meetings.all()

    def select(self) -> QuerySet[BoardEvent]:
        """Return the events that every filter lets through."""
        wanted = self.cleaned_data
        found = BoardEvent.objects.filter(board=None if wanted["about"] else self.of)
        if wanted["person"]:
            found = found.filter(actor=wanted["person"])
        return found.filter(meeting=self.only_in) if self.only_in else found

    @property
    def only_in(self) -> Meeting | None:
        """The one meeting that is asked for; what is no board's belongs to none."""
        found: Meeting | None = self.cleaned_data["meeting"]
        return None if self.cleaned_data["about"] else found
