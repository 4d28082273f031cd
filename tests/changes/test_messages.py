"""Who is told what, per event, and how the mail reads."""

from collections.abc import Callable
from datetime import date, timedelta
from email import message_from_bytes, policy

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.template.loader import get_template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from changes import lifecycle, messages
from changes.models import Change
from changes.process import OTHER_VERBS, STEP
from changes.recall import recalling
from tests import stories
from tests.mailing import last_row, mail_to, told, worded, worded_at_once
from tests.people import Cast, person
from tests.turns import everywhere


def after(act: Callable[[], object]) -> list[tuple[str, str]]:
    """Return who was told what by one act."""
    before = last_row()
    act()
    return told(before)


# --- The table ------------------------------------------------------------------------------


def test_every_rule_names_a_step_and_has_its_templates() -> None:
    assert set(messages.RULES) <= set(STEP) | set(OTHER_VERBS)
    used = {rule.message for rules in messages.RULES.values() for rule in rules}
    for message in used | {messages.your_turn}:
        for part in ("subject.txt", "body.txt", "body.html"):
            get_template(f"email/{message.__name__}/{part}")


# --- Both workflows, step by step ------------------------------------------------------------


def test_a_configuration_change_from_request_to_close(cast: Cast) -> None:
    draft = stories.draft(cast)
    assert told() == [], "a draft is nobody else's business"

    assert after(lambda: lifecycle.submit(draft, actor=cast.support)) == [
        ("cleo", "Waiting for you (Assess)"),
        ("grace", "We have the request"),
    ]
    change = Change.objects.get(pk=draft.pk)

    def assess() -> None:
        lifecycle.assess(change, actor=cast.success, type="configuration", **stories.ASSESSMENT)

    assert after(assess) == [
        ("grace", "News of your change"),
        ("sam", "Cleo Success assessed the change"),
    ]

    def review() -> None:
        lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="Harmless.")

    assert after(review) == [("ada", "Waiting for you (Authorise)")]

    def authorise() -> None:
        lifecycle.authorise(change, actor=cast.approver, outcome="authorised", reason="Needed.")

    assert after(authorise) == [
        ("cleo", "Waiting for you (Plan execution)"),
        ("grace", "The request was approved"),
        ("sam", "The request was approved"),
    ]
    assert after(lambda: stories.plan(change, cast)) == [
        ("grace", "News of your change"),
        ("sam", "Waiting for you (Start execution)"),
    ]
    assert after(
        lambda: lifecycle.start_execution(change, actor=cast.support, reason="Early.")
    ) == [
        ("cleo", "Sam Support started the execution"),
    ]

    def record() -> None:
        lifecycle.record_execution(
            change, actor=cast.support, outcome="succeeded", notes="As written."
        )

    assert after(record) == [("cleo", "Waiting for you (Document)")]

    def document() -> None:
        lifecycle.document(
            change, actor=cast.success, system="Desk", reference="SD-1", summary="Open all night."
        )

    assert after(document) == [("grace", "Please confirm")]

    def confirm() -> None:
        lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)

    assert after(confirm) == [("cleo", "Closed"), ("sam", "Closed")]


def test_a_code_change_from_the_board_to_the_question(cast: Cast) -> None:
    change = stories.on_board(cast)
    assert after(lambda: stories.decided(change, cast, "accepted")) == [
        ("cleo", "The board accepted the request"),
        ("dan", "Waiting for you (Define requirements)"),
        ("grace", "The board accepted the request"),
        ("sam", "The board accepted the request"),
    ]
    change = stories.risk_assessed(cast)
    assert told(last_row() - 3) == [
        ("cleo", "Dan Developer assessed the risks"),
        ("petra", "Waiting for you (Sign off risk assessment)"),
        ("rita", "Waiting for you (Sign off risk assessment)"),
    ], "the author is not asked to sign"

    def send_back() -> None:
        lifecycle.sign_risk_assessment(
            change, actor=cast.peer_reviewer, signed_off=False, remarks="What about guests?"
        )

    assert after(send_back) == [
        ("cleo", "Petra Reviewer returned the risk assessment"),
        ("dan", "Waiting for you (Assess risk)"),
    ]
    change = stories.in_development(cast)
    assert after(lambda: stories.developed(change, cast)) == [
        ("cleo", "Dan Developer recorded the development"),
        ("petra", "Waiting for you (Peer review)"),
    ]
    change = stories.in_testing(cast)

    def fail() -> None:
        lifecycle.record_test(
            change, actor=cast.tester, kind="security", result="failed", evidence="Open door."
        )

    assert after(fail) == [
        ("cleo", "Tess Tester recorded a test"),
        ("dan", "Waiting for you (Record development)"),
    ]
    change = stories.in_deployment(cast)
    assert after(lambda: stories.deployment_planned(change, cast)) == [
        ("cleo", "Rita Release planned the deployment"),
        ("grace", "News of your change"),
        ("sam", "Rita Release planned the deployment"),
    ]
    lifecycle.start_deployment(change, actor=cast.release_manager)

    def deploy() -> None:
        lifecycle.record_deployment(
            change, actor=cast.release_manager, outcome="succeeded", notes="With 4.12."
        )

    assert after(deploy) == [
        ("cleo", "Rita Release recorded the outcome of the deployment"),
        ("grace", "Please confirm"),
    ]


