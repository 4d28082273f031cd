# ruff: noqa: S608  (every statement is made of this file's own words and numbers)
"""Synthetic changes by the hundred thousand, written by the database itself.

Only for measuring (``manage.py bench``): the rows obey the constraints of the database and have
a believable spread of states, customers, people and words, but nobody took their steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from accounts.models import Organisation, SuccessTeam, User
from accounts.roles import Role
from changes.models import CHECKLIST, Change, Release, Service
from expansive_cm.bench.synthetic_board import fill_board

ORGANISATIONS, TEAMS, SERVICES, RELEASES = 50, 5, 20, 24
PEOPLE_PER_ORGANISATION = 10

STAFF: tuple[tuple[Role, int], ...] = (
    (Role.SUPPORT, 10),
    (Role.CUSTOMER_SUCCESS, 15),
    (Role.CRB_MEMBER, 8),
    (Role.DEVELOPER, 20),
    (Role.PEER_REVIEWER, 8),
    (Role.TESTER, 8),
    (Role.RELEASE_MANAGER, 3),
    (Role.AUDITOR, 2),
    (Role.ADMINISTRATOR, 1),
)

# Out of a thousand changes. Two thirds are closed, a quarter is open, a few never came far.
CONFIGURATION_STATES = {
    "review": 15,
    "authorisation": 15,
    "execution": 20,
    "rolled_back": 2,
    "documentation": 10,
    "refused": 20,
    "confirmation": 15,
    "not_confirmed": 2,
    "closed": 380,
}
CODE_STATES = {
    "board": 35,
    "information_required": 8,
    "requirements": 30,
    "risk_assessment": 15,
    "development": 40,
    "testing": 15,
    "deployment": 15,
    "rejected": 35,
    "confirmation": 10,
    "not_confirmed": 1,
    "closed": 240,
}
UNDECIDED_STATES = {"draft": 4, "submitted": 18, "withdrawn": 55}

WORDS = """
change please booking meeting room hours night staff portal contractor approval asset register
site building floor access permission user report monthly export invoice purchase order supplier
work job ticket priority response time escalation engineer mobile app form field required notify
mail template customer team manager budget code cost centre energy meter reading sensor alarm
lift boiler chiller fire door inspection certificate expiry reminder calendar shift holiday rota
cleaning waste recycling security guard patrol visitor badge parking permit vehicle key cabinet
helpdesk category dashboard chart filter search language translation timezone currency tax
retention archive backup restore interface import schedule integration feature flag threshold
planned preventive maintenance reactive statutory compliance risk assessment method statement
survey condition lease rent tenancy occupier space plan desk hotelling catering hospitality
warehouse stock spare part reorder level barcode scanner printer label signature photograph
question answer checklist workflow status colour logo theme font password session timeout login
group role hierarchy region country school hospital shop depot station campus library theatre
ward kitchen laboratory plant roof basement corridor toilet window glazing heating ventilation
pipe leak drain pump valve filter compressor generator battery lighting emergency sign socket
""".split()
PREFIXES = "re pre sub multi auto inter over under non co up out".split()
"""With each word they make some two thousand rarer ones: a text has common and rare words."""
STARTS = """Allow|Stop|Change|Add|Remove|Show|Hide|Send|Extend|Shorten|Rename|Split|Merge|Export
Import|Correct|Replace|Restrict|Open|Archive"""


def fill(count: int, tell: Callable[[str], None]) -> None:
    """Write people, customers and `count` changes with their records, events and history."""
    people = write_people()
    tell("people and customers")
    for title, statement in statements(count, people):
        with connection.cursor() as cursor:
            cursor.execute(statement)
        tell(title)
    fill_board(tell)
    with connection.cursor() as cursor:
        model: Any
        for model in [Change, *_recorded_models()]:
            cursor.execute(_history_of(model))
            tell(f"history of {model._meta.verbose_name}")
        cursor.execute("VACUUM ANALYZE")
    tell("statistics")


@dataclass(frozen=True)
class People:
    """Primary keys, by what these people do."""

    organisations: list[int]
    customers: list[int]
    support: list[int]
    success: list[int]
    developers: list[int]
    reviewers: list[int]
    testers: list[int]
    services: list[int]
    releases: list[int]


def write_people() -> People:
    """Write the customers, their people, Expansive's people, services and releases."""
    teams = [SuccessTeam(name=f"Team {number}") for number in range(1, TEAMS + 1)]
    SuccessTeam.objects.bulk_create(teams)
    organisations = [
        Organisation(name=f"Customer {number:02}", success_team=teams[number % TEAMS])
        for number in range(1, ORGANISATIONS + 1)
    ]
    Organisation.objects.bulk_create(organisations)
    customers = [
        _person(f"Person {number} of {organisation}", organisation)
        for organisation in organisations
        for number in range(1, PEOPLE_PER_ORGANISATION + 1)
    ]
    User.objects.bulk_create(customers)
    staff = {role: [_person(f"{role.label} {n}") for n in range(1, k + 1)] for role, k in STAFF}
    for role, members in staff.items():
        User.objects.bulk_create(members)
        _give(role, members)
    for number, team in enumerate(teams):
        team.members.add(*staff[Role.CUSTOMER_SUCCESS][number::TEAMS])
    approvers = customers[PEOPLE_PER_ORGANISATION - 1 :: PEOPLE_PER_ORGANISATION]
    _give(Role.APPROVER, approvers)
    for organisation, approver in zip(organisations, approvers, strict=True):
        organisation.approvers.add(approver)
    services = [Service(name=f"Service {number}") for number in range(1, SERVICES + 1)]
    releases = _releases()
    return People(
        organisations=[one.pk for one in organisations],
        customers=[one.pk for one in customers],
        support=[one.pk for one in staff[Role.SUPPORT]],
        success=[one.pk for one in staff[Role.CUSTOMER_SUCCESS]],
        developers=[one.pk for one in staff[Role.DEVELOPER]],
        reviewers=[one.pk for one in staff[Role.PEER_REVIEWER]],
        testers=[one.pk for one in staff[Role.TESTER]],
        services=[one.pk for one in Service.objects.bulk_create(services)],
        releases=[one.pk for one in Release.objects.bulk_create(releases)],
    )


