"""Programs written anew: in ways that change nothing, by kind, and in ways that may change all."""

from __future__ import annotations

import ast
import copy
import functools
import json
import re
from collections.abc import Callable, Iterator

from engine.config import ProposerSettings
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import GrammarProposer
from engine.proposing.inventory import Draws
from engine.proposing.phrasebook import Dealer, read
from engine.proposing.phrasebook.lattice import Lattice, OneOf, Row, Text
from engine.records import SceneFacts
from engine.scenes.complete import complete
from engine.seeds import generator
from scene_adapters.scan import Scan
from scene_adapters.synthetic.scenes import generate_scene

HEAD = "def answer(scene):\n    return "

# As a model writes them: statements, loops, helpers, things in between.
_BY_HAND = """
def answer(scene):
    n = 0
    for o in scene.objects('chair'):
        if distance(o, 'table') < 1.5:
            n += 1
    return n
===
def answer(scene):
    found = []
    for o in scene.objects('chair'):
        d = distance(o, 'table')
        if d > 1.0:
            continue
        found.append(d)
    return len(found) + sum(found)
===
def tall(o, h=1.0):
    return o.height > h
def answer(scene):
    some = len([o for o in scene.objects() if tall(o)])
    return some - sum(1 for o in scene.objects() if not tall(o, 0.5))
===
def answer(scene):
    a, b = scene.objects('chair')[0], scene.objects('table')[0]
    if a.height > b.height:
        x = a
    else:
        x = b
    return x.label
===
def answer(scene):
    ds = sorted(distance(o, 'chair') for o in scene.objects('table'))
    return ds[0] * 100 + ds[-1] / 4
===
def answer(scene):
    t = 0
    k = 2
    for o in scene.objects():
        if o.label == 'chair' and o.height > 0.5 or o.volume > 0.3:
            t += o.height * k
    return t - 1
===
def answer(scene):
    for o in scene.objects():
        if o.height > 1.2 and distance(o, 'chair') < 2:
            return True
    return False
===
def answer(scene):
    c = scene.objects('chair')
    best = min(c, key=lambda o: distance(o, 'table'))
    other = max([o for o in c if o.id != best.id], key=lambda o: o.height)
    return abs(best.height - other.height)
===
def answer(scene):
    d = {o.label: o.volume for o in scene.objects()}
    return sorted(d, key=lambda n: d[n], reverse=True)[:3]
===
def answer(scene):
    xs = [o.height for o in scene.objects('chair')] + [o.height for o in scene.objects('table')]
    return max(xs) - min(xs) if len(xs) > 2 else 0.0
===
def answer(scene):
    f = lambda a, b: a.height - b.height
    x, y = scene.objects()[0], scene.objects()[-1]
    return f(x, y) + f(b=x, a=y) * 2
===
def answer(scene):
    it = (o for o in scene.objects('chair') if o.height > 0.1)
    first = len(list(it))
    return first + len(list(it))
===
def answer(scene):
    last = 0
    n = 0
    for o in scene.objects():
        if last > 1:
            continue
        last = o.height
        n += 1
    return n + last
===
def answer(scene):
    xs = []
    ys = xs
    for o in scene.objects('chair'):
        xs.append(o.height)
    return len(ys) + sum(xs)
"""
BY_HAND = tuple(text.strip("\n") for text in _BY_HAND.split("==="))


@functools.cache
def scenes(count: int) -> tuple[SceneFacts, ...]:
    """Rooms with cameras, what they see, and a navigation grid."""
    return tuple(complete(Scan(record=generate_scene(5, index))).facts for index in range(count))


@functools.cache
def written(index: int, wanted: int, each: int) -> tuple[dict[str, object], ...]:
    """Proposals for one scene: the grammar's, and of the phrasebook ``each`` of every type."""
    scene = scenes(index + 1)[index]
    request = ProposalRequest(scene=scene, wanted=wanted, round=1, seed=1)
    found: list[dict[str, object]] = []
    for reply in GrammarProposer(ProposerSettings()).propose([request]):
        found += [json.loads(line) for line in reply.text.splitlines()]
    dealer, chance = Dealer(scene), Draws(generator(0, "rewritings", index), {})
    for kind in dealer.feasible_types() if each else ():
        for _ in range(each):
            target = dealer.deal(kind, chance)
            if target is None:
                continue
            chosen = read(_walked(target.programs, chance), target)
            assert chosen is not None
            found.append(chosen.proposal(_walked(chosen.wordings, chance)))
    return tuple(found)


