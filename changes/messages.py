"""Who is told what, per event.

``RULES`` is the one table: after which step who reads which message. Each message is a function
that gives its own words, and a folder of the same name under templates/email. Customers read
plain words; internal messages and internal notes reach only people who may see them; nobody is
told of their own act, and everybody gets at most one mail per step. All mails are rows written
in the step's transaction; the worker puts them into words.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from post_office.models import STATUS

from accounts.models import User
from accounts.standing import know_standing
from expansive_cm.post.rows import UNWORDED
from expansive_cm.sure import sure

from . import corrections, letters, moved_forecasts, muting, permissions, standard_mail
from .audiences import (
    ALL,
    ASKED,
    BOARD_LEAD,
    FORMER_REQUESTER,
    MENTIONED,
    NEXT,
    OWNER,
    PARTIES,
    RAISER,
    REQUESTER,
    RESPONSIBLE,
    STAFF,
    STAND_INS,
    STANDARD_APPROVER,
    TOLD_BEFORE,
    WATCHERS,
    Audience,
    whom,
)
from .mentions import mentioned
from .message_words import (
    INTERNAL,
    Message,
    act_of,
    activity,
    closed,
    comment,
    decision,
    forecast_moved,
    later_than_promised,
    not_confirmed,
    ownership,
    progress,
    promise_moved,
    question,
    received,
    reconsidered,
    reworked,
    rolled_back,
    standard_used,
    succeeded,
    taken_back,
    undelivered,
    withdrawn,
    your_turn,
)
from .models import Change, Event, Notice, Question
from .promises import is_put_beyond
from .recall import recalling
from .states import State
from .taking_back import is_taken_back
from .turns import brought, is_still_brought
from .wording import Context, Letter

logger = logging.getLogger(__name__)

S = State


# --- The table -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """After a step, these people read this message, if the change is in one of ``states``."""

    message: Message
    to: tuple[Audience, ...]
    states: tuple[State, ...] = tuple(State)
    when: str = ""
    """Only after a step whose event has kept this."""


RULES: dict[str, tuple[Rule, ...]] = {
    # Request and initial assessment
    "submit": (Rule(received, PARTIES),),
    "edit": (Rule(activity, (*STAFF, RAISER, RESPONSIBLE)),),
    "assess": (Rule(progress, PARTIES),),
    "assign": (Rule(ownership, (OWNER,)),),
    "reclassify": (Rule(progress, PARTIES),),
    "withdraw": (Rule(withdrawn, ALL),),
    # Configuration changes
    "review": (Rule(decision, PARTIES, (S.REFUSED,)), Rule(activity, STAFF)),
    "authorise": (Rule(decision, PARTIES, (S.EXECUTION, S.REFUSED)),),
    "authorise_standard": (
        Rule(standard_used, (STANDARD_APPROVER,)),
        Rule(decision, PARTIES),
    ),
    "ask_authorisation": (Rule(progress, PARTIES),),
    "plan_execution": (Rule(progress, PARTIES),),
    "start_execution": (Rule(activity, STAFF),),
    "record_execution": (
        Rule(rolled_back, (*PARTIES, RESPONSIBLE), (S.ROLLED_BACK,)),
        Rule(activity, STAFF),
    ),
    "close_rolled_back": (Rule(closed, ALL),),
    "document": (Rule(activity, STAFF),),
    # Code changes
    "record_board_outcome": (
        Rule(question, (ASKED,), (S.INFORMATION_REQUIRED,)),
        Rule(decision, (*PARTIES, RESPONSIBLE)),
    ),
    "reconsider_decision": (Rule(reconsidered, (*PARTIES, RESPONSIBLE)),),
    "forecast_moved": (Rule(forecast_moved, (REQUESTER, RESPONSIBLE)),),
    "replan_promise": (Rule(promise_moved, (*PARTIES, RESPONSIBLE)),),
    "take_back_board_outcome": (Rule(taken_back, (TOLD_BEFORE,)),),
    "answer_question": (Rule(activity, (*STAFF, RESPONSIBLE)),),
    "define_requirements": (Rule(activity, STAFF),),
    "assess_risk": (Rule(activity, STAFF),),
    "sign_risk_assessment": (Rule(activity, STAFF),),
    "record_development": (Rule(activity, STAFF),),
    "peer_review": (Rule(activity, STAFF),),
    "record_test": (Rule(progress, PARTIES, (S.DEPLOYMENT,)), Rule(activity, STAFF)),
    "plan_deployment": (
        Rule(later_than_promised, (OWNER, BOARD_LEAD), when="beyond"),
        Rule(progress, PARTIES),
    ),
    "assign_release": (Rule(later_than_promised, (OWNER, BOARD_LEAD), when="beyond"),),
    "start_deployment": (Rule(activity, STAFF),),
    "record_deployment": (
        Rule(rolled_back, (*PARTIES, RESPONSIBLE), (S.DEVELOPMENT,)),
        Rule(activity, STAFF),
    ),
    # Confirmation and close: the question itself is asked by ask_requester below
    "answer_confirmation": (
        Rule(closed, (RAISER, OWNER, WATCHERS, RESPONSIBLE), (S.CLOSED,)),
        Rule(not_confirmed, (OWNER, RESPONSIBLE, RAISER, WATCHERS), (S.NOT_CONFIRMED,)),
    ),
    "rework": (Rule(reworked, PARTIES),),
    "close_with_successor": (Rule(closed, (*PARTIES, RESPONSIBLE)),),
    "request_successor": (Rule(closed, (*PARTIES, RESPONSIBLE)),),
    "rate": (Rule(activity, (OWNER,)),),
    "close_unanswered": (Rule(closed, (*PARTIES, RESPONSIBLE)),),
    # At any time
    "comment": (Rule(comment, (*PARTIES, RESPONSIBLE)),),
    "note": (Rule(comment, (*STAFF, RAISER, RESPONSIBLE)),),
    "attach": (Rule(comment, PARTIES),),
    "undelivered": (Rule(undelivered, (OWNER, RESPONSIBLE, STAND_INS)),),
    "replace_requester": (
        Rule(succeeded, (REQUESTER, FORMER_REQUESTER)),
        Rule(activity, (*STAFF, RAISER)),
    ),
    # The former requester was never meant: no word of it is for them.
    "correct_customer": (Rule(received, (REQUESTER,)), Rule(activity, (*STAFF, RAISER))),
}
"""For each person the first rule that reaches them counts; the next step's people come first."""

