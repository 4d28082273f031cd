"""Marks in every text that is kept, and a walk over every page that looks for them.

A mark names the field and the row that it stands in (and its history, where the same texts lie
again), so whoever finds one where it should not be knows what has leaked, and from which row.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils.http import urlencode
from django_fsm import FSMField

from accounts.guide import GUIDES
from accounts.models import User
from audit.sources import OWN_APPS, source_named
from changes import permissions, proposing, saved_views
from changes.figures.kinds import FIGURES
from changes.filters import ChangeFilterForm
from changes.lifecycle.core import UNVERSIONED
from changes.models import (
    ApprovalRule,
    Attachment,
    Change,
    ChangeLabel,
    ChangeLink,
    ChangeTemplate,
    Comment,
    DeliveryProblem,
    Deployment,
    Execution,
    ImportRun,
    IncomingMail,
    Label,
    ManyRun,
    Notice,
    PostAction,
    PostReview,
    ProposedAnswer,
    Release,
    SavedView,
    Service,
    StandardApproval,
    Window,
)
from crb.models import Absence, Action, AgendaItem, AgendaVersion, Board, Meeting
from tests.remembered import with_keys

MARK = re.compile(r"qz(\d+)x(\d+)zq")
ROOM = 40
"""No text that is shorter holds a mark: codes, zones, time zones."""
MEANT_FOR_MACHINES = frozenset(
    """
    content_type sha256 mailbox message_id token_hash key time_zone zone promise_zone holiday_region
    verb
    """.split()
)
"""What nobody reads, and what the product could not go on working with."""
Row = tuple[str, int]
"""A field as ``app.Model.field``, and the primary key of the object."""


@cache
def fields() -> tuple[tuple[str, Any, Any], ...]:
    """Every field that holds a mark: its name, its model, and that of its history or None."""
    return tuple(
        (f"{model._meta.label}.{one.name}", model, one)
        for model in sorted(apps.get_models(), key=lambda one: one._meta.label)
        if model._meta.app_label in OWN_APPS and not model.__name__.startswith("Historical")
        for one in model._meta.concrete_fields
        if isinstance(one, (models.CharField, models.TextField)) and _holds_a_mark(one)
    )


def _holds_a_mark(one: Any) -> bool:
    if f"{one.model._meta.label}.{one.name}" == "changes.Notice.message":
        return False  # the name of a function
    other = (models.EmailField, models.URLField, FSMField)
    short = one.max_length is not None and one.max_length < ROOM
    coded = one.choices or one.unique and one.max_length or one.name in MEANT_FOR_MACHINES
    return not (isinstance(one, other) or short or coded)


def plant() -> None:
    """Put a mark before every text that is not empty, in its row and in the rows of its history.

    Triggers that keep records from being changed rest meanwhile; ends with the transaction.
    """
    texts: dict[str, list[str]] = defaultdict(list)
    for number, (_name, model, one) in enumerate(fields()):
        manager = getattr(model._meta, "simple_history_manager_attribute", None)
        tables = [(model, model._meta.pk.column)]
        if manager:
            tables.append((getattr(model, manager).model, "id"))
        for table, key in tables:
            if one.name not in {field.name for field in table._meta.concrete_fields}:
                continue
            marked = f"'qz{number}x' || \"{key}\" || 'zq ' || \"{one.column}\""
            if one.max_length:
                marked = f"left({marked}, {one.max_length})"
            kept = f"CASE WHEN \"{one.column}\" = '' THEN '' ELSE {marked} END"
            texts[table._meta.db_table].append(f'"{one.column}" = {kept}')
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, changes in texts.items():
            cursor.execute(f'UPDATE "{table}" SET {", ".join(changes)}')
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def found_in(body: str) -> set[Row]:
    """Return the rows whose marks a page holds."""
    names = fields()
    return {(names[int(number)][0], int(pk)) for number, pk in MARK.findall(body)}


# --- Every page -------------------------------------------------------------------------------

SECRET = {"crb:feed", "changes:request_page", "changes:request_file", "changes:confirmation"}
SECRET |= {"changes:unwatch_by_link", "changes:-"}
"""Reached by a secret that only a mail holds: the tests of links look at these."""
FOR_THE_DEMO = {"changes:mail", "changes:mail_message", "changes:mail_body", "changes:mail_file"}
"""The mails of a demo, which are there to be read by whoever tries it."""

Objects = Callable[[], models.QuerySet[Any]]
OBJECTS: dict[str, Objects] = {
    "changes/views/": SavedView.objects.order_by("pk").all,
    "changes/many/": ManyRun.objects.order_by("-pk").all,
    "changes/": Change.objects.order_by("pk").all,
    "requesters/": User.objects.order_by("pk").all,
    "board/meetings/": Meeting.objects.order_by("-date", "pk").all,
    "board/items/": AgendaItem.objects.order_by("-pk").all,
    "board/actions/": Action.objects.order_by("-pk").all,
    "board/absences/": Absence.objects.order_by("-pk").all,
    "board/boards/": Board.objects.order_by("pk").all,
    "board/emergencies/": Change.objects.order_by("pk").all,
    "board/": Board.objects.order_by("pk").all,
    "calendar/windows/": Window.objects.order_by("pk").all,
    "services/": Service.objects.order_by("pk").all,
    "approval-rules/": ApprovalRule.objects.order_by("pk").all,
    "labels/": Label.objects.order_by("pk").all,
    "releases/": Release.objects.order_by("pk").all,
    "standard-changes/": StandardApproval.objects.order_by("-pk").all,
    "templates/": ChangeTemplate.objects.order_by("pk").all,
    "notifications/": Notice.objects.order_by("-pk").all,
    "triage/": IncomingMail.objects.order_by("-pk").all,
    "import/": ImportRun.objects.order_by("-pk").all,
}
"""What ``pk`` names in an address that begins so; the first that fits counts."""
WITHIN: dict[str, tuple[Any, str]] = {
    "attachment_pk": (Attachment, "change"),
    "comment_pk": (Comment, "change"),
    "execution_pk": (Execution, "change"),
    "deployment_pk": (Deployment, "change"),
    "label_pk": (ChangeLabel, "change"),
    "review_pk": (PostReview, "change"),
    "action_pk": (PostAction, "change"),
    "link_pk": (ChangeLink, "source"),
    "problem_pk": (DeliveryProblem, "change"),
    "proposal_pk": (ProposedAnswer, "question__change"),
    "number": (AgendaVersion, "meeting"),
}


def patterns() -> Iterator[tuple[str, str, Any]]:
    """Yield the route of every page outside of the administration, its name, and its pattern."""

    def walk(resolver: Any, before: str, space: str) -> Iterator[tuple[str, str, Any]]:
        for one in resolver.url_patterns:
            route = before + str(one.pattern)
            if not hasattr(one, "url_patterns"):
                yield route, f"{space}{one.name or '-'}", one
            elif one.namespace != "admin":
                inner = f"{one.namespace}:" if one.namespace else space
                yield from walk(one, route, inner)

    return walk(get_resolver(), "", "")


def routes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the route of every page outside of the administration, its name, its converters."""
    return ((route, name, one.pattern.converters) for route, name, one in patterns())


