"""What the language lets a program say, what it refuses, and what the refusal tells a proposer."""

from __future__ import annotations

import pytest
from program_scenes import ask, run, scene, thing

from engine.programs.faults import BadSyntax, Forbidden
from engine.programs.guards import BUILTINS
from engine.programs.language import MAX_SOURCE, compile_program
from engine.records import Reason

FACTS = scene(thing("sofa", (0, 0)), thing("stove", (2, 0)), thing("chair", (0, 2)))


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("return sum(x * x for x in range(4) if x % 2)", 10),
        ("return [l for l in scene.labels()][::-1]", ("stove", "sofa", "chair")),
        ("return {k: v for k, v in zip('ab', (1, 2))}['b']", 2),
        ("return len({x // 2 for x in range(5)})", 3),
        ("return sorted(scene.labels(), key=lambda s: (len(s), s))", ("sofa", "chair", "stove")),
        ("return max(['a', 'bbb', 'cc'], key=len)", "bbb"),
        ("a, (b, *c) = 1, (2, 3, 4)\nreturn a + b + sum(c)", 10),
        ("(a, b), c = [(1, 2), 3]\nreturn a * b * c", 6),
        ("t = 0\nfor i, (a, b) in enumerate([(1, 2), (3, 4)]):\n t += i * a * b\nreturn t", 12),
        ("n = 10\nwhile True:\n n -= 3\n if n < 0:\n  break\nelse:\n n = 99\nreturn n", -2),
        ("d = {}\nd['a'] = 1\nd['a'] += 4\nd['a'] *= 3\nreturn d['a']", 15),
        ("x = [1, 2, 3]\nx[0] = 7\nx[1:] = [0]\nx[-1] -= 2\nreturn x[0] + x[1]", 5),
        ("x = [3, 1]\nx.append(2)\nx.sort()\nreturn x[-1] + x.index(2)", 4),
        (
            "def f(a, b=2, *rest, c=0):\n return a + b + c + len(rest)\nreturn f(*[1], **{'c': 5})",
            8,
        ),
        ("def up(n):\n return 1 if n < 2 else n * up(n - 1)\nreturn up(5)", 120),
        ("x: float = 2\ny: 'anything' = 1\nz: int\nreturn x + y", 3),
        ("return (n := 4) + n", 8),
        ("return ' A-b '.strip().lower().replace('-', '/').split('/')", ("a", "b")),
        ("return ', '.join(sorted({'b', 'a'}))", "a, b"),
        (
            "return f'{3.14159:.2f} {1:>3}|{True!r:<6}|{2:0{3}}|{[1, None]}'",
            "3.14   1|True  |002|[1, None]",
        ),
        ("x = 5\nreturn f'{x=}'", "x=5"),
        ("return [*'ab', *['c']]", ("a", "b", "c")),
        ("return {**{'a': 1}, 'b': 2}['a']", 1),
        ("return all([1 < 2 <= 2, not False, 'a' in 'abc', None is None])", True),
        ("return round(math.hypot(3, 4) + math.sin(0) + math.pi, 4)", 8.1416),
        ("return math.comb(5, 2) + math.factorial(3) + math.prod([2, 3])", 22),
        ("return 2 ** 10 % 1000 // 5 << 1", 8),
        ("return -7 // 2 + abs(-3) + int('12') + int(float('1.5'))", 12),
        ("return list(map(str, [1, 2.5])) + list(filter(None, ['', 'x']))", ("1", "2.5", "x")),
        ("return list(reversed([o.label for o in scene.objects()]))", ("chair", "stove", "sofa")),
        ("s = set()\ns.add(scene.only('sofa'))\ns.add(scene.only('sofa'))\nreturn len(s)", 1),
        ("return scene.only('sofa') == scene.objects()[0]", True),
        ("return dict.fromkeys(['a', 'b'], 1)['b']", 1),
        ("assert 1 + 1 == 2, 'sums'\nreturn 1", 1),
        (
            "return any(i == 3 for i in range(4)) and bool([0]) and isin(1)\ndef unused():\n pass",
            None,
        ),
    ],
)
def test_ordinary_code_runs(body, answer):
    source = "def answer(scene):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    outcome = run(source, FACTS)
    if answer is None:
        assert outcome.reason is Reason.PROGRAM_ERROR
        assert "isin" in outcome.message
    else:
        assert outcome.answer == answer, outcome.message
        assert type(outcome.answer) is type(answer)


