"""What the language's operations turn into at run time: guarded access, arithmetic and text.

The compiler (:mod:`engine.programs.language`) rewrites attribute access, subscripts, ``* ** << %``,
augmented assignment and f-strings into calls of the functions here. They hold three lines: only
listed attributes of listed types are reachable, no single operation can run or grow without
bound, and no text shows a memory address (which would differ from run to run).

Numbers may have at most 4096 bits and a repeated text or list 1 000 000 items; what grows step
by step beyond that meets the worker's memory limit.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

from engine.programs.faults import Forbidden, ProgramError, TooLarge
from engine.programs.run import kind_of
from engine.programs.sets import OrderedSet
from engine.programs.values import ATTRIBUTES

MAX_BITS = 4096
MAX_ITEMS = 1_000_000
# Beyond this, n! and its relatives have more than MAX_BITS bits or take long to count.
MAX_COMBINATORIC = 400
MAX_FORMAT_WIDTH = 1000

_TEXT = (
    "capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit islower "
    "isnumeric isspace istitle isupper join lower lstrip partition removeprefix removesuffix "
    "replace rfind rindex rpartition rsplit rstrip split splitlines startswith strip swapcase "
    "title upper"
)
_LIST = "append clear copy count extend index insert pop remove reverse sort"
_DICT = "clear copy get items keys pop popitem setdefault update values"
_SET = (
    "add clear copy difference difference_update discard intersection intersection_update "
    "isdisjoint issubset issuperset pop remove symmetric_difference update union"
)
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_TEXT.split()),
    list: frozenset(_LIST.split()),
    tuple: frozenset({"count", "index"}),
    dict: frozenset(_DICT.split()),
    OrderedSet: frozenset(_SET.split()),
    float: frozenset({"is_integer"}),
    int: frozenset({"bit_length"}),
}
_TYPE_METHODS: dict[type, frozenset[str]] = {
    dict: frozenset({"fromkeys"}),
}


def _bits(value: int) -> int:
    return value.bit_length()


def factorial(n: int) -> int:
    """n! for n up to 400."""
    return math.factorial(_small(n, "factorial"))


def comb(n: int, k: int) -> int:
    """Ways to choose k of n, n up to 400."""
    return math.comb(_small(n, "comb"), k)


def perm(n: int, k: int | None = None) -> int:
    """Ways to choose and order k of n, n up to 400."""
    return math.perm(_small(n, "perm"), k)


def prod(values: Iterable[Any], start: Any = 1) -> Any:
    """The product of numbers, with the same limits as ``*``."""
    total = start
    for value in values:
        total = multiply(total, value)
    return total


def _small(n: int, name: str) -> int:
    if isinstance(n, int) and n > MAX_COMBINATORIC:
        raise ProgramError(f"math.{name}({n}): at most {MAX_COMBINATORIC}")
    return n


class MathFacade:
    """``math`` as programs see it: real-valued functions and constants, no module behind it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<math>"


_MATH_NAMES = (
    "acos asin atan atan2 ceil copysign cos cosh degrees dist e exp fabs floor fmod fsum gcd hypot "
    "inf isclose isfinite isinf isnan isqrt log log10 log2 nan pi pow radians sin sinh sqrt tan "
    "tanh tau trunc"
)
MATH: dict[str, Any] = {name: getattr(math, name) for name in _MATH_NAMES.split()}
MATH.update(factorial=factorial, comb=comb, perm=perm, prod=prod)

# Every attribute name a program may write, on whatever: the compiler refuses all others.
KNOWN_ATTRIBUTES: frozenset[str] = frozenset(MATH).union(
    *ATTRIBUTES.values(), *_METHODS.values(), *_TYPE_METHODS.values()
)


def get_attribute(value: Any, name: str) -> Any:
    """``value.name`` for a name listed for that value's type; nothing else is reachable."""
    kind = type(value)
    allowed = ATTRIBUTES.get(kind) or _METHODS.get(kind)
    if allowed is not None and name in allowed:
        if kind is dict and name in ("keys", "items"):
            # Views combine into Python's own sets, whose order is not a program's to see.
            return lambda: list(getattr(value, name)())
        return getattr(value, name)
    if kind is MathFacade:
        if name in MATH:
            return MATH[name]
        raise Forbidden(f"math.{name} is not available; math has {', '.join(sorted(MATH))}")
    if kind is type and name in _TYPE_METHODS.get(value, ()):
        return getattr(value, name)
    if allowed is not None:
        raise ProgramError(f"{kind_of(value)} has no .{name}; it has {', '.join(sorted(allowed))}")
    raise ProgramError(f"{kind_of(value)} has no .{name}")


def get_item(value: Any, key: Any) -> Any:
    """``value[key]`` of a list, tuple, text, dict or range."""
    if type(value) not in (list, tuple, str, dict, range):
        raise ProgramError(f"{kind_of(value)} cannot be indexed with [...]")
    return value[key]


def write(value: Any) -> Any:
    """Lets ``value[key] = x`` through for lists and dicts; nothing else can be written to."""
    if type(value) not in (list, dict):
        raise ProgramError(f"{kind_of(value)} cannot be changed; only lists and dicts can")
    return value