def test_the_side_exits(cast: Cast) -> None:
    with worded_at_once():
        assert after(lambda: stories.rolled_back(cast))[-3:] == [
            ("sam", "Cleo Success assessed the change"),
            ("sam", "The request was approved"),
            ("sam", "Waiting for you (Start execution)"),
        ], "the executor who rolled it back knows"
    assert [mail for mail in told() if mail[1] == "The change was undone"] == [
        ("grace", "The change was undone")
    ]
    change = stories.in_review(cast)

    def refuse() -> None:
        lifecycle.review(change, actor=cast.success, outcome="refused", findings="Not allowed.")

    assert after(refuse) == [
        ("grace", "The request was refused"),
        ("sam", "The request was refused"),
    ]
    assert "> Not allowed." in mail_to(cast.requester.email).message, "a refusal says why"

    change = stories.submitted(cast)

    def withdraw() -> None:
        lifecycle.withdraw(change, actor=cast.requester, reason="Done by hand.")

    assert after(withdraw) == [("cleo", "Withdrawn"), ("sam", "Withdrawn")]


def test_the_boards_questions_go_to_those_asked(cast: Cast) -> None:
    change = stories.on_board(cast)
    questions = [("How many rooms?", cast.requester), ("Which doors?", cast.developer)]

    def ask() -> None:
        stories.decided(change, cast, "information_required", questions=questions)

    assert after(ask) == [
        ("cleo", "The board needs to know more about the request"),
        ("dan", "The board has a question for you"),
        ("grace", "The board has a question for you"),
        ("sam", "The board needs to know more about the request"),
    ]
    mail = mail_to(cast.requester.email)
    for body in (mail.message, mail.html_message):
        assert "How many rooms?" in body
        assert "Which doors?" not in body


def test_a_rejection_tells_where_and_why(cast: Cast) -> None:
    stories.decided(
        stories.on_board(cast),
        cast,
        "rejected",
        category="addressed_elsewhere",
        elsewhere="CR-000007",
        reason="Part of the new calendar.",
    )
    mail = mail_to(cast.requester.email)
    for body in (mail.message, mail.html_message):
        assert "The aims are being addressed elsewhere: CR-000007" in body
        assert "Part of the new calendar." in body


def test_an_acceptance_states_its_promise(cast: Cast) -> None:
    change = stories.in_requirements(cast)
    mail = mail_to(cast.requester.email)
    day = f"{change.due_on.day} {change.due_on:%B %Y}"
    for body in (mail.message, mail.html_message):
        assert f"What we promise: Delivered within 12 months, by {day}." in body


def test_after_a_no_the_owner_and_the_team_are_told(cast: Cast) -> None:
    change = stories.in_confirmation(cast)

    def decline() -> None:
        lifecycle.answer_confirmation(
            change, actor=cast.requester, confirmed=False, reason="Not on <Sundays>."
        )

    assert after(decline) == [("cleo", "Not as expected"), ("sam", "Not as expected")]
    mail = mail_to(cast.success.email)
    assert "> Not on <Sundays>." in mail.message
    assert "Not on &lt;Sundays&gt;." in mail.html_message

    def rework() -> None:
        lifecycle.rework(change, actor=cast.success, reason="Sundays were agreed.")

    assert ("grace", "We are putting it right") in after(rework)


def test_a_successor_is_announced_with_the_close(cast: Cast) -> None:
    change = stories.not_confirmed(cast)

    def close() -> None:
        lifecycle.close_with_successor(
            change, actor=cast.success, reason="New wish.", title="Sundays", description="Too."
        )

    assert after(close) == [
        ("grace", "Closed"),
        ("grace", "We have the request"),
        ("sam", "Closed"),
    ]
    closed = worded(to=cast.requester.email).filter(subject__contains="Closed").get()
    successor = Change.objects.order_by("-pk")[0]
    assert f"{successor.reference} Sundays" in closed.message
    assert f"{settings.BASE_URL}{successor.get_absolute_url()}" in closed.html_message


# --- Who is left out -------------------------------------------------------------------------


