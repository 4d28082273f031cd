"""People, the customers they belong to and the teams that look after those customers."""

import zoneinfo
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.expressions import Combinable
from django.db.models.functions import Lower, Upper
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from expansive_cm.mailreader.addresses import normal
from expansive_cm.numbers import LARGEST_KEY
from expansive_cm.statements import Given, ObjectStatement, Statement
from expansive_cm.workflow.steps import explain

from .history_rows import Records
from .names import person_key
from .roles import Role, held_by


@cache
def time_zone_names() -> frozenset[str]:
    """Return every name that the IANA time zone database has: each reading lists its folders."""
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(name: str) -> None:
    """Refuse a name that the IANA time zone database does not have."""
    if name not in time_zone_names():
        raise ValidationError(_("%(name)s is not a known time zone."), params={"name": name})


class SuccessTeam(models.Model):
    """A customer success team: assesses and reviews for the customers it looks after."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    email = models.EmailField(_("team mailbox"), blank=True)
    members: Any = models.ManyToManyField(
        "accounts.User", verbose_name=_("members"), related_name="success_teams", blank=True
    )
    history = Records(m2m_fields=[members])

    class Meta:
        verbose_name = _("customer success team")
        verbose_name_plural = _("customer success teams")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Organisation(models.Model):
    """A customer."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    success_team = models.ForeignKey(
        SuccessTeam,
        verbose_name=_("customer success team"),
        on_delete=models.PROTECT,
        related_name="organisations",
    )
    approvers: Any = models.ManyToManyField(
        "accounts.User",
        verbose_name=_("authorised approvers"),
        related_name="approves_for",
        blank=True,
        help_text=_("Who may authorise configuration changes for this customer."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    history = Records(m2m_fields=[approvers])

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class EmailDomain(models.Model):
    """A mail domain whose addresses belong to an organisation."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="domains")
    domain = models.CharField(
        _("domain"),
        max_length=253,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", _("Enter a domain name."))],
    )
    history = Records()

    class Meta:
        verbose_name = _("e-mail domain")
        verbose_name_plural = _("e-mail domains")
        ordering = ("domain",)

    def __str__(self) -> str:
        return self.domain


class UserManager(BaseUserManager["User"]):
    """Creates people whose e-mail address is their login."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person. Without a password they cannot sign in until they reset it."""
        address = normal(email or "")
        if not address:
            raise ValueError("An e-mail address is required.")
        user = self.model(email=address, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an administrator, as the first one is by ``manage.py createsuperuser``.

        Nobody is above the rules: an administrator's role opens the same pages, and what they
        give themselves stands in history.
        """
        person = self.model(email=normal(email or ""), is_staff=True, **fields)
        if not person.email:
            raise ValueError("An e-mail address is required.")
        person.set_password(password)
        explain(person, "Made administrator on the server")
        person.save(using=self._db)
        person.groups.add(Group.objects.using(self._db).get(name=Role.ADMINISTRATOR))
        return person

    def administrators(self) -> "models.QuerySet[User]":
        """Return everybody who keeps people and roles now."""
        return self.filter(is_active=True, organisation=None, groups__name=Role.ADMINISTRATOR)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a person by address, whatever its capitals."""
        person = self.with_address(username or "")
        if person is None:
            raise self.model.DoesNotExist
        return person

    def get(self, *args: Any, **asked: Any) -> "User":
        """Return a person; by key, as each request asks for its reader, by a kept statement."""
        key = asked.get("pk")
        is_kept = type(self) is UserManager and not args and len(asked) == 1 and not self._db
        if not is_kept or type(key) is not int or not 0 < key <= LARGEST_KEY:
            return super().get(*args, **asked)
        return PERSON.get(key=key)

    def with_address(self, address: str) -> "User | None":
        """Return the person who has this address, with their organisation, or nobody.

        The database only finds candidates: what it takes for equal may be somebody else's.
        """
        wanted = normal(address)
        if not wanted:
            return None
        like = models.Q(email=wanted) | models.Q(email__iexact=address.strip())
        people = self.select_related("organisation").filter(like)
        return next((person for person in people if normal(person.email) == wanted), None)


class User(AbstractBaseUser, PermissionsMixin):
    """A person: at a customer, or, without an organisation, one of Expansive's own people."""

    class MailPace(models.TextChoices):
        """When mail goes out to a person; questions and confirmations always do at once."""

        AT_ONCE = "at_once", _("At once")
        DAILY = "daily", _("Once a day, at 08:00")
        NEEDED = "needed", _("Only what needs me")

    email = models.EmailField(_("e-mail address"), unique=True)
    display_name = models.CharField(_("name"), max_length=150)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/London", validators=[validate_time_zone]
    )
    organisation = models.ForeignKey(
        Organisation,
        verbose_name=_("organisation"),
        on_delete=models.PROTECT,
        related_name="people",
        null=True,
        blank=True,
        help_text=_("Empty for Expansive's own people."),
    )
    mail_pace = models.CharField(
        _("mail"),
        max_length=10,
        choices=MailPace.choices,
        default=MailPace.AT_ONCE,
        db_default=MailPace.AT_ONCE,
    )
    news = models.CharField(
        _("what they are told, and how"),
        max_length=300,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    """What they chose, kind by kind: only ``changes/news.py`` reads and writes it."""
    mail_failed_at = models.DateTimeField(
        _("mail came back"), null=True, blank=True, editable=False
    )
    mail_failure = models.CharField(
        _("why mail came back"),
        max_length=300,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may use the administration pages"), default=False)
    date_joined = models.DateTimeField(_("added"), auto_now_add=True)
    groups: Any = models.ManyToManyField(
        "auth.Group", verbose_name=_("roles"), related_name="people", blank=True
    )
    history = Records(excluded_fields=["password", "last_login"], m2m_fields=[groups])

    unread = 0
    """How many notifications wait, up to a limit: known of who is signed in (``ALONGSIDE``)."""

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ("display_name",)
        constraints = [models.UniqueConstraint(Lower("email"), name="accounts_user_email_ci")]
        indexes = [
            GinIndex(
                OpClass(Upper("display_name"), "gin_trgm_ops"), name="accounts_user_name_trgm"
            ),
            GinIndex(OpClass(Upper("email"), "gin_trgm_ops"), name="accounts_user_email_trgm"),
            models.Index(person_key(), name="accounts_user_sorted"),
        ]

    def __str__(self) -> str:
        return self.display_name or self.email

    def get_full_name(self) -> str:
        """Return the name that other people see."""
        return self.display_name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; signing in (which notes only when) is no change of the person for history."""
        if set(kwargs.get("update_fields") or ()) != {"last_login"}:
            super().save(*args, **kwargs)
            return
        self.skip_history_when_saving = True
        try:
            super().save(*args, **kwargs)
        finally:
            del self.skip_history_when_saving

    @property
    def raises_changes(self) -> bool:
        """Whether raising change requests is theirs: customers, support, customer success."""
        return self.is_active and (
            not self.is_internal or self.has_role(Role.SUPPORT, Role.CUSTOMER_SUCCESS)
        )

    @property
    def is_internal(self) -> bool:
        """Whether this is one of Expansive's own people rather than a customer's."""
        return self.organisation_id is None

    @cached_property
    def roles(self) -> frozenset[Role]:
        """The roles held, read once per loaded person. Superuser status grants none."""
        if "groups" in getattr(self, "_prefetched_objects_cache", {}):
            names = [group.name for group in self.groups.all()]
        else:
            names = [name for (name,) in ROLES_OF.rows(person=self.pk)]
        return held_by(names, is_internal=self.is_internal)

    def read_afresh(self) -> "User":
        """Read the person, with roles and teams, anew: somebody may have changed them meanwhile.

        Asked for under a lock, before rights are: what was known of a person when their request
        came in may no longer be true when it is their turn. Returns the person.
        """
        now = PERSON.get(key=self.pk)
        for field in self._meta.concrete_fields:
            setattr(self, field.attname, getattr(now, field.attname))
            if isinstance(field, models.ForeignKey) and field.is_cached(self):
                field.delete_cached_value(self)
        self._prefetched_objects_cache: dict[str, Any] = {}
        for known in ("roles", "team_ids", "approves_for_ids"):
            self.__dict__.pop(known, None)
        return self

    def has_role(self, *roles: Role) -> bool:
        """Whether the person is active and holds at least one of these roles."""
        return self.is_active and not self.roles.isdisjoint(roles)

    @cached_property
    def team_ids(self) -> frozenset[int]:
        """Primary keys of the customer success teams the person belongs to."""
        if "success_teams" in getattr(self, "_prefetched_objects_cache", {}):
            return frozenset(team.pk for team in self.success_teams.all())
        return frozenset(pk for (pk,) in TEAMS_OF.rows(person=self.pk))

    @cached_property
    def approves_for_ids(self) -> frozenset[int]:
        """Primary keys of the organisations whose configuration changes they may authorise.

        None without the role: who is still named for a customer has no part in its changes.
        """
        if not self.has_role(Role.APPROVER):
            return frozenset()
        return frozenset(pk for (pk,) in APPROVES_FOR.rows(person=self.pk))

    @property
    def customer_ids(self) -> frozenset[int]:
        """Primary keys of the organisations whose changes somebody of a customer reads.

        Expansive's own people read those of all, without being of any.
        """
        own = self.organisation_id
        return frozenset() if own is None else frozenset({own, *self.approves_for_ids})


# What nearly every page asks about its reader.
ALONGSIDE: dict[str, Callable[[], Combinable]] = {}
"""What every page says to its reader, read with them in one query, by the name it is known by.

Each app enters its own when it starts. An expression about the person (``OuterRef("pk")``).
"""
PERSON = ObjectStatement(
    lambda: User.objects.filter(pk=Given("key")).annotate(
        **{name: make() for name, make in ALONGSIDE.items()}
    )
)
ROLES_OF = Statement(
    lambda: Group.objects.filter(people=Given("person")).values_list("name"), planned_once=True
)
TEAMS_OF = Statement(
    lambda: SuccessTeam.objects.filter(members=Given("person")).order_by().values_list("pk"),
    planned_once=True,
)
APPROVES_FOR = Statement(
    lambda: Organisation.objects.filter(approvers=Given("person")).order_by().values_list("pk"),
    planned_once=True,
)
