"""Change templates of the demonstration."""

from typing import Any

from accounts.models import Organisation
from changes import lifecycle

from .world import World

TEMPLATES: tuple[dict[str, Any], ...] = (
    {
        "name": "Feature switched on or off",
        "purpose": "A feature that exists is switched on or off for a customer.",
        "is_offered": True,
        "title": "Switch on …",
        "description": "**Which feature**, and for which sites or teams?\n\n**From when?**",
        "services": ["Helpdesk portal"],
        "need": "The customer wants to use a feature that is part of the contract.",
        "likelihood": 1,
        "impact": 2,
        "service_impact": "None: the switch is read at once, nothing restarts.",
        "customer_impact": "The people of the customer see the feature; nobody else does.",
        "steps": "1. Note the switch as it is.\n2. Set it for the customer.\n3. Open the page.",
        "rollback_plan": "Set the switch back to what was noted. Support decides, at once.",
        "checklist": (
            "The contract has the feature (required)\n"
            "The customer knows when it is switched\n"
            "Somebody of the customer has seen it (required)\n"
            "The guide for the customer says so"
        ),
    },
    {
        "name": "Access of a person",
        "purpose": "Somebody gets access, or loses it.",
        "is_offered": True,
        "title": "Access for …",
        "description": "**Who**, with which address?\n\n**To what**, and until when?",
        "services": ["Identity and access"],
        "need": "The person's duties have changed.",
        "likelihood": 1,
        "impact": 3,
        "service_impact": "None.",
        "customer_impact": "One person sees more, or less, of the customer's data.",
        "steps": "1. Compare address and customer.\n2. Give or take the role.\n3. Ask the person.",
        "rollback_plan": "Take back or restore the role. The success team decides.",
        "checklist": (
            "The request came from somebody who may ask for it (required)\n"
            "Access that is needed no more is taken away"
        ),
    },
    {
        "name": "Environment variable",
        "purpose": "A setting of the platform is changed by an environment variable.",
        "title": "Set … to …",
        "description": "**Which variable**, its values?\n\n**What shows that it works?**",
        "services": ["Public API"],
        "need": "The present value does not fit the customer's use any more.",
        "likelihood": 2,
        "impact": 3,
        "service_impact": "The service restarts once, within a minute.",
        "customer_impact": "Requests in that minute are answered a little later.",
        "steps": "1. Note the value.\n2. Set the new one.\n3. Restart.\n4. Watch the errors.",
        "rollback_plan": "Set the noted value and restart. Whoever is on duty decides.",
    },
)


def create_templates(world: World) -> None:
    """Let the customer success managers write them, one for each."""
    customers = list(Organisation.objects.order_by("pk"))
    for number, values in enumerate(TEMPLATES):
        services = [world.services[name] for name in values["services"]]
        customer = customers[number % len(customers)]
        lifecycle.save_template(
            None,
            actor=world.people.success_manager_of(customer),
            services=services,
            **{name: value for name, value in values.items() if name != "services"},
            type="configuration",
            urgency=2,
            system="Success desk",
        )
