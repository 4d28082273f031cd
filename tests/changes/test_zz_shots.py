from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from changes import access_links, lifecycle
from tests import stories

OUT = Path("/tmp/shots-page")
OUT.mkdir(exist_ok=True)


@pytest.mark.django_db(transaction=True)
def test_shots(cast, new_page):
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    lifecycle.comment(
        change, actor=cast.support, body="We looked at the doors: **all** of them open."
    )
    lifecycle.comment(change, actor=cast.requester, body="Thank you!\n\nWhen does it start?")
    lifecycle.attach(
        change,
        actor=cast.support,
        file=SimpleUploadedFile("floor plan of the east wing.txt", b"x"),
        content_type="text/plain",
    )
    asked = stories.information_required(cast)
    confirm = stories.in_confirmation(cast)
    rejected = stories.rejected(cast)
    for name, one in (
        ("release", change),
        ("question", asked),
        ("confirm", confirm),
        ("rejected", rejected),
    ):
        path = access_links.issue(one, cast.requester, actor=None)[0]
        for width, scheme in ((1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")):
            if scheme == "dark" and name in ("confirm",):
                continue
            page = new_page(width=width, color_scheme=scheme)
            page.goto(path)
            page.screenshot(path=str(OUT / f"{name}-{width}-{scheme}.png"), full_page=True)
    page = new_page(width=360)
    page.goto("/r/forged/")
    page.screenshot(path=str(OUT / "dead.png"), full_page=True)
    page = new_page(width=360)
    page.goto("/r/")
    page.screenshot(path=str(OUT / "ask.png"), full_page=True)
    from tests.components.browsing import sign_in

    url = type("S", (), {"url": page.evaluate("location.origin")})

    def shot(who, path, name, width=1280, scheme="light"):
        page = new_page(width=width, color_scheme=scheme)
        sign_in(page, who, url)
        page.goto(path)
        page.screenshot(path=str(OUT / f"{name}-{width}-{scheme}.png"), full_page=True)

    for width, scheme in ((1280, "light"), (1280, "dark"), (360, "light")):
        shot(cast.requester, "/", "home", width, scheme)
        shot(cast.requester, "/changes/", "list", width, scheme)
        shot(
            cast.success, change.get_absolute_url() + "replace_requester/", "replace", width, scheme
        )
        shot(cast.success, change.get_absolute_url(), "detail", width, scheme)
    shot(cast.requester, f"/requesters/{cast.requester.pk}/successor/", "handover")
    shot(cast.requester, change.get_absolute_url(), "detailcustomer")
