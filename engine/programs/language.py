"""The language programs are written in: a subset of Python, checked and rewritten before it runs.

RestrictedPython (imported here only) rejects what it does not know and routes attribute access,
subscripts, unpacking and item assignment through guards (:mod:`engine.programs.guards`). The policy
here is narrower than its default.

Available: functions (nested, recursive, with defaults, ``*args``), lambda, if/while/for/else,
break/continue, comprehensions, generator expressions, conditional expressions, ``:=``, unpacking,
slicing, item assignment and augmented assignment, f-strings, assert, annotations (dropped unread),
numbers, texts, ``True False None``, the builtins in :data:`engine.programs.guards.BUILTINS`,
``math`` as a facade, and the vocabulary.

Refused when compiled (``forbidden``): import, class, global, nonlocal, try, raise, with, del,
async, await, yield, match, decorators, names and attributes starting with ``_``, attributes that no
value of the language has, Python's other builtins, bytes, complex numbers, over 20 000 characters.
``try`` is refused because it could swallow an ambiguity.

What this layer covers: reaching anything but the listed names and attributes; single operations
that run or grow without bound (powers, products, shifts, repetition, widths, factorials). What it
does not: time and memory, which :mod:`engine.programs.sandbox` limits from outside; faults in
CPython itself; the order of a set that holds functions or ``None``, which follows addresses (sets
of texts follow the hash seed, which the sandbox fixes).
"""

# ruff: noqa: N802, N815 - ast.NodeVisitor fixes the names of its methods

from __future__ import annotations

import ast
import builtins
import hashlib
import re
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, ClassVar

from RestrictedPython.compile import compile_restricted_exec
from RestrictedPython.Guards import guarded_iter_unpack_sequence, guarded_unpack_sequence
from RestrictedPython.transformer import (
    IOPERATOR_TO_STR,
    RestrictingNodeTransformer,
    copy_locations,
)

from engine.programs import guards
from engine.programs.faults import BadSyntax, Forbidden
from engine.programs.sets import OrderedSet
from engine.programs.vocabulary import NAMES

