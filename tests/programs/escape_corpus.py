"""Programs that try to get out, to take the machine with them, or to change their neighbours.

Each body becomes ``answer(scene)``; in "module" it is the whole source. ``CANARY`` stands for a
file that holds a secret, ``PORT`` for a port somebody listens on. The letters before a body say
what may become of it: ``F`` forbidden, ``S`` syntax, ``E`` program_error, ``M`` memory, ``T``
timeout, ``W`` wrong_type, ``U`` unknown_object, ``A`` an answer, which then is the same in every
process. Escapes with a published number are named by it; where it was another sandbox's (Jinja2,
asteval, Zope), the way out is transcribed.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from escape_loads import LOADS

from engine.records import Reason

_LETTERS = {
    "F": Reason.FORBIDDEN, "S": Reason.SYNTAX, "E": Reason.PROGRAM_ERROR, "M": Reason.MEMORY,
    "T": Reason.TIMEOUT, "W": Reason.WRONG_TYPE, "U": Reason.UNKNOWN_OBJECT, "A": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One program; ``may`` are the reasons it may be rejected with, None for an answer."""

    name: str
    category: str
    source: str
    may: frozenset[Reason | None]


_CASES: dict[str, dict[str, tuple[str, str]]] = {
    "published": {
        "CVE-2023-37271 frame": ("F", "g = (x for x in [1])\nreturn g.gi_frame.f_globals"),
        "CVE-2023-37271 f_back": ("F", "g = (g.gi_frame.f_back.f_back for x in [1])\nreturn 1"),
        "CVE-2023-37271 builtins": ("F", "return [g for g in [0]][0].gi_frame.f_builtins"),
        "CVE-2023-37271 gi_code": ("F", "return (x for x in [1]).gi_code.co_consts"),
        "CVE-2023-37271 yieldfrom": ("F", "return (x for x in [1]).gi_yieldfrom"),
        "CVE-2023-37271 coroutine": ("F", "async def f():\n    pass\nreturn f().cr_frame"),
        "CVE-2023-37271 async generator": ("F", "return (x for x in [1]).ag_frame"),
        "CVE-2023-41039 format": ("F", "return '{0.__class__.__mro__}'.format(scene)"),
        "CVE-2023-41039 format_map": ("F", "return '{a.__class__}'.format_map({'a': scene})"),
        "CVE-2023-41039 through the class": ("F", "return str.format('{0.__class__}', scene)"),
        "CVE-2023-41039 class format_map": ("F", "return str.format_map('{a}', {'a': scene})"),
        "CVE-2023-41039 Formatter": ("F", "return string.Formatter().format('{0._run}', scene)"),
        "CVE-2024-47532 obj": (
            "F", "try:\n    scene.nothing\nexcept AttributeError as e:\n    return e.obj"),
        "CVE-2024-47532 string module": ("F", "return string.whitespace.nothing"),
        "CVE-2024-47532 name": ("F", "return scene.name.obj"),
        "CVE-2025-22153": ("F", "try:\n    1 / 0\nexcept* ValueError:\n    return 2"),
        "CVE-2025-22153 group": (
            "F", "try:\n    [][1]\nexcept* (IndexError, int) as e:\n    return e.exceptions"),
        "CVE-2025-22153 nested": (
            "F", ("try:\n    try:\n        1 / 0\n    except* OSError:\n        pass\n"
            "except* ZeroDivisionError as e:\n    return e.exceptions[0].__traceback__")),
        "CVE-2026-55830 getattr": (
            "F", "def f(_getattr_=max, /):\n    return scene.__class__\nreturn f()"),
        "CVE-2026-55830 getitem": ("F", "def f(_getitem_, /):\n    return [1][0]\nreturn f(max)"),
        "CVE-2026-55830 write": (
            "F", "def f(_write_=lambda x: x, /):\n    scene.id = 1\nreturn f()"),
        "CVE-2026-55830 print": ("F", "def f(_print_, /):\n    print('x')\nreturn f(dict)"),
        "CVE-2026-55830 lambda": ("F", "return (lambda _getattr_, /: scene.id)(lambda a, b: a)"),
        "CVE-2026-76825 get_field": (
            "F", "return string.Formatter().get_field('0.__class__', [scene], {})"),
        "CVE-2026-76825 vformat": ("F", "return string.Formatter().vformat('{0}', [scene], {})"),
        "CVE-2026-76825 get_value": ("F", "return string.Formatter.get_value(0, 0, [scene], {})"),
        "PEP 798 unpacking in a comprehension": ("FS", "return [*x for x in [[1]]]"),
        "PEP 810 lazy import": ("FS", "lazy import os\nreturn os"),
        "CVE-2017-5524 (Plone)": ("F", "return '{0.im_func.func_globals}'.format(scene.only)"),
        "CVE-2016-10745 (Jinja2)": ("F", "f = '{0._run}'.format\nreturn f(scene)"),
        "CVE-2019-10906 (Jinja2)": ("F", "f = '{a._run}'.format_map\nreturn f({'a': scene})"),
        "CVE-2024-56326 (Jinja2)": ("F", "return list(map('{0._run}'.format, [scene]))[0]"),
        "CVE-2025-27516 (Jinja2)": ("F", "return scene.attr('format')"),
        "CVE-2025-24359 (asteval)": ("F", "return f'{scene.__dict__}'"),
        "CVE-2025-24359 (asteval) nested": ("F", "return f'{1:{scene.__class__.__name__}}'"),
        "CVE-2021-32633 (Zope)": ("F", "return random.inst.__init__.__globals__"),
        "CVE-2021-32807 (AccessControl)": ("F", "return string.Formatter.__init__.__globals__"),
    },
    "attributes": {
        "class of a value": ("F", "return scene.__class__.__mro__[1].__subclasses__()"),
        "class of a literal": ("F", "return ().__class__.__base__"),
        "class of a text": ("F", "return ''.__class__.__mro__[-1].__subclasses__()"),
        "class of a method": ("F", "return scene.only.__self__.__class__"),
        "self of a builtin": ("F", "return len.__self__"),
        "init globals": ("F", "return scene.__init__.__globals__['__builtins__']"),
        "dict of the math facade": ("F", "return math.__dict__"),
        "class of the math facade": ("F", "return math.__class__"),
        "loader of math": ("F", "return math.__loader__.load_module('os')"),
        "spec of math": ("F", "return math.__spec__"),
        "globals of a call": ("F", "return distance.__globals__"),
        "function inside a partial": ("F", "return distance.func"),
        "arguments inside a partial": ("F", "return distance.args"),
        "keywords inside a partial": ("F", "return distance.keywords"),
        "reduce of a partial": ("F", "return distance.__reduce__()"),
        "setstate of a partial": ("F", "distance.__setstate__((max, (), {}, {}))\nreturn 1"),
        "private field of an object": ("F", "return scene.objects()[0]._run"),
        "private field of the scene": ("F", "return scene._run.scene.facts"),
        "position behind an object": ("F", "return scene.objects()[0].position"),
        "function code": ("F", "return answer.__code__"),
        "code attribute": ("F", "return answer.co_code"),
        "code replace": ("F", "answer.__code__ = answer.__code__.replace()\nreturn 1"),
        "function defaults": ("F", "return answer.__defaults__"),
        "function closure": (
            "F", ("def f(x):\n    def g():\n        return x\n    return g\n"
            "return f(1).__closure__[0].cell_contents")),
        "function globals": ("F", "return (lambda: 1).__globals__"),
        "function builtins": ("F", "return (lambda: 1).__builtins__"),
        "function annotations": ("F", "return answer.__annotations__"),
        "frame builtins": ("F", "return answer.f_builtins"),
        "frame locals": ("F", "return answer.f_locals"),
        "traceback frame": ("F", "return answer.tb_frame"),
        "generator send": ("F", "return (x for x in [1]).send(None)"),
        "generator throw": ("F", "return (x for x in [1]).throw(ValueError)"),
        "generator close": ("F", "return (x for x in [1]).close()"),
        "old function attributes": ("F", "return answer.func_globals"),
        "method function": ("F", "return scene.only.im_func"),
        "mro of a builtin": ("F", "return str.mro()"),
        "bytes of an int": ("F", "return (1).to_bytes(1, 'big')"),
        "int from bytes": ("F", "return int.from_bytes(b'x', 'big')"),
        "real of an int": ("F", "return (1).real.__class__"),
        "fullwidth letters": ("F", "return scene.__\uff43\uff4c\uff41\uff53\uff53__"),
        "fullwidth underscores": ("S", "return scene.\uff3f\uff3fclass\uff3f\uff3f"),
        "attribute that becomes an underscore": ("F", "return scene.x\ufe33run"),
        "mathematical letters": ("F", "return scene.__\U0001d4ec\U0001d4f5ass__"),
        "method of another type": ("EF", "return dict.fromkeys('ab').__class__"),
        "str of a method": ("E", "return str(scene.only)"),
        "sort key that walks": ("F", "return sorted([scene], key=lambda s: s.__class__)"),
        "map that walks": ("F", "return list(map(lambda s: s.__dict__, [scene]))"),
        "star arguments": ("F", "return max(*[scene.__dict__])"),
        "double star arguments": ("F", "return dict(**scene.__dict__)"),
        "double star of the scene": ("E", "return dict(**scene)"),
        "star of the scene": ("E", "return max(*scene)"),
        "vocabulary with a keyword run": ("E", "return distance('sofa', 'stove', run=1)"),
        "object made from a frame": ("EF", "return scene.frames()[0]._frame"),
    },
    "names": {
        "name with underscores": ("F", "return __builtins__"),
        "name of the module": ("F", "return __name__"),
        "a single underscore": ("F", "_ = 1\nreturn _"),
        "import function": ("F", "return __import__('os').system('id')"),
        "import statement": ("F", "import os\nreturn os.getcwd()"),
        "import from": ("F", "from os import system\nreturn 1"),
        "import star": ("FS", "from os import *\nreturn 1"),
        "future import": ("F", "from __future__ import annotations\nreturn 1"),
        "relative import": ("F", "from . import worker\nreturn 1"),
        "guard by name": ("F", "return _getattr_(scene, '__class__')"),
        "guard as a parameter": ("F", "return (lambda _getattr_: scene.id)(lambda a, b: a)"),
        "guard as keyword only": ("F", "def f(*, _getattr_=1):\n    return 1\nreturn f()"),
        "guard as star argument": ("F", "def f(*_getattr_):\n    return 1\nreturn f()"),
        "guard as double star": ("F", "def f(**_getattr_):\n    return 1\nreturn f()"),
        "guard as keyword": ("F", "return dict(_getattr_=1)"),
        "guard as loop variable": ("F", "for _getattr_ in [1]:\n    return scene.id"),
        "guard as comprehension variable": ("F", "return [1 for _write_ in [1]]"),
        "guard by walrus": ("F", "return (_getattr_ := 1)"),
        "walrus in a comprehension": ("F", "return [(_getiter_ := x) for x in [1]]"),
        "guard as function": ("F", "def _getiter_(x):\n    return x\nreturn 1"),
        "guard as except name": ("F", "try:\n    return 1\nexcept Exception as _e:\n    return 2"),
        "guard in unpacking": ("F", "[_getattr_, b] = 1, 2\nreturn b"),
        "guard in starred unpacking": ("F", "*_getattr_, b = 1, 2\nreturn b"),
        "guard in an annotation": ("F", "_getattr_: int = 1\nreturn 1"),
        "guard in a match": ("F", "match 1:\n    case _getattr_:\n        return 1"),
        "guard as type alias": ("FS", "type _getattr_ = int\nreturn 1"),
        "type alias": ("FS", "type X = scene.__class__\nreturn X.__value__"),
        "type parameter": ("FS", "def f[T: scene.__class__](x):\n    return x\nreturn f(1)"),
        "getattr": ("F", "return getattr(scene, '__class__')"),
        "setattr": ("F", "setattr(scene, 'id', 1)\nreturn 1"),
        "delattr": ("F", "delattr(scene, 'id')\nreturn 1"),
        "hasattr": ("F", "return hasattr(scene, '__class__')"),
        "vars": ("F", "return vars(scene)"),
        "dir": ("F", "return dir(scene)"),
        "type": ("F", "return type(scene)"),
        "type with bases": ("F", "return type('X', (object,), {})()"),
        "object": ("F", "return object()"),
        "super": ("F", "return super()"),
        "globals": ("F", "return globals()['__builtins__']"),
        "locals": ("F", "return locals()"),
        "isinstance": ("F", "return isinstance(scene, object)"),
        "property": ("F", "return property(lambda s: 1)"),
        "iter of two": ("F", "return iter(lambda: 1, 2)"),
        "next": ("F", "return next(x for x in [1])"),
        "bytes": ("F", "return bytes(10 ** 9)"),
        "bytearray": ("F", "return bytearray(10 ** 9)"),
        "memoryview": ("F", "return memoryview('x')"),
        "chr": ("F", "return chr(95) + chr(95)"),
        "eval": ("F", "return eval('1')"),
        "exec": ("F", "exec('x = 1')\nreturn 1"),
        "compile": ("F", "return compile('1', '', 'eval')"),
        "print": ("F", "print('x')\nreturn 1"),
        "printed": ("F", "return printed"),
        "input": ("F", "return input()"),
        "breakpoint": ("F", "breakpoint()\nreturn 1"),
        "exit": ("F", "exit()"),
        "quit": ("F", "quit()"),
        "help": ("F", "return help(scene)"),
        "license": ("F", "return license()"),
        "open in a default": ("F", "def f(o=open):\n    return o('CANARY')\nreturn f()"),
        "import in a lambda default": ("F", "return (lambda x=__import__: x)()"),
        "id": ("F", "return id(scene)"),
        "hash": ("F", "return hash('sofa')"),
    },
    "statements": {
        "class": ("F", "class A:\n    pass\nreturn 1"),
        "class with a metaclass": ("F", "class A(metaclass=type):\n    x = 1\nreturn A.x"),
        "decorator": ("F", "@print\ndef f():\n    pass\nreturn 1"),
        "decorator that is a lambda": ("F", "@(lambda f: f)\ndef f():\n    pass\nreturn 1"),
        "swallowing an ambiguity": ("F", "try:\n    return 1\nexcept:\n    return 2"),
        "swallowing with finally": ("F", "try:\n    return 1 / 0\nfinally:\n    return 2"),
        "traceback of a fault": (
            "F", "try:\n    1 / 0\nexcept Exception as e:\n    return e.__traceback__.tb_frame"),
        "raise": ("F", "raise SystemExit"),
        "raise from": ("F", "raise ValueError from scene"),
        "with": ("F", "with scene as s:\n    return 1"),
        "async function": ("F", "async def f():\n    return 1\nreturn f()"),
        "async for": ("FS", "async for x in scene:\n    return 1"),
        "await": ("FS", "await scene"),
        "async comprehension": ("FS", "return [x async for x in scene]"),
        "yield": ("F", "x = yield 1\nreturn x"),
        "yield from": ("F", "yield from [1]"),
        "lambda that yields": ("F", "return (lambda: (yield))()"),
        "global": ("F", "global answer\nanswer = 1\nreturn 1"),
        "nonlocal": ("F", "def f():\n    nonlocal scene\n    scene = 1\nreturn 1"),
        "match on a class": ("F", "match scene:\n    case object(__class__=c):\n        return c"),
        "match on a mapping": ("F", "match {}:\n    case {**rest}:\n        return rest"),
        "match on a value": ("F", "match 1:\n    case scene.id:\n        return 1"),
        "del": ("F", "del scene.id\nreturn 1"),
        "del of an item": ("F", "x = [1]\ndel x[0]\nreturn 1"),
        "annotation with a walk": ("E", "x: scene.__class__.__mro__ = 1 / 0\nreturn x"),
        "annotation with a call": ("E", "def f(a: open('CANARY')):\n    return 1 / 0\nreturn f(1)"),
        "return annotation": ("E", "def f() -> open('CANARY'):\n    return 1 / 0\nreturn f()"),
        "ellipsis": ("F", "return ..."),
        "bytes literal": ("F", "return b'x'"),
        "complex literal": ("F", "return 1j"),
        "matrix product": ("EF", "return 1 @ 2"),
        "matrix product in place": ("EF", "x = 1\nx @= 2\nreturn x"),
    },
    "writing": {
        "to the scene": ("F", "scene.id = 'other'\nreturn scene.id"),
        "to an item of the scene": ("E", "scene['id'] = 'other'\nreturn scene.id"),
        "in a comprehension": ("F", "return [0 for scene.id in ['x']]"),
        "in a for": ("F", "for scene.id in ['x']:\n    pass\nreturn scene.id"),
        "by unpacking": ("F", "scene.id, b = 'x', 1\nreturn scene.id"),
        "in place": ("F", "scene.id += 'x'\nreturn scene.id"),
        "to a tuple": ("E", "t = scene.objects()[0].center\nt[0] = 1\nreturn 1"),
        "to a tuple in place": ("E", "t = scene.objects()[0].center\nt[0] += 1\nreturn 1"),
        "to math": ("F", "math.pi = 3\nreturn math.pi"),
        "to an item of math": ("E", "math['pi'] = 3\nreturn 1"),
        "to a function": ("F", "answer.cache = 1\nreturn 1"),
        "to a slice of a text": ("E", "x = 'ab'\nx[0:1] = 'c'\nreturn x"),
        "to a call's name": ("A", "distance = 7\nreturn distance"),
        "to a builtin's name": ("A", "len = 7\nreturn len"),
    },
    "text": {
        "format in a key function": ("F", "return sorted(['a'], key='{0.__class__}'.format)"),
        "percent formatting": ("F", "return '%s' % scene"),
        "percent in place": ("F", "x = '%1000000000d'\nx %= 1\nreturn x"),
        "f-string attribute": ("F", "return f'{scene.__class__}'"),
        "f-string with =": ("EFAW", "return f'{scene.id=}'"),
        "f-string of a bound method": ("E", "return f'{scene.only}'"),
        "f-string of a function": ("E", "return f'{answer!r}'"),
        "f-string of a lambda in a list": ("E", "return f'{[lambda: 1]}'"),
        "f-string of a generator": ("E", "return f'{(x for x in [1])}'"),
        "underscore format spec": ("E", "return f'{1:__class__}'"),
        "encode": ("F", "return 'x'.encode('rot13')"),
        "decode": ("F", "return 'x'.decode('base64')"),
        "translate": ("F", "return 'x'.translate({120: 95})"),
        "maketrans": ("F", "return str.maketrans('a', 'b')"),
        "expandtabs": ("F", "return '\\t'.expandtabs(10 ** 9)"),
        "zfill": ("F", "return '1'.zfill(10 ** 9)"),
        "center": ("EFW", "return 'x'.center(10 ** 9)"),
        "ljust": ("F", "return 'x'.ljust(10 ** 9)"),
        "address as an answer": ("E", "return str(lambda: 1)"),
        "address in a list": ("E", "return str([len, scene])"),
        "address of a type": ("E", "return str(int)"),
        "null byte": ("S", "return '\x00'"),
        "lone surrogate": ("WA", "return '\\ud800'"),
        "names of characters": ("W", "return '\\N{BULLET}' * 100000"),
        "escape in an error": ("E", "return {}['\\x1b[2J\\x1b]0;x\\x07']"),
        "another script's names": ("A", "\u0445 = 'a'\nreturn \u0445"),
    },
}  # fmt: skip


def _source(category: str, body: str) -> str:
    return body if category == "module" else "def answer(scene):\n" + textwrap.indent(body, "    ")


def corpus(canary: str = "/etc/passwd", port: int = 9) -> list[Attempt]:
    """Every attempt, with the file it must not read and the port it must not reach."""
    return [
        Attempt(
            name=f"{category}: {name}",
            category=category,
            source=_source(category, body.replace("CANARY", canary).replace("PORT", str(port))),
            may=frozenset(_LETTERS[letter] for letter in letters),
        )
        for category, cases in {**_CASES, **LOADS}.items()
        for name, (letters, body) in cases.items()
    ]
