"""What is said and added beside the process: comments, files, links, watching."""

from django.core.files.uploadedfile import SimpleUploadedFile

from changes import lifecycle
from changes.models import Change
from expansive_cm.sure import sure

from .world import Step, World


def comment(world: World, change: Change, step: Step) -> None:
    lifecycle.comment(change, actor=world.people[step["by"]], body=step["text"])


def note(world: World, change: Change, step: Step) -> None:
    actor = world.people[step["by"]]
    lifecycle.comment(change, actor=actor, body=step["text"], internal=True)


def attach(world: World, change: Change, step: Step) -> None:
    kind = "text/csv" if step["name"].endswith(".csv") else "text/plain"
    record = lifecycle.attach(
        change,
        actor=world.people[step["by"]],
        file=SimpleUploadedFile(step["name"], step["text"].lstrip().encode(), kind),
        content_type=kind,
        internal=step.get("internal", False),
    )
    world.files.append(sure(record.file.name))


def link(world: World, change: Change, step: Step) -> None:
    lifecycle.link(
        change,
        actor=world.actor(step, world.manager(change)),
        other=world.change(step["to"]),
        kind=step["kind"],
    )


def watch(world: World, change: Change, step: Step) -> None:
    for name in step["people"]:
        lifecycle.watch(change, actor=world.people[name])


TAKERS = (comment, note, attach, link, watch)
