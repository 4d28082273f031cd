"""The map of an import: a TOML file that says what another tool's columns mean here.

docs/import.md explains every key. Whatever is wrong with a map is one sentence that names the
key, so that somebody who writes one finds the mistake.
"""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from ..models import Channel
from ..states import CODE_ONLY, CONFIGURATION_ONLY, FINAL, ChangeType, State

MAPS = Path(__file__).parent / "maps"
MAX_MAP_BYTES = 200_000

IMPORTABLE_STATES = frozenset({State.DRAFT, State.SUBMITTED, State.REVIEW, State.BOARD}) | FINAL
"""States that work without records of earlier stages, which another tool cannot deliver."""

FIELDS = frozenset(
    {"title", "state", "type", "created", "updated", "desired", "requester", "channel"}
)
"""What a column can become, beside the description."""
DEFAULTS = frozenset({"organisation", "requester", "raised_by", "state", "type", "channel"})


class BadImport(Exception):
    """The file or its map cannot be used; ``str()`` is a sentence for the person."""


@dataclass(frozen=True)
class Section:
    """One column as a part of the description, under its own heading."""

    column: str
    heading: str = ""


@dataclass(frozen=True)
class ImportMap:
    """A checked map."""

    source: str
    identity: tuple[str, ...]
    columns: dict[str, str]
    description: tuple[Section, ...] = ()
    keep: tuple[str, ...] = ()
    html: tuple[str, ...] = ()
    defaults: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    no_date: frozenset[str] = frozenset()
    encoding: str = ""
    delimiter: str = ""

    @property
    def wanted_columns(self) -> list[str]:
        """Every column that the file must have, each once."""
        sections = [section.column for section in self.description]
        names = [*self.identity, *self.columns.values(), *sections, *self.keep]
        return list(dict.fromkeys(names))

    @property
    def single_columns(self) -> set[str]:
        """Every column that a file may have only once; of others the repeats are joined."""
        return {*self.identity, *self.columns.values()}


def bundled_maps() -> dict[str, Path]:
    """Return the maps that come with the product, by name."""
    return {path.stem: path for path in sorted(MAPS.glob("*.toml"))}


def read_map(text: str) -> ImportMap:
    """Read and check a map. Raises BadImport with what is wrong with it."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadImport(_("The map is not valid TOML: %s.") % error) from error
    known = {item.name for item in fields(ImportMap)}
    _refuse_unknown(raw, known, _("the map"))
    import_map = _build(raw)
    _check_columns(import_map)
    _check_states(import_map)
    return import_map


def _build(raw: dict[str, Any]) -> ImportMap:
    columns = _table(raw, "columns")
    description = raw.get("description", [])
    if not isinstance(description, list) or not all(isinstance(part, dict) for part in description):
        raise BadImport(_("The map's “description” must be a list of columns with headings."))
    for part in description:
        _refuse_unknown(part, {"column", "heading"}, "description")
        if not isinstance(part.get("column"), str):
            raise BadImport(_("Each part of “description” must name its column."))
    return ImportMap(
        source=_text(raw, "source"),
        identity=_list(raw, "identity"),
        columns=columns,
        description=tuple(
            Section(part["column"], str(part.get("heading", ""))) for part in description
        ),
        keep=_list(raw, "keep"),
        html=_list(raw, "html"),
        defaults=_table(raw, "defaults"),
        values=_value_tables(raw),
        date_formats=_list(raw, "date_formats") or ImportMap.date_formats,
        no_date=frozenset(value.casefold() for value in _list(raw, "no_date")),
        encoding=_text(raw, "encoding"),
        delimiter=_text(raw, "delimiter"),
    )


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str):
        raise BadImport(_("“%s” in the map must be a text.") % key)
    return value


def _list(raw: dict[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadImport(_("“%s” in the map must be a list of texts.") % key)
    return tuple(value)


def _table(raw: dict[str, Any], key: str) -> dict[str, str]:
    value = raw.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise BadImport(_("“%s” in the map must be a table of texts.") % key)
    return dict(value)


def _value_tables(raw: dict[str, Any]) -> dict[str, dict[str, str]]:
    tables = raw.get("values", {})
    if not isinstance(tables, dict):
        raise BadImport(_("“%s” in the map must be a table of texts.") % "values")
    _refuse_unknown(tables, {"state", "type", "channel"}, "values")
    return {
        name: {key.casefold(): value for key, value in _table(tables, name).items()}
        for name in tables
    }


def _refuse_unknown(table: dict[str, Any], known: set[str] | frozenset[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise BadImport(
            _("Unknown in %(where)s: %(unknown)s. Known are %(known)s.")
            % {
                "where": where,
                "unknown": ", ".join(unknown),
                "known": ", ".join(sorted(known)),
            }
        )


def _check_columns(import_map: ImportMap) -> None:
    if not import_map.source or len(import_map.source) > 50:
        raise BadImport(_("The map must name its “source” in at most 50 characters."))
    if not import_map.identity:
        raise BadImport(_("The map must name the columns of “identity”, which tell rows apart."))
    _refuse_unknown(import_map.columns, FIELDS, "columns")
    _refuse_unknown(import_map.defaults, DEFAULTS, "defaults")
    if "title" not in import_map.columns:
        raise BadImport(_("The map must say which column is the “title”."))
    for name in import_map.html:
        if name not in import_map.wanted_columns:
            raise BadImport(_("The map names “%s” in “html”, but takes nothing from it.") % name)
    if len(import_map.delimiter) > 1:
        raise BadImport(_("The “delimiter” of the map must be one character."))


def _check_states(import_map: ImportMap) -> None:
    states = set(import_map.values.get("state", {}).values())
    states |= {import_map.defaults.get("state", State.SUBMITTED)}
    for state in sorted(states):
        if state not in IMPORTABLE_STATES:
            raise BadImport(
                _("The state “%(state)s” cannot be imported. Possible are %(possible)s.")
                % {"state": state, "possible": ", ".join(sorted(IMPORTABLE_STATES))}
            )
    _check_values(import_map, "type", set(ChangeType.values) | {""})
    _check_values(import_map, "channel", set(Channel.values))


def _check_values(import_map: ImportMap, name: str, possible: set[str]) -> None:
    used = set(import_map.values.get(name, {}).values())
    if name in import_map.defaults:
        used.add(import_map.defaults[name])
    for value in sorted(used - possible):
        raise BadImport(
            _("“%(value)s” is not a known %(name)s. Possible are %(possible)s.")
            % {"value": value, "name": name, "possible": ", ".join(sorted(possible - {""}))}
        )


def type_demanded_by(state: str) -> str:
    """Return the type that a change in this state must have, "" when either will do."""
    if state in CODE_ONLY:
        return ChangeType.CODE
    return ChangeType.CONFIGURATION if state in CONFIGURATION_ONLY else ""