def test_internal_notes_reach_only_our_own_people(cast: Cast) -> None:
    change = stories.in_review(cast)
    for watcher in (cast.colleague, cast.developer, cast.nobody):
        change.watchers.add(watcher)

    def note() -> None:
        lifecycle.comment(change, actor=cast.support, body="Contract ends soon.", internal=True)

    assert after(note) == [
        ("cleo", "Internal note by Sam Support"),
        ("dan", "Internal note by Sam Support"),
    ]

    def public() -> None:
        lifecycle.comment(change, actor=cast.success, body="We are on it.")

    assert after(public) == [
        ("colin", "Cleo Success wrote"),
        ("dan", "Cleo Success wrote"),
        ("grace", "Cleo Success wrote"),
        ("sam", "Cleo Success wrote"),
    ]


@pytest.mark.xdist_group("everywhere")
def test_customers_never_read_internal_reasons(cast: Cast) -> None:
    everywhere(cast)
    mails = list(worded(to__endswith="@harbour.example"))
    assert len(mails) > 100
    for mail in mails:
        internal = ["Went as written", "Unsupervised"]
        if "Waiting for you (Authorise)" not in mail.subject:  # who decides reads these
            internal += ["Harmless", "Night staff cannot"]
        for body in (mail.message, mail.html_message):
            for words in internal:
                assert words not in body, mail.subject


def test_who_left_who_lost_access_and_strangers_are_not_told(cast: Cast) -> None:
    change = stories.in_review(cast)
    change.watchers.add(cast.colleague, cast.stranger_customer, cast.nobody, cast.developer)
    cast.developer.is_active = False
    cast.developer.save()
    cast.requester.is_active = False
    cast.requester.save()

    def comment() -> None:
        lifecycle.comment(change, actor=cast.success, body="Hello.")

    assert after(comment) == [("colin", "Cleo Success wrote"), ("sam", "Cleo Success wrote")]


def test_nobody_gets_two_mails_for_one_step(cast: Cast) -> None:
    change = stories.in_authorisation(cast)
    change.watchers.add(cast.requester, cast.success, cast.support)
    change.organisation.success_team.members.add(cast.support)
    before = last_row()
    lifecycle.authorise(change, actor=cast.approver, outcome="authorised", reason="Yes.")
    names = [name for name, _subject in told(before)]
    assert sorted(names) == sorted(set(names))


def test_a_step_that_fails_tells_nobody(cast: Cast) -> None:
    change = stories.in_review(cast)
    before = last_row()
    with pytest.raises(RuntimeError), transaction.atomic():
        lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="Fine.")
        raise RuntimeError
    assert told(before) == []


# --- How a mail reads --------------------------------------------------------------------------


def test_times_are_the_readers_own_and_name_their_zone(cast: Cast) -> None:
    cast.requester.time_zone = "Asia/Tokyo"
    cast.requester.save()
    change = stories.in_execution(cast)
    start = timezone.now().replace(year=2027, month=1, day=5, hour=20, minute=0)
    lifecycle.plan_execution(
        change,
        actor=cast.success,
        executor=cast.support,
        window_start=start,
        window_end=start + timedelta(hours=1),
        steps="Do it.",
        rollback_plan="Undo it.",
    )
    mail = mail_to(cast.requester.email)
    for body in (mail.message, mail.html_message):
        assert "6 January 2027, 05:00 (Asia/Tokyo)" in body
        assert "Times are given for Asia/Tokyo." in body
        assert "because you asked for this change" in body


