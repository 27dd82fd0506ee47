"""Every layout opens in the library it is made for, pictures included, through the examples."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from held_scans import FRAMES, STREAM
from PIL import Image

from engine.progress import QuietReporter
from engine.publishing.hydration import hydrate
from engine.publishing.media import MediaSource
from engine.publishing.selection import Selection, select
from engine.workspace import Workspace

EXAMPLES = Path(__file__).parents[2] / "tools" / "examples"
sys.path[:0] = [str(EXAMPLES), str(Path(__file__).parents[1] / "solving")]

# What the libraries themselves are warned of is theirs.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)

TRAIN, HELD_OUT = 8, 2


def example(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.fixture(scope="session")
def pixels(publisher: Workspace) -> dict[str, list[np.ndarray]]:
    """The pictures of each sample as its dataset has them."""
    found: dict[str, list[np.ndarray]] = {}
    with MediaSource(publisher) as source:
        for row in select(publisher, Selection()).iter_rows(named=True):
            shown = source.shown(row["scene_id"], row["frame_ids"])
            found[row["sample_id"]] = [
                pixels_of(source.read(row["scene_id"], name).content) for name in shown
            ]
    return found


def pixels_of(picture: bytes | Path | Image.Image) -> np.ndarray:
    if isinstance(picture, Image.Image):
        return np.asarray(picture.convert("RGB"))
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
        return np.asarray(image.convert("RGB"))


def same(shown: list[Any], truth: list[np.ndarray]) -> bool:
    return len(shown) == len(truth) and all(
        np.array_equal(pixels_of(one), other) for one, other in zip(shown, truth, strict=True)
    )


@pytest.mark.parametrize(("layout", "media"), [("parquet", "embedded"), ("messages", "paths")])
def test_datasets_decodes_the_pictures(
    shards: Any, pixels: dict[str, Any], tmp_path: Path, layout: str, media: str
) -> None:
    loader = example("load_datasets")
    splits = loader.load(str(shards(layout, media)), cache=str(tmp_path))
    assert {name: rows.num_rows for name, rows in splits.items()} == {
        "train": TRAIN, "held_out": HELD_OUT,
    }  # fmt: skip
    for rows in splits.values():
        assert str(rows.features["images"]) == "List(Image(mode=None, decode=True))"
        for row in rows:
            assert same(row["images"], pixels[row["sample_id"]])


def test_datasets_loads_a_published_set_by_its_card_and_a_hydrated_one_with_pictures(
    published: Path, mine: Workspace, pixels: dict[str, Any], tmp_path: Path
) -> None:
    loader = example("load_datasets")
    cache = str(tmp_path / "cache")
    bare = loader.load(str(published), cache=cache)
    assert "images" not in bare["train"].features
    assert bare["train"].num_rows == TRAIN
    hydrate(published, mine, tmp_path / "out", reporter=QuietReporter())
    for config in (None, "all"):
        splits = loader.load(str(tmp_path / "out"), config, cache=cache)
        assert {name: rows.num_rows for name, rows in splits.items()} == {
            "train": TRAIN, "held_out": HELD_OUT,
        }  # fmt: skip
    for row in splits["train"]:
        assert same(row["images"], pixels[row["sample_id"]])
    frontier = loader.curriculum(splits["train"])
    assert set(frontier["difficulty"]) == {"frontier"}
    ledger = loader.load(str(tmp_path / "out"), "ledger", cache=cache)
    assert set(ledger["train"]["sample_id"]) == set(splits["train"]["sample_id"])


def test_webdataset_groups_a_sample_with_its_pictures(shards: Any, pixels: dict[str, Any]) -> None:
    loader = example("load_webdataset")
    folder = str(shards("webdataset", "embedded"))
    seen = []
    for split, shuffle in (("train", 0), ("held_out", 0), ("train", 100)):
        for row in loader.samples(folder, split, shuffle=shuffle):
            assert row["split"] == split
            assert same(row["pictures"], pixels[row["sample_id"]])
            seen.append(row["sample_id"])
    assert sorted(seen[: TRAIN + HELD_OUT]) == sorted(pixels)
    assert sorted(seen[TRAIN + HELD_OUT :]) == sorted(seen[:TRAIN])


@pytest.mark.parametrize(("name", "layout"), [("load_qwen_vl", "qwen-vl"), ("load_llava", "llava")])
def test_conversations_keep_their_loaders_rules(
    shards: Any, pixels: dict[str, Any], name: str, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checker = example(name)
    folder = shards(layout, "paths")
    assert checker.main([str(folder)]) == 0
    assert f"train.json: {TRAIN} records" in capsys.readouterr().out
    for record in checker.records(folder / "train.json"):
        paths = [record["image"]] if isinstance(record["image"], str) else record["image"]
        assert same([folder / path for path in paths], pixels[record["sample"]["sample_id"]])


def broken(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(record)) | changes
    return {key: value for key, value in changed.items() if value != "drop"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image": "drop", "images": ["a.jpg"]}, "'images' is not read"),
        ({"image": ["images/nowhere.jpg"]}, "<image> for 1"),
        ({"image": "drop"}, "<image> for 0"),
        ({"conversations": []}, "0 turns"),
        ({"conversations": [{"from": "user", "value": "x"}]}, "from 'user', expected 'human'"),
        (
            {"image": "images/no.jpg", "conversations": [
                {"from": "human", "value": "<image>\nq"}, {"from": "gpt", "value": "a"},
            ]},
            "no such file",
        ),
        (
            {"image": "drop", "conversations": [
                {"from": "human", "value": "q"}, {"from": "gpt", "value": "<image>"},
            ]},
            "stands in an answer",
        ),
        (
            {"image": "drop", "conversations": [
                {"from": "human", "value": "q"}, {"from": "gpt", "value": " "},
            ]},
            "turn 1 is empty",
        ),
    ],
)  # fmt: skip
def test_the_qwen_vl_checker_sees_what_its_loader_would_swallow(
    shards: Any, changes: dict[str, Any], said: str
) -> None:
    checker = example("load_qwen_vl")
    folder = shards("qwen-vl", "paths")
    record = checker.records(folder / "train.json")[0]
    assert list(checker.problems(record, folder)) == []
    assert any(said in p for p in checker.problems(broken(record, **changes), folder))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": 3}, "expected text"),
        ({"image": None}, "leave the key out"),
        ({"image": "images/one.jpg"}, "<image> for 1 pictures"),
        ({"conversations": [{"from": "gpt", "value": "a"}]}, "speakers"),
    ],
)
def test_the_llava_checker_sees_what_its_loader_stops_at(
    shards: Any, changes: dict[str, Any], said: str
) -> None:
    checker = example("load_llava")
    folder = shards("llava", "paths")
    record = checker.records(folder / "train.json")[0]
    assert list(checker.problems(record, folder)) == []
    assert any(said in p for p in checker.problems(broken(record, **changes), folder))


def test_polars_reads_columns_histories_and_pictures(
    shards: Any, published: Path, pixels: dict[str, Any]
) -> None:
    loader = example("load_polars")
    for folder in (shards("parquet", "embedded"), published):
        samples = loader.scan(str(folder))
        assert loader.by_type(samples)["samples"].sum() == TRAIN
        assert loader.histories(samples).height == TRAIN
        assert set(loader.histories(samples).columns) == {
            "sample_id",
            "round",
            "step",
            "confidence",
        }
        assert loader.scan(str(folder), "held_out").collect().height == HELD_OUT
    assert loader.pictures(samples) == []
    samples = loader.scan(str(shards("parquet", "embedded")))
    first = samples.select("sample_id").head(1).collect().item()
    assert same(loader.pictures(samples), pixels[first])


def test_duckdb_joins_the_ledger_straight_over_the_published_files(
    published: Path, mine: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loader = example("load_duckdb")
    hydrate(published, mine, tmp_path / "it's here", reporter=QuietReporter())
    for folder in (published, tmp_path / "it's here"):
        with loader.connect(str(folder)) as connection:
            ((kind, samples, first, last, fell),) = connection.sql(loader.MOVED).fetchall()
            assert (kind, samples, fell) == ("object_counting", TRAIN, 0)
            assert first == last == pytest.approx(0.55)
            hard = connection.sql(loader.HARD_SCENES).fetchall()
            assert ("scannet", STREAM, 1) in hard
            assert connection.sql("SELECT count(*) FROM held_out").fetchall() == [(HELD_OUT,)]
    loader.main(str(published))
    assert "object_counting" in capsys.readouterr().out


@pytest.fixture
def own_accelerate() -> Iterator[None]:
    """What a trainer leaves in accelerate's shared state is not there for the tests after it."""
    yield
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("own_accelerate")
def test_trl_trains_on_the_answers_with_pictures_in_their_places(
    shards: Any, tmp_path: Path
) -> None:
    """A few real steps of SFTTrainer with a random Qwen3-VL."""
    import transformers
    from pretrained_models import write_qwen3vl

    from engine.settings import SolverSettings
    from engine.solving.pretrained import Source, open_processor

    transformers.utils.logging.disable_progress_bar()
    loader = example("load_trl")
    model = str(write_qwen3vl(tmp_path / "tiny"))
    # Qwen's processor asks for torchvision, for the sake of videos; the engine's does without.
    source = Source(SolverSettings(name="transformers", model=model))
    processor = open_processor(source, transformers.AutoConfig.from_pretrained(model))
    rows = loader.rows(str(shards("messages", "embedded")), cache=str(tmp_path / "cache"))
    assert rows.column_names == ["images", "prompt", "completion"]
    trainer = loader.trainer(rows, model, processor, str(tmp_path / "out"), steps=2, batch=2)
    batch = next(iter(trainer.get_train_dataloader()))
    shown = [len(rows[place]["images"]) for place in range(2)]
    assert shown == [FRAMES, FRAMES - 1]
    merged = batch["image_grid_thw"].prod(dim=1) // 4
    pads = (batch["input_ids"] == processor.image_token_id).sum(dim=1).tolist()
    assert pads == [int(merged[: shown[0]].sum()), int(merged[shown[0] :].sum())]
    taught = [row[row != -100] for row in batch["labels"]]
    answers = [rows[place]["completion"][0]["content"][0]["text"] for place in range(2)]
    assert [processor.tokenizer.decode(t) for t in taught] == [
        f"{answer}<|im_end|>\n" for answer in answers
    ]
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2
    assert np.isfinite(losses).all()
    assert any(not value.equal(before[name]) for name, value in trainer.model.named_parameters())


def test_a_qwen_processor_takes_the_checked_records(shards: Any, tmp_path: Path) -> None:
    import transformers
    from pretrained_models import write_qwen3vl

    from engine.settings import SolverSettings
    from engine.solving.pretrained import Source, open_processor

    checker = example("load_qwen_vl")
    folder = shards("qwen-vl", "paths")
    model = str(write_qwen3vl(tmp_path / "tiny"))
    source = Source(SolverSettings(name="transformers", model=model))
    processor = open_processor(source, transformers.AutoConfig.from_pretrained(model))
    for record in checker.records(folder / "train.json"):
        pictures = len(record["image"]) if isinstance(record["image"], list) else 1
        total, shown = checker.tokens(record, folder, processor)
        # 64 x 64 pixels at most, and 32 x 32 a token.
        assert pictures <= shown <= 4 * pictures
        assert total > shown
