"""Programs that try to get out, or to take the machine with them: each contained, pool unharmed."""

from __future__ import annotations

import textwrap

import pytest
from program_scenes import MARGINS, apart, run, scene

from engine.config import SandboxSettings
from engine.programs.sandbox import Job, Sandbox
from engine.records import Reason

F, E, M, T = Reason.FORBIDDEN, Reason.PROGRAM_ERROR, Reason.MEMORY, Reason.TIMEOUT
W, S = Reason.WRONG_TYPE, Reason.SYNTAX
FACTS = scene(*apart(1.0))

# name -> (reason, body of answer(scene)); a body that starts with "def " or "top:" is the module.
ESCAPES: dict[str, tuple[Reason, str]] = {
    "class of a value": (F, "return scene.__class__.__mro__[1].__subclasses__()"),
    "class of a literal": (F, "return ().__class__.__base__"),
    "class of a method": (F, "return scene.only.__self__.__class__"),
    "dict of the math facade": (F, "return math.__dict__"),
    "class of the math facade": (F, "return math.__class__"),
    "globals of a call": (F, "return distance.__globals__"),
    "function inside a partial": (F, "return distance.func"),
    "arguments inside a partial": (F, "return distance.args"),
    "private field of an object": (F, "return scene.objects()[0]._run"),
    "position behind an object": (F, "return scene.objects()[0].position"),
    "fullwidth letters": (F, "return scene.__\uff43\uff4c\uff41\uff53\uff53__"),
    "fullwidth underscores": (S, "return scene.\uff3f\uff3fclass\uff3f\uff3f"),
    "attribute that becomes an underscore": (F, "return scene.x\ufe33run"),
    "name with underscores": (F, "return __builtins__"),
    "import function": (F, "return __import__('os').system('id')"),
    "guard by name": (F, "return _getattr_(scene, '__class__')"),
    "guard as a parameter": (F, "return (lambda _getattr_: scene.id)(lambda a, b: a)"),
    "guard as positional-only": (F, "def f(_getitem_, /):\n    return [1][0]\nreturn f(max)"),
    "guard as keyword": (F, "return dict(_getattr_=1)"),
    "guard as loop variable": (F, "for _getattr_ in [1]:\n    return scene.id"),
    "guard as comprehension variable": (F, "return [1 for _write_ in [1]]"),
    "guard by walrus": (F, "return (_getattr_ := 1)"),
    "guard as function": (F, "def _getiter_(x):\n    return x\nreturn 1"),
    "guard as except name": (F, "try:\n    return 1\nexcept Exception as _e:\n    return 2"),
    "guard in unpacking": (F, "[_getattr_, b] = 1, 2\nreturn b"),
    "guard in starred unpacking": (F, "*_getattr_, b = 1, 2\nreturn b"),
    "getattr": (F, "return getattr(scene, '__class__')"),
    "setattr": (F, "setattr(scene, 'id', 1)\nreturn 1"),
    "vars": (F, "return vars(scene)"),
    "dir": (F, "return dir(scene)"),
    "type": (F, "return type(scene)"),
    "type with bases": (F, "return type('X', (object,), {})()"),
    "object": (F, "return object()"),
    "super": (F, "return super()"),
    "globals": (F, "return globals()['__builtins__']"),
    "locals": (F, "return locals()"),
    "open": (F, "return open('/etc/passwd').read()"),
    "open renamed": (F, "f = open\nreturn f('/etc/passwd')"),
    "open as default": (F, "def f(o=open):\n    return o('/etc/passwd')\nreturn f()"),
    "eval": (F, "return eval('1')"),
    "exec": (F, "exec('x = 1')\nreturn 1"),
    "compile": (F, "return compile('1', '', 'eval')"),
    "print": (F, "print('x')\nreturn 1"),
    "printed": (F, "return printed"),
    "input": (F, "return input()"),
    "breakpoint": (F, "breakpoint()\nreturn 1"),
    "exit": (F, "exit()"),
    "memoryview": (F, "return memoryview('x')"),
    "import": (F, "import os\nreturn os.getcwd()"),
    "import from": (F, "from os import system\nreturn 1"),
    "future import": (F, "from __future__ import annotations\nreturn 1"),
    "format walk": (F, "return '{0.__class__}'.format(scene)"),
    "format_map walk": (F, "return '{a.__class__}'.format_map({'a': scene})"),
    "format through str": (F, "return str.format('{0.__class__}', scene)"),
    "format in a key function": (F, "return sorted(['a'], key='{0.__class__}'.format)"),
    "percent formatting": (F, "return '%s' % scene"),
    "percent in place": (F, "x = '%1000000000d'\nx %= 1\nreturn x"),
    "f-string attribute": (F, "return f'{scene.__class__}'"),
    "f-string in a format": (F, "return f'{1:{scene.__class__}}'"),
    "f-string of a bound method": (E, "return f'{scene.only}'"),
    "generator frame": (F, "g = (x for x in [1])\nreturn g.gi_frame.f_globals"),
    "generator code": (F, "return (x for x in [1]).gi_code"),
    "generator send": (F, "return (x for x in [1]).send(None)"),
    "function code": (F, "return answer.__code__"),
    "code attribute": (F, "return answer.co_code"),
    "frame builtins": (F, "return answer.f_builtins"),
    "class statement": (F, "class A:\n    pass\nreturn 1"),
    "decorator": (F, "@print\ndef f():\n    pass\nreturn 1"),
    "swallowing an ambiguity": (F, "try:\n    return 1\nexcept:\n    return 2"),
    "swallowing with finally": (F, "try:\n    return 1 / 0\nfinally:\n    return 2"),
    "exception group": (F, "try:\n    return 1\nexcept* ValueError:\n    return 2"),
    "context manager": (F, "with scene as s:\n    return 1"),
    "async": (F, "async def f():\n    return 1\nreturn 1"),
    "match on a class": (F, "match scene:\n    case object(__class__=c):\n        return c"),
    "writing to the scene": (F, "scene.id = 'other'\nreturn scene.id"),
    "writing to an item of the scene": (E, "scene['id'] = 'other'\nreturn scene.id"),
    "writing in a comprehension": (F, "return [0 for scene.id in ['x']]"),
    "writing in a for": (F, "for scene.id in ['x']:\n    pass\nreturn scene.id"),
    "writing by unpacking": (F, "scene.id, b = 'x', 1\nreturn scene.id"),
    "writing in place": (F, "scene.id += 'x'\nreturn scene.id"),
    "writing to a tuple": (E, "t = scene.objects()[0].center\nt[0] = 1\nreturn 1"),
    "deleting": (F, "del scene.id\nreturn 1"),
    "type of int": (F, "return int.from_bytes(b'x', 'big')"),
    "mro of a builtin": (F, "return str.mro()"),
    "underscore format spec": (E, "return f'{1:__class__}'"),
    "dunder in an annotation": (E, "x: scene.__class__.__mro__ = 1 / 0\nreturn x"),
    "call of an annotation": (E, "def f(a: open('/etc/passwd')):\n    return 1 / 0\nreturn f(1)"),
    "default through a lambda": (F, "return (lambda x=__import__: x)()"),
    "star arguments": (F, "return max(*[scene.__dict__])"),
    "double star arguments": (F, "return dict(**scene.__dict__)"),
    "address as an answer": (E, "return str(lambda: 1)"),
    "address in a list": (E, "return str([len, scene])"),
    "function as an answer": (W, "return answer"),
    "null byte": (S, "return '\x00'"),
    "deep nesting": (S, "return " + "(" * 500 + ")" * 500),
    "deep minus": (S, "return " + "-" * 9000 + "1"),
    "huge power": (E, "return 10 ** 10 ** 8"),
    "huge power in place": (E, "x = 10\nx **= 10 ** 8\nreturn x"),
    "huge power of an item": (E, "x = [10]\nx[0] **= 10 ** 8\nreturn x[0]"),
    "huge shift": (E, "return 1 << 10 ** 10"),
    "squaring loop": (E, "x = 3\nwhile True:\n    x = x * x"),
    "huge factorial": (E, "return math.factorial(10 ** 7)"),
    "huge round": (E, "return round(7, -10 ** 10)"),
    "digits of a huge number": (E, "return int('9' * 5000)"),
    "big string": (M, "return 'a' * 10 ** 9"),
    "big string in place": (M, "x = 'a'\nx *= 10 ** 9\nreturn x"),
    "big list": (M, "return [0] * 10 ** 9"),
    "wide format": (M, "return f'{1:>{10 ** 9}}'"),
    "list of a range": (M, "return len(list(range(10 ** 9)))"),
    "list bomb": (M, "x = []\nwhile True:\n    x.append('a' * 999999 + str(len(x)))"),
    "string doubling": (M, "x = 'ab'\nwhile True:\n    x = x + x"),
    "replace bomb": (M, "return ('a' * 10 ** 5).replace('a', 'b' * 10 ** 6)"),
    "join bomb": (M, "return ('a' * 10 ** 6).join(['b'] * 10 ** 4)"),
    "recursion": (E, "def f(n):\n    return f(n + 1) + 1\nreturn f(0)"),
    "recursion through answer": (E, "return answer(scene)"),
    "recursion through sorted": (E, "def f(n):\n    return sorted([n], key=f)\nreturn f(1)"),
    "nested list": (W, "x = []\nfor i in range(100000):\n    x = [x]\nreturn x"),
    "list that holds itself": (E, "x = []\nx.append(x)\nreturn str(x)"),
    "infinite loop": (T, "while True:\n    pass"),
    "infinite loop in C": (T, "return sum(range(10 ** 12))"),
    "infinite any": (T, "return any(x < 0 for x in range(10 ** 12))"),
    "infinite map": (T, "return max(map(abs, range(10 ** 12)))"),
    "infinite while with a call": (T, "while distance('sofa', 'stove') > 0:\n    pass"),
    "long answer": (W, "return 'a' * 100000"),
    "endless list as an answer": (W, "return ['aaaaaaaa'] * 20000"),
}
# Time and memory bombs need the sandbox; everything else is also contained in process.
HARMLESS = {name: case for name, case in ESCAPES.items() if case[0] not in (M, T)}