FILENAME = "<program>"
MAX_SOURCE = 20_000
# Compiled programs kept: a stability check runs the same source on many scenes.
_CACHE_SIZE = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A program that passed the policy; ``key`` is the sha256 of its source."""

    key: str
    code: CodeType


_ADVICE = {
    "Import": "imports are not available; math and the vocabulary are already there",
    "ImportFrom": "imports are not available; math and the vocabulary are already there",
    "ClassDef": "classes are not available; use functions, tuples and dicts",
    "Try": "try is not available: a call that cannot decide must end the program",
    "TryStar": "try is not available: a call that cannot decide must end the program",
    "Raise": "raise is not available; return an answer",
    "With": "with is not available",
    "Delete": "del is not available; build a new list or dict",
    "Global": "global is not available; pass values as arguments",
    "Nonlocal": "nonlocal is not available; return values from the inner function",
    "Yield": "yield is not available; build and return a list",
    "YieldFrom": "yield is not available; build and return a list",
    "AsyncFunctionDef": "async is not available",
    "AsyncFor": "async is not available",
    "AsyncWith": "async is not available",
    "Await": "async is not available",
    "Match": "match is not available; use if/elif",
}
_SYMBOLS: dict[type[ast.operator], str] = {
    ast.Mult: "*",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.Mod: "%",
}
# Python names a proposer may reach for; anything else undefined is a NameError when it runs.
# The second line is what the site module adds, in some processes and not in others.
_PYTHON_NAMES = frozenset(dir(builtins)) | {
    *("copyright", "credits", "exit", "help", "license", "quit"),
    *("json", "np", "numpy", "os", "random", "re", "sys"),
}


class _Policy(RestrictingNodeTransformer):
    """RestrictedPython's checks, narrowed to the language, with advice for a proposer."""

    allowed_constants: ClassVar[tuple[type, ...]] = (int, float, str, bool, type(None))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.defined: set[str] = set()

    def not_allowed(self, node: ast.AST) -> None:
        kind = type(node).__name__
        self.error(node, _ADVICE.get(kind, f"{kind} is not part of the language"))

    def _refuse(self, node: ast.AST) -> ast.AST:
        self.not_allowed(node)
        return node

    visit_Import = visit_ImportFrom = visit_ClassDef = _refuse
    visit_Try = visit_TryStar = visit_Raise = visit_With = _refuse
    visit_Delete = visit_Global = visit_Nonlocal = _refuse
    visit_Yield = visit_YieldFrom = _refuse

    def check_name(
        self,
        node: Any,
        name: str | None,
        allow_magic_methods: bool = False,  # noqa: ARG002 - the base class passes it
    ) -> None:
        # Stricter than RestrictedPython's: no magic methods, not even a lone underscore.
        if name is None:
            return
        if name.startswith("_"):
            self.error(node, f"{name}: names starting with _ are not available; rename it")
        elif name.endswith("__roles__") or name in ("print", "printed", "breakpoint"):
            self.error(node, f"{name} is not available; return the answer")

    def visit_Module(self, node: ast.Module) -> Any:
        self.defined = _defined_names(node)
        return super().visit_Module(node)

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id in ("print", "printed"):
            self.error(node, f"{node.id} is not available; return the answer")
            return node
        if (
            isinstance(node.ctx, ast.Load)
            and node.id in _PYTHON_NAMES
            and node.id not in self.defined
            and node.id not in _AVAILABLE
        ):
            self.error(
                node,
                f"{node.id} is not available; builtins here: {', '.join(sorted(guards.BUILTINS))}, "
                "and math",
            )
        return super().visit_Name(node)

    def visit_Constant(self, node: ast.Constant) -> Any:
        if type(node.value) not in self.allowed_constants:
            self.error(node, f"{type(node.value).__name__} literals are not available")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        if not isinstance(node.ctx, ast.Load):
            self.error(node, f".{node.attr} cannot be assigned; only list and dict items can")
            return node
        if node.attr in ("format", "format_map"):
            self.error(node, f".{node.attr}() is not available; use an f-string")
        elif not node.attr.startswith("_") and node.attr not in guards.KNOWN_ATTRIBUTES:
            self.error(node, f".{node.attr} is not available on any value")
        return super().visit_Attribute(node)

    def visit_keyword(self, node: ast.keyword) -> Any:
        self.check_name(node, node.arg)
        return self.node_contents_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        if node.decorator_list:
            self.error(node, "decorators are not available")
        node.returns = None
        return super().visit_FunctionDef(node)

    def visit_arg(self, node: ast.arg) -> Any:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            blank = ast.Pass()
            copy_locations(blank, node)
            return blank
        plain = ast.Assign(targets=[node.target], value=node.value)
        copy_locations(plain, node)
        return self.visit(plain)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        node = self.node_contents_visit(node)
        symbol = _SYMBOLS.get(type(node.op))
        if symbol is None:
            return node
        call = _call("_binary_", ast.Constant(symbol), node.left, node.right)
        copy_locations(call, node)
        return call

    def visit_Set(self, node: ast.Set) -> Any:
        node = self.node_contents_visit(node)
        return self._ordered(node, ast.List(node.elts, ast.Load()))

    def visit_SetComp(self, node: ast.SetComp) -> Any:
        done: Any = super().visit_SetComp(node)
        return self._ordered(node, ast.ListComp(done.elt, done.generators))

    def _ordered(self, node: ast.expr, members: ast.expr) -> ast.Call:
        """A set display as a set that keeps the order it was written in."""
        call = _call("_set_", members)
        copy_locations(call, node)
        return call

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        if not isinstance(node.target, ast.Subscript):
            return super().visit_AugAssign(node)
        target = node.target
        call = _call(
            "_inplaceitem_",
            ast.Constant(IOPERATOR_TO_STR[type(node.op)]),
            self.visit(target.value),
            self.visit(target.slice),
            self.visit(node.value),
        )
        statement = ast.Expr(call)
        copy_locations(statement, node)
        return statement

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Any:
        node = self.node_contents_visit(node)
        spec = node.format_spec if node.format_spec is not None else ast.Constant("")
        call = _call("_format_", node.value, ast.Constant(node.conversion), spec)
        plain = ast.FormattedValue(value=call, conversion=-1, format_spec=None)
        copy_locations(plain, node)
        return plain


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(func=ast.Name(name, ast.Load()), args=list(args), keywords=[])


