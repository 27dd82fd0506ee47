"""VllmModel with the real vLLM and a real model, SmolLM2-135M-Instruct, on the CPU."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from engine.chat.values import Ask, Constraint, Finish, Image, Message, ModelOutage, Said, Sampling
from engine.chat.vllm import VllmModel
from engine.chat.vllm_process import living
from engine.config import ProposerSettings
from engine.errors import ConfigError

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(300)]

COLOURS = Constraint(
    kind="json",
    text=json.dumps(
        {
            "type": "object",
            "properties": {
                "colour": {"enum": ["red", "green", "blue"]},
                "count": {"type": "integer", "minimum": 1, "maximum": 9},
            },
            "required": ["colour", "count"],
            "additionalProperties": False,
        }
    ),
)


def ask(
    text: str,
    *,
    seed: int = 1,
    tokens: int = 24,
    temperature: float = 0.8,
    constraint: Constraint | None = None,
    images: tuple[Image, ...] = (),
) -> Ask:
    return Ask(
        messages=(
            Message(role="system", text="You answer briefly."),
            Message(role="user", text=text, images=images),
        ),
        sampling=Sampling(temperature=temperature, top_p=0.95, max_tokens=tokens, seed=seed),
        constraint=constraint,
    )


def answers(model: VllmModel, asks: dict[str, Ask]) -> dict[str, Said]:
    for key, one in asks.items():
        model.submit(key, one)
    return dict(model.next() for _ in asks)


def all_of(model: VllmModel, count: int) -> list[str]:
    return [model.next()[0] for _ in range(count)]


def alone(model: VllmModel, one: Ask) -> Said:
    return answers(model, {"alone": one})["alone"]


@pytest.fixture(scope="module")
def settings(proposer_python: Path, smollm2: Path) -> ProposerSettings:
    return ProposerSettings(
        name="vllm", model=str(smollm2), python=str(proposer_python), frames=0, context_tokens=1024,
        mode="grammar", start_seconds=240.0, reply_seconds=120.0,
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def small_cache() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        yield


@pytest.fixture(scope="module")
def notes() -> list[str]:
    return []


@pytest.fixture(scope="module")
def model(
    settings: ProposerSettings, notes: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VllmModel]:
    """One engine for most tests: starting it takes longer than all of them."""
    log = tmp_path_factory.mktemp("engine") / "logs" / "vllm.log"
    with VllmModel(settings, log, note=notes.append) as model:
        yield model
    assert str(model._folder) in log.read_text(), "vLLM's own words are not in the log"


def test_a_plain_question_is_answered_in_words(model: VllmModel, notes: list[str]) -> None:
    said = alone(model, ask("Name the capital of France.", temperature=0.0))
    assert "Paris" in said.text
    assert said.finish is Finish.STOP
    assert said.prompt_tokens > 10
    assert 0 < said.completion_tokens <= 24
    assert said.seconds > 0.0
    assert re.fullmatch(r"loading SmolLM2-135M-Instruct \(log: .*vllm\.log\)", notes[0])
    assert re.fullmatch(r"model loaded in \d+ s", notes[1])


def test_an_answer_cut_at_its_limit_says_so(model: VllmModel) -> None:
    said = alone(model, ask("Tell me a long story.", tokens=5))
    assert (said.finish, said.completion_tokens) == (Finish.LENGTH, 5)


def test_json_answers_hold_to_their_schema(model: VllmModel) -> None:
    asks = {
        str(i): ask("Describe the ball.", seed=i, tokens=40, temperature=1.5, constraint=COLOURS)
        for i in range(8)
    }
    for said in answers(model, asks).values():
        value = json.loads(said.text)
        assert set(value) == {"colour", "count"}
        assert value["colour"] in {"red", "green", "blue"}
        assert 1 <= value["count"] <= 9
        assert said.finish is Finish.STOP


def test_grammar_answers_hold_to_their_grammar(model: VllmModel) -> None:
    grammar = Constraint(
        kind="grammar",
        text='root ::= "the " thing " is " side\n'
        'thing ::= "sofa" | "tv monitor: \\"old\\""\nside ::= "left" | "right"\n',
    )
    asks = {
        str(i): ask("Where is it?", seed=i, temperature=1.5, constraint=grammar) for i in range(8)
    }
    said = answers(model, asks)
    for one in said.values():
        assert re.fullmatch(r'the (sofa|tv monitor: "old") is (left|right)', one.text)
        assert one.finish is Finish.STOP
    assert len({one.text for one in said.values()}) > 1, "eight seeds drew the same answer"


def test_the_same_ask_is_answered_the_same_when_alone(model: VllmModel) -> None:
    one = ask("Write about rain.", seed=7, temperature=1.0)
    first, again = alone(model, one), alone(model, one)
    other = alone(model, ask("Write about rain.", seed=8, temperature=1.0))
    assert first.text == again.text != other.text


def test_asks_join_others_that_are_under_way(model: VllmModel) -> None:
    numbers = {"type": "array", "items": {"type": "integer"}, "minItems": 400}
    endless = Constraint(kind="json", text=json.dumps(numbers))
    model.submit("long", ask("Count to a thousand.", tokens=400, constraint=endless))
    time.sleep(0.5)
    for i in range(4):
        model.submit(f"short {i}", ask("Say yes.", seed=i, tokens=3))
    came = all_of(model, 5)
    assert came[-1] == "long", "a short ask waited for a long one that had come before"


def test_an_ask_beyond_the_context_is_an_overflow_and_stops_no_other(model: VllmModel) -> None:
    said = answers(
        model,
        {"long": ask("word " * 2000), "fits": ask("word " * 990, tokens=500), "ok": ask("Hi")},
    )
    assert said["long"].finish is Finish.OVERFLOW
    assert said["long"].prompt_tokens > 2000
    assert said["long"].text == ""
    assert said["long"].detail == (
        f"prompt of {said['long'].prompt_tokens} tokens, the context holds 1024"
    )
    # What the prompt leaves of the context is all the reply gets.
    assert said["fits"].prompt_tokens + said["fits"].completion_tokens <= 1024
    assert said["fits"].finish in (Finish.LENGTH, Finish.STOP)
    assert said["ok"].finish in (Finish.LENGTH, Finish.STOP)


@pytest.mark.parametrize(
    ("constraint", "says"),
    [
        (Constraint(kind="grammar", text='root ::= ("yes" | '), "grammar"),
        (Constraint(kind="grammar", text="root ::= missing"), "grammar"),
        (Constraint(kind="json", text='{"type": "nonsense"}'), "nonsense"),
        (Constraint(kind="json", text='{"type": '), "VLLMValidationError"),
    ],
)
def test_a_bad_constraint_is_refused_and_stops_no_other(
    model: VllmModel, constraint: Constraint, says: str
) -> None:
    said = answers(model, {"bad": ask("yes or no?", constraint=constraint), "ok": ask("Hi")})
    assert said["bad"].finish is Finish.REFUSED
    assert says in said["bad"].detail
    assert "\n" not in said["bad"].detail
    assert said["ok"].finish in (Finish.LENGTH, Finish.STOP)


def test_many_seeded_asks_at_once_are_all_answered(model: VllmModel) -> None:
    """vLLM 0.32 on a CPU dies when it splits the prompt of a seeded request; it must not here."""
    # More than the 4096 tokens of one step together; what they share is not read again.
    asks = {str(i): ask(f"{i}. " + "word " * 900, seed=i, tokens=4) for i in range(6)}
    said = answers(model, asks)
    assert set(said) == set(asks)
    assert all(one.completion_tokens > 0 for one in said.values())


def test_a_model_that_sees_no_images_says_so(model: VllmModel) -> None:
    picture = Image(jpeg=b"\xff\xd8", caption="a frame")
    with pytest.raises(ConfigError, match=r"sees no images.*set proposer\.frames = 0"):
        model.submit("picture", ask("What is this?", images=(picture,)))
    assert "Hi" in ask("Hi").messages[1].text
    assert alone(model, ask("Hi")).completion_tokens > 0


def test_closing_leaves_no_process_whatever_is_under_way(model: VllmModel) -> None:
    model.submit("left alone", ask("Count to a thousand.", tokens=900))
    group = model._children[0]._process.pid
    assert len(living(group)) >= 2, "the engine and its guard"
    began = time.perf_counter()
    model.close()
    assert time.perf_counter() - began < 10.0
    assert living(group) == []


def test_two_copies_share_the_asks_and_one_that_hangs_is_an_outage(
    settings: ProposerSettings, tmp_path: Path
) -> None:
    with VllmModel(replace(settings, data_parallel=2), tmp_path / "vllm.log") as pair:
        assert pair.capacity == 2 * VllmModel(settings, tmp_path).capacity
        for i in range(8):
            pair.submit(str(i), ask("Say yes.", seed=i, tokens=3))
        assert [len(child.asked) for child in pair._children] == [4, 4]
        assert set(all_of(pair, 8)) == {str(i) for i in range(8)}
        groups = [child._process.pid for child in pair._children]
        assert all(living(group) for group in groups)
        if len(cores := os.sched_getaffinity(0)) > 1:
            shares = [os.sched_getaffinity(group) for group in groups]
            assert shares[0] | shares[1] == cores
            assert not shares[0] & shares[1]

        os.kill(groups[1], signal.SIGSTOP)
        pair._settings = replace(settings, reply_seconds=1.0)
        pair.submit("a", ask("Say yes.", tokens=3))
        pair.submit("b", ask("Say yes.", tokens=3))
        with pytest.raises(ModelOutage, match=r"finished nothing for \d+ s \(.*reply_seconds = 1"):
            all_of(pair, 2)
        assert [living(group) for group in groups] == [[], []]
    assert (tmp_path / "vllm.log").stat().st_size > 0
    assert (tmp_path / "vllm-2.log").stat().st_size > 0


def test_a_killed_engine_is_an_outage_with_its_last_words(
    settings: ProposerSettings, tmp_path: Path
) -> None:
    log = tmp_path / "vllm.log"
    log.write_text("OSError: of an earlier run\n")
    with VllmModel(settings, log) as model:
        asks = {str(i): ask("Tell a story.", seed=i, tokens=2 + 100 * i) for i in range(8)}
        for key, one in asks.items():
            model.submit(key, one)
        assert model.next()[0] == "0"
        group = model._children[0]._process.pid
        os.kill(group, signal.SIGKILL)
        with pytest.raises(ModelOutage) as outage:
            all_of(model, 7)
    message = str(outage.value)
    assert message.startswith("the model under vLLM was killed by SIGKILL")
    assert re.search(r'; last words: "[^"]+"; the whole log: .*vllm\.log; run the same', message)
    assert "of an earlier run" not in message
    assert "\n" not in message
    assert outage.value.exit_code == 3
    assert living(group) == []


def test_a_parent_that_is_killed_leaves_no_process(
    settings: ProposerSettings, tmp_path: Path
) -> None:
    """Also while the engine has a process of its own, as it does on accelerators."""
    code = f"""
        import time
        from pathlib import Path
        from engine.chat.values import Ask, Message, Sampling
        from engine.chat.vllm import VllmModel
        from engine.config import ProposerSettings
        model = VllmModel(ProposerSettings(**{asdict(settings)!r}), Path({str(tmp_path)!r}) / "log")
        sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=900, seed=0)
        model.submit("a", Ask(messages=(Message(role="user", text="Count."),), sampling=sampling))
        print(model._children[0]._process.pid, flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        env={**os.environ, "VLLM_ENABLE_V1_MULTIPROCESSING": "1"},
    )
    assert parent.stdout is not None
    with parent.stdout:
        group = int(parent.stdout.readline())
        assert len(living(group)) > 2, "no process of vLLM's own to be left behind"
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 15.0
    while living(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert living(group) == []


def test_a_model_that_loads_too_slowly_is_an_outage(
    settings: ProposerSettings, tmp_path: Path
) -> None:
    model = VllmModel(replace(settings, start_seconds=1.0), tmp_path / "vllm.log")
    began = time.perf_counter()
    with pytest.raises(
        ModelOutage, match=r"did not load within 1 s .*raise proposer\.start_seconds"
    ):
        model.submit("a", ask("Hi"))
    assert time.perf_counter() - began < 10.0
    assert model._children == []


def test_a_folder_without_a_model_is_an_outage_that_says_why(
    settings: ProposerSettings, tmp_path: Path
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "README.md").write_text("nothing here")
    with (
        VllmModel(replace(settings, model=str(folder)), tmp_path / "vllm.log") as model,
        pytest.raises(ModelOutage, match=r"^empty: vLLM cannot load it \(.*config\.json") as outage,
    ):
        model.submit("a", ask("Hi"))
    assert "\n" not in str(outage.value)
