"""What is offered while somebody types: people to raise for, requests that look alike."""

from email.utils import parseaddr

from django.conf import settings
from django.contrib.postgres.search import TrigramSimilarity, TrigramWordSimilarity
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy

from accounts.models import EmailDomain, Organisation, User
from accounts.roles import Role
from expansive_cm.mailreader.addresses import normal
from expansive_cm.numbers import whole_number
from expansive_cm.texts import composed

from .models import Change, parse_reference
from .queries import THROWN_AWAY, UNSENT, visible_to

OFFERED = 8
LOOKALIKES = 5
SHORTEST_TITLE = 7
NOT_THEIRS = gettext_lazy("This address cannot be used for %s.")
"""The answer for every address that is not a customer's to use, so that it tells no more."""
NOT_THEIR_DOMAIN = gettext_lazy(
    "You can add addresses of %s’s own mail domains only. For anybody else, please ask your"
    " customer success team, who can add them."
)
"""The same for a customer's person, whoever has the address."""


def organisations_for(user: User) -> QuerySet[Organisation]:
    """Customers that this person may raise for (the rule of ``permissions.may_raise_for``)."""
    active = Organisation.objects.filter(is_active=True)
    if not user.is_active:
        return active.none()
    if not user.is_internal:
        return active.filter(pk=user.organisation_id or 0)
    if user.has_role(Role.SUPPORT):
        return active
    if user.has_role(Role.CUSTOMER_SUCCESS):
        return active.filter(success_team__in=user.team_ids)
    return active.none()


def requesters_for(user: User, text: str, organisation_pk: int | None = None) -> list[User]:
    """Return people whose name or address has every word typed, the chosen customer's first."""
    people = User.objects.filter(is_active=True, organisation__in=organisations_for(user))
    for word in composed(text).split()[:5]:
        people = people.filter(Q(display_name__icontains=word) | Q(email__icontains=word))
    chosen = Case(
        When(organisation=organisation_pk, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    return list(
        people.select_related("organisation").order_by(chosen, "display_name", "pk")[:OFFERED]
    )


def organisation_of_address(email: str) -> Organisation | None:
    """Return the customer whose mail domain this is; a subdomain counts as its parent."""
    labels = normal(email).rpartition("@")[2].split(".")
    domains = [".".join(labels[start:]) for start in range(max(len(labels) - 1, 0))]
    found = EmailDomain.objects.filter(domain__in=domains).select_related("organisation")
    best = max(found, key=lambda one: len(one.domain), default=None)
    return best.organisation if best else None


def may_be_of(email: str, organisation: Organisation) -> bool:
    """Whether somebody with this address may be added to a customer.

    Not where its domain is another customer's, or the one that our own mail comes from.
    """
    ours = normal(parseaddr(settings.DEFAULT_FROM_EMAIL)[1]).rpartition("@")[2]
    domain = normal(email).rpartition("@")[2]
    if not domain or domain == ours or domain.endswith(f".{ours}"):
        return False
    return organisation_of_address(email.strip()) in (None, organisation)


def why_not_added(user: User, email: str, organisation: Organisation) -> str:
    """Return why this person may not add somebody with this address to a customer; "" if they may.

    Expansive's own people answer for whom they add. A customer's person names nobody whose
    address only they know: whoever is added sees what the customer's people see.
    """
    if user.is_internal:
        return "" if may_be_of(email, organisation) else NOT_THEIRS % organisation
    if may_be_of(email, organisation) and organisation_of_address(email.strip()) == organisation:
        return ""
    return NOT_THEIR_DOMAIN % organisation


def similar_to(
    user: User, title: str, organisation_pk: int, besides: int | None = None
) -> list[Change]:
    """Return visible changes of a customer whose title has most of this one, the closest first.

    Word similarity finds the double of a title while it is being typed, with its words in
    another order or form. It uses the trigram index on the title in capitals; a single word
    would match half of a large table, and says too little to be worth it.
    """
    wanted = " ".join(title.upper().split())
    if " " not in wanted or len(wanted) < SHORTEST_TITLE:
        return []
    capitals = Upper("title")
    return list(
        visible_to(user)
        .filter(organisation=organisation_pk)
        .exclude(THROWN_AWAY)
        .exclude(pk=besides or 0)
        .alias(capitals=capitals)
        .filter(capitals__trigram_word_similar=wanted)
        .only("pk", "title", "state", "type", "created_at")
        .order_by(
            TrigramWordSimilarity(wanted, capitals).desc(),
            TrigramSimilarity(capitals, wanted).desc(),
            "-pk",
        )[:LOOKALIKES]
    )


def changes_matching(user: User, text: str, besides: int) -> list[Change]:
    """Return visible requests by reference or by words of the title, for linking."""
    visible = visible_to(user).exclude(pk=besides).exclude(UNSENT)
    visible = visible.only("pk", "title", "state", "type")
    number = parse_reference(text)
    if number is None:
        number = whole_number(text.strip())
    if number is not None:
        return list(visible.filter(pk=number))
    words = composed(text).split()[:5]
    if not words or len(text.strip()) < 3:
        return []
    for word in words:
        visible = visible.filter(title__icontains=word)
    return list(visible.order_by("-pk")[:OFFERED])
