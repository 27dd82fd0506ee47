"""Which SQL a program may write: one SELECT, made of listed parts only.

DuckDB parses the statement and gives its tree as JSON (``json_serialize_sql``); the tree is held
against lists of what is allowed: node kinds, tables, columns, functions, types. Whatever is on no
list is refused, so that a function a new DuckDB version brings is refused until it is listed.
Not listed are functions that read files, settings, the clock, the session or a random number, that
run text as SQL, that allocate at will (``repeat``, ``range`` as a value), and recursive queries.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from engine.programs.faults import ProgramError

# The tables, and the SQL types of their columns; names as in the catalog.
TABLES: dict[str, dict[str, str]] = {
    "objects": {
        "scene_id": "VARCHAR",
        "object_id": "VARCHAR",
        "object_index": "INTEGER",
        "label": "VARCHAR",
        "center": "DOUBLE[3]",
        "extent": "DOUBLE[3]",
        "rotation": "DOUBLE[9]",
        "aabb_min": "DOUBLE[3]",
        "aabb_max": "DOUBLE[3]",
        "first_seen_s": "DOUBLE",
    },
    "object_pairs": {
        "scene_id": "VARCHAR",
        "object_a": "VARCHAR",
        "object_b": "VARCHAR",
        "surface_distance": "DOUBLE",
        "center_distance": "DOUBLE",
    },
    "frames": {
        "scene_id": "VARCHAR",
        "frame_id": "VARCHAR",
        "frame_index": "INTEGER",
        "timestamp_s": "DOUBLE",
        "width": "INTEGER",
        "height": "INTEGER",
        "fx": "DOUBLE",
        "fy": "DOUBLE",
        "cx": "DOUBLE",
        "cy": "DOUBLE",
        "camera_to_world": "DOUBLE[16]",
    },
    "visibility": {
        "scene_id": "VARCHAR",
        "frame_id": "VARCHAR",
        "object_id": "VARCHAR",
        "visible_fraction": "DOUBLE",
        "pixel_area": "DOUBLE",
        "box_2d": "DOUBLE[4]",
        "depth_m": "DOUBLE",
    },
}
COLUMNS = tuple(dict.fromkeys(name for columns in TABLES.values() for name in columns))

# Longest statement; programs write a few lines.
MAX_SQL = 4_000
# Deepest tree: a few dozen nested calls. Far below what Python's own recursion takes.
_MAX_DEPTH = 200


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OPERATORS = "+ - * / // % ** ^ @ || ~~ !~~ ~~* !~~* like_escape not_like_escape ilike_escape"
_NUMBERS = (
    "abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 log2 pow power mod pi "
    "degrees radians sin cos tan asin acos atan atan2 greatest least isnan isfinite isinf gcd lcm"
)
_TEXTS = (
    "lower lcase upper ucase length len strlen substring substr left right trim ltrim rtrim "
    "replace concat concat_ws contains starts_with ends_with prefix suffix position strpos instr "
    "reverse split_part string_split str_split regexp_matches regexp_full_match regexp_extract"
)
_LISTS = (
    "list_value array_value list_extract list_element array_extract array_length list_contains "
    "list_has array_contains array_has list_position list_indexof list_sum list_avg list_min "
    "list_max list_count list_sort list_reverse_sort list_reverse list_distinct list_unique "
    "list_slice array_slice list_concat list_transform list_apply list_filter flatten unnest row "
    "struct_pack struct_extract array_distance list_distance array_inner_product "
    "list_inner_product list_dot_product if ifnull nullif"
)
AGGREGATES = _words(
    "count count_star count_if countif sum fsum product avg mean min max median mode quantile "
    "quantile_cont quantile_disc stddev stddev_pop stddev_samp variance var_pop var_samp corr "
    "bool_and bool_or list array_agg string_agg group_concat any_value first last arg_min "
    "arg_max min_by max_by"
)
FUNCTIONS = AGGREGATES | _words(f"{_OPERATORS} {_NUMBERS} {_TEXTS} {_LISTS}")
WINDOWS = AGGREGATES | _words(
    "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value "
    "nth_value"
)
TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
TYPES = _words(
    "tinyint smallint integer int int1 int2 int4 int8 int16 int32 int64 bigint hugeint float "
    "float4 float8 real double decimal numeric varchar char text string bool boolean list "
    "array"
)
# Words that DuckDB takes for calls where no column has that name.
_VALUES = _words(
    "current_catalog current_database current_date current_localtime current_localtimestamp "
    "current_query current_role current_schema current_schemas current_time "
    "current_timestamp current_user localtime localtimestamp now session_user today user "
    "system_user"
)
# Columns that table functions and VALUES bring along.
_GIVEN = frozenset({"unnest", "range", "generate_series", *(f"col{i}" for i in range(32))})

_QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE"})
_SOURCES = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "EXPRESSION_LIST", "EMPTY"})
_MODIFIERS = frozenset({"ORDER_MODIFIER", "LIMIT_MODIFIER", "DISTINCT_MODIFIER"})
_ORDERS = frozenset({"ORDER_DEFAULT", "ASCENDING", "DESCENDING"})
_NODES = _QUERIES | _SOURCES | _MODIFIERS | _ORDERS
_CLASSES = _words(
    "CONSTANT COMPARISON CONJUNCTION CASE BETWEEN SUBQUERY STAR PARAMETER LAMBDA "
    "POSITIONAL_REFERENCE CAST"
)
_OPERATOR_TYPES = _words(
    "COMPARE_IN COMPARE_NOT_IN OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL "
    "OPERATOR_COALESCE OPERATOR_NULLIF OPERATOR_TRY OPERATOR_UNPACK ARRAY_EXTRACT ARRAY_SLICE "
    "STRUCT_EXTRACT ARRAY_CONSTRUCTOR GROUPING_FUNCTION"
)
_LITERALS = frozenset({"INTEGER", "NUMERIC", "STRING", "BOOLEAN", "NULL_LITERAL"})
# Where rows may come out in another order than they went in.
_REORDERING = frozenset(
    {"JOIN", "SUBQUERY", "SET_OPERATION_NODE", "DISTINCT_MODIFIER", "WINDOW", "EXPRESSION_LIST"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSql:
    """What an allowed statement says about itself.

    ``ordered``: its rows have an order of their own, by ORDER BY or as one table's rows stand.
    ``texts``: the text constants in it. ``sources``: for each column of the result the table
    column it shows (also through min, max and their like), else None; empty where ``*`` hides it.
    ``counts``: it counts rows. ``tables``: the scene's tables it may select from.
    """

    ordered: bool
    texts: tuple[str, ...]
    sources: tuple[str | None, ...]
    counts: bool
    tables: tuple[str, ...]


def check(serialized: str) -> CheckedSql:
    """Hold a statement's tree (``json_serialize_sql``'s JSON) against the lists.

    Raises ProgramError, naming what is not allowed and what is.
    """
    tree = json.loads(serialized)
    if tree["error"]:
        message = str(tree.get("error_message", "not a SELECT"))
        if "Only SELECT" in message:
            message = "only SELECT is allowed"
        refuse(message.splitlines()[0])
    statements = tree["statements"]
    if len(statements) != 1:
        refuse(f"{len(statements)} statements; write exactly one SELECT")
    node = statements[0]["node"]
    walk = _Walk(declared=frozenset(_declared(node, 0)))
    walk.visit(node, frozenset(TABLES), 0)
    return CheckedSql(
        ordered=_has_order(node) or walk.keeps_order(node),
        texts=tuple(dict.fromkeys(walk.texts)),
        sources=_sources(node),
        tables=tuple(name for name in TABLES if name in walk.tables),
        counts=bool(walk.functions & {"count", "count_star", "count_if", "countif"}),
    )


def refuse(message: str) -> NoReturn:
    """Raise the ProgramError of a statement that is not allowed, or went wrong."""
    raise ProgramError(f"scene.rows(): {message}")


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean x?``, or nothing."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


class _Walk:
    """One pass over a tree; ``visit`` raises ProgramError at the first thing not listed."""

    def __init__(self, declared: frozenset[str]) -> None:
        self.declared = declared
        self.texts: list[str] = []
        self.functions: set[str] = set()
        self.tables: set[str] = set()
        self._seen: set[str] = set()

    def keeps_order(self, node: dict[str, Any]) -> bool:
        """Whether the rows are one table's rows in its order, some perhaps left out."""
        return (
            node["type"] == "SELECT_NODE"
            and node["from_table"]["type"] == "BASE_TABLE"
            and not self._seen & _REORDERING
            and not node.get("group_expressions")
            and not node.get("group_sets")
            and not self.functions & AGGREGATES
            and node.get("aggregate_handling") == "STANDARD_HANDLING"
        )

    def visit(self, node: Any, tables: frozenset[str], depth: int) -> None:
        """Check a node and everything below it; ``tables`` are the names it can select from."""
        if depth > _MAX_DEPTH:
            refuse("the statement is nested too deeply")
        if isinstance(node, list):
            for member in node:
                self.visit(member, tables, depth + 1)
            return
        if not isinstance(node, dict):
            return
        if "class" in node:
            self._expression(node)
        elif "type" in node:
            self._node(node, tables)
        if node.get("type") == "TABLE_FUNCTION":
            # Its function is checked by its own list; what is left are the arguments.
            self.visit(node["function"].get("arguments"), tables, depth + 1)
            return
        if "cte_map" in node:
            tables = self._named_queries(node["cte_map"], tables, depth)
        for key, value in node.items():
            if key != "cte_map" and isinstance(value, dict | list):
                self.visit(value, tables, depth + 1)

    def _named_queries(
        self, cte_map: dict[str, Any], tables: frozenset[str], depth: int
    ) -> frozenset[str]:
        """Check the queries of a WITH, each seeing those before it; the names seen after it."""
        for entry in cte_map.get("map", ()):
            if set(entry["value"]) - {"aliases", "materialized", "query_node", "query"}:
                refuse("this kind of WITH is not available; use WITH name AS (SELECT ...)")
            self.visit(entry["value"], tables, depth + 1)
            tables |= {entry["key"].lower()}
        return tables

    def _node(self, node: dict[str, Any], tables: frozenset[str]) -> None:
        kind = node["type"]
        if node.get("sample") is not None:
            refuse("samples are drawn at random; use WHERE, ORDER BY and LIMIT")
        if node.get("at_clause") is not None:
            refuse("AT is not available; the tables have one version")
        if kind == "RECURSIVE_CTE_NODE":
            refuse("WITH RECURSIVE is not available; loop in the program")
        if kind == "TABLE_FUNCTION":
            self._function(node["function"], TABLE_FUNCTIONS, "in FROM")
        elif kind not in _NODES:
            word = str(kind).removesuffix("_NODE").removesuffix("_REF").replace("_", " ")
            refuse(f"{word} is not available; write a SELECT from {', '.join(TABLES)}")
        elif kind == "BASE_TABLE":
            self._table(node, tables)
        self._seen.add(kind)

    def _table(self, node: dict[str, Any], tables: frozenset[str]) -> None:
        name = str(node.get("table_name", ""))
        path = node.get("qualified_name", {}).get("path", [name])
        qualified = node.get("schema_name") or node.get("catalog_name") or path != [name]
        if qualified or name.lower() not in tables:
            shown = name if not qualified else ".".join(path)
            refuse(
                f"no table '{shown[:80]}'{nearest(name.lower(), tables)}; "
                f"tables: {', '.join(TABLES)}"
            )
        self.tables.add(name.lower())

    def _expression(self, node: dict[str, Any]) -> None:
        kind = node["class"]
        if kind == "FUNCTION":
            self._function(node, FUNCTIONS, "in SQL")
        elif kind == "WINDOW":
            self._function(node, WINDOWS, "with OVER")
            self._seen.add(kind)
        elif kind == "COLUMN_REF":
            self._column(node["column_names"])
        elif kind == "OPERATOR":
            if node["type"] not in _OPERATOR_TYPES:
                refuse(f"{node['type']} is not available")
        elif kind == "TYPE":
            name = str(node.get("type_name", ""))
            if node.get("schema") or node.get("catalog") or name.lower() not in TYPES:
                refuse(f"the type {name} is not available; use DOUBLE, INTEGER, VARCHAR, BOOLEAN")
        elif kind not in _CLASSES:
            refuse(f"{kind} is not available")
        if kind == "CONSTANT":
            self._constant(node.get("literal", {}))
        if kind == "SUBQUERY":
            self._seen.add(kind)

    def _constant(self, literal: dict[str, Any]) -> None:
        if literal.get("kind") not in _LITERALS:
            refuse("only numbers, texts, TRUE, FALSE and NULL are written as values")
        if literal["kind"] == "STRING":
            self.texts.append(str(literal.get("text", "")))

    def _function(self, node: dict[str, Any], allowed: frozenset[str], where: str) -> None:
        name = str(node["function_name"]).lower()
        path = node.get("qualified_name", {}).get("path", [node["function_name"]])
        qualified = node.get("schema") or node.get("catalog") or len(path) != 1
        if qualified or name not in allowed or node.get("export_state"):
            refuse(f"{name[:80]}() is not available {where}{nearest(name, allowed)}")
        self.functions.add(name)

    def _column(self, names: list[str]) -> None:
        """A bare name must be a column or a name given in the statement.

        Where nothing has that name DuckDB would look for a call of it (``current_user``).
        """
        name = names[0].lower()
        if len(names) > 1:
            return  # a table's column or a struct's field: never a call
        if name in _VALUES:
            refuse(f"{name} is not available; columns: {', '.join(COLUMNS)}")
        if name not in self.declared and name not in COLUMNS and name not in _GIVEN:
            refuse(
                f"no column '{name[:80]}'{nearest(name, COLUMNS)}; columns: {', '.join(COLUMNS)}"
            )