IN_FULL = {"changes:detail", "changes:mail_log", "audit:change_history"}
"""What shows most of a change: looked at for each; of other pages a sample does."""
SAMPLES = 1


def addresses(changes: list[Change]) -> Iterator[str]:
    """Yield the addresses of every page, those about a change for these.

    Fails on an address of which nobody knows what its parts name.
    """
    for route, name, converters in routes():
        signing_in = route.startswith("account/") and not name.startswith("accounts:")
        if signing_in or name in SECRET | FOR_THE_DEMO:
            continue
        if not converters:
            yield "/" + route
            if name == "changes:own_promises":
                yield f"/{route}?standing=every"
            if name == "changes:act_on_many":
                chosen = urlencode({"change": [one.pk for one in changes]}, doseq=True)
                yield f"/{route}?act=comment&{chosen}"
            continue
        if name == "accounts:guide":
            yield from (reverse(name, args=[one]) for one in GUIDES)
            continue
        if name == "changes:figure":
            yield from (reverse(name, args=[one]) for one in FIGURES)
            continue
        make = next((of for start, of in OBJECTS.items() if route.startswith(start)), None)
        assert make is not None, f"The walk does not know what {route} names."
        for values in _values(name, converters, make, changes):
            path = route
            for part, converter in converters.items():
                path = re.sub(rf"<(\w+:)?{part}>", converter.to_url(values[part]), path)
            yield "/" + path


