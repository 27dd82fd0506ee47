"""The reference page says everything a program may use, and nothing else."""

from __future__ import annotations

import re

from engine.programs.reference import vocabulary_page
from engine.programs.values import ATTRIBUTES
from engine.programs.vocabulary import CALLS


def test_every_call_and_every_readable_name_has_a_row_with_text():
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", vocabulary_page(), re.MULTILINE)
    assert all(len(text) > 10 for _, text in rows)
    names = [usage.split("(")[0] for usage, _ in rows]
    values = [f"{kind}.{name}" for kind, name in _readable()]
    assert sorted(names) == sorted([*values, *CALLS])


def _readable():
    titles = {"Scene": "scene", "SceneObject": "object", "SceneFrame": "frame"}
    return [(titles[kind.__name__], name) for kind in ATTRIBUTES for name in ATTRIBUTES[kind]]