def apply(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``function(*args, **kwargs)``."""
    return function(*args, **kwargs)


def multiply(a: Any, b: Any) -> Any:
    """``a * b``, bounded."""
    for text, times in ((a, b), (b, a)):
        if (
            type(text) in (str, list, tuple)
            and isinstance(times, int)
            and len(text) * times > MAX_ITEMS
        ):
            raise TooLarge(
                f"{kind_of(text)} of {len(text) * times} items is over the limit of {MAX_ITEMS}"
            )
    if type(a) is int and type(b) is int and _bits(a) + _bits(b) > MAX_BITS + 1:
        raise ProgramError(f"a product grew past {MAX_BITS} bits; keep numbers small")
    return a * b


def power(a: Any, b: Any) -> Any:
    """``a ** b``, bounded, real-valued."""
    if isinstance(a, int) and isinstance(b, int) and b > 0 and _bits(a) * b > MAX_BITS:
        raise ProgramError(f"a power with over {MAX_BITS} bits; keep numbers small")
    result = a**b
    if type(result) is complex:
        raise ProgramError("a negative number raised to a fraction is no real number")
    return result


def shift_left(a: Any, b: Any) -> Any:
    """``a << b``, bounded."""
    if isinstance(a, int) and isinstance(b, int) and _bits(a) + b > MAX_BITS:
        raise ProgramError(f"a shift past {MAX_BITS} bits; keep numbers small")
    return a << b


def modulo(a: Any, b: Any) -> Any:
    """``a % b`` of numbers; texts are built with f-strings."""
    if type(a) is str:
        raise Forbidden("'...' % values is not available; use an f-string")
    return a % b


# The operators that are rewritten, in an expression and in an augmented assignment.
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "*": multiply,
    "**": power,
    "<<": shift_left,
    "%": modulo,
}
_IN_PLACE: dict[str, Callable[[Any, Any], Any]] = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": multiply,
    "/=": operator.truediv,
    "%=": modulo,
    "**=": power,
    "<<=": shift_left,
    ">>=": operator.rshift,
    "|=": operator.ior,
    "^=": operator.ixor,
    "&=": operator.iand,
    "//=": operator.floordiv,
}


def binary(symbol: str, a: Any, b: Any) -> Any:
    """A rewritten operator."""
    return OPERATORS[symbol](a, b)


def in_place(symbol: str, a: Any, b: Any) -> Any:
    """``name op= b``."""
    function = _IN_PLACE.get(symbol)
    if function is None:
        raise Forbidden(f"{symbol} is not available")
    return function(a, b)


def in_place_item(symbol: str, value: Any, key: Any, b: Any) -> None:
    """``value[key] op= b``, with ``value`` and ``key`` evaluated once."""
    container = write(value)
    container[key] = in_place(symbol, container[key], b)


_PLAIN = (int, float, str, bool, type(None), *ATTRIBUTES)


def text_of(value: Any = "") -> str:
    """``str(value)`` of plain values and of lists, tuples, dicts and sets of them."""
    _refuse_addresses(value, 0)
    return str(value)


def _refuse_addresses(value: Any, depth: int) -> None:
    if type(value) in _PLAIN:
        return
    if depth > 20:
        raise ProgramError("a text of values nested over 20 deep")
    if type(value) in (list, tuple, OrderedSet):
        for member in value:
            _refuse_addresses(member, depth + 1)
    elif type(value) is dict:
        for key, member in value.items():
            _refuse_addresses(key, depth + 1)
            _refuse_addresses(member, depth + 1)
    else:
        raise ProgramError(f"{kind_of(value)} has no text; give a number, a text or a list")


def format_value(value: Any, conversion: int, spec: str) -> str:
    """One ``{value!conversion:spec}`` of an f-string."""
    if any(int(digits) > MAX_FORMAT_WIDTH for digits in re.findall(r"\d{1,9}", spec)):
        raise TooLarge(f"a format width over {MAX_FORMAT_WIDTH} in '{spec[:40]}'")
    _refuse_addresses(value, 0)
    if conversion == ord("r"):
        value = repr(value)
    elif conversion == ord("a"):
        value = ascii(value)
    elif conversion == ord("s"):
        value = str(value)
    return format(value, spec)


def rounded(number: Any, ndigits: int | None = None) -> Any:
    """``round(number, ndigits)`` with at most 100 digits either way."""
    if isinstance(ndigits, int) and abs(ndigits) > 100:
        raise ProgramError(f"round(..., {ndigits}): at most 100 digits")
    return round(number, ndigits)


def total(values: Iterable[Any], start: Any = 0) -> Any:
    """``sum(values, start)`` of numbers or lists."""
    return sum(values, start)


# Exactly the contract's builtins, and nothing Python adds behind them.
BUILTINS: dict[str, Any] = {
    "abs": abs,
    "all": all,
    "any": any,
    "bool": bool,
    "dict": dict,
    "enumerate": enumerate,
    "filter": filter,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "map": map,
    "max": max,
    "min": min,
    "range": range,
    "reversed": reversed,
    "round": rounded,
    "set": OrderedSet,
    "sorted": sorted,
    "str": text_of,
    "sum": total,
    "tuple": tuple,
    "zip": zip,
}
