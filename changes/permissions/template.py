"""Who keeps change templates, who reads them, and who begins a request like another one."""

from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Decision, Refusal, decide, refuse

from ..models import Change, ChangeTemplate
from ..turns.group import holds_role
from .request import may_raise_for
from .rules import internal, sees


def can_maintain_templates(user: User) -> Decision:
    """Administrators and customer success write templates."""
    return decide(internal(user), holds_role(user, Role.ADMINISTRATOR, Role.CUSTOMER_SUCCESS))


def can_read_templates(user: User) -> Decision:
    """Expansive's own people read all of a template; customers what is offered, in their form."""
    return decide(internal(user))


def may_keep_template(user: User, template: ChangeTemplate) -> Decision:
    """Customer success keeps those for all customers and for those of its own teams."""
    theirs = None
    if template.organisation is not None and not _keeps_for(user, template.organisation):
        words = _("This is for the customer success team of %s and for administrators.")
        theirs = refuse(Refusal.PERSON, words % template.organisation)
    return decide(
        internal(user), holds_role(user, Role.ADMINISTRATOR, Role.CUSTOMER_SUCCESS), theirs
    )


def may_save_as_template(user: User, change: Change) -> Decision:
    """Whoever keeps templates of its customer: to others the new one would be for all customers."""
    writes = can_maintain_templates(user)
    if not writes:
        return writes
    theirs = None
    customer = change.organisation
    if customer is not None and not (customer.is_active and _keeps_for(user, customer)):
        theirs = refuse(Refusal.PERSON, _("You cannot keep templates of %s.") % customer)
    return decide(sees(user, change), theirs)


def _keeps_for(user: User, customer: Organisation) -> bool:
    return user.has_role(Role.ADMINISTRATOR) or customer.success_team_id in user.team_ids


def can_copy_as_new(user: User, change: Change) -> Decision:
    """Whoever may raise requests for its customer begins one like it, in whatever state it is."""
    customer = change.organisation
    person = None
    if customer is None or not may_raise_for(user, customer):
        person = refuse(Refusal.PERSON, _("You cannot raise changes for this organisation."))
    return decide(sees(user, change), person)
