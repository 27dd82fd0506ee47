"""The grammars in xgrammar itself, which vLLM constrains its output by."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from pathlib import Path

import pytest
from phrasebook_scenes import chosen, draws, generated, room, targets, walked

from engine.proposing.phrasebook.lattice import Lattice, texts

# Reads {"grammar", "texts"} a line; writes for each whether the texts are admitted, in order.
_CHECK = """
    import json, sys
    import xgrammar
    from xgrammar.testing import _is_grammar_accept_string as admits
    for line in sys.stdin:
        case = json.loads(line)
        grammar = xgrammar.Grammar.from_ebnf(case["grammar"])
        print(json.dumps([admits(grammar, text) for text in case["texts"]]), flush=True)
"""


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """The proposer's interpreter, which has xgrammar."""
    python = os.environ.get("OUROBOROS_PROPOSER_PYTHON", "")
    if not python or not Path(python).exists():
        pytest.skip("OUROBOROS_PROPOSER_PYTHON names no file: run tools/proposer_env and set it")
    return Path(python)


def answers(python: Path, cases: list[dict[str, object]]) -> list[list[bool]]:
    done = subprocess.run(
        [str(python), "-c", textwrap.dedent(_CHECK)],
        input="".join(json.dumps(case) + "\n" for case in cases),
        capture_output=True, text=True, check=False, timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def spoilt(text: str) -> list[str]:
    """Texts that differ a little from an admitted one."""
    half = len(text) // 2
    return [text + " ", " " + text, text[:-1], text[:half] + "~" + text[half:], text.upper() + "!"]


@pytest.mark.vllm
def test_every_grammar_compiles_and_admits_exactly_its_texts(interpreter: Path) -> None:
    odd = room(
        "kid's \"high\" chair", "back\\slash", "café table", "椅子", "a|b", "# note", "//",
        "o'clock", "trash_bin", "lamp", "lamp", "(old) tv", "{x}", "sofa", "sofa", "stove",
    )  # fmt: skip
    cases: list[dict[str, object]] = []
    wanted: list[list[bool]] = []

    def add(grammar: str, lattice: Lattice) -> None:
        said = list(texts(lattice))
        right = said if len(said) <= 12 else [walked(lattice, draws(k)) for k in range(12)]
        wrong = [text for text in spoilt(right[0]) if text not in said]
        cases.append({"grammar": grammar, "texts": [*right, *wrong]})
        wanted.append([True] * len(right) + [False] * len(wrong))

    for place, scene in enumerate((odd, *generated(3))):
        for target in targets(scene, place, each=2):
            add(target.grammar, target.programs)
            written = chosen(target, draws(place))
            add(written.sentences, written.wordings)
    assert len(cases) > 100
    assert answers(interpreter, cases) == wanted