def source_of(body: str) -> str:
    return "def answer(scene):\n" + textwrap.indent(body, "    ")


@pytest.mark.parametrize("name", HARMLESS)
def test_an_escape_is_contained_by_the_language_alone(name):
    reason, body = HARMLESS[name]
    outcome = run(source_of(body), FACTS)
    assert outcome.reason is reason, outcome.message
    assert outcome.answer is None


def test_a_module_level_escape_is_contained():
    for source in ("x = open\n", "answer = scene.__class__\n", "lambda: __import__\n"):
        assert run(source + "def answer(scene):\n    return 1", FACTS).reason is F


def test_the_whole_corpus_is_contained_and_the_pool_stays_healthy():
    healthy = "def answer(scene):\n    return distance('sofa', 'stove')"
    jobs = []
    for name, (_, body) in ESCAPES.items():
        jobs.append(Job(key=name, scene_id="s", program=source_of(body)))
        jobs.append(Job(key=f"after {name}", scene_id="s", program=healthy))
    settings = SandboxSettings(workers=2, wall_seconds=0.4, memory_mb=192)
    with Sandbox(settings, MARGINS) as sandbox:
        outcomes = dict(sandbox.run(jobs, lambda _: FACTS))
    wrong = {
        name: outcomes[name]
        for name, (reason, _) in ESCAPES.items()
        # How fast a machine fills its memory decides between these two.
        if outcomes[name].reason is not reason and {outcomes[name].reason, reason} != {M, T}
    }
    assert not wrong
    for name in ESCAPES:
        assert outcomes[f"after {name}"].answer == pytest.approx(1.0), name