def _person(name: str, organisation: Organisation | None = None) -> User:
    address = name.lower().replace(" ", ".")
    return User(
        email=f"{address}@bench.example", display_name=name, organisation=organisation, password="!"
    )


def _give(role: Role, people: list[User]) -> None:
    """Give a role to many at once."""
    given = User.groups.through
    group = Group.objects.get(name=role)
    given.objects.bulk_create(given(user=person, group=group) for person in people)


def _releases() -> list[Release]:
    first = timezone.localdate() - timedelta(days=RELEASES * 30)
    return [
        Release(name=f"{number // 4 + 1}.{number % 4}", planned_on=first + timedelta(45 * number))
        for number in range(RELEASES)
    ]


def _array(values: list[int] | list[str]) -> str:
    quoted = [f"'{value}'" if isinstance(value, str) else str(value) for value in values]
    return f"(ARRAY[{','.join(quoted)}])"


def _pick(values: list[int] | list[str], skew: int = 1) -> str:
    """SQL for one of the values; with a skew the first ones come up more often."""
    return f"{_array(values)}[1 + floor(power(random(), {skew}) * {len(values)})::int]"


def _kinds() -> list[str]:
    """Return a thousand pairs of type and state in the shares above, with the states mixed."""
    pairs = []
    tables = (
        ("configuration", CONFIGURATION_STATES),
        ("code", CODE_STATES),
        ("", UNDECIDED_STATES),
    )
    for kind, shares in tables:
        for state, share in shares.items():
            pairs += [f"{kind}:{state}"] * share
    return pairs


def statements(count: int, people: People) -> list[tuple[str, str]]:
    """Return what to run, in order: a title and a statement each."""
    return [
        ("changes", _changes(count, people)),
        ("affected services", _services(people)),
        ("watchers", _watchers(people)),
        ("labels", _labels(people)),
        ("labels of changes", _labelled(people)),
        ("reviews", _post_reviews(people)),
        ("actions of reviews", _post_actions(people)),
        ("approval rules", _rules(people)),
        ("approvers by rules", _named(people)),
        ("events", _events(people)),
        *_configuration_records(people),
        *_code_records(people),
        *_questions(),
    ]


OPEN_OR_DRAFT = "('closed', 'withdrawn', 'refused', 'rejected')"