def _values(
    name: str, converters: dict[str, Any], make: Objects, changes: list[Change]
) -> Iterator[dict[str, Any]]:
    inner = next((part for part in converters if part != "pk"), None)
    if name == "changes:menu":
        yield from ({"name": field} for field in ChangeFilterForm.base_fields)
    elif inner is not None:
        model, parent = WITHIN[inner]
        for one in model._default_manager.order_by("-pk")[:SAMPLES]:
            outer = one
            for step in parent.split("__"):
                outer = getattr(outer, step)
            yield {"pk": outer.pk, inner: one.number if inner == "number" else one.pk}
    elif make().model is Change:
        some = changes if name in IN_FULL else changes[:SAMPLES]
        yield from ({"pk": one.pk} for one in some)
    else:
        yield from ({"pk": one.pk} for one in make()[:SAMPLES])


def samples(viewer: User) -> list[Change]:
    """Return a change in each state that somebody sees, and one that they do not.

    First comes one that is theirs and of which the newest is between colleagues.
    """

    def order(change: Change) -> tuple[bool, bool, int]:
        last = change.events.exclude(verb__in=UNVERSIONED).order_by("pk").last()
        secret = last is not None and last.is_internal
        return (not permissions.may_see(viewer, change), not secret, change.pk)

    changes = sorted(Change.objects.all(), key=order)
    found: dict[Any, Change] = {}
    for change in changes:
        found.setdefault((change.state, permissions.may_see(viewer, change)), change)
    return list(found.values())


EMPTY_BAND = re.compile(
    r"""<(div|p|ul|ol|dl|tbody|section)\b(?![^>]*\b(?:id|hidden|aria-live|role)\b)[^>]*"""
    r"""\bclass="[^"]*\b(?:card|card-body|card-footer|list-group|markdown|datagrid|subtitle|"""
    r"""step-lead|board-lead|page-lead)\b[^"]*"[^>]*>\s*</\1>"""
)
"""A frame that holds nothing: beneath a heading it is an empty band."""


def read_by(viewer: User, changes: list[Change]) -> dict[Row, str]:
    """Return every row whose mark somebody can read, with the address where it stood last.

    Fails where the page of a change that is theirs to see does not open.
    """
    client = Client()
    client.force_login(viewer)
    read: dict[Row, str] = {}
    open_to = {one.get_absolute_url() for one in changes if permissions.may_see(viewer, one)}
    for address in addresses(changes):
        if address.endswith("/live/"):
            continue  # the stream says what the page says: tests/crb/test_canaries.py
        answer = client.get(address)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code < 500, address
        assert answer.status_code == 200 or address not in open_to, address
        text = body.decode("utf-8", "replace")
        assert not (empty := EMPTY_BAND.search(text)), (address, empty.group())
        read |= dict.fromkeys(found_in(text), address)
    return read


# --- What may be read -------------------------------------------------------------------------