def _defined_names(tree: ast.Module) -> set[str]:
    """Every name the program itself binds, in whatever scope."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names


_AVAILABLE = frozenset(guards.BUILTINS) | NAMES | {"math"}

# What compiled programs call behind the scenes. None of these names can be written in a program.
_GUARDS: dict[str, Any] = {
    "__builtins__": {},
    "_getattr_": guards.get_attribute,
    "_getitem_": guards.get_item,
    "_getiter_": iter,
    "_set_": OrderedSet,
    "_write_": guards.write,
    "_apply_": guards.apply,
    "_binary_": guards.binary,
    "_inplacevar_": guards.in_place,
    "_inplaceitem_": guards.in_place_item,
    "_format_": guards.format_value,
    "_unpack_sequence_": guarded_unpack_sequence,
    "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
    "math": guards.MathFacade(),
    **guards.BUILTINS,
}


def global_names() -> dict[str, Any]:
    """A fresh global namespace for one run, without the vocabulary's calls."""
    names = dict(_GUARDS)
    names["__builtins__"] = {}
    return names


_cache: OrderedDict[str, Compiled | BadSyntax | Forbidden] = OrderedDict()


def compile_program(source: str) -> Compiled:
    """Check and compile a program; the result is cached by the source's hash.

    Raises BadSyntax where it is no Python, Forbidden where it leaves the language; both messages
    name the line and what to write instead.
    """
    key = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    known = _cache.get(key)
    if known is None:
        try:
            known = Compiled(key=key, code=_compile(source))
        except (BadSyntax, Forbidden) as fault:
            # Without its traceback, or the cache would keep every frame alive.
            known = fault.with_traceback(None)
        _cache[key] = known
        if len(_cache) > _CACHE_SIZE:
            _cache.popitem(last=False)
    else:
        _cache.move_to_end(key)
    if isinstance(known, Compiled):
        return known
    raise type(known)(str(known))


def _compile(source: str) -> CodeType:
    if len(source) > MAX_SOURCE:
        raise Forbidden(f"the program has {len(source)} characters; at most {MAX_SOURCE}")
    try:
        # Python warns of '\d' or of calling a number; that is the proposer's business, not ours.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, FILENAME, "exec")
            result = compile_restricted_exec(tree, filename=FILENAME, policy=_Policy)
    except SyntaxError as error:
        raise BadSyntax(f"line {error.lineno or 1}: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise BadSyntax("nested too deeply to parse; write it in steps") from error
    except (ValueError, UnicodeError) as error:
        raise BadSyntax(f"not readable as source ({error})") from error
    if result.errors:
        raise Forbidden(_one_line(result.errors))
    if result.code is None:
        raise BadSyntax("nothing to run; define answer(scene)")
    code: CodeType = result.code
    return code


def _one_line(errors: Sequence[str]) -> str:
    """The first few complaints, each once, in lower case like the other messages."""
    seen = list(dict.fromkeys(errors))
    texts = [re.sub(r"^Line (\w+): ", r"line \1: ", text) for text in seen[:3]]
    more = f" (and {len(seen) - 3} more)" if len(seen) > 3 else ""
    return "; ".join(texts) + more
