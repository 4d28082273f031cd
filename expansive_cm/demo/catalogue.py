"""Services of the demonstration."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from simple_history.utils import bulk_create_with_history

from accounts.models import User
from changes.models import Service, ServiceDependency

from .people import saved

LONDON = ZoneInfo("Europe/London")

SERVICES = {
    "Work orders": "Raise, dispatch, complete and sign off work; reactive and planned.",
    "Planned maintenance": "Schedules, statutory inspections and the tasks they generate.",
    "Asset register": "What is installed where, its condition, warranty and documents.",
    "Space booking": "Rooms, desks and halls: availability, bookings and check-in.",
    "Visitor management": "Invitations, reception, badges and evacuation lists.",
    "Helpdesk portal": "Where occupants report problems and follow them.",
    "Mobile app": "Work orders, inspections and asset scans for engineers on site.",
    "Energy dashboards": "Meters, consumption, targets and alarms.",
    "Public API": "Interfaces for customers' own systems, with keys and webhooks.",
    "Reporting": "Standard and own reports, exports and scheduled mailings.",
    "Access control integration": "Doors, badges and zones of the customer's access system.",
    "Contractor portal": "Suppliers' quotes, permits to work, certificates and invoices.",
    "Notifications": "Mail, text messages and push to everybody above.",
    "Identity and access": "Sign-in, single sign-on, roles and permissions.",
}


NEEDS = {
    "Work orders": ("Asset register", "Identity and access", "Notifications"),
    "Planned maintenance": ("Work orders", "Asset register"),
    "Space booking": ("Identity and access", "Notifications"),
    "Visitor management": ("Access control integration", "Notifications"),
    "Helpdesk portal": ("Work orders",),
    "Mobile app": ("Public API", "Work orders"),
    "Public API": ("Identity and access",),
    "Reporting": ("Asset register", "Energy dashboards"),
    "Access control integration": ("Identity and access",),
    "Contractor portal": ("Work orders", "Identity and access"),
}
"""What does not work without what."""


def link_services(services: dict[str, Service], administrator: User) -> None:
    """Say which service needs which, in two statements, each with its history."""
    pairs = [
        ServiceDependency(service=services[name], needs=services[other])
        for name, others in NEEDS.items()
        for other in others
    ]
    bulk_create_with_history(pairs, ServiceDependency, default_user=administrator)


def create_services() -> dict[str, Service]:
    """Create the list of services, by name."""
    return {
        name: saved(Service(name=name, description=description))
        for name, description in SERVICES.items()
    }


def weekday(day: date) -> date:
    """Return the day itself, or the Friday before a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))
