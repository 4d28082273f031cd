"""By keys alone: each form of a step that waits for somebody, with the focus in sight."""

from typing import Any

from changes import queries
from changes.models import Change
from changes.turns import TURNS
from changes.turns.table import Turn
from changes.worklist import task_url
from tests.components.browsing import sign_in
from tests.people import Cast
from tests.situations import EVERY_SITUATION

WALK = """() => {
  window.walk = [];
  const form = document.querySelector("main form.step-form");
  const first = document.createElement("span");
  document.addEventListener("focusin", ({ target: one }) => {
    if (!one.closest("main form") || one === first) return;
    const shown = one.matches("[type=radio], [type=checkbox]") && one.nextElementSibling || one;
    const seen = [one, shown].some((each) => {
      const style = getComputedStyle(each);
      return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 1;
    });
    const sends = one.matches("button[type=submit]") && !one.ariaDisabled;
    window.walk.push({ name: one.name || one.id || one.textContent.trim(), seen, sends });
  });
  first.tabIndex = -1;
  form.prepend(first);
  first.focus();
  return [...form.elements].filter((one) => one.required && one.checkVisibility()
    && one.type !== "hidden").map((one) => one.name);
}"""
AT_ONCE, MOST = 8, 96


def walked(page: Any) -> tuple[set[str], list[str], bool]:
    """Go through a form by Tab: what was met, what had no focus to be seen, whether it is sent."""
    walk: list[Any] = []
    for _number in range(0, MOST, AT_ONCE):
        for _each in range(AT_ONCE):
            page.keyboard.press("Tab")
        walk = page.evaluate("window.walk")
        if any(one["sends"] for one in walk):
            break
    unseen = [one["name"] for one in walk if not one["seen"]]
    return {one["name"] for one in walk}, unseen, any(one["sends"] for one in walk)


def is_elsewhere(turn: Turn) -> bool:
    """Whether it is done on a page of another kind: a draft, the board's, the mail's."""
    return bool(turn.own_url_name) or turn.verb == "submit"


def forms_that_wait(cast: Cast) -> dict[str, tuple[Turn, Change]]:
    """Make each situation, and return one change for each form that waits in one of them."""
    keys = [make(cast).pk for make in EVERY_SITUATION.values()]
    found: dict[str, tuple[Turn, Change]] = {}
    for change in queries.with_story(Change.objects.filter(pk__in=keys)):
        for turn in TURNS:
            if not is_elsewhere(turn) and turn.has_come(change) and turn.group.members(change):
                found.setdefault(turn.verb, (turn, change))
    return found


def test_each_form_that_waits_is_filled_in_and_sent_by_keys(
    new_page: Any, live_server: Any, transactional_db: None, cast: Cast
) -> None:
    page, wrong, people = new_page(), list[str](), dict[Any, list[tuple[Turn, Change]]]()
    for turn, change in forms_that_wait(cast).values():
        who = min(turn.group.members(change), key=lambda one: one.pk)
        people.setdefault(who, []).append((turn, change))
    assert sum(map(len, people.values())) > 15
    for who, forms in people.items():
        page.context.clear_cookies()
        sign_in(page, who, live_server)
        for turn, change in forms:
            page.goto(task_url(turn, change), wait_until="domcontentloaded")
            if not page.locator("main form.step-form").count():
                wrong.append(f"{turn.verb}: no form for {who}")
                continue
            needed = set(page.evaluate(WALK))
            met, unseen, is_sent = walked(page)
            if missed := needed - met:
                wrong.append(f"{turn.verb}: no key leads to {missed}")
            if unseen:
                wrong.append(f"{turn.verb}: no focus is seen on {unseen}")
            if not is_sent:
                wrong.append(f"{turn.verb}: no key leads to what sends it")
    assert not wrong, "\n".join(wrong)
