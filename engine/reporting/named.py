"""The named queries: files of sql/queries, each with a header that says what it is for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import QueryError
from engine.resources import sql_files

# What the header says of a parameter that may be left out: `(default: 20)`, or `(optional)`.
_OMITTED = re.compile(r"\s*\((?:default: (?P<default>[^)]*)|optional)\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """``$name`` in a query's text; one left out is its default, or NULL: no restriction."""

    name: str
    meaning: str
    required: bool
    default: str | None

    @property
    def usage(self) -> str:
        """As a list of queries shows it: ``proposal=…``, ``[top=20]``, ``[type=…]``."""
        if self.required:
            return f"{self.name}=…"
        return f"[{self.name}={self.default or '…'}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQuery:
    """A query of sql/queries as its header describes it."""

    name: str
    purpose: str
    parameters: Mapping[str, Parameter]
    columns: str
    grain: str
    text: str

    def values(self, given: Mapping[str, object]) -> dict[str, object]:
        """The value of every parameter. Raises QueryError for one missing or unknown."""
        for extra in (each for each in given if each not in self.parameters):
            takes = ", ".join(self.parameters) or "none"
            raise QueryError(f"query {self.name} has no parameter {extra!r}; it takes {takes}")
        for name, each in self.parameters.items():
            if each.required and given.get(name) is None:
                raise QueryError(
                    f"query {self.name} needs the parameter {name} ({each.meaning}); "
                    f"give -p {name}=VALUE"
                )
        return {name: given.get(name, each.default) for name, each in self.parameters.items()}


def named_queries() -> list[NamedQuery]:
    """The queries of sql/queries, by name."""
    return [_named_query(path.stem, path.read_text("utf-8")) for path in sql_files("queries")]


def find_query(name: str) -> NamedQuery:
    """The query of that name. Raises QueryError, with the nearest name, where there is none."""
    known = {query.name: query for query in named_queries()}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise QueryError(f"no query is named {name!r}; {hint}known: {', '.join(known)}")
    return known[name]


def header_of(text: str) -> dict[str, str]:
    """The fields of an SQL file's header: ``-- key: value``, continued on indented lines."""
    header: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if match := re.match(r"-- (\w+): (.*)", line):
            key, header[match[1]] = match[1], match[2]
        else:
            header[key] += " " + line.removeprefix("--").strip()
    return header


def described_columns(columns: str) -> dict[str, str]:
    """``a, b and c (of it), d (e, f)`` as each name's meaning, the brackets' content or nothing."""
    meanings: dict[str, str] = {}
    for part in re.findall(r"(?:[^,(]|\([^)]*\))+", columns):
        names, _, meaning = part.partition("(")
        for name in re.split(r"\s+and\s+", names.strip()):
            meanings[name.strip()] = meaning.strip().removesuffix(")")
    return meanings


def _named_query(name: str, text: str) -> NamedQuery:
    header = header_of(text)
    parameters = {}
    if header["parameters"] != "none":
        for each in header["parameters"].split(";"):
            parameter = _parameter(each.strip())
            parameters[parameter.name] = parameter
    return NamedQuery(
        name=name,
        purpose=header["purpose"],
        parameters=parameters,
        columns=header["columns"],
        grain=header["grain"],
        text=text,
    )


def _parameter(text: str) -> Parameter:
    name, _, meaning = text.partition(": ")
    omitted = _OMITTED.search(meaning)
    return Parameter(
        name=name,
        meaning=_OMITTED.sub("", meaning),
        required=omitted is None,
        default=omitted["default"] if omitted else None,
    )
