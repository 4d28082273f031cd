"""The roles of the change process. A person may hold several; each is a Django group."""

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """Value is the name of the group; a requester needs no role, only an organisation."""

    SUPPORT = "support", _("Support staff")
    CUSTOMER_SUCCESS = "customer_success", _("Customer success")
    APPROVER = "approver", _("Authorised approver")
    CRB_MEMBER = "crb_member", _("CRB member")
    DEVELOPER = "developer", _("Developer")
    PEER_REVIEWER = "peer_reviewer", _("Peer reviewer")
    TESTER = "tester", _("Tester")
    RELEASE_MANAGER = "release_manager", _("Release manager")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")


PROCESS_ROLES = frozenset(Role) - {Role.AUDITOR, Role.ADMINISTRATOR}
"""Roles that act on changes. An administrator takes one on the record, and only while nobody else
can give it."""
STAFF_ROLES = frozenset(Role) - {Role.APPROVER}
"""Roles that only Expansive's own people hold; an approver may be the customer's person."""


def held_by(names: Iterable[str], *, is_internal: bool) -> frozenset[Role]:
    """Return the roles that the groups of these names give somebody.

    Those of Expansive's own people give nothing to who is a customer's person now, even where
    two administrators who saved at once left them.
    """
    held = frozenset(Role(name) for name in names if name in Role.values)
    return held if is_internal else held - STAFF_ROLES
