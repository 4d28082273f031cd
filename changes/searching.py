"""Changes that contain words, found with bounded work whatever is typed and however many there are.

PostgreSQL has two ways to the first page: through the rows in the order of the list, which is quick
for common words and reads everything for words that nothing has, and through the index on the
words, which is quick for rare ones. What it estimates says too little to choose between them. Here
the first rows of the list are looked at, a few more where they promise a page, and only then the
index is asked, which then has few rows to find.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQuery
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import Case, ExpressionWrapper, F, Func, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Upper
from django.db.models.lookups import GreaterThan

from expansive_cm.numbers import whole_number
from expansive_cm.texts import composed
from expansive_cm.ui.paging import Choose, Order, first_in_order

from .models import Change, parse_reference
from .walking import Walked, ahead

Found = TypeVar("Found", bound=models.Model)

MAX_WORDS = 12
INDEXED = 3
"""So many words are looked up in the index, the longest; the others narrow what was found."""
SHORTEST_INDEXED = 3
"""A beginning of fewer letters is looked up only where nothing longer was typed."""
NEAR, FURTHER = 1_000, 5_000
PROMISING = 10
"""With so many matches among the first NEAR rows, the first FURTHER hold a page of fifty."""
WALKED = 200, 2_000
"""The same where each row is found through its person (``walking``), which costs more."""
CANDIDATES = 500
"""So many titles are compared with a text that nothing contains, besides the newest ones."""

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
"""Scripts in which a space does not part words: Thai, Lao, Burmese, Khmer, kana, Han, Hangul."""
RUN = re.compile(f"[{UNSPACED}]+")


@dataclass(frozen=True)
class Words:
    """A text that somebody looks for: every word of it, each as the beginning of a word.

    In scripts that do not part their words by spaces, also within a title.
    """

    text: str

    @property
    def indexed(self) -> Q:
        """The condition on changes, written so that indexes answer it."""
        few = _longest(self._all)
        found = Q(_matching(_query(few, else_of=self._all), " @@ "))
        if len(few) < len(self._all):
            found &= self._each_word
        if self._middles:
            found |= Q(_holding(self._middles)) & self._in_title
        return self._or_number(found)

    @property
    def seen(self) -> Q:
        """The same condition, for rows that are looked at one after the other."""
        found = self._each_word
        return self._or_number(found | self._in_title if self._middles else found)

    def within(self, vector: Any) -> tuple[Q, Q]:
        """The condition on other words than a change's: for looking, and for the index on them."""
        each = Q(_matching(_query(self._all), ", ", "ts_match_vq", of=vector))
        few = _longest(self._all)
        found = Q(_matching(_query(few, else_of=self._all), " @@ ", of=vector))
        return each, found & each if len(few) < len(self._all) else found

    @property
    def _all(self) -> list[str]:
        return words_of(self.text)

    @property
    def _each_word(self) -> Q:
        # The function behind the operator: PostgreSQL does not look for an index on it.
        return Q(_matching(_query(self._all), ", ", "ts_match_vq"))

    @property
    def _middles(self) -> list[str]:
        return list(_pieces(composed(self.text)))

    @property
    def _in_title(self) -> Q:
        return Q(*(Q(title__icontains=word) for word in self._all))

    def _or_number(self, found: Q) -> Q:
        number = referred_to(self.text)
        return found if number is None else found | Q(pk=number)


def words_of(text: str) -> list[str]:
    """Return the words of a text that can be looked for."""
    words = [word.replace("\\", "") for word in composed(text).split()]
    return [word for word in words if any(letter.isalnum() for letter in word)][:MAX_WORDS]


def _longest(words: list[str]) -> list[str]:
    """Return the few words that the index is asked about."""
    long = [word for word in words if len(word) >= SHORTEST_INDEXED]
    return sorted(long or words, key=len, reverse=True)[:INDEXED]


def _query(words: list[str], else_of: list[str] | None = None) -> Any:
    """Return words as PostgreSQL reads them, ``else_of`` those where it takes all for stop words.

    Where there are stop words only, they are beginnings of other words: ``the`` of theatre.
    """
    quoted = [word.replace("'", "''") for word in words]
    text = " & ".join(f"'{word}':*" for word in quoted)
    query = SearchQuery(text, search_type="raw", config="english")
    other = _query(else_of) if else_of else SearchQuery(text, search_type="raw", config="simple")
    says = GreaterThan(Func(query, function="numnode", output_field=models.IntegerField()), 0)
    return Case(When(says, then=query), default=other)


def _matching(query: Any, joiner: str, function: str = "", of: Any = None) -> Func:
    return Func(
        F("search") if of is None else of,
        query,
        template=f"{function}(%(expressions)s)",
        arg_joiner=joiner,
        output_field=models.BooleanField(),
    )


def _pieces(text: str) -> Iterator[str]:
    """Yield the pairs of letters in the runs of unspaced scripts; a letter that stands alone."""
    for run in RUN.findall(text):
        yield from (run[at : at + 2] for at in range(max(len(run) - 1, 1)))


def _holding(pieces: list[str]) -> Func:
    """Whether a title holds these pieces of unspaced scripts: its index knows (migration 0008)."""
    return Func(
        Func(F("title"), function="changes_pieces"),
        models.Value(pieces, output_field=ArrayField(models.TextField())),
        template="(%(expressions)s)",
        arg_joiner=" @> ",
        output_field=models.BooleanField(),
    )