MESSAGES: dict[str, Message] = {
    message.__name__: message
    for message in (your_turn, *(rule.message for rules in RULES.values() for rule in rules))
}
"""Every message of the table by its name."""

# --- Telling ---------------------------------------------------------------------------------


def announce(change: Change, event: Event) -> None:
    """Queue the messages that a step calls for."""
    if change.state == S.DRAFT or (event.from_state == S.DRAFT and event.verb != "submit"):
        return
    with recalling(change):
        _announce(change, event)


def _announce(change: Change, event: Event) -> None:
    rules = [
        rule
        for rule in RULES.get(event.verb, ())
        if change.state in rule.states and (not rule.when or rule.when in event.data)
    ]
    named = mentioned(event)
    heard = _will_hear_of_comment(change, event) if named else frozenset()
    found: list[tuple[User, Message, Any]] = [
        (person, comment, MENTIONED) for person in named if person.pk not in heard
    ]
    found += [
        (person, rule.message, why) for rule in rules for person, why in whom(rule.to, change)
    ]
    reached: dict[int, tuple[User, Message, Any]] = {}
    for person in next_people(change, event, besides=[person for person, *_rule in found]):
        reached.setdefault(person.pk, (person, your_turn, NEXT))
    for person, message, why in found:
        if person.pk not in reached and _may_read(person, message, change, event):
            reached[person.pk] = (person, _worded_for(person, message, change), why)
    # Whose mail comes back is not written to; whom the step itself has asked knows from that.
    left_out = (event.data.get("unreached"), event.data.get("asked"), event.data.get("by"))
    told = [
        who
        for key, who in reached.items()
        if key not in left_out
        and (key != event.actor_id or _is_receipt(change, event, who))
        and not _knows_of_plan(change, event, who)
    ]
    letters.send(change, [letter_of(change, event, *who) for who in told], again)


def _knows_of_plan(change: Change, event: Event, letter: tuple[User, Message, Any]) -> bool:
    """Whether a day that has moved is that of a plan of which its reader was told by itself."""
    person, message, _why = letter
    return message is forecast_moved and moved_forecasts.was_told_of_plan(person, change, event)


