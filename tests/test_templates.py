"""What holds for every template, however many there are; a failure names every culprit."""

import re
from pathlib import Path

from django.conf import settings
from django.template import TemplateSyntaxError, engines

from expansive_cm.ui.icons import ICONS

ROOT = Path(settings.BASE_DIR) / "templates"
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted(ROOT.rglob("*.html"))
    if not {"email", "emails"} & set(path.relative_to(ROOT).parts)
}

INLINE = {
    "a style attribute": re.compile(r"<[^>{]*\sstyle="),
    "a style element": re.compile(r"<style"),
    "an event attribute": re.compile(r"<[^>{]*\son[a-z]+=", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)"),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
    "an htmx script": re.compile(r"hx-on|hx-vals=['\"]js:|hx-trigger=\"[^\"]*\["),
}


def complaint_about(name: str) -> str:
    """Return why a template does not compile, or nothing."""
    try:
        engines["django"].get_template(name)
    except TemplateSyntaxError as error:
        return str(error)
    return ""


def icons_in(source: str) -> set[str]:
    """Return the names of the icons that a template draws."""
    return {
        *re.findall(r"""{%\s*icon\s+["']([a-z0-9-]+)["']""", source),
        *re.findall(r"""\b(?:action_)?icon(?:_name)?=["']([a-z0-9-]+)["']""", source),
    }


def forms_without_a_token(source: str) -> list[str]:
    """Return how those forms begin that post without one."""
    forms = re.findall(r"<form\b[^>]*\bmethod=\"post\".*?</form>", source, re.DOTALL)
    return [form[:80] for form in forms if "{% csrf_token %}" not in form]


def test_every_template_compiles() -> None:
    assert len(SOURCES) > 200
    found = {name: complaint_about(name) for name in SOURCES}
    assert {name: why for name, why in found.items() if why} == {}


def test_nothing_is_inline_that_the_policy_refuses() -> None:
    found = {
        name: [what for what, pattern in INLINE.items() if pattern.search(source)]
        for name, source in SOURCES.items()
    }
    assert {name: what for name, what in found.items() if what} == {}


def test_every_icon_has_a_shape() -> None:
    missing = {name: icons_in(source) - ICONS for name, source in SOURCES.items()}
    assert {name: icons for name, icons in missing.items() if icons} == {}


def test_every_form_that_posts_carries_a_token() -> None:
    forms = {name: forms_without_a_token(source) for name, source in SOURCES.items()}
    assert {name: which for name, which in forms.items() if which} == {}