def _walked(lattice: Lattice, chance: Draws) -> str:
    match lattice:
        case Text():
            return lattice.text
        case Row():
            return "".join(_walked(part, chance) for part in lattice.parts)
        case OneOf():
            return _walked(chance.pick(lattice.choices), chance)


# --- what changes nothing --------------------------------------------------------------------

_SYMMETRIC = {"distance", "center_distance", "larger", "higher", "camera_displacement"}
_CHOOSING = {"nearest", "farthest", "appearance_order"}
_FLIPPED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.Eq}


class _Swapped(ast.NodeTransformer):
    """Exchanges what may be: arguments, operands, sides, members of lists to choose from."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in _SYMMETRIC and len(node.args) == 2:
            node.args.reverse()
        if name in _CHOOSING and isinstance(node.args[-1], ast.List):
            node.args[-1].elts.reverse()
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, (ast.Add, ast.Mult)):
            node.left, node.right = node.right, node.left
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        other = _FLIPPED.get(type(node.ops[0]))
        if other is not None and len(node.ops) == 1:
            node.left, node.comparators = node.comparators[0], [node.left]
            node.ops = [other()]
        return node


class _Counted(ast.NodeTransformer):
    """``len([... for ...])`` as ``sum(1 for ...)``, ``scene.count`` as ``len(scene.objects)``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "len":
            (argument,) = node.args
            if isinstance(argument, ast.ListComp):
                ones = ast.GeneratorExp(elt=ast.Constant(1), generators=argument.generators)
                return ast.Call(func=ast.Name("sum"), args=[ones], keywords=[])
        if isinstance(node.func, ast.Attribute) and node.func.attr == "count":
            listed = ast.Call(
                func=ast.Attribute(node.func.value, "objects"), args=node.args, keywords=[]
            )
            return ast.Call(func=ast.Name("len"), args=[listed], keywords=[])
        return node


