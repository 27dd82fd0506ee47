"""Frames reach a real Qwen3-VL under a real vLLM: in its own process, and behind ``vllm serve``.

The checkpoint has the architecture and random weights, so its text is noise. What shows that a
picture was seen: the prompt grows by exactly the tokens that Qwen3-VL gives a picture of that size,
another picture gives another text at temperature 0, and the same picture gives the same.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).parent))

import fixture_arkitscenes
from fixture_room import make_room
from serving import serve

from engine.chat.openai import OpenAIModel
from engine.chat.values import Ask, ChatModel, Constraint, Finish, Image, Message, Said, Sampling
from engine.chat.vllm import VllmModel
from engine.config import ProposerSettings
from engine.scenes.catalog import Catalog
from engine.scenes.frame_images import frame_images
from engine.scenes.ingest import ingest
from scene_adapters.table import load_adapter

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
CONTEXT = 4096
MOST_IMAGES = 3
TOKEN_PX = 32  # a side of what one token shows: patches of 16 px, merged two by two
MARKS = 2  # <|vision_start|> and <|vision_end|>
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["keep", "shortcut", "noisy"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}


def picture(seed: int, width: int, height: int) -> Image:
    """Sixteen patches of any colours."""
    draw = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Pillow.fromarray(draw).resize((width, height)).save(stream, format="JPEG")
    return Image(jpeg=stream.getvalue(), caption=f"picture {seed}")


def size(image: Image) -> tuple[int, int]:
    with Pillow.open(io.BytesIO(image.jpeg)) as opened:
        return opened.size


def taken_by(*images: Image) -> int:
    """Prompt tokens that pictures take: one for each square of ``TOKEN_PX``, and their marks."""
    return sum(
        round(width / TOKEN_PX) * round(height / TOKEN_PX) + MARKS
        for width, height in map(size, images)
    )


def ask(*images: Image, text: str = "What stands beside the sofa?", schema: object = None) -> Ask:
    constraint = None if schema is None else Constraint(kind="json", text=json.dumps(schema))
    return Ask(
        messages=(
            Message(role="system", text="You see a room."),
            Message(role="user", text=text, images=images),
        ),
        sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=32, seed=0),
        constraint=constraint,
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-qwen3-vl"
    command = [sys.executable, str(ROOT / "tools" / "tiny_qwen3vl"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> tuple[Image, ...]:
    """Photographs of a scene as a proposer gets them, from a device held sideways."""
    root = tmp_path_factory.mktemp("scene")
    room = make_room(3, 0, frames=3, spacing_m=0.15)
    fixture_arkitscenes.write_scan(
        root / "scans", room, scene_id="99000001", sky="Left", visit="990001"
    )
    assert ingest(load_adapter("arkitscenes"), root / "scans", root / "catalog.duckdb").added == 1
    with Catalog.open(root / "catalog.duckdb", read_only=True) as catalog:
        shown = frame_images(catalog, "99000001", count=3, longest_px=224)
    return tuple(Image(jpeg=each.jpeg, caption=each.caption) for each in shown)


@pytest.fixture(scope="module")
def asks(frames: tuple[Image, ...]) -> dict[str, Ask]:
    small, other, large = picture(0, 224, 160), picture(1, 224, 160), picture(0, 448, 320)
    odd = picture(0, 200, 150)
    return {
        "none": ask(),
        "small": ask(small),
        "small again": ask(small),
        "other": ask(other),
        "large": ask(large),
        "odd": ask(odd),
        "three": ask(small, other, large),
        "turned round": ask(large, other, small),
        "four": ask(small, other, large, odd),
        "frames": ask(*frames),
        "json": ask(small, schema=SCHEMA),
        "too long": ask(*(picture(seed, 512, 512) for seed in range(3)), text=" sofa" * 3500),
        "long": ask(text=" sofa" * 3500),
        "garbled": ask(Image(jpeg=small.jpeg[:10], caption="no picture")),
    }


@pytest.fixture(scope="module", params=["vllm", "openai"])
def said(
    request: pytest.FixtureRequest,
    checkpoint: Path,
    proposer_python: Path,
    asks: dict[str, Ask],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Said]:
    """All answers of an engine that is started once, and gone before anything is looked at."""
    log = tmp_path_factory.mktemp(request.param) / "engine.log"
    if request.param == "vllm":
        settings = ProposerSettings(
            name="vllm", model=str(checkpoint), python=str(proposer_python), frames=MOST_IMAGES,
            context_tokens=CONTEXT,
        )  # fmt: skip
        with VllmModel(settings, log) as model:
            return answers(model, asks)
    flags = (
        "--max-model-len", str(CONTEXT), "--max-num-seqs", "8",
        "--limit-mm-per-prompt", json.dumps({"image": MOST_IMAGES, "video": 0}),
        "--structured-outputs-config",
        json.dumps({"backend": "xgrammar", "disable_any_whitespace": True}),
    )  # fmt: skip
    with serve(Path(proposer_python), checkpoint, log, name="tiny", flags=flags) as server:
        settings = ProposerSettings(name="openai", model="tiny", url=server.url)
        with OpenAIModel(settings) as model:
            return answers(model, asks)


def answers(model: ChatModel, asks: dict[str, Ask]) -> dict[str, Said]:
    for name, each in asks.items():
        model.submit(name, each)
    return dict(model.next() for _ in asks)


@pytest.mark.parametrize("name", ["small", "other", "large", "odd", "three", "frames", "json"])
def test_a_prompt_grows_by_the_tokens_of_its_pictures(
    said: dict[str, Said], asks: dict[str, Ask], name: str
) -> None:
    images = asks[name].messages[-1].images
    assert images
    assert said[name].prompt_tokens - said["none"].prompt_tokens == taken_by(*images)
    assert said[name].finish in (Finish.STOP, Finish.LENGTH)


def test_scene_frames_stand_upright_before_the_model(frames: tuple[Image, ...]) -> None:
    assert [size(image) for image in frames] == [(168, 224)] * 3


def test_the_answer_depends_on_what_the_picture_shows(said: dict[str, Said]) -> None:
    assert said["small"].text == said["small again"].text
    different = ("none", "small", "other", "large", "three", "turned round", "frames")
    assert len({said[name].text for name in different}) == len(different)


def test_pictures_and_a_schema_go_together(said: dict[str, Said]) -> None:
    assert json.loads(said["json"].text)["verdict"] in ("keep", "shortcut", "noisy")


def test_more_pictures_than_allowed_are_refused(said: dict[str, Said]) -> None:
    refused = said["four"]
    assert (refused.finish, refused.text) == (Finish.REFUSED, "")
    assert "3 image" in refused.detail


def test_a_broken_picture_is_refused_alone(said: dict[str, Said]) -> None:
    assert said["garbled"].finish is Finish.REFUSED
    assert "image" in said["garbled"].detail


def test_a_text_that_fits_overflows_with_its_pictures(said: dict[str, Said]) -> None:
    assert 3500 < said["long"].prompt_tokens < CONTEXT
    assert said["long"].finish in (Finish.STOP, Finish.LENGTH)
    assert (said["too long"].finish, said["too long"].text) == (Finish.OVERFLOW, "")