def _declared(node: Any, depth: int) -> Iterable[str]:
    """Every name the statement gives to anything, and the tables it selects from; lower case."""
    if depth > _MAX_DEPTH:
        refuse("the statement is nested too deeply")
    if isinstance(node, list):
        for member in node:
            yield from _declared(member, depth + 1)
        return
    if not isinstance(node, dict):
        return
    for key in ("alias", "table_name", "key"):
        if isinstance(node.get(key), str):
            yield node[key].lower()
    for key in ("column_name_alias", "aliases"):
        for name in node.get(key, ()):
            yield str(name).lower()
    if node.get("class") == "LAMBDA":
        yield from _parameters(node["lhs"])
    for value in node.values():
        if isinstance(value, dict | list):
            yield from _declared(value, depth + 1)


def _parameters(lhs: dict[str, Any]) -> Iterable[str]:
    """The names before a lambda's arrow: one, or several as ``row(x, i)``."""
    for argument in lhs.get("arguments", [{"expression": lhs}]):
        names = argument["expression"].get("column_names", ())
        yield from (str(name).lower() for name in names)


def _has_order(node: dict[str, Any]) -> bool:
    return any(modifier["type"] == "ORDER_MODIFIER" for modifier in node.get("modifiers", ()))


# Aggregates whose result is one of the values they are given.
_PICKING = frozenset({"min", "max", "any_value", "first", "last", "median", "round"})


def _sources(node: dict[str, Any]) -> tuple[str | None, ...]:
    """For each column of the result the table column it shows; empty where that is not plain."""
    listed = node.get("select_list", ())
    if any(item["class"] in ("STAR", "OPERATOR") for item in listed):
        return ()
    return tuple(_source(item) for item in listed)


def _source(item: dict[str, Any]) -> str | None:
    while item["class"] == "FUNCTION" and item["function_name"].lower() in _PICKING:
        arguments = item.get("arguments")
        if not arguments:
            return None
        item = arguments[0]["expression"]
    return str(item["column_names"][-1]).lower() if item["class"] == "COLUMN_REF" else None