FOR_CUSTOMERS = frozenset(
    f"changes.{name}"
    for name in """
    Assessment.customer_impact Assessment.need Assessment.reason Assessment.service_impact
    Attachment.name Authorisation.reason BoardDecision.elsewhere BoardDecision.reason
    Change.approval_why Change.description Change.late_told Change.title
    ChangeTemplate.description ChangeTemplate.name
    ChangeTemplate.purpose ChangeTemplate.title Comment.body Confirmation.reason
    Confirmation.what_was_done Deployment.notes Development.notes Documentation.summary
    Event.actor_name Event.reason Execution.notes IncomingMail.quoted Notice.why Question.answer
    Question.text
    Requirements.acceptance_criteria Requirements.objectives Requirements.purpose Requirements.scope
    Review.findings SavedView.name StandardApproval.case StandardApproval.ended_why
    StandardApproval.reason
    """.split()
)
"""What a customer's people read of their own changes and of templates offered to them."""
FOR_ONES_OWN = FOR_CUSTOMERS | {
    f"changes.{name}"
    for name in """
    ApprovalRule.name
    BoardDecision.meeting BoardDecision.taken_back_reason Change.emergency_reason
    Change.late_reason ChangeTemplate.checklist ChecklistItem.text
    ChangeTemplate.customer_impact ChangeTemplate.need
    ChangeTemplate.rollback_plan ChangeTemplate.service_impact ChangeTemplate.steps
    ChangeTemplate.system Label.name Confirmation.rating_comment ContactAttempt.note
    Deployment.rollback_plan Development.reference Documentation.reference Documentation.system
    Execution.rollback_plan Execution.steps PeerReview.findings
    PostAction.outcome PostAction.text PostReview.findings PostReview.happened Release.notes
    Service.description
    RiskAssessment.impact_analysis RiskAssessment.mitigations RiskAssessment.remarks
    RiskAssessment.security_risks StagingTest.environment StagingTest.evidence
    Window.name Window.reason WindowOverride.reason
    """.split()
}
OF_THE_BOARD = frozenset(
    f"crb.{name}"
    for name in """
    Absence.reason Action.text AgendaItem.discussion AgendaItem.late_reason AgendaItem.remark
    AgendaVersion.reason BoardOutcome.promised BoardOutcome.sentence
    Meeting.cancel_reason Meeting.move_reason
    """.split()
)
"""What every one of Expansive's people with a role reads of the board; no notes, no votes."""
NAMES = "accounts.User.display_name"


def leaked(viewer: User, read: dict[Row, str]) -> dict[Row, str]:
    """Return what somebody who has to do neither with mail nor with the board must not read."""
    full = permissions.can_see_internal(viewer)
    allowed = FOR_ONES_OWN | OF_THE_BOARD if full else FOR_CUSTOMERS
    return {
        row: address
        for row, address in read.items()
        if row[0] != NAMES and not (row[0] in allowed and _is_theirs(viewer, row, full))
    }


def _is_theirs(viewer: User, row: Row, full: bool) -> bool:
    if row[0].startswith("changes.SavedView."):
        return saved_views.visible_to(viewer).filter(pk=row[1]).exists()
    if row[0].startswith("changes.StandardApproval."):
        return permissions.standard_changes_for(viewer).filter(pk=row[1]).exists()
    if row[0].startswith("changes.ChangeTemplate."):
        approves = permissions.standard_changes_for(viewer).filter(template=row[1])
        offered = proposing.usable_by(viewer).filter(pk=row[1])
        return full or offered.exists() or approves.exists()
    if row[0] == "changes.Notice.why" and not full:
        return Notice.objects.filter(pk=row[1], person=viewer).exists()
    change, is_internal = _change_of(row)
    if change is None:
        return full
    return permissions.may_see(viewer, change) and (full or not is_internal)


def _change_of(row: Row) -> tuple[Change | None, bool]:
    name, pk = row
    label = name.rpartition(".")[0]
    [record] = with_keys(apps.get_model(label)).objects(keys=[pk])
    one: Any = record
    source = source_named(label.lower())
    ways = source.changes if source else ("change_id",) if hasattr(record, "change_id") else ()
    if isinstance(record, Change) or not ways:
        return (record if isinstance(record, Change) else None), False
    for step in ways[0].removesuffix("_id").split("__"):
        one = one and getattr(one, step)
    return one, getattr(record, "is_internal", False)
