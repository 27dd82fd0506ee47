"""What VllmModel says where it cannot begin, and what it is called; needs no vLLM."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.chat.values import Ask, Message, ModelOutage, Sampling
from engine.chat.vllm import VllmModel, folder_hash
from engine.chat.vllm_process import last_words, living
from engine.config import ProposerSettings
from engine.errors import ConfigError, EnvironmentFault

ASK = Ask(
    messages=(Message(role="user", text="Hello"),),
    sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=4, seed=0),
)
CHILD = Path(__file__).parents[2] / "engine" / "chat" / "vllm_child.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the look of a checkpoint; nothing here gets as far as reading it."""
    folder = tmp_path / "Some-Model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


def settings(folder: Path, **changes: object) -> ProposerSettings:
    return ProposerSettings(name="vllm", **{"model": str(folder), **changes})  # type: ignore[arg-type]


def test_a_missing_interpreter_is_an_outage_that_says_how_to_get_one(
    folder: Path, tmp_path: Path
) -> None:
    model = VllmModel(settings(folder, python="/no/such/python"), tmp_path / "log")
    with pytest.raises(ModelOutage, match=r"tools/proposer_env .*pip install vllm") as outage:
        model.submit("a", ASK)
    assert str(outage.value).startswith(
        "proposer.python = '/no/such/python' cannot be run (No such"
    )
    assert "\n" not in str(outage.value)
    assert outage.value.exit_code == 3


def test_an_interpreter_without_vllm_is_an_outage_that_says_how_to_get_one(
    folder: Path, tmp_path: Path
) -> None:
    """Also: the child does not take this project's own vllm.py for vLLM."""
    with VllmModel(settings(folder, python=sys.executable), tmp_path / "log") as model:
        with pytest.raises(ModelOutage, match=r"has no vLLM; .*tools/proposer_env .*pip install"):
            model.submit("a", ASK)
        assert model._children == []


def test_what_is_no_interpreter_is_an_outage_with_its_status(folder: Path, tmp_path: Path) -> None:
    model = VllmModel(settings(folder, python="false"), tmp_path / "log")
    with pytest.raises(
        ModelOutage, match=r"ended with status 1; the whole log: .*log; run the same"
    ):
        model.submit("a", ASK)


def test_a_missing_model_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"proposer\.model = '/no/such/model': no such folder"):
        VllmModel(settings(Path("/no/such/model")), tmp_path / "log")


def test_no_model_at_all_is_named_when_it_is_needed(tmp_path: Path) -> None:
    model = VllmModel(ProposerSettings(name="vllm"), tmp_path / "log")
    with pytest.raises(ConfigError, match=r"proposer\.model is empty"):
        model.submit("a", ASK)


def test_a_log_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    model = VllmModel(settings(folder), tmp_path / "file" / "log")
    with pytest.raises(EnvironmentFault, match="file/log: cannot be written"):
        model.submit("a", ASK)


def test_nothing_starts_before_the_first_ask(folder: Path, tmp_path: Path) -> None:
    with VllmModel(settings(folder, data_parallel=3), tmp_path / "log") as model:
        assert (model.name, model.capacity) == ("Some-Model", 768)
        with pytest.raises(ValueError, match="no ask is under way"):
            model.next()
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(("given", "shown"), [("", "main"), ("v2", "v2")])
def test_a_hub_model_is_named_by_its_id_and_revision(
    given: str, shown: str, tmp_path: Path
) -> None:
    hub = ProposerSettings(name="vllm", model="Qwen/Qwen3-VL-4B-Instruct", revision=given)
    model = VllmModel(hub, tmp_path / "log")
    assert (model.name, model.revision) == ("Qwen/Qwen3-VL-4B-Instruct", shown)


def test_a_folders_revision_follows_its_contents(folder: Path, tmp_path: Path) -> None:
    weights = folder / "model.safetensors"
    with weights.open("wb") as file:
        file.truncate(20 << 20)  # larger than what is read whole
    revisions = [VllmModel(settings(folder), tmp_path / "log").revision]
    for position in (0, (20 << 20) - 1):
        with weights.open("r+b") as file:
            file.seek(position)
            file.write(b"x")
        revisions.append(folder_hash(folder))
    (folder / "config.json").write_text('{"a": 1}')
    revisions.append(folder_hash(folder))
    (folder / "chat_template.jinja").write_text("")
    revisions.append(folder_hash(folder))
    assert len(set(revisions)) == len(revisions)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("")
    copy = tmp_path / "elsewhere"
    folder.rename(copy)
    assert folder_hash(copy) == revisions[-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("INFO 11-22 03:53:56 [core.py:13] loading\n\n", "loading"),
        ("50%|##  |\r100%|####|\n", "100%|####|"),
        (
            """(EngineCore pid=7) ERROR 11-22 03:53:56 [core.py:13] ValueError: Free memory 1 < 2
               RuntimeError: Engine core initialization failed. See root cause above.""",
            "ValueError: Free memory 1 < 2",
        ),
        (
            "torch.OutOfMemoryError: CUDA memory.\n[W] more\n",
            "torch.OutOfMemoryError: CUDA memory.",
        ),
        ("[rank0]: RuntimeError: no offset\n", "RuntimeError: no offset"),
    ],
)
def test_last_words_are_the_error_that_ended_it(text: str, words: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    before = "OSError: an earlier run\n"
    log.write_text(before + text)
    assert last_words(log, len(before)) == words
    assert last_words(tmp_path / "none") == ""


def test_a_child_whose_parent_says_nothing_ends_with_its_guard() -> None:
    child = subprocess.Popen(
        [sys.executable, str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    out, _ = child.communicate(timeout=20)
    assert (out, child.returncode) == (b"", 0)
    deadline = time.monotonic() + 5.0
    while living(child.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert living(child.pid) == []
