"""Conversations driven side by side: every answer kept first, none asked for twice, none lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.chat.cache import AnswerCache
from engine.chat.drive import Conversation, converse
from engine.chat.values import (
    Ask,
    Constraint,
    Finish,
    Image,
    Message,
    ModelOutage,
    Said,
    Sampling,
)
from engine.errors import WorkspaceError

SAMPLING = Sampling(temperature=0.5, top_p=0.9, max_tokens=10, seed=1)


def ask(text: str) -> Ask:
    return Ask(messages=(Message(role="user", text=text),), sampling=SAMPLING)


class Echo:
    """Answers in reverse order of asking, with what it was asked; ends after ``lives`` answers."""

    name = "echo"
    revision = "1"

    def __init__(self, capacity: int = 4, lives: int = 1000, wait: float = 0.0) -> None:
        self.capacity = capacity
        self.asked: list[str] = []
        self.most = 0
        self._lives = lives
        self._wait = wait
        self._waiting: list[tuple[str, Ask]] = []

    def submit(self, name: str, ask: Ask) -> None:
        self.asked.append(ask.messages[-1].text)
        self._waiting.append((name, ask))
        self.most = max(self.most, len(self._waiting))

    def next(self) -> tuple[str, Said]:
        if not self._lives:
            raise ModelOutage("echo: gone")
        self._lives -= 1
        time.sleep(self._wait)
        name, ask = self._waiting.pop()
        text = ask.messages[-1].text.upper()
        return name, Said(text=text, finish=Finish.STOP, prompt_tokens=2, completion_tokens=1)

    def close(self) -> None: ...

    def __enter__(self) -> Echo:
        return self

    def __exit__(self, *_: object) -> None: ...


def two_turns(word: str) -> Conversation[str]:
    first = yield ask(word)
    second = yield ask(f"{first.text} again")
    return f"{first.text}|{second.text}"


@pytest.fixture
def cache(tmp_path: Path) -> AnswerCache:
    return AnswerCache(tmp_path / "answers.sqlite")


def talks(count: int) -> list[tuple[str, Conversation[str]]]:
    return [(f"t{i}", two_turns(f"w{i}")) for i in range(count)]


def test_each_conversation_hears_its_own_answers(cache: AnswerCache) -> None:
    model = Echo()
    found = dict(converse(model, cache, talks(10)))
    assert found == {f"t{i}": f"W{i}|W{i} AGAIN" for i in range(10)}
    assert model.most == model.capacity


def test_conversations_are_started_only_as_others_end(cache: AnswerCache) -> None:
    started: list[int] = []

    def endless() -> Callable[[], object]:
        for index in range(10**9):
            started.append(index)
            yield f"t{index}", two_turns(f"w{index}")

    results = converse(Echo(capacity=3), cache, endless())
    next(results)
    assert len(started) <= 4


def test_an_outage_keeps_what_was_said_and_going_on_asks_only_the_rest(cache: AnswerCache) -> None:
    dying = Echo(lives=7)
    with pytest.raises(ModelOutage):
        list(converse(dying, cache, talks(10)))
    after = Echo()
    heard: list[str] = []
    found = dict(
        converse(after, cache, talks(10), lambda name, _ask, said: heard.append(said.text))
    )
    assert found == {f"t{i}": f"W{i}|W{i} AGAIN" for i in range(10)}
    assert len(after.asked) == 20 - 7
    assert len(heard) == 20
    third = Echo()
    assert dict(converse(third, cache, talks(10))) == found
    assert third.asked == []


def test_costs_add_up_to_the_time_that_passed_and_are_kept(cache: AnswerCache) -> None:
    spent: dict[str, float] = {}

    def note(name: str, ask: Ask, said: Said) -> None:
        spent[ask.messages[-1].text] = said.seconds

    started = time.perf_counter()
    list(converse(Echo(wait=0.002), cache, talks(8), note))
    passed = time.perf_counter() - started
    assert 16 * 0.002 <= sum(spent.values()) <= passed
    first = dict(spent)
    list(converse(Echo(), cache, talks(8), note))
    assert spent == first


def test_two_conversations_of_one_name_are_refused(cache: AnswerCache) -> None:
    with pytest.raises(ValueError, match="'same'"):
        list(converse(Echo(), cache, [("same", two_turns("a")), ("same", two_turns("b"))]))


def test_everything_that_decides_an_answer_is_in_its_key() -> None:
    picture, other = Image(jpeg=b"1", caption="frame 1"), Image(jpeg=b"2", caption="frame 1")
    base = Ask(
        messages=(Message(role="user", text="a", images=(picture,)),),
        sampling=SAMPLING,
        constraint=Constraint(kind="grammar", text='root ::= "a"'),
    )
    others = [
        ask("a"),
        Ask(messages=base.messages, sampling=SAMPLING),
        Ask(messages=base.messages, sampling=SAMPLING, constraint=Constraint(kind="json", text="")),
        Ask(
            messages=(Message(role="user", text="a", images=(other,)),),
            sampling=SAMPLING, constraint=base.constraint,
        ),
        Ask(
            messages=base.messages, constraint=base.constraint,
            sampling=Sampling(temperature=0.5, top_p=0.9, max_tokens=10, seed=2),
        ),
    ]  # fmt: skip
    keys = {each.key("m", "r") for each in (base, *others)}
    keys |= {base.key("m2", "r"), base.key("m", "r2")}
    assert len(keys) == len(others) + 3
    named = Ask(messages=base.messages, sampling=SAMPLING, constraint=base.constraint, purpose="x")
    assert named.key("m", "r") == base.key("m", "r")


def test_the_first_answer_stays_and_half_characters_do_not_break_the_file(
    cache: AnswerCache,
) -> None:
    said = Said(text="a\ud800b", finish=Finish.LENGTH, prompt_tokens=1, completion_tokens=2)
    kept = cache.keep("k", said)
    assert kept.text == "a?b"
    assert (
        cache.keep("k", Said(text="z", finish=Finish.STOP, prompt_tokens=0, completion_tokens=0))
        == kept
    )
    assert cache.get("k") == kept
    assert cache.get("other") is None


def test_a_damaged_file_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(WorkspaceError, match=r"answers\.sqlite.*restore the file") as caught:
        AnswerCache(path).get("k")
    assert "\n" not in str(caught.value)


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.chat.cache import AnswerCache
from engine.chat.values import Finish, Said

cache = AnswerCache(Path(sys.argv[1]))
for i in range(50):
    cache.keep(str(i), Said(text="t" * i, finish=Finish.STOP, prompt_tokens=i, completion_tokens=0))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_no_answer_it_had_kept(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    with AnswerCache(path) as cache:
        assert [said.prompt_tokens for i in range(50) if (said := cache.get(str(i)))] == [
            *range(50)
        ]
