"""`ouroboros eval`, and the blind run that the loop puts beside its own evaluation."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command_line import ouroboros

from engine import rounds, tables
from engine.progress import QuietReporter
from engine.publishing.layouts import export
from engine.publishing.selection import Selection
from engine.reporting.queries import open_analysis
from engine.scenes.ingest import ingest
from engine.workspace import Workspace
from scene_adapters.synthetic.scenes import write_scenes
from scene_adapters.table import load_adapter

sys.path.append(str(Path(__file__).parent / "solving"))

from pretrained_models import write_qwen3vl

CONFIG = """
seed = 3
[loop]
rounds = 1
steps = 2
batch_size = 8
held_out = 0.3
held_out_per_scene = {per_scene}
blind_held_out = {blind}
[sandbox]
workers = 1
[solver]
threads = 1
[curriculum]
probe_samples = 4
"""


def made(root: Path, *, rooms: int, per_scene: int, blind: str, to_round: int) -> Workspace:
    workspace = Workspace.create(root)
    workspace.config_path.write_text(CONFIG.format(per_scene=per_scene, blind=blind))
    write_scenes(root / "rooms", seed=1, count=rooms)
    ingest(load_adapter("synthetic"), root / "rooms", workspace.catalog)
    rounds.run(workspace, rounds=to_round, allow_benchmark=False, reporter=QuietReporter())
    return workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("eval") / "ws"
    return made(root, rooms=5, per_scene=16, blind="true", to_round=1)


@pytest.fixture(scope="module")
def exported(ws: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out"
    export("vsi-bench", ws, out, media="paths")
    return out


def answers(ws: Workspace, tmp_path: Path, *arguments: object) -> pl.DataFrame:
    """What ``--out`` holds, by sample."""
    out = tmp_path / "answers.parquet"
    code, _, err = ouroboros("eval", *arguments, "--out", out, "--quiet", "-w", ws.root)
    assert code == 0, err
    return pl.read_parquet(out).sort("sample_id")


def table(ws: Workspace, name: str, round_: int) -> pl.DataFrame:
    return tables.read_table(ws.tables, name, [round_]).sort("sample_id")


def alike(one: pl.DataFrame, other: pl.DataFrame, prefix: str = "") -> bool:
    columns = ("predicted", "score", "confidence")
    named = one.select("sample_id", *(pl.col(prefix + name).alias(name) for name in columns))
    return named.equals(other.select("sample_id", *columns))


def complaint(*arguments: object, code: int = 1) -> str:
    found, out, err = ouroboros("eval", "--quiet", *arguments)
    assert (found, out) == (code, ""), err
    assert len(err.strip().splitlines()) == 1, err
    return err


def contents(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


# The loop's own evaluation.


def test_every_round_asks_the_held_out_questions_blind_as_well(ws: Workspace) -> None:
    for number in (0, 1):
        seen, unseen = table(ws, "evaluations", number), table(ws, "blind_evaluations", number)
        assert seen["sample_id"].equals(unseen["sample_id"])
        assert seen.height > 10
        # Seen from the plan, distances are not the ones that come to mind without it.
        assert seen["predicted"].to_list() != unseen["predicted"].to_list()
        assert (seen["score"].mean() or 0) > (unseen["score"].mean() or 0)
        marker = ws.marker(number, "evaluate")
        assert marker is not None
        mean = unseen["score"].mean()
        assert marker["counts"]["blind_accuracy"] == pytest.approx(mean, abs=1e-6)


def test_the_blind_score_and_the_gain_are_named_by_type_and_round(ws: Workspace) -> None:
    with open_analysis(ws.root) as analysis:
        by_type = analysis.named("held_out_by_type")
        (summary,) = analysis.named("round_summary").to_dicts()
    last = by_type.filter(pl.col("round") == 1)
    mean = (last["blind_accuracy"] * last["asked"]).sum() / last["asked"].sum()
    assert summary["blind_accuracy"] == pytest.approx(mean, abs=1e-4)
    assert last["gain"].to_list() == pytest.approx(
        (last["accuracy"] - last["blind_accuracy"]).to_list(), abs=2e-4
    )


def test_the_blind_run_can_be_left_out(tmp_path: Path) -> None:
    workspace = made(tmp_path / "ws", rooms=4, per_scene=2, blind="false", to_round=0)
    assert table(workspace, "evaluations", 0).height
    assert not (workspace.tables / "blind_evaluations").exists()
    with open_analysis(workspace.root) as analysis:
        assert analysis.named("held_out_by_type")["gain"].null_count() > 0


# What the command asks.


def test_the_newest_round_and_the_base_answer_as_they_did_in_the_loop(
    ws: Workspace, tmp_path: Path
) -> None:
    before = contents(ws.root)
    newest = answers(ws, tmp_path, "--blind")
    assert alike(newest, table(ws, "evaluations", 1))
    assert alike(newest, table(ws, "blind_evaluations", 1), "blind_")
    assert alike(answers(ws, tmp_path, "base"), table(ws, "evaluations", 0))
    assert alike(answers(ws, tmp_path, ws.checkpoint(1)), table(ws, "evaluations", 1))
    assert contents(ws.root) == before


def test_an_export_read_back_gives_the_same_answers_and_scores(
    ws: Workspace, exported: Path, tmp_path: Path
) -> None:
    test = pl.read_parquet(exported / "data" / "test-*.parquet")
    assert all((exported / path).is_file() for paths in test["images"] for path in paths)
    back = answers(ws, tmp_path, "1", "--on", exported)
    assert alike(back, table(ws, "evaluations", 1))
    held_out = table(ws, "samples", 0)
    for column in ("question", "options", "answer", "answer_kind", "room_key"):
        assert back[column].equals(held_out[column]), column


def test_the_report_agrees_with_the_answers(ws: Workspace, exported: Path, tmp_path: Path) -> None:
    test = exported / "data" / "test-00000-of-00001.parquet"
    found = answers(ws, tmp_path, "--on", test)
    code, out, _ = ouroboros("eval", "--on", test, "--json", "--quiet", "-w", ws.root)
    assert code == 0
    told = json.loads(out)
    by_type = dict(found.group_by("question_type").agg(pl.col("score").mean()).iter_rows())
    assert {n: m["accuracy"] for n, m in told["types"].items()} == pytest.approx(by_type)
    assert told["every"]["accuracy"] == pytest.approx(found["score"].mean())
    tiers = [v for name, v in by_type.items() if "direction" in name]
    others = [v for name, v in by_type.items() if "direction" not in name]
    means = [*others, sum(tiers) / len(tiers)] if tiers else others
    assert told["vsi_bench"]["accuracy"] == pytest.approx(sum(means) / len(means))
    low, high = told["every"]["interval"]
    assert low <= told["every"]["accuracy"] <= high
    assert (told["checkpoint"], told["questions"], told["trained_rooms"]) == (
        "round 1", found.height, 0,
    )  # fmt: skip


def test_a_limit_draws_the_same_questions_every_time(ws: Workspace, tmp_path: Path) -> None:
    few = answers(ws, tmp_path, "--limit", 5)
    assert few.height == 5
    assert few.equals(answers(ws, tmp_path, "--limit", 5))
    assert set(few["sample_id"]) < set(table(ws, "evaluations", 1)["sample_id"])


def test_answers_are_written_as_json_lines_too(ws: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    code, shown, _ = ouroboros("eval", "--limit", 3, "--out", out, "--quiet", "-w", ws.root)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert (code, len(rows)) == (0, 3)
    assert {"question", "answer", "predicted", "score"} <= rows[0].keys()
    assert "all questions" in shown


def test_a_model_of_transformers_is_asked_from_its_folder(
    ws: Workspace, exported: Path, tmp_path: Path
) -> None:
    model = write_qwen3vl(tmp_path / "qwen3vl")
    found = answers(ws, tmp_path, model, "--on", exported, "--limit", 4, "--blind")
    assert found["solver"].to_list() == ["transformers"] * 4
    assert found["blind_predicted"].null_count() == 0
    assert not found["confidence"].equals(found["blind_confidence"].alias("confidence"))


def test_rooms_that_are_trained_on_are_pointed_out(ws: Workspace, tmp_path: Path) -> None:
    export("vsi-bench", ws, tmp_path / "out", selection=Selection(splits=("train",)))
    code, _, err = ouroboros("eval", "--on", tmp_path / "out", "--limit", 2, "-w", ws.root)
    assert code == 0
    assert "rooms asked about are among those this workspace trains on" in err


# What it refuses.


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["7"], "round 7: .* has no such trained round; trained rounds: 1, and `base`"),
        (["nowhere"], "nowhere: there is no such folder"),
        (["{tmp}"], "is no checkpoint"),
        (["{tmp}/text"], "takes text only"),
        (["--on", "{tmp}/missing.jsonl"], "cannot be read"),
        (["--on", "{tmp}/bad.jsonl"], "bad.jsonl: line 1: column 'question' is missing"),
        (["--on", "{tmp}/elsewhere.jsonl"],
         "7 of its 7 scenes are not in .*: s0, s1, s2, s3, s4 and 2 more; .*ouroboros ingest"),
        (["--out", "{tmp}/answers.txt"], "ends in .parquet or .jsonl"),
        (["--out", "{tmp}/no/answers.jsonl"], "in no folder that exists"),
        (["--out", "{root}/tables/answers.parquet"], "tables are the loop's"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    arguments: list[str], named: str, ws: Workspace, tmp_path: Path
) -> None:
    import re

    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "bad.jsonl").write_text('{"id": 1, "dataset": "d", "scene_name": "s"}\n'.replace(
        '"s"}', '"s", "question_type": "open"}'
    ))  # fmt: skip
    row: dict[str, Any] = {
        "id": 0, "dataset": "scannet", "question_type": "object_counting", "question": "How many?",
        "options": None, "ground_truth": "2",
    }  # fmt: skip
    lines = [json.dumps(row | {"id": n, "scene_name": f"s{n}"}) for n in range(7)]
    (tmp_path / "elsewhere.jsonl").write_text("\n".join(lines))
    filled = [each.format(tmp=tmp_path, root=ws.root) for each in arguments]
    assert re.search(named, complaint(*filled, "-w", ws.root))


def test_what_is_not_there_yet_says_how_to_get_it(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "new")
    assert "no round is trained yet" in complaint("-w", workspace.root)
    assert "no held-out questions" in complaint("base", "-w", workspace.root)


def test_a_checkpoint_that_was_not_kept_is_named(ws: Workspace, tmp_path: Path) -> None:
    copy = Workspace(tmp_path / "ws")
    shutil.copytree(ws.root, copy.root, ignore=shutil.ignore_patterns("checkpoints"))
    assert "was not kept (solver.keep_checkpoints)" in complaint("1", "-w", copy.root)
    found = complaint("-w", copy.root)
    assert "was not kept" in found