def referred_to(text: str) -> int | None:
    """Return the primary key in ``CR-000123``, ``cr123`` or ``123``, or None."""
    plain = text.strip()
    number = whole_number(plain)
    return parse_reference(plain) if number is None else number


def first_with(words: Words | None = None) -> Choose:
    """Return how a list chooses its first rows that have these words (``paging.page_of``).

    Without words it chooses the first ones in an order for which there is no index.
    """

    def choose(rows: QuerySet[Change], order: Order, descending: bool, count: int) -> Any:
        if words is None and not isinstance(order, Walked):
            return first_in_order(rows, order, descending, count)
        seen = words.seen if words else Value(True)
        first, second = WALKED if isinstance(order, Walked) else (NEAR, FURTHER)
        near, further = (
            _looked_at(ahead(rows, order, descending, most), seen, most) for most in (first, second)
        )
        key = F("pk") if order.key is None else order.key
        found = rows.filter(words.indexed) if words else rows
        rest = found.order_by().annotate(sort=key).values_list("pk", "sort")
        try:
            parts = [part.query.sql_with_params() for part in (near, further, rest)]
        except EmptyResultSet:
            return rows.none().values("pk")
        sql = CHOOSE.format(*(sql for sql, _params in parts), way="DESC" if descending else "ASC")
        of_near, of_further, of_rest = ([*params] for _sql, params in parts)
        promising = max(PROMISING * first * FURTHER // (NEAR * second), 1)
        params = [*of_near, count, *of_further, promising, count, count, *of_rest]
        return RawSQL(sql, [*params, count, count, count])  # noqa: S611 (values are parameters)

    return choose


CHOOSE = """
    WITH near AS MATERIALIZED (
        SELECT pk FROM ({0}) AS looked_at (pk, seen) WHERE seen LIMIT %s
    ), further AS MATERIALIZED (
        SELECT pk FROM ({1}) AS looked_at (pk, seen)
        WHERE seen AND (SELECT count(*) >= %s AND count(*) < %s FROM near) LIMIT %s
    ), rest AS MATERIALIZED (
        SELECT pk FROM ({2} OFFSET 0) AS indexed (pk, sort)
        WHERE (SELECT count(*) < %s FROM near) AND (SELECT count(*) < %s FROM further)
        ORDER BY sort {way}, pk {way} LIMIT %s
    )
    SELECT pk FROM near UNION SELECT pk FROM further UNION SELECT pk FROM rest
"""
"""A part is carried out only where those before it have not filled the page; OFFSET 0 keeps the
last one from being read in the order of the list."""


def _looked_at(rows: QuerySet[Any], seen: Any, most: int) -> QuerySet[Any]:
    """Return the keys of the first rows, each with whether the condition holds for it."""
    told = rows.annotate(seen=ExpressionWrapper(seen, output_field=models.BooleanField()))
    return told.values_list("pk", "seen")[:most]


def similar_to(rows: QuerySet[Change], text: str, enough: int) -> QuerySet[Change]:
    """Return changes whose titles resemble a text that nothing contains, without an order.

    They are all of the newest ones; where these are fewer than ``enough``, some more that the
    index on titles names. Without letters of which PostgreSQL makes trigrams there are none.
    """
    capitals = composed(text).upper()
    trigrams = Func(
        models.Value(capitals),
        template="cardinality(show_trgm(%(expressions)s))",
        output_field=models.IntegerField(),
    )
    rows = rows.filter(GreaterThan(trigrams, 0)).alias(capitals=Upper("title"))
    alike = Q(capitals__trigram_word_similar=capitals)
    return newest_or_indexed(rows, alike, alike, enough)


def newest_or_indexed(
    rows: QuerySet[Found], seen: Any, indexed: Any, enough: int, near: int | None = None
) -> QuerySet[Found]:
    """Return rows that have something, without an order, with bounded work.

    They are all of the newest ones, ``near`` of which are looked at; where these are fewer than
    ``enough``, some more that an index names. The condition is given twice: ``seen`` for rows
    that are looked at one after the other, ``indexed`` so that the index answers it.
    """
    newest = _looked_at(rows.order_by("-pk"), seen, NEAR if near is None else near)
    others = rows.filter(indexed).order_by().values_list("pk")
    try:
        parts = [part.query.sql_with_params() for part in (newest, others)]
    except EmptyResultSet:
        return rows.none()
    sql = NEWEST_OR_INDEXED.format(*(sql for sql, _params in parts))
    params = [*parts[0][1], *parts[1][1], enough, CANDIDATES]
    manager = rows.model._default_manager
    return manager.filter(pk__in=RawSQL(sql, params))  # noqa: S611 (as above)


NEWEST_OR_INDEXED = """
    WITH near AS MATERIALIZED (
        SELECT pk FROM ({0}) AS looked_at (pk, seen) WHERE seen
    ), indexed AS MATERIALIZED ({1}), rest AS MATERIALIZED (
        SELECT * FROM indexed WHERE (SELECT count(*) < %s FROM near) LIMIT %s
    )
    SELECT pk FROM near UNION SELECT * FROM rest
"""
"""The index is asked for all rows, of which only so many are read: where it knew of the limit,
PostgreSQL would rather read the table until it has found them."""
