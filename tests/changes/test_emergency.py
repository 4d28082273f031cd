"""Emergency changes and post-implementation reviews: marked, asked for, recorded, followed.

Costs 3 s.
"""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, looking_back, story
from changes.models import Change, PostReview
from changes.working_days import due_after
from changes.views.sections import sections
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.people import Cast

WHY = "Nobody can sign in until it is done."


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def an_emergency(change: Change, cast: Cast) -> Change:
    return lifecycle.declare_emergency(change, actor=cast.success, reason=WHY)


def only_review(change: Change) -> PostReview:
    return PostReview.objects.get(change=change)


def notices_of(person: User) -> str:
    return " ".join(one.text for one in looking_back.notices(person))


def test_an_emergency_change_is_marked_everywhere_and_reviewed(cast: Cast) -> None:
    change = an_emergency(stories.in_review(cast), cast)
    ours = signed_in(cast.success)
    page = ours.get(change.get_absolute_url()).content.decode()
    assert "Emergency change" in page and WHY in page
    theirs = signed_in(cast.requester).get(change.get_absolute_url()).content.decode()
    assert "Emergency change" in theirs and WHY not in theirs
    listed = ours.get(reverse("changes:list"), {"view": "", "emergency": "1"}).content.decode()
    assert change.reference in listed and ">Emergency<" in listed