def test_helpers_and_constants_stand_beside_answer():
    outcome = run(
        """
        LIMIT = 1.5

        def far(scene, a: str, b: str = 'stove') -> bool:
            return distance(a, b) > LIMIT

        def answer(scene) -> bool:
            return far(scene, 'sofa')
        """,
        FACTS,
    )
    assert outcome.answer is True


FORBIDDEN = [
    ("import os\ndef answer(scene):\n    return 1", "imports"),
    ("from math import pi\ndef answer(scene):\n    return pi", "imports"),
    ("def answer(scene):\n    import os\n    return 1", "line 2"),
    ("class A:\n    pass", "classes"),
    ("def answer(scene):\n    try:\n        return 1\n    except:\n        return 2", "try"),
    ("def answer(scene):\n    raise ValueError", "raise"),
    ("def answer(scene):\n    with scene:\n        return 1", "with"),
    ("def answer(scene):\n    x = [1]\n    del x[0]\n    return 1", "del"),
    ("x = 1\ndef answer(scene):\n    global x\n    x = 2", "global"),
    ("def answer(scene):\n    x = 1\n    def f():\n        nonlocal x\n    return x", "nonlocal"),
    ("def answer(scene):\n    yield 1", "yield"),
    ("def answer(scene):\n    yield from [1]", "yield"),
    ("async def answer(scene):\n    return 1", "async"),
    ("def answer(scene):\n    match 1:\n        case _:\n            return 1", "match"),
    ("@abs\ndef answer(scene):\n    return 1", "decorators"),
    ("def answer(scene):\n    return b'x'", "bytes"),
    ("def answer(scene):\n    return 1j", "complex"),
    ("def answer(scene):\n    for _ in range(3):\n        pass\n    return 1", "starting with _"),
    ("def answer(_scene):\n    return 1", "starting with _"),
    ("def answer(scene):\n    return dict(_x=1)", "starting with _"),
    ("def answer(scene):\n    scene.id = 'x'\n    return 1", "cannot be assigned"),
    ("def answer(scene):\n    return scene.colour", ".colour"),
    ("def answer(scene):\n    print(1)\n    return 1", "print"),
    ("def answer(scene):\n    return '{}'.format(1)", "f-string"),
    ("def answer(scene):\n    return isinstance(1, int)", "builtins here: abs, all"),
    ("def answer(scene):\n    return np.sqrt(2)", "np is not available"),
]


@pytest.mark.parametrize(("source", "says"), FORBIDDEN)
def test_what_is_outside_the_language_is_forbidden_and_says_what_to_do(source, says):
    outcome = run(source, FACTS)
    assert outcome.reason is Reason.FORBIDDEN
    assert says in outcome.message
    assert outcome.message.startswith("line ")


@pytest.mark.parametrize(
    "source",
    [
        "def answer(scene",
        "def answer(scene):\nreturn 1",
        "def answer(scene):\n    return 1 +",
        "return 1",
        "def answer(scene, scene):\n    return 1",
        "def answer(scene):\n    return '\x00'",
        "def answer(scene):\n    return '\ud800'",
        "x = " + "(" * 300 + ")" * 300,
        "x = " + "-" * 9000 + "1",
        "x = " + "[" * 150 + "]" * 150 + "\n" + "y = 1" + "+1" * 8000,
    ],
)
def test_what_does_not_parse_is_syntax(source):
    assert run(source, FACTS).reason is Reason.SYNTAX


