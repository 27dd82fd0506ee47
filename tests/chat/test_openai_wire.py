"""Whatever a server sends is an answer or a named failure."""

from __future__ import annotations

import contextlib
import json
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chat.openai_wire import Garbled, excerpt, pause_asked, read_cards, read_reply
from engine.chat.values import Said

quick = settings(max_examples=150, deadline=None, derandomize=True)
words = st.sampled_from(
    ["choices", "message", "content", "finish_reason", "usage", "data", "id", "root", "stop",
     "length", "abort", "refusal", "prompt_tokens", "error", "detail"]
)  # fmt: skip
shapes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=20,
)
replies = st.binary(max_size=60) | shapes.map(lambda value: json.dumps(value).encode())


@quick
@given(replies)
def test_any_reply_is_an_answer_or_garbled(body: bytes) -> None:
    for read, kind in ((read_reply, Said), (read_cards, tuple)):
        with contextlib.suppress(Garbled):
            assert isinstance(read(body), kind)


choices = st.fixed_dictionaries(
    {"message": st.fixed_dictionaries({"content": shapes}), "finish_reason": shapes}
)


@quick
@given(choices, shapes)
def test_any_choice_is_an_answer_or_garbled(choice: object, usage: object) -> None:
    try:
        said = read_reply(json.dumps({"choices": [choice], "usage": usage}).encode())
    except Garbled:
        return
    assert said.prompt_tokens >= 0
    assert said.completion_tokens >= 0


@quick
@given(st.text(max_size=20))
def test_any_retry_after_is_a_length_of_time_or_nothing(text: str) -> None:
    seconds = pause_asked({"retry-after": text, "date": "Sat, 22 Nov 2025 10:00:00 GMT"})
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90.0), (0, 0.0), (-30, 0.0)])
def test_a_date_is_held_against_the_servers_own_clock(ahead: int, seconds: float) -> None:
    now = datetime(1999, 12, 31, 23, 59, 30, tzinfo=UTC)  # long ago by ours
    headers = {
        "retry-after": format_datetime(now + timedelta(seconds=ahead), usegmt=True),
        "date": format_datetime(now, usegmt=True),
    }
    assert pause_asked(headers) == seconds


def test_a_date_without_the_servers_own_is_not_guessed_at() -> None:
    assert pause_asked({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}) is None


@quick
@given(replies)
def test_an_excerpt_is_one_short_line(body: bytes) -> None:
    line = excerpt(body)
    assert line
    assert line.isprintable()
    assert len(line) <= 300


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'{"error": {"message": "too long", "code": 400}}', "too long"),
        (b'{"error": "plain"}', "plain"),
        (b'{"message": "older vLLM"}', "older vLLM"),
        (b'{"detail": "fastapi"}', "fastapi"),
        (b"<html>\n  no </html>", "<html> no </html>"),
        (b"the key sk-123456 is wrong", "the key *** is wrong"),
        (b"", "an empty body"),
    ],
)
def test_an_excerpt_is_the_servers_own_message(body: bytes, line: str) -> None:
    assert excerpt(body, ["sk-123456"]) == line
