"""What looks the same each time it is drawn is drawn once in each process."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

from django.utils.functional import Promise
from django.utils.translation import get_language

Given = ParamSpec("Given")
Drawn = TypeVar("Drawn")
KEPT = 2_000
"""Drawings kept of each kind; an icon or a badge takes two to three hundred bytes."""


def drawn_once(most: int = KEPT) -> Callable[[Callable[Given, Drawn]], Callable[Given, Drawn]]:
    """Keep what a function draws, by what it was given and by the language of the moment.

    For functions of plain values (texts, numbers, dates) whose drawing depends on nothing else:
    not on the clock, a time zone, a person or their rights. Texts to be translated later count
    as what they say now; a text that is safe is another one than its double that is not.
    ``most`` is how many drawings are kept: those asked for last.
    """

    def keeping(function: Callable[Given, Drawn]) -> Callable[Given, Drawn]:
        @lru_cache(maxsize=most, typed=True)
        def kept(_language: str | None, *given: Any, **named: Any) -> Drawn:
            return function(*given, **named)

        @wraps(function)
        def drawn(*given: Given.args, **named: Given.kwargs) -> Drawn:
            given_now = [str(one) if isinstance(one, Promise) else one for one in given]
            if not named:
                return kept(get_language(), *given_now)
            named_now = {
                name: str(one) if isinstance(one, Promise) else one for name, one in named.items()
            }
            return kept(get_language(), *given_now, **named_now)

        return drawn

    return keeping
