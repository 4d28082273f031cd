"""Saved views, labels and approval rules of the demonstration."""

from simple_history.utils import bulk_create_with_history

from changes import lifecycle
from changes.lifecycle import RuleWords
from changes.models import Change, ChangeLabel, Label

from .world import World


def create_views(world: World) -> None:
    """Let a customer success manager and a requester share a view with those they work with."""
    owen, grace = world.people["owen"], world.people["grace"]
    [team] = owen.team_ids
    lifecycle.save_view(
        None,
        actor=owen,
        name="Late, and nobody's",
        shared=f"team:{team}",
        filters={"view": ["open"], "sort": ["since"], "owner": ["none"], "age": ["7"]},
    )
    lifecycle.save_view(
        None,
        actor=grace,
        name="To be confirmed",
        shared=f"organisation:{grace.organisation_id}",
        filters={"sort": ["-updated"], "stage": ["confirmation"]},
    )


LABELS = {"Rollout 2026": "teal", "Waits for supplier": "amber", "Quick win": "green"}


def create_labels(world: World) -> None:
    """Put a few labels on changes that were sent, in four statements, each with its history.

    Not by ``lifecycle``: a step for each of them made loading longer, and its event would stand
    as the latest of changes whose story the demonstration tells.
    """
    owen = world.people["owen"]
    labels = [Label(name=name, colour=colour, created_by=owen) for name, colour in LABELS.items()]
    bulk_create_with_history(labels, Label, default_user=owen)
    sent = Change.objects.exclude(submitted_at=None).order_by("pk").values_list("pk", flat=True)
    on = [
        ChangeLabel(change_id=pk, label=labels[place % len(labels)], put_by=owen)
        for place, pk in enumerate(sent[::3])
    ]
    bulk_create_with_history(on, ChangeLabel, default_user=owen)


def create_rules(world: World) -> None:
    """Say who approves what carries a high risk, for what is asked from now on."""
    helen, david = world.people["helen"], world.people["david"]
    hospital = david.organisation
    for words in (
        RuleWords(
            name="High risk in the hospitals",
            position=1,
            organisation=hospital,
            risk=3,
            people=(david, helen),
            needed=2,
            in_order=True,
        ),
        RuleWords(name="Critical, anywhere", position=2, risk=4, people=(helen,)),
    ):
        lifecycle.make_rule(actor=world.people["rosalind"], words=words)