def _changes(count: int, people: People) -> str:
    starts = STARTS.replace("\n", "|").split("|")
    rare = f"{_pick(PREFIXES)} || {_pick(WORDS)}"
    word = f"CASE WHEN random() < .4 THEN {_pick(WORDS, skew=2)} ELSE {rare} END"
    customer = f"o * {PEOPLE_PER_ORGANISATION} - floor(random() * {PEOPLE_PER_ORGANISATION})::int"
    return f"""
    INSERT INTO changes_change (title, description, organisation_id, requester_id, raised_by_id,
      owner_id, channel, state, state_since, type, path, round, revision, version, urgency, risk,
      promise, promised_at, promised_release_id, due_on, promise_zone, external_source, external_id,
      created_at, submitted_at, updated_at, closed_at)
    SELECT {_pick(starts)} || ' ' || text.title || ' ' || i, text.body,
      {_array(people.organisations)}[o], {_array(people.customers)}[{customer}],
      CASE WHEN random() < .7 THEN {_pick(people.support)}
        ELSE {_array(people.customers)}[{customer}] END,
      CASE WHEN state IN ('draft', 'submitted') OR random() < .05 THEN NULL
        ELSE {_pick(people.success)} END,
      'portal', state, since, kind, 1, 1, 1, 1,
      CASE WHEN kind <> '' THEN 1 + floor(random() * 4) END,
      CASE WHEN kind <> '' THEN 1 + floor(power(random(), 2) * 4) END,
      CASE WHEN promised THEN 'twelve_months' ELSE '' END,
      CASE WHEN promised THEN made END,
      CASE WHEN promised AND random() < .3 THEN {_pick(people.releases)} END,
      CASE WHEN promised THEN (since + (random() * 400 - 40) * interval '1 day')::date END,
      'Europe/London', '', '', made, CASE WHEN state <> 'draft' THEN made END,
      since + random() * (now() - since),
      CASE WHEN state IN {OPEN_OR_DRAFT} THEN since END
    FROM (
      SELECT i, o, split_part(pair, ':', 1) AS kind, split_part(pair, ':', 2) AS state, made,
        CASE WHEN split_part(pair, ':', 2) IN {OPEN_OR_DRAFT}
          THEN made + random() * (now() - made) ELSE now() - power(random(), 2) * LEAST(
            interval '120 days', now() - made) END AS since,
        split_part(pair, ':', 1) = 'code'
          AND split_part(pair, ':', 2) NOT IN ('board', 'information_required', 'rejected')
          AS promised
      FROM (
        SELECT i, 1 + floor(power(random(), 2) * {ORGANISATIONS})::int AS o,
          {_pick(_kinds())} AS pair,
          now() - (({count} - i + 1) * interval '1500 days' / {count}) AS made
        FROM generate_series(1, {count}) AS i OFFSET 0
      ) AS drawn OFFSET 0
    ) AS spread
    CROSS JOIN LATERAL (
      SELECT string_agg({word}, ' ') AS body,
        string_agg({word}, ' ') FILTER (WHERE n <= 4) AS title
      FROM generate_series(1, 40 + (spread.i % 100)) AS n
    ) AS text
    """


def _services(people: People) -> str:
    return f"""
    INSERT INTO changes_change_services (change_id, service_id)
    SELECT DISTINCT id, {_pick(people.services, skew=2)}
    FROM changes_change, generate_series(1, 2) WHERE changes_change.id > 0
    """


def _labels(people: People) -> str:
    return f"""
    INSERT INTO changes_label (name, colour, is_active, version, created_by_id, created_at)
    SELECT 'Label ' || n, 'blue', TRUE, 1, {_pick(people.support)}, now()
    FROM generate_series(1, 60) AS n
    """


def _labelled(people: People) -> str:
    """A third of the changes; some labels are on many of them, others on few."""
    return f"""
    INSERT INTO changes_changelabel (change_id, label_id, put_by_id, put_at)
    SELECT DISTINCT ON (change_id, label_id) change_id, label_id, {_pick(people.support)}, now()
    FROM (
      SELECT changes_change.id AS change_id,
        (SELECT min(id) FROM changes_label) + floor(60 * random() ^ 2)::int AS label_id
      FROM changes_change, generate_series(1, 2) WHERE random() < .2
    ) AS drawn
    """