def _will_hear_of_comment(change: Change, event: Event) -> frozenset[int]:
    """Whose mail of a comment that is corrected still waits: it goes with the new words.

    Not of who has read the former ones in the app: it goes without them.
    """
    if event.verb != "correct_comment":
        return frozenset()
    about = Notice.objects.filter(change=change, event__data__comment=event.data["comment"])
    by_mail = Q(email__status=STATUS.queued, email__expires_at=None)
    waiting = about.filter(by_mail | Q(email=None, is_for_digest=True), read_at=None)
    return frozenset(waiting.values_list("person", flat=True))


def _is_receipt(change: Change, event: Event, letter: tuple[User, Message, Any]) -> bool:
    """Whoever wrote a mail is told that it has arrived: nothing on a screen says so."""
    person, message, _why = letter
    is_theirs = person.pk == change.requester_id
    return message is received and is_theirs and event.data.get("via") == "mail"


def acknowledge(change: Change, event: Event) -> None:
    """Tell a requester who sent a request through a mailed link, and has nothing else of it."""
    letter = letter_of(change, event, sure(change.requester), received, REQUESTER.why)
    letters.send(change, [letter], again)


def next_people(change: Change, event: Event, besides: Sequence[User] = ()) -> Sequence[User]:
    """Return everybody whose turn has come with an event and who is told so by mail.

    What decides about them is read in one query, and of Expansive's people among ``besides`` too.
    """
    is_passed = event.verb == "review" and "standard" in event.data
    turn = None if is_passed else brought(change, event)
    people = list(turn.told(change)) if turn and turn.is_mailed else []
    know_standing([*people, *(person for person in besides if person.is_internal)])
    return [one for one in people if turn and permissions.check(turn.verb, one, change)]


def again(notice: Notice) -> Letter | None:
    """Word, as things are now, what a person was to be told; None if no longer theirs, or so.

    None too for what cannot be worded, which is logged: neither a step nor the rest of a mail
    depends on it.
    """
    try:
        letter = as_it_is_now(notice)
        return letter if letter and letter.context else None
    except DatabaseError:
        raise
    except Exception:
        logger.exception("Could not word notice %s; it is left out", notice.pk)
        return None


def as_it_is_now(notice: Notice) -> Letter | None:
    """As ``again``, but raises what keeps a notice from being worded, at the latest when it is."""
    letter = _as_it_is_now(notice)
    return letter if letter and muting.heard(notice.change, [letter]) else None


def _as_it_is_now(notice: Notice) -> Letter | None:
    change, event, person = notice.change, notice.event, notice.person
    message = MESSAGES.get(notice.message)
    if message is None or event is None or unheard_of(person, [change]):
        return None
    if is_taken_back(change, event):
        return None
    event = corrections.as_it_is(change, event)
    if message is your_turn:
        waits = is_still_brought(change, event) and person in next_people(change, event)
        return letter_of(change, event, person, message, notice.why) if waits else None
    if message in ASKING and _has_gone_on(person, change, event):
        return None
    if message is question and not _questions_to(person, change):
        return None
    if message is standard_used and not standard_mail.may_read(person, event.data):
        return None
    if message is ownership and person.pk != change.owner_id:
        return None
    if message is promise_moved and not _is_promised_so(change, event):
        return None
    if message is later_than_promised and not _still_concerns(person, change, event):
        return None
    if message is forecast_moved and not _is_still_news(person, change, event):
        return None
    if not _may_read(person, message, change, event):
        return None
    return letter_of(change, event, person, message, notice.why)


ASKING: frozenset[Message] = frozenset({not_confirmed, rolled_back})
"""Messages of something that is to be put right: whoever has done so knows of it."""


def _is_promised_so(change: Change, event: Event) -> bool:
    """Whether what was promised with an event is promised still: a later mail tells the rest."""
    if not change.promise or change.is_final:
        return False
    due_on = change.due_on.isoformat() if change.due_on else None
    if event.data["after"]["due_on"] != due_on:
        return False
    return not change.events.filter(verb=event.verb, pk__gt=event.pk).exists()


