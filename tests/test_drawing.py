"""What is drawn once and kept: never for another language, and never for another text."""

import datetime as dt
import random

from django.utils.safestring import mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy, override

from expansive_cm.ui.drawing import drawn_once
from expansive_cm.ui.templatetags import ui


def test_a_drawing_is_made_once_for_what_was_given() -> None:
    made = []

    @drawn_once()
    def draw(text: str, size: int = 1) -> str:
        made.append((text, size))
        return text * size

    assert [draw("a"), draw("a"), draw("a", size=2), draw("b")] == ["a", "a", "aa", "b"]
    assert made == [("a", 1), ("a", 2), ("b", 1)]


def test_each_language_has_its_own_drawings() -> None:
    yes = gettext_lazy("Yes")

    with override("de"):
        german = ui.badge(yes), ui.day_words(dt.date(2026, 3, 2), "j F"), ui.span(START, END)
    with override("en-gb"):
        british = ui.badge(yes), ui.day_words(dt.date(2026, 3, 2), "j F"), ui.span(START, END)
    with override("de"):
        again = ui.badge(yes), ui.day_words(dt.date(2026, 3, 2), "j F"), ui.span(START, END)

    assert "Ja" in german[0] and german[1:] == ("2 März", "3\xa0Wochen")
    assert "Yes" in british[0] and british[1:] == ("2 March", "3\xa0weeks")
    assert again == german


def test_a_text_is_escaped_whatever_was_drawn_before() -> None:
    assert "<b>" in ui.badge(mark_safe("<b>x</b>"))
    assert "<b>" not in ui.badge("<b>x</b>")


START = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
END = START + dt.timedelta(days=25)


def test_a_span_has_the_words_of_django() -> None:
    chance = random.Random(1)
    edges = [0, 1, 59, 60, 3599, 3600, 86399, 86400, 604799, 604800, 31 * 86400, 365 * 86400]
    lengths = edges + [chance.randint(-90, 10 ** chance.randint(2, 8)) for _ in range(2000)]
    for length in lengths:
        begun = START - dt.timedelta(days=chance.randint(0, 1500), microseconds=length % 7)
        ended = begun + dt.timedelta(seconds=length, microseconds=length % 3)
        assert ui.span(begun, ended) == timesince(begun, ended, depth=1), (begun, ended)