def _post_reviews(people: People) -> str:
    """Of one ended change in ten, nearly all recorded."""
    return f"""
    INSERT INTO changes_postreview (change_id, path, round, is_of_emergency, is_of_rollback,
      is_of_high_risk, asked_at, due_at, happened, met, findings, recorded_by_id, recorded_at)
    SELECT id, 1, 1, FALSE, FALSE, TRUE, state_since, state_since + interval '14 days',
      CASE WHEN id % 500 = 0 THEN '' ELSE 'As planned.' END,
      CASE WHEN id % 500 = 0 THEN '' ELSE 'yes' END, '',
      CASE WHEN id % 500 > 0 THEN {_pick(people.success)} END,
      CASE WHEN id % 500 > 0 THEN state_since + interval '7 days' END
    FROM changes_change WHERE state = 'closed' AND id % 10 = 0
    """


def _post_actions(people: People) -> str:
    """One each, nearly all done."""
    return f"""
    INSERT INTO changes_postaction (change_id, review_id, text, owner_id, due_on, recorded_by_id,
      recorded_at, done_at, done_by_id, outcome, version)
    SELECT change_id, id, 'Do better.', {_pick(people.support)}, due_at::date,
      {_pick(people.success)}, asked_at, CASE WHEN id % 50 > 0 THEN due_at END, NULL,
      CASE WHEN id % 50 > 0 THEN 'Done.' ELSE '' END, 1
    FROM changes_postreview
    """


def _watchers(people: People) -> str:
    watchers = people.customers[:50] + people.support + people.success
    return f"""
    INSERT INTO changes_change_watchers (change_id, user_id)
    SELECT id, {_pick(watchers)} FROM changes_change WHERE random() < .2
    """


def _rules(people: People) -> str:
    return f"""
    INSERT INTO changes_approvalrule (name, position, organisation_id, risk, customers_own, needed,
      in_order, version, created_by_id, created_at)
    SELECT 'Rule ' || n, n, {_array(people.organisations)}[n], 3, TRUE, 1, n % 2 = 0, 1,
      {_pick(people.support)}, now()
    FROM generate_series(1, 20) AS n
    """


def _named(people: People) -> str:
    return f"""
    INSERT INTO changes_ruleapprover (rule_id, person_id, position)
    SELECT id, {_array(people.support)}[1 + id % {len(people.support)}], 1
    FROM changes_approvalrule
    """


def _events(people: People) -> str:
    """Six events each on average: what separation of duties and the timeline read."""
    configuration = "submit assess review authorise plan_execution start_execution".split()
    configuration += "record_execution document answer_confirmation".split()
    code = "submit assess record_board_outcome define_requirements assess_risk".split()
    code += "sign_risk_assessment record_development peer_review record_test".split()
    everybody = people.support + people.success + people.developers
    return f"""
    INSERT INTO changes_event (change_id, verb, actor_id, actor_name, actor_email, at, from_state,
      to_state, entered_at, path, revision, reason, is_internal, data)
    SELECT c.id, CASE c.type WHEN 'code' THEN {_array(code)}[n] ELSE {_array(configuration)}[n] END,
      {_pick(everybody)}, 'Somebody', '', c.created_at + n * interval '1 day', c.state, c.state,
      c.created_at + (n - 1) * interval '1 day', 1, 1, 'Because it is needed.', false, '{{}}'
    FROM changes_change c, generate_series(1, 9) AS n
    WHERE n <= CASE WHEN c.state = 'draft' THEN 0 WHEN c.type = '' THEN 1
      WHEN c.state = 'closed' THEN 9 ELSE 2 + c.id % 5 END
    """


STAMP, COLUMNS = "c.id, 1, 1", "change_id, path, round, recorded_by_id, recorded_at"
LATE = "('development', 'testing', 'deployment', 'confirmation', 'not_confirmed')"
BUILT = f"c.type = 'code' AND (c.state IN {LATE} OR c.state = 'closed')"
IN_PLACE = "('documentation', 'confirmation', 'not_confirmed', 'closed', 'rolled_back')"


def _configuration_records(people: People) -> list[tuple[str, str]]:
    executor = _pick(people.support)
    return [
        (
            "executions",
            f"""INSERT INTO changes_execution ({COLUMNS}, executor_id, window_start, window_end,
              steps, rollback_plan, started_at, finished_at, outcome, notes)
            SELECT {STAMP}, {_pick(people.success)}, c.state_since, {executor}, c.state_since,
              c.state_since + interval '1 hour', 'Do it.', 'Undo it.',
              CASE WHEN c.state IN {IN_PLACE} OR random() < .5 THEN c.state_since END,
              CASE WHEN c.state IN {IN_PLACE} THEN c.state_since END,
              CASE WHEN c.state = 'rolled_back' THEN 'rolled_back'
                WHEN c.state IN {IN_PLACE} THEN 'succeeded' ELSE '' END, ''
            FROM changes_change c WHERE c.type = 'configuration'
              AND (c.state IN {IN_PLACE} OR (c.state = 'execution' AND random() < .6))""",
        ),
    ]