def _still_concerns(person: User, change: Change, event: Event) -> bool:
    """Whether a change is still planned so, later than promised, and the reader is who minds it."""
    if change.release_id != event.data["beyond"]["release"] or not is_put_beyond(change):
        return False
    return any(person in audience.find(change) for audience in (OWNER, BOARD_LEAD))


def _is_still_news(person: User, change: Change, event: Event) -> bool:
    """Whether a day has moved so still, for one who asked for the change or looks after it."""
    concerned = any(person in audience.find(change) for audience in (REQUESTER, RESPONSIBLE))
    return concerned and moved_forecasts.is_news(person, change, event)


def _has_gone_on(person: User, change: Change, event: Event) -> bool:
    """Whether one of Expansive's own people has moved the change on since.

    A customer may have answered something else, and not have heard of this.
    """
    return person.is_internal and any(
        one.moved for one in change.events.filter(pk__gt=event.pk, actor=person)
    )


def unheard_of(person: User, changes: Iterable[Change]) -> frozenset[int]:
    """Return the changes, by key, that were taken back before a person had heard of them.

    A customer's people are then told nothing: it may have been raised for the wrong one. What
    they have read in the app has reached them. Costs two queries at most.
    """
    if person.is_internal:
        return frozenset()
    withdrawn = (one for one in changes if one.state == S.WITHDRAWN)
    left = {one.pk for one in withdrawn if one.raised_by_id != person.pk}
    if left:
        tried = Q(email__isnull=False) & ~Q(email__status=STATUS.queued)
        reached = (tried & ~Q(email__backend_alias=UNWORDED)) | Q(read_at__isnull=False)
        told = Notice.objects.filter(reached, change__in=left, person=person)
        left.difference_update(told.values_list("change", flat=True))
    if left:
        acted = Event.objects.filter(change__in=left, actor=person)
        left.difference_update(acted.values_list("change", flat=True))
    return frozenset(left)


def may_still_read(notice: Notice) -> bool:
    """Whether a notice is its reader's still, be what it tells over or not.

    What was taken back is not asked about here: an outcome (``taking_back.py``), or all of the
    change (``unheard_of``).
    """
    change, event, person = notice.change, notice.event, notice.person
    if not permissions.may_see(person, change):
        return False
    if event is None:
        return notice.message != "escalation" or permissions.can_see_internal(person)
    message = MESSAGES.get(notice.message)
    if message is None:
        return False
    return message is your_turn or _may_read(person, message, change, event)


def tells_its_act(notice: Notice) -> bool:
    """Whether the reader of a notice may know what was done, and by whom."""
    message = MESSAGES.get(notice.message)
    if message is None or notice.event is None or message is received:
        return False
    is_plain = not notice.event.is_internal and notice.event.verb != "note"
    return is_plain or permissions.can_see_internal(notice.person)


def _may_read(person: User, message: Message, change: Change, event: Event) -> bool:
    if not permissions.may_see(person, change):
        return False
    # What is received says nothing of the event itself.
    internal = message is not received and (
        event.is_internal or event.verb == "note" or message in INTERNAL
    )
    return not internal or permissions.can_see_internal(person)


def _worded_for(person: User, message: Message, change: Change) -> Message:
    """Expansive's own people read what was done, where a customer reads what it means."""
    staff = permissions.can_see_internal(person) and person.pk != change.requester_id
    return activity if message is progress and staff else message


def letter_of(change: Change, event: Event, person: User, message: Message, why: Any) -> Letter:
    says = partial(_says, change, event, person, message)
    return Letter(person, message.__name__, str(why), says, event)


def _says(change: Change, event: Event, person: User, message: Message) -> Context:
    context = {
        "event": event,
        "actor": event.actor_name or _("The system"),
        "act": act_of(event, person),
        "state": S(event.to_state).label,
        "staff": permissions.can_see_internal(person),
        **message(change, event),
    }
    if message is not_confirmed:
        context["may_rework"] = bool(permissions.check("rework", person, change))
    if message is question:
        context["questions"] = _questions_to(person, change)
    if message is forecast_moved:
        context.update(moved_forecasts.words(person, change, event))
    return context


def _questions_to(person: User, change: Change) -> list[Question]:
    """Return what the board asks this person and nobody has answered."""
    return [one for one in change.open_questions if one.answerer_id == person.pk]
