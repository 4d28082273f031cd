"""Saved views of the demonstration: one of a team, and one of a customer's people."""

from changes import lifecycle

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
