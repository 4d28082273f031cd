"""What holds for every template, however many there are."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

from expansive_cm.icons import ICONS

ROOT = Path(settings.BASE_DIR) / "templates"
PAGES = sorted(
    path
    for path in ROOT.rglob("*.html")
    if not {"email", "emails"} & set(path.relative_to(ROOT).parts)
)
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]

INLINE = {
    "a style attribute": re.compile(r"<[^>{]*\sstyle="),
    "a style element": re.compile(r"<style"),
    "an event attribute": re.compile(r"<[^>{]*\son[a-z]+=", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)"),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
    "an htmx script": re.compile(r"hx-on|hx-vals=['\"]js:|hx-trigger=\"[^\"]*\["),
}


@pytest.mark.parametrize("name", NAMES)
def test_template_compiles(name: str) -> None:
    engines["django"].get_template(name)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_inline_that_the_policy_refuses(name: str) -> None:
    source = (ROOT / name).read_text(encoding="utf-8")
    found = [what for what, pattern in INLINE.items() if pattern.search(source)]
    assert not found, f"{name} has {', '.join(found)}"


@pytest.mark.parametrize("name", NAMES)
def test_icons_are_in_the_sprite(name: str) -> None:
    source = (ROOT / name).read_text(encoding="utf-8")
    used = set(re.findall(r"""{%\s*icon\s+["']([a-z0-9-]+)["']""", source))
    used |= set(re.findall(r"""\b(?:action_)?icon(?:_name)?=["']([a-z0-9-]+)["']""", source))
    assert used <= ICONS, f"{name} uses icons without a drawing: {sorted(used - ICONS)}"


@pytest.mark.parametrize("name", NAMES)
def test_post_forms_carry_a_token(name: str) -> None:
    source = (ROOT / name).read_text(encoding="utf-8")
    for form in re.findall(r"<form\b[^>]*\bmethod=\"post\".*?</form>", source, re.DOTALL):
        assert "{% csrf_token %}" in form, f"{name}: {form[:80]}"