def _code_records(people: People) -> list[tuple[str, str]]:
    developer = _pick(people.developers)
    checklist = "[" + ",".join(f'"{key}"' for key in CHECKLIST) + "]"
    return [
        (
            "risk assessments",
            f"""INSERT INTO changes_riskassessment ({COLUMNS}, security_risks, impact_analysis,
              mitigations, outcome, remarks)
            SELECT {STAMP}, {developer}, c.state_since, 'None.', 'Small.', 'Care.',
              CASE WHEN c.state = 'risk_assessment' THEN '' ELSE 'signed_off' END, ''
            FROM changes_change c
            WHERE {BUILT} OR (c.state = 'risk_assessment' AND random() < .5)""",
        ),
        (
            "developments",
            f"""INSERT INTO changes_development ({COLUMNS}, reference, checklist, notes)
            SELECT {STAMP}, {developer}, c.state_since, 'pull/' || c.id, '{checklist}', 'Built.'
            FROM changes_change c
            WHERE {BUILT} AND (c.state <> 'development' OR random() < .4)""",
        ),
        (
            "authors",
            """INSERT INTO changes_development_authors (development_id, user_id)
            SELECT id, recorded_by_id FROM changes_development""",
        ),
        (
            "peer reviews",
            f"""INSERT INTO changes_peerreview ({COLUMNS}, development_id, outcome, findings)
            SELECT {STAMP}, {_pick(people.reviewers)}, c.state_since, d.id, 'approved', 'Fine.'
            FROM changes_change c JOIN changes_development d ON d.change_id = c.id
            WHERE c.state <> 'development'""",
        ),
    ]


def _questions() -> list[tuple[str, str]]:
    return [
        (
            "questions",
            """WITH decided AS (
              INSERT INTO changes_boarddecision (change_id, path, round, recorded_by_id,
                recorded_at, revision, outcome, category, elsewhere, reason, meeting)
              SELECT id, 1, 1, raised_by_id, state_since, 1, 'information_required', '', '', '', ''
              FROM changes_change WHERE state = 'information_required' RETURNING id, change_id)
            INSERT INTO changes_question (decision_id, change_id, text, answerer_id, answer)
            SELECT decided.id, c.id, 'How many?', c.requester_id, ''
            FROM decided JOIN changes_change c ON c.id = decided.change_id""",
        ),
        (
            "confirmations",
            """INSERT INTO changes_confirmation (change_id, path, asked_at, what_was_done, answer,
              reason, escalated_at)
            SELECT id, 1, state_since, 'Done.',
              CASE WHEN state = 'confirmation' THEN '' ELSE 'confirmed' END, '',
              CASE WHEN state_since < now() - interval '30 days' THEN state_since END
            FROM changes_change WHERE state IN ('confirmation', 'closed')""",
        ),
    ]


def _recorded_models() -> list[type]:
    names = "Execution RiskAssessment Development PeerReview Question Confirmation".split()
    return [apps.get_model("changes", name) for name in names]


def _history_of(model: Any) -> str:
    """Return the statement that copies a model's rows into its history, a change's four times."""
    historical = model.history.model
    own = {field.column for field in model._meta.concrete_fields}
    columns = [f'"{f.column}"' for f in historical._meta.concrete_fields if f.column in own]
    names = {field.name for field in model._meta.fields}
    times, when = (4, "created_at") if "created_at" in names else (1, "now()")
    if "recorded_at" in names:
        when = "recorded_at"
    who = next(
        n for n in ("raised_by_id", "recorded_by_id", "answerer_id", "NULL") if n in own | {"NULL"}
    )
    return f"""
    INSERT INTO {historical._meta.db_table} ({", ".join(columns)}, history_date, history_type,
      history_change_reason, history_user_id)
    SELECT {", ".join(columns)}, {when} + n * interval '1 hour',
      CASE WHEN n = 0 THEN '+' ELSE '~' END, 'assessed the change: it is needed', {who}
    FROM {model._meta.db_table}, generate_series(0, {times - 1}) AS n
    """
