"""What a meeting keeps to some of Expansive's people reaches nobody else, wherever it is shown.

Speaker notes, single votes and the lead are marked with words that stand nowhere else; everybody
looks for them on the meeting's page, in its stream, on the screen of the room, in the change's
history and in every mail that they were sent, in every phase. Stream and screen are drawn from one
reading for all, so there they look before and after the others have looked; page, history and
mails share nothing with what others have read, so once is enough.
"""

from collections.abc import Iterator

import pytest
from django.test import Client

from accounts.middleware import zone_of
from accounts.models import User
from accounts.roles import Role
from changes.models import Change, MailFile
from crb import lifecycle, queries
from crb.live.parts import Picture, Viewer
from crb.live.present import draw_stage
from crb.live.rooms import Snapshot, read
from crb.models import AgendaItem
from tests.crb.conftest import Table
from tests.mailing import worded
from tests.people import person

pytestmark = pytest.mark.django_db
NOTES, REASON, LEAD, TALLY = "heron in the notes", "otter in a reason", "Leads:", "side-votes"
PHASES = ("scheduled", "running", "decided", "closed")
UNDECIDED = ("scheduled", "running")
BOARD = {"voted", "chair", "yet to vote", "recused", "raised it"}
NOTES_FOR = BOARD | {"auditor", "administrator", "presenter"}
VOTES_FOR = {
    **dict.fromkeys(UNDECIDED, {"voted", "auditor", "administrator"}),
    **dict.fromkeys(("decided", "closed"), BOARD | {"auditor", "administrator"}),
}
LEAD_FOR = {
    "scheduled": {"voted", "auditor", "administrator"},
    "running": {"voted", "chair", "auditor", "administrator"},
}


def people(table: Table) -> dict[str, User]:
    """Return one of each kind; the presenter and a colleague have the same role."""
    _chair, yet, _voter, voted, recused, raised, _deputy = table.members
    cast = table.cast
    return {
        "presenter": person("Pia Presenter", Role.DEVELOPER),
        "voted": voted,
        "auditor": cast.auditor,
        "administrator": cast.administrator,
        "chair": table.chair,
        "yet to vote": yet,
        "recused": recused,
        "raised it": raised,
        "developer": cast.developer,
        "support": cast.support,
        "success": cast.success,
    }


def secretive(table: Table, who: dict[str, User], phase: str) -> AgendaItem:
    """An item with notes, three votes, a recusal and somebody who raised the change."""
    item = table.item() if phase == "scheduled" else table.running_item()
    Change.objects.filter(pk=item.change_id).update(raised_by=who["raised it"])
    lifecycle.plan_item(item, actor=table.chair, presenter=who["presenter"], notes=NOTES)
    for user, choice in zip(table.members[2:4], ("accepted", "rejected"), strict=True):
        lifecycle.cast_vote(
            item, actor=user, choice=choice, category="not_strategic", reason=REASON
        )
    lifecycle.cast_vote(item, actor=table.deputy, choice="accepted")
    lifecycle.recuse(item, actor=who["recused"], reason="My own project.")
    if phase in ("decided", "closed"):
        lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    if phase == "closed":
        lifecycle.close_meeting(item.meeting, actor=table.chair)
    elif phase == "running":
        lifecycle.go_to_item(item.meeting, actor=table.chair, item=item)
    return AgendaItem.objects.get(pk=item.pk)


def shared(user: User, item: AgendaItem, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield each place that shows an item from one reading for all, with what stands there."""
    user = User.objects.get(pk=user.pk)
    picture = Picture(Viewer(user, zone_of(user), ""), snapshot, item.pk)
    parts = [picture.article(), *(picture.html(name) for name in picture.keys)]
    yield "stream", "\n".join(parts)
    yield "screen", draw_stage(snapshot, user)


def own(client: Client, user: User, item: AgendaItem) -> Iterator[tuple[str, str]]:
    """Yield each page that is read for one person alone, with what stands there."""
    client.force_login(user)
    pages = {
        "page": f"/board/meetings/{item.meeting_id}/?item={item.pk}",
        "history": f"{item.change.get_absolute_url()}history/",
    }
    for place, address in pages.items():
        yield place, client.get(address).content.decode()


def mails_to(user: User) -> str:
    """Return all that somebody was sent, and the files that came with it."""
    found = []
    for email in worded(to=user.email):
        found += [email.subject, email.message, email.html_message]
        files = MailFile.objects.filter(emails=email)
        found += [bytes(file.content).decode(errors="replace") for file in files]
    return "\n".join(found)


@pytest.mark.parametrize("phase", PHASES)
def test_each_reads_what_is_for_them_and_no_more(client: Client, table: Table, phase: str) -> None:
    who = people(table)
    item = secretive(table, who, phase)
    were_sent = False
    for last, order in enumerate((list(who), list(who)[::-1])):
        snapshot = read(queries.meetings().get(pk=item.meeting_id))  # one for all
        for kind in order:
            pages = dict(shared(who[kind], item, snapshot))
            mails = mails_to(who[kind]) if last else ""
            if last:
                pages |= own(client, who[kind], item)
            found = {
                place: {one for one in (NOTES, REASON, LEAD) if one in text}
                for place, text in pages.items()
            }
            votes = {REASON} if kind in VOTES_FOR[phase] else set()
            lead = {LEAD} if kind in LEAD_FOR.get(phase, ()) else set()
            notes = {NOTES} if kind in NOTES_FOR else set()
            seen = notes | votes | lead
            told = {"stream": seen, "screen": set()}
            assert found == (told | {"page": seen, "history": notes} if last else told), kind
            assert {one for one in (NOTES, REASON, LEAD) if one in mails} <= seen, kind
            were_sent |= bool(mails)
            if phase in UNDECIDED and TALLY in pages["screen"]:
                assert TALLY in pages["page" if last else "stream"], kind
    assert were_sent