def test_a_syntax_error_names_its_line():
    outcome = run("def answer(scene):\n    x = 1\n    return x +", FACTS)
    assert outcome.message.startswith("line 3: ")


def test_sources_have_a_length():
    source = "def answer(scene):\n    return 1\n#"
    assert run(source + "x" * (MAX_SOURCE - len(source)), FACTS).ok
    assert run(source + "x" * MAX_SOURCE, FACTS).reason is Reason.FORBIDDEN


def test_builtins_are_exactly_the_contracts():
    contract = """
        abs all any bool dict enumerate filter float int len list map max min range reversed round
        set sorted str sum tuple zip
    """
    assert set(BUILTINS) == set(contract.split())


def test_python_warnings_about_a_program_stay_inside():
    outcome = run("def answer(scene):\n    return len('\\d') + (1 is 1)", FACTS)
    assert outcome.answer == 3


def test_compiling_twice_gives_the_cached_result_and_the_same_complaint():
    source = "def answer(scene):\n    return 12345"
    assert compile_program(source) is compile_program(source)
    for _ in range(2):
        with pytest.raises(Forbidden, match="imports"):
            compile_program("import os")
        with pytest.raises(BadSyntax, match="line 1"):
            compile_program("def")


def test_runs_share_nothing():
    source = "seen = []\ndef answer(scene, kept=[]):\n    seen.append(1)\n    kept.append(1)\n"
    source += "    return len(seen) + len(kept)"
    assert [run(source, FACTS).answer for _ in range(3)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("expression", "reason", "says"),
    [
        ("10 ** 10 ** 8", Reason.PROGRAM_ERROR, "4096 bits"),
        ("2 ** 4000 * 2 ** 4000", Reason.PROGRAM_ERROR, "4096 bits"),
        ("1 << 10 ** 9", Reason.PROGRAM_ERROR, "4096 bits"),
        ("math.factorial(10 ** 6)", Reason.PROGRAM_ERROR, "at most 400"),
        ("math.comb(10 ** 6, 5 * 10 ** 5)", Reason.PROGRAM_ERROR, "at most 400"),
        ("math.perm(10 ** 6)", Reason.PROGRAM_ERROR, "at most 400"),
        ("math.prod([2 ** 4000] * 9)", Reason.PROGRAM_ERROR, "4096 bits"),
        ("round(5, -10 ** 9)", Reason.PROGRAM_ERROR, "100 digits"),
        ("'a' * 10 ** 9", Reason.MEMORY, "1000000"),
        ("10 ** 9 * [0]", Reason.MEMORY, "1000000"),
        ("(0, 1) * 10 ** 9", Reason.MEMORY, "1000000"),
        ("f'{1:999999999}'", Reason.MEMORY, "width"),
        ("f'{1.5:.{10 ** 8}f}'", Reason.MEMORY, "width"),
        ("(-8) ** (1 / 3)", Reason.PROGRAM_ERROR, "no real number"),
        ("'%d' % 3", Reason.FORBIDDEN, "f-string"),
        ("str(len)", Reason.PROGRAM_ERROR, "no text"),
        ("f'{scene.only}'", Reason.PROGRAM_ERROR, "no text"),
        ("scene[0]", Reason.PROGRAM_ERROR, "indexed"),
        ("math.gamma(3)", Reason.FORBIDDEN, "gamma"),
        ("scene.append(1)", Reason.PROGRAM_ERROR, "has no .append"),
    ],
)
def test_no_single_operation_grows_without_bound_or_shows_an_address(expression, reason, says):
    outcome = ask(expression, FACTS)
    assert outcome.reason is reason, outcome
    assert says in outcome.message


def test_the_largest_allowed_operations_work():
    assert ask("len('a' * 10 ** 6)", FACTS).answer == 10**6
    assert ask("2 ** 2047 // 2 ** 2046", FACTS).answer == 2
    assert ask("len(f'{1:1000}')", FACTS).answer == 1000
