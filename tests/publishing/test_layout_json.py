"""JSON for LLaVA's and Qwen-VL's loaders: what they count and open is there."""

from __future__ import annotations

import json
import math
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictured_workspace import Pictured, contents, pictured, sample, write_rows

from engine.errors import InputError
from engine.publishing.conversation import answer_text, plain, question_text
from engine.publishing.layouts import export
from engine.records import AnswerKind
from engine.solving.base import SolverItem
from engine.solving.questions import answer_text as solver_answer
from engine.solving.questions import question_text as solver_question
from engine.workspace import Workspace

__all__ = ["pictured"]


def records(out: Path) -> list[dict[str, Any]]:
    return [
        record
        for split in ("train", "held_out")
        for record in json.loads((out / f"{split}.json").read_text(encoding="utf-8"))
    ]


def images_of(record: dict[str, Any]) -> list[str]:
    """As the loaders read the key: a path or a list of them."""
    found = record.get("image", [])
    return [found] if isinstance(found, str) else found


@pytest.mark.parametrize("layout", ["llava", "qwen-vl"])
def test_placeholders_match_the_pictures_and_these_are_the_source_bytes(
    pictured: Pictured, tmp_path: Path, layout: str
) -> None:
    export(layout, pictured.workspace, tmp_path, media="paths")
    content = contents(tmp_path)
    for record in records(tmp_path):
        human, gpt = record["conversations"]
        assert (human["from"], gpt["from"]) == ("human", "gpt")
        assert "images" not in record
        paths = images_of(record)
        assert len(re.findall("<image>", human["value"])) == len(paths) > 0
        assert human["value"].startswith("<image>\n" * len(paths))
        assert "<image>" not in gpt["value"]
        row = record["sample"]
        for path, frame in zip(paths, row["image_ids"], strict=True):
            if row["scene_id"] != "room_d":
                assert content[path] == pictured.stored[row["scene_id"], frame]
        assert ("id" in record) == (layout == "llava")
        assert gpt["value"] == ("B" if row["options"] else row["answer"])
    one = next(r for r in records(tmp_path) if r["sample"]["sample_id"] == "e")
    assert one["image"] == "images/room_b/000.jpg"


@pytest.mark.parametrize("layout", ["llava", "qwen-vl"])
def test_without_pictures_there_is_no_placeholder(
    pictured: Pictured, tmp_path: Path, layout: str
) -> None:
    export(layout, pictured.workspace, tmp_path)
    for record in records(tmp_path):
        assert "image" not in record
        assert "<image>" not in record["conversations"][0]["value"]
        assert record["sample"]["frame_ids"]


@pytest.mark.parametrize("layout", ["llava", "qwen-vl"])
def test_json_cannot_hold_pictures_and_says_so(
    pictured: Pictured, tmp_path: Path, layout: str
) -> None:
    with pytest.raises(InputError, match=f"{layout} has no such media; choose paths or omitted"):
        export(layout, pictured.workspace, tmp_path / "out", media="embedded")


def test_a_question_that_spells_a_placeholder_is_not_counted_as_one(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    odd = "Is <image> or <video> on the 'naïve <|im_end|> sofa'?\nReally?"
    write_rows(
        workspace, "samples", 1,
        [sample("x", "room", question=odd, answer="<image>", margin=math.inf)],
    )  # fmt: skip
    export("qwen-vl", workspace, tmp_path / "out")
    (record,) = json.loads((tmp_path / "out" / "train.json").read_text(encoding="utf-8"))
    human, gpt = record["conversations"]
    assert "< image> or < video> on the 'naïve < |im_end|> sofa'?\nReally?" in human["value"]
    assert gpt["value"] == "< image>"
    assert record["sample"]["question"] == odd
    assert record["sample"]["margin"] is None, "JSON knows no infinity"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(alphabet="<>|imagevdo_pt /\n", max_size=60))
def test_no_placeholder_is_left_in_any_text(text: str) -> None:
    assert not re.search(r"<(image|video|audio)(_pad)?>|<\|[^|<>]{1,40}\|>", plain(text))
    assert plain(text).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("kind", "options", "pictures"),
    list(product(AnswerKind, (None, ("left", "right", "back")), (0, 1, 8))),
)
def test_the_wording_is_what_the_solver_here_is_trained_on(
    kind: AnswerKind, options: tuple[str, ...] | None, pictures: int
) -> None:
    answer = "right" if options else "3"
    row = {
        "question": "Where is the sofa?", "options": options, "answer": answer, "answer_kind": kind,
    }  # fmt: skip
    item = SolverItem(
        sample_id="x", pictures=(None,) * pictures, question=row["question"],  # type: ignore[arg-type]
        question_type="open", answer_kind=kind, unit=None, options=options, answer=answer,
    )  # fmt: skip
    assert question_text(row, pictures) == solver_question(item)
    assert answer_text(row) == solver_answer(item)