class _Labelled(ast.NodeTransformer):
    """``scene.only(x)`` and ``scene.objects(x)`` as x itself where a distance is measured."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in ("distance", "center_distance"):
            node.args = [_label(argument) for argument in node.args]
        return node


def _label(node: ast.expr) -> ast.expr:
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("only", "objects")
        and len(node.args) == 1
    ):
        return node.args[0]
    return node


class _Hoisted(ast.NodeTransformer):
    """Puts every object asked for by its label, and every text, in a variable."""

    def __init__(self) -> None:
        self.before: list[ast.stmt] = []

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("only", "objects"):
            return self._named(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return self._named(node) if isinstance(node.value, str) else node

    def _named(self, node: ast.expr) -> ast.Name:
        name = f"thing_{len(self.before)}"
        self.before.append(ast.Assign(targets=[ast.Name(name, ast.Store())], value=node))
        return ast.Name(name)


def _expression(source: str) -> ast.expr:
    return ast.parse(source.removeprefix(HEAD), mode="eval").body


def _source(tree: ast.AST) -> str:
    return HEAD + ast.unparse(ast.fix_missing_locations(tree))


def formatted(source: str) -> str:
    text = ast.unparse(_expression(source))
    if '"' not in text:
        text = text.replace("'", '"')
    return f"# what is asked\ndef answer(scene):\n\n  'In words.'\n  return (  # so\n {text})\n"


def renamed(source: str) -> str:
    text = re.sub(r"\bscene\b", "the_room", source)
    return re.sub(r"(?<=for )o\b|(?<=lambda )o\b|\bo\b(?=\.| in\b|,|\))", "thing", text)


def hoisted(source: str) -> str:
    hoister = _Hoisted()
    value = hoister.visit(_expression(source))
    body = [*hoister.before, ast.Assign(targets=[ast.Name("result", ast.Store())], value=value)]
    lines = [ast.unparse(ast.fix_missing_locations(line)) for line in body]
    return "\n    ".join(["def answer(scene):", *lines, "return result"])


def by_helper(source: str) -> str:
    inner = source.removeprefix(HEAD)
    return f"def computed(room):\n    scene = room\n    return {inner}\n{HEAD}computed(room=scene)"


def swapped(source: str) -> str:
    return _source(_Swapped().visit(_expression(source)))


def counted(source: str) -> str:
    return _source(_Counted().visit(_expression(source)))


def labelled(source: str) -> str:
    return _source(_Labelled().visit(_expression(source)))


def branched(source: str) -> str:
    """A truth as two returns, anything else through a variable and ``if True``."""
    inner = source.removeprefix(HEAD)
    tree = _expression(source)
    if isinstance(tree, ast.Compare):
        return f"def answer(scene):\n    if not {inner}:\n        return False\n    return True"
    return f"def answer(scene):\n    value = {inner}\n    got = value\n    return got"


def looped(source: str) -> str:
    """Comprehensions that are counted as loops that count."""
    tree = _expression(source)
    if not (
        isinstance(tree, ast.Call)
        and isinstance(tree.func, ast.Name)
        and tree.func.id == "len"
        and isinstance(tree.args[0], ast.ListComp)
    ):
        return source
    (loop,) = tree.args[0].generators
    head = f"    for {ast.unparse(loop.target)} in {ast.unparse(loop.iter)}:\n"
    tests = " and ".join(f"({ast.unparse(test)})" for test in loop.ifs) or "True"
    return (
        f"def answer(scene):\n    n = 0\n{head}        if {tests}:\n"
        "            n += 1\n    return n"
    )


REWRITINGS: dict[str, Callable[[str], str]] = {
    "formatting": formatted,
    "names": renamed,
    "variables": hoisted,
    "helper": by_helper,
    "order": swapped,
    "counting": counted,
    "labels": labelled,
    "branches": branched,
    "loops": looped,
}


# --- what may change all ---------------------------------------------------------------------

_CALLS = (
    "min", "max", "nearest", "farthest", "sum", "len", "any", "all", "sorted", "distance",
    "center_distance", "larger", "higher",
)  # fmt: skip
_READ = ("height", "top", "bottom", "longest_side", "volume", "label", "id")
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


def changes(tree: ast.AST, labels: tuple[str, ...]) -> Iterator[Callable[[], None]]:
    """Small changes that could be made to the tree in place."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=[_, _, *_]):
                yield node.args.reverse
            case ast.Compare():
                yield functools.partial(_exchange, node)
                for kind in _COMPARISONS:
                    yield functools.partial(node.ops.__setitem__, 0, kind())
            case ast.BinOp():
                yield functools.partial(_exchange, node)
                for operator in _OPERATORS:
                    yield functools.partial(setattr, node, "op", operator())
            case ast.List(elts=[_, _, *_]) | ast.Tuple(elts=[_, _, *_]):
                yield node.elts.reverse
            case ast.BoolOp():
                yield node.values.reverse
                yield functools.partial(setattr, node, "op", ast.Or())
            case ast.IfExp() | ast.If():
                yield functools.partial(
                    setattr, node, "test", ast.UnaryOp(ast.Not(), copy.deepcopy(node.test))
                )
            case ast.AugAssign():
                yield functools.partial(setattr, node, "op", ast.Sub())
            case ast.ListComp() | ast.GeneratorExp() if node.generators[0].ifs:
                yield node.generators[0].ifs.clear
            case ast.Attribute() if node.attr in _READ:
                for name in _READ:
                    yield functools.partial(setattr, node, "attr", name)
            case ast.Constant(value=str()):
                for label in labels:
                    yield functools.partial(setattr, node, "value", label)
            case ast.Constant(value=bool()):
                yield functools.partial(setattr, node, "value", not node.value)
            case ast.Constant(value=int() | float()):
                for number in (0, 1, -1, 1.0, 2 * node.value):
                    yield functools.partial(setattr, node, "value", number)
            case ast.FunctionDef(body=[_, _, *_]):
                yield functools.partial(_next_first, node)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in _CALLS
        ):
            for name in _CALLS:
                yield functools.partial(setattr, node.func, "id", name)


def _exchange(node: ast.Compare | ast.BinOp) -> None:
    if isinstance(node, ast.BinOp):
        node.left, node.right = node.right, node.left
    else:
        node.left, node.comparators[0] = node.comparators[0], node.left


def _next_first(node: ast.FunctionDef) -> None:
    node.body[0], node.body[1] = node.body[1], node.body[0]