def test_headers_thread_the_mails_of_a_change_and_keep_machines_quiet(cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    mails = list(worded(to=cast.requester.email).order_by("pk"))
    sent = [
        message_from_bytes(m.email_message().message().as_bytes(), policy=policy.default)
        for m in mails
    ]
    assert {message["Auto-Submitted"] for message in sent} == {"auto-generated"}
    chain = [f"<change-{change.pk}@expansive.example>", *(mail.message_id for mail in mails)]
    for number, message in enumerate(sent, start=1):
        assert message["References"].split() == chain[:number], "the root and every mail before"
        assert message["In-Reply-To"] == chain[number - 1]
    assert {message["Reply-To"] for message in sent} == {"care@expansive.example"}
    assert len({message["Message-ID"] for message in sent}) == len(mails), "one for each message"
    again = worded().get(pk=mails[0].pk).email_message().message()
    assert again["Message-ID"] == sent[0]["Message-ID"], "and the same whenever it is sent"
    assert all(m["Subject"].startswith(f"[{change.reference}] ") for m in sent)
    for message in sent:
        assert {part.get_content_type() for part in message.walk()} == {
            "multipart/alternative",
            "text/plain",
            "text/html",
        }


def test_what_people_write_stays_text(cast: Cast) -> None:
    title = "{{ settings.SECRET_KEY }}\n{% now 'Y' %} <script>alert(1)</script> & more"
    stories.submitted(cast, title=title, description="<b>bold</b> {% include 'x' %}")
    mail = mail_to(cast.requester.email)
    assert mail.subject.endswith(
        "{{ settings.SECRET_KEY }} {% now 'Y' %} <script>alert(1)</script> & more"
    ), "on one line, unchanged"
    assert "> <b>bold</b> {% include 'x' %}" in mail.message
    assert "&lt;b&gt;bold&lt;/b&gt; {% include 'x' %}" in mail.html_message
    assert "<script>" not in mail.html_message


def test_a_formatted_request_reads_formatted(cast: Cast) -> None:
    stories.submitted(cast, description="For the **night team**:\n\n- Monday\n- Tuesday")
    mail = mail_to(cast.requester.email)
    assert "<strong>night team</strong>" in mail.html_message
    assert "<li>Tuesday</li>" in mail.html_message
    assert "**night team**" in mail.message


def test_an_approver_reads_in_a_screenful_what_to_decide_on_and_is_led_there(
    cast: Cast, client: Client
) -> None:
    change = stories.in_authorisation(cast)
    long = "Beds <b>must</b> be booked.\n" * 150
    change.assessments.update(need=long, customer_impact=long)
    Change.objects.filter(pk=change.pk).update(
        description=f"**Beds** {long}", desired_on=date(2031, 5, 4)
    )
    mail = mail_to(cast.approver.email)
    judged = change.assessments.get()
    link = reverse("changes:authorise", args=[change.pk])
    for label, words in (
        ("Request", "Beds"),
        ("Need", "Beds"),
        ("Risk", f"{judged.get_level_display()} (likelihood: "),
        ("Impact on services", judged.service_impact),
        ("Impact on customers", "Beds"),
        ("Review", "Harmless."),
        ("Plan", "The customer success team plans when and how"),
    ):
        assert f"\n{label}: {words}" in mail.message
        assert f"{label}</strong><br>{words}" in mail.html_message
    for body in (mail.message, mail.html_message):
        assert "Wished for by 4 May 2031." in body
        assert f"{settings.BASE_URL}{link}" in body
    assert "<b>must" not in mail.html_message
    read = mail.message[: mail.message.index(link)]
    assert len(read) < 1800 and read.count("\n") < 40, "a screenful, and then the decision"
    asked = client.get(link)
    assert asked["Location"] == f"{reverse('account_login')}?next={link}"
    client.force_login(cast.approver)
    assert 'name="outcome" value="authorised"' in client.get(link).content.decode()


def test_the_page_is_offered_only_to_those_who_can_sign_in(cast: Cast) -> None:
    change = stories.submitted(cast)
    address = f"{settings.BASE_URL}{change.get_absolute_url()}"
    mail = mail_to(cast.requester.email)
    assert address in mail.message
    assert address in mail.html_message
    guest = person("Gina Guest", organisation=cast.harbour)
    guest.set_unusable_password()
    guest.save()
    change = stories.submitted(cast, requester=guest)
    mail = mail_to(guest.email)
    assert change.get_absolute_url() not in mail.message + mail.html_message


def test_an_address_that_no_server_takes_does_not_undo_the_act(cast: Cast) -> None:
    guest = person("Gina Guest", organisation=cast.harbour)
    guest.email = "gina@nowhere"
    guest.save()
    change = stories.submitted(cast, requester=guest)
    assert change.state == "submitted"
    assert mail_to("gina@nowhere").status is not None


# --- What it costs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "role"),
    [
        (stories.submitted, Role.CUSTOMER_SUCCESS),
        (stories.in_authorisation, Role.APPROVER),
        (stories.in_requirements, Role.DEVELOPER),
        (stories.in_testing, Role.TESTER),
        (stories.in_deployment, Role.RELEASE_MANAGER),
    ],
)
def test_telling_more_people_costs_no_more_queries(
    cast: Cast, make: Callable[[Cast], Change], role: Role
) -> None:
    key = make(cast).pk

    def next_ones() -> tuple[int, int]:
        change = Change.objects.select_related("organisation__success_team").get(pk=key)
        event = change.events.order_by("pk").last()
        assert event is not None
        with recalling(change), CaptureQueriesContext(connection) as queries:
            people = messages.next_people(change, event)
        return len(people), len(queries)

    few, queries = next_ones()
    customers = cast.harbour if role == Role.APPROVER else None
    for number in range(3):
        one = person(f"Number {number}", role, organisation=customers)
        cast.care_team.members.add(one)
        cast.harbour.approvers.add(one)
    assert few and next_ones() == (few + 3, queries)
