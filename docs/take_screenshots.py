"""Take the pictures of README and docs from a running demonstration.

    make run                                             # in one terminal
    make screenshots ADDRESS=http://127.0.0.1:8000       # in another

Each picture is of the demo's own data, as the person named sees it.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from expansive_cm.services.bootstrap import CHROMIUM

FOLDER = Path(__file__).parent / "images"
SUPPORT = "nadia.rahman@expansive.example"
SUCCESS = "owen.pryce@expansive.example"
REQUESTER = "grace.okafor@harbourview.example"
ASKED = "Lone worker alarm"
CONFIRMED = "Welsh in the helpdesk"
"""What the board has asked about, and what waits for its requester: in the titles' words."""
CHAIR = "margaret.finch@expansive.example"
AUDITOR = "edward.lam@expansive.example"
ADMINISTRATOR = "rosalind.hart@expansive.example"

# name of the picture, who looks, where, width, colour scheme
PICTURES = [
    ("home", SUCCESS, "/", 1280, "light"),
    ("home-requester-phone", REQUESTER, "/", 360, "light"),
    ("list-dark", SUCCESS, "/changes/", 1280, "dark"),
    ("new", SUPPORT, "/changes/new/", 1280, "light"),
    ("configuration-change", SUCCESS, "text=Map the hospital's directory groups", 1280, "light"),
    ("code-change-dark", SUCCESS, "state=deployment", 1280, "dark"),
    ("change-phone", SUCCESS, "state=execution", 360, "light"),
    ("assess", SUCCESS, "step=assess", 1280, "light"),
    ("promises", SUCCESS, "/promises/", 1280, "light"),
    ("figures", CHAIR, "/figures/", 1280, "light"),
    ("board", CHAIR, "/board/", 1280, "light"),
    ("meeting", CHAIR, "meeting", 1280, "light"),
    ("meeting-phone", CHAIR, "meeting", 360, "dark"),
    ("consent", CHAIR, "consent", 1280, "light"),
    ("present-dark", CHAIR, "present", 1280, "dark"),
    ("minutes", AUDITOR, "minutes", 1280, "light"),
    ("board-over-time", CHAIR, "/board/overtime/", 1280, "light"),
    ("release", SUCCESS, "release", 1280, "light"),
    ("calendar", SUCCESS, "/calendar/", 1280, "light"),
    ("services", ADMINISTRATOR, "/services/", 1280, "light"),
    ("approval-rules", ADMINISTRATOR, "/approval-rules/", 1280, "light"),
    ("confirmation-phone", None, "link=confirm", 360, "light"),
    ("request-phone", None, "link=r", 360, "light"),
    ("mail-reminder-phone", None, "body", 360, "light"),
    ("mail-reminder-dark", None, "body", 360, "dark"),
    ("mail-question", None, "question", 760, "light"),
    ("triage", SUPPORT, "/triage/", 1280, "light"),
    ("waiting-answers", SUCCESS, "/answers/", 1280, "light"),
    ("ratings", SUCCESS, "/answers/ratings/", 1280, "light"),
    ("mail-log", SUCCESS, "log", 1280, "light"),
    ("history", AUDITOR, "/history/", 1280, "light"),
    ("import", ADMINISTRATOR, "/import/", 1280, "light"),
]


def sign_in(page: Any, email: str) -> None:
    """Press the person's card on the sign-in page."""
    page.goto("/account/login/")
    page.locator(f'form:has([value="{email}"]) button').click()
    page.wait_for_url(lambda address: "login" not in address)


def go(page: Any, place: str) -> None:
    """Find a place that has no fixed address by following links, as a person would."""
    if place.startswith("/"):
        page.goto(place)
    elif place.startswith("text="):
        page.goto(f"/changes/?q={place.removeprefix('text=')}")
        page.locator('main a[href^="/changes/CR-"]').first.click()
    elif place.startswith("state="):
        page.goto(f"/changes/?{place}")
        page.locator('main a[href^="/changes/CR-"]').first.click()
    elif place.startswith("step="):
        page.goto("/")
        page.locator(f'main a[href$="/{place.removeprefix("step=")}/"]').first.click()
    elif place in ("meeting", "consent", "present"):
        page.goto("/board/")
        page.locator('main a[href^="/board/meetings/"]').first.click()
        if place == "consent":
            page.get_by_role("link", name="By consent").click()
        elif place == "present":
            page.goto(f"{page.url.partition('?')[0]}present/")
    elif place == "minutes":
        page.goto("/board/")
        page.locator("#past").get_by_role("link", name="Minutes").first.click()
    elif place == "release":
        page.goto("/releases/")
        page.locator("main").get_by_role("link", name=re.compile(r"^\d{4}\.")).first.click()
    elif place == "log":
        page.goto(f"/changes/?q={CONFIRMED}")
        page.goto(f"{page.locator('.change-rows a').first.get_attribute('href')}mail/")
    elif place == "question":
        read_mail(page, ASKED, "has a question for you", REQUESTER)
    else:
        body = read_mail(page, CONFIRMED, "Please confirm", REQUESTER)
        if place.startswith("link="):
            page.goto(re.search(rf"https?:\S+/{place.removeprefix('link=')}/[\w-]+/", body).group())
    # The page of a running meeting keeps one request open, so the network never comes to rest.
    page.wait_for_load_state("load")
    page.wait_for_timeout(1500)


def read_mail(page: Any, title: str, subject: str, to: str) -> str:
    """Open the newest such mail as a mail program shows it; returns its HTML."""
    page.goto(f"/mail/?q={title}")
    page.locator("tr", has_text=to).get_by_role("link", name=subject).first.click()
    page.wait_for_url("**/mail/*/")
    page.goto(f"{page.url}body/")
    return page.content()


def main(address: str) -> None:
    """Take every picture and write it to docs/images."""
    FOLDER.mkdir(exist_ok=True)
    quiet = ["--disable-gpu", "--disable-quic", "--disable-background-networking"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM.found(), args=[*quiet, *sandbox]
        )
        for name, email, place, width, scheme in PICTURES:
            height = 740 if width < 500 else 860
            context = browser.new_context(
                base_url=address,
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                locale="en-GB",
                timezone_id="Europe/London",
            )
            page = context.new_page()
            if email:
                sign_in(page, email)
            go(page, place)
            page.screenshot(path=FOLDER / f"{name}.png")
            print(f"{name}: {page.url}")
            context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
