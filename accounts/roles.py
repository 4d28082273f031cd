"""The roles of the change process. A person may hold several; each is a Django group."""

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
