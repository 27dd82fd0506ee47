"""The OpenAI-compatible engine against a server that fails in every way we know."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from chat import faulty_server as faulty
from chat.faulty_server import FaultyServer

from engine.chat.cache import AnswerCache
from engine.chat.drive import converse
from engine.chat.openai import BackOff, OpenAIModel
from engine.chat.values import Ask, Constraint, Finish, Image, Message, ModelOutage, Said, Sampling
from engine.config import ProposerSettings
from engine.errors import ConfigError

QUICK = BackOff(first=0.001, longest=0.01, longest_asked=0.01)
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


def settings(server: FaultyServer, **changes: object) -> ProposerSettings:
    return dataclasses.replace(
        ProposerSettings(name="openai", url=server.url, retries=2, reply_seconds=20.0), **changes
    )


def model(server: FaultyServer, back_off: BackOff = QUICK, **changes: object) -> OpenAIModel:
    return OpenAIModel(settings(server, **changes), environ={}, back_off=back_off)


def ask(text: str = "Hello?", **changes: object) -> Ask:
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=32, seed=7)
    return dataclasses.replace(
        Ask(messages=(Message(role="user", text=text),), sampling=sampling), **changes
    )


def say(server: FaultyServer, asked: Ask | None = None, **changes: object) -> Said:
    with model(server, **changes) as engine:
        engine.submit("a", asked or ask())
        key, said = engine.next()
    assert key == "a"
    return said


# What is sent


def test_a_request_carries_the_messages_and_the_sampling(server: FaultyServer) -> None:
    messages = (Message(role="system", text="Be brief."), Message(role="user", text="Hé?\n"))
    say(server, ask(messages=messages))
    assert server.asked == [
        {
            "model": "small",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hé?\n"},
            ],
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 32,
            "seed": 7,
        }
    ]


def test_seeds_are_sent_as_integers_every_server_takes(server: FaultyServer) -> None:
    sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=1, seed=2**64 - 1)
    say(server, ask(sampling=sampling))
    assert server.asked[0]["seed"] == 2**31 - 1


def test_images_stand_before_the_text_they_belong_to(server: FaultyServer) -> None:
    images = tuple(Image(jpeg=jpeg, caption="frame") for jpeg in (b"\xff\xd8one", b"\xff\xd8two"))
    say(server, ask(messages=(Message(role="user", text="What is it?", images=images),)))
    *pictures, text = server.asked[0]["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    sent = [picture["image_url"]["url"].partition(",") for picture in pictures]
    assert [kind for kind, _, _ in sent] == ["data:image/jpeg;base64"] * 2
    assert [base64.b64decode(data) for _, _, data in sent] == [b"\xff\xd8one", b"\xff\xd8two"]


def test_a_schema_travels_as_the_response_format(server: FaultyServer) -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    say(server, ask(constraint=Constraint(kind="json", text=json.dumps(schema))))
    assert server.asked[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": True},
    }


def test_a_grammar_travels_in_the_field_vllm_reads(server: FaultyServer) -> None:
    say(server, ask(constraint=Constraint(kind="grammar", text='root ::= "yes"')))
    assert server.asked[0]["structured_outputs"] == {"grammar": 'root ::= "yes"'}
    assert "response_format" not in server.asked[0]


# How replies read


def test_an_answer_has_text_finish_and_tokens(server: FaultyServer) -> None:
    server.answer = lambda body: f"you said {body['messages'][0]['content']}"
    said = say(server, ask("Hello?"))
    assert said.text == "you said Hello?"
    assert said.finish is Finish.STOP
    assert said.completion_tokens == 3
    assert said.prompt_tokens > 0
    assert said.seconds > 0


@pytest.mark.parametrize(
    ("choice", "text", "finish"),
    [
        ({"finish_reason": "length"}, "an answer", Finish.LENGTH),
        ({"finish_reason": None}, "an answer", Finish.STOP),
        ({"message": {"role": "assistant", "content": None}}, "", Finish.STOP),
        ({"message": {"role": "assistant"}}, "", Finish.STOP),
        (
            {"message": {"content": "so", "reasoning": "hm", "reasoning_content": "hm"}},
            "so",
            Finish.STOP,
        ),
        ({"message": {"content": None, "reasoning": "hm"}}, "", Finish.STOP),
        ({"message": {"content": None, "refusal": "I cannot."}}, "", Finish.REFUSED),
        ({"finish_reason": "content_filter"}, "", Finish.REFUSED),
    ],
)
def test_how_an_answer_ended_is_told_apart(
    server: FaultyServer, choice: dict[str, object], text: str, finish: Finish
) -> None:
    server.script(faulty.ok(**choice))
    said = say(server)
    assert (said.text, said.finish) == (text, finish)
    assert bool(said.detail) == (finish is Finish.REFUSED)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}, "many"])
def test_missing_usage_counts_nothing(server: FaultyServer, usage: object) -> None:
    body = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": usage}
    server.script(faulty.reply(body))
    said = say(server)
    assert (said.text, said.prompt_tokens, said.completion_tokens) == ("hi", 0, 0)


# Failures that pass


PASSING = {
    **{str(code): faulty.status(code) for code in (408, 409, 425, 429, 500, 502, 503, 504, 529)},
    "garbage": faulty.garbage(),
    "half JSON": faulty.half_json(),
    "cut": faulty.cut(),
    "hang up": faulty.hang_up(),
    "no choices": faulty.reply({"choices": []}),
    "an error as a 200": faulty.reply({"error": {"message": "engine died"}}),
    "a list": faulty.reply(b"[1]"),
    "nested beyond reading": faulty.reply(b"[" * 100_000),
    "choice without message": faulty.reply({"choices": [{}]}),
    "abandoned": faulty.ok(finish_reason="abort"),
    "not gzip": faulty.reply(b"plain", 200, {"Content-Encoding": "gzip"}),
    "empty": faulty.reply(b""),
}


@pytest.mark.parametrize("failure", PASSING)
def test_a_failure_that_passes_is_tried_again(server: FaultyServer, failure: str) -> None:
    server.script(PASSING[failure], PASSING[failure])
    assert say(server, retries=2).text == "an answer"
    assert len(server.asked) == 3
    assert server.asked[0] == server.asked[2]


@pytest.mark.parametrize("failure", ["500", "garbage", "cut"])
def test_tries_used_up_are_an_outage_that_says_where_what_and_how_to_go_on(
    server: FaultyServer, failure: str
) -> None:
    server.always = PASSING[failure]
    with pytest.raises(ModelOutage) as outage:
        say(server, retries=1)
    message = str(outage.value)
    assert f"{server.url}/chat/completions: no answer in 2 tries," in message
    shown = {"500": "HTTP 500, made to fail", "garbage": "<html>welcome", "cut": "peer closed"}
    assert shown[failure] in message
    assert "run the same command again to go on: answers so far are kept" in message
    assert "\n" not in message
    assert len(server.asked) == 2


def test_no_server_is_an_outage() -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        given = ProposerSettings(name="openai", url=url, model="m", revision="1", retries=1)
        with OpenAIModel(given, environ={}, back_off=QUICK) as engine:
            engine.submit("a", ask())
            with pytest.raises(ModelOutage, match=r"ConnectError.*run the same command again"):
                engine.next()


@pytest.mark.parametrize("failure", [faulty.silence(), faulty.drip(0.02)])
def test_a_reply_that_never_ends_is_given_up_in_time(
    server: FaultyServer, failure: faulty.Step
) -> None:
    server.always = failure
    with pytest.raises(ModelOutage, match=r"no whole reply in 0\.2 s \(proposer\.reply_seconds\)"):
        say(server, reply_seconds=0.2, retries=1)
    assert len(server.asked) == 2


@dataclass(frozen=True)
class Recorded:
    """Pauses not at all, and remembers what it was asked."""

    asked: list[tuple[int, float | None]] = field(default_factory=list)
    draws: list[float] = field(default_factory=list)

    def pause(self, tries: int, asked: float | None, draw: float) -> float:
        assert 0 <= draw < 1
        self.asked.append((tries, asked))
        self.draws.append(draw)
        return 0.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.25"}, 0.25),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "inf"}, None),
    ],
)
def test_the_server_is_asked_again_when_it_says(
    server: FaultyServer, headers: dict[str, str], seconds: float | None
) -> None:
    server.script(faulty.status(429, headers), faulty.status(503, headers))
    recorded = Recorded()
    with model(server, back_off=recorded) as engine:  # type: ignore[arg-type]
        engine.submit("a", ask())
        engine.next()
    assert recorded.asked == [(1, seconds), (2, seconds)]


def test_a_date_to_ask_again_at_becomes_a_pause(server: FaultyServer) -> None:
    then = datetime.now(UTC) + timedelta(hours=1)
    server.script(faulty.status(429, {"Retry-After": format_datetime(then, usegmt=True)}))
    recorded = Recorded()
    with model(server, back_off=recorded) as engine:  # type: ignore[arg-type]
        engine.submit("a", ask())
        engine.next()
    assert recorded.asked == [(1, pytest.approx(3600, abs=120))]


def test_pauses_are_drawn_from_the_seed_and_the_name_of_the_ask(server: FaultyServer) -> None:
    def draws(key: str) -> list[float]:
        server.script(faulty.status(500), faulty.status(500))
        recorded = Recorded()
        with model(server, back_off=recorded) as engine:  # type: ignore[arg-type]
            engine.submit(key, ask())
            engine.next()
        return recorded.draws

    assert draws("a") == draws("a")
    assert len(set(draws("a") + draws("b"))) == 4


def test_pauses_double_up_to_the_longest_and_differ_between_requests() -> None:
    back_off = BackOff(first=0.5, longest=3.0, longest_asked=60.0)
    assert [back_off.pause(n, None, 0.0) for n in (1, 2, 3, 4, 5000)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert back_off.pause(4, None, 0.5) == 2.25


def test_a_pause_asked_for_is_kept_to_up_to_a_limit() -> None:
    back_off = BackOff(first=0.5, longest=3.0, longest_asked=60.0)
    assert back_off.pause(1, 20.0, 0.0) == 20.0
    assert 20.0 < back_off.pause(1, 20.0, 0.9) < 21.0
    assert back_off.pause(1, 86_400.0, 0.0) == 60.0


# Failures that stay


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("key", [KEY, None])
def test_a_key_that_is_not_taken_is_said_at_once_and_not_shown(
    server: FaultyServer, code: int, key: str | None
) -> None:
    server.always = faulty.unauthorized() if code == 401 else faulty.status(403, message=str(key))
    environ = {} if key is None else {"MY_KEY": key}
    given = settings(server, api_key_env="MY_KEY")
    with OpenAIModel(given, environ=environ, back_off=QUICK) as engine:
        engine.submit("a", ask())
        with pytest.raises(ConfigError) as refused:
            engine.next()
    message = str(refused.value)
    assert "MY_KEY (proposer.api_key_env)" in message
    assert ("is not set" in message) == (key is None)
    assert KEY not in message
    assert len(server.asked) == 1


def test_an_unknown_model_is_said_at_once_with_those_there_are(server: FaultyServer) -> None:
    server.models = ({"id": "small"}, {"id": "large"})
    server.always = faulty.unknown_model()
    with pytest.raises(ConfigError, match=r"'wrong'.*small, large.*proposer\.model"):
        say(server, model="wrong")
    assert len(server.asked) == 1


def test_an_address_without_the_api_is_said_to_be_wrong(server: FaultyServer) -> None:
    with pytest.raises(ConfigError, match=r"HTTP 404.*proposer\.url.*/v1"):
        say(server, url=server.url.removesuffix("/v1"), model="small", revision="1")


def test_a_redirect_is_not_followed(server: FaultyServer) -> None:
    server.always = faulty.status(307, {"Location": "http://elsewhere.invalid/"})
    with pytest.raises(ConfigError, match=r"HTTP 307.*proposer\.url"):
        say(server)


def test_a_status_that_will_not_change_is_an_outage_at_once(server: FaultyServer) -> None:
    server.always = faulty.status(402, message="no funds")
    with pytest.raises(ModelOutage, match=r"HTTP 402, no funds.*run the same command again"):
        say(server)
    assert len(server.asked) == 1


VLLM_OVERFLOWS = [  # its three places, in 0.32
    "Input length (9000) exceeds model's maximum context length (8192).",
    "This model's maximum context length is 8192 tokens. However, your prompt contains 9000 ...",
    "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
]


@pytest.mark.parametrize(
    "step",
    [faulty.overflow(), *(faulty.status(400, message=text) for text in VLLM_OVERFLOWS)],
)
def test_a_prompt_that_does_not_fit_is_an_answer(server: FaultyServer, step: faulty.Step) -> None:
    server.script(step)
    said = say(server)
    assert (said.text, said.finish) == ("", Finish.OVERFLOW)
    assert "length" in said.detail
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", [400, 413, 422])
def test_an_ask_the_server_cannot_serve_is_an_answer(server: FaultyServer, code: int) -> None:
    server.script(faulty.status(code, message="bad grammar:\n  root\x1b[31m"))
    said = say(server)
    assert (said.text, said.finish) == ("", Finish.REFUSED)
    assert said.detail == f"HTTP {code}: bad grammar: root [31m"
    assert len(server.asked) == 1


# Which model


def test_the_only_model_needs_no_name_and_tells_its_revision(server: FaultyServer) -> None:
    with model(server) as engine:
        assert server.paths == []
        assert (engine.name, engine.revision) == ("small", "/models/small")
        assert (engine.name, engine.revision) == ("small", "/models/small")
    assert server.paths == ["/v1/models"]


def test_of_several_models_one_must_be_named(server: FaultyServer) -> None:
    server.models = ({"id": "small"}, {"id": "large", "root": "/models/large"})
    with model(server) as engine, pytest.raises(ConfigError, match=r"small, large.*proposer.model"):
        _ = engine.name
    with model(server, model="large") as engine:
        assert (engine.name, engine.revision) == ("large", "/models/large")


def test_a_server_without_a_model_is_said_so(server: FaultyServer) -> None:
    server.models = ()
    with model(server) as engine, pytest.raises(ConfigError, match="the server has no model"):
        engine.submit("a", ask())


def test_the_revision_does_not_follow_the_clock(server: FaultyServer) -> None:
    server.models = ({"id": "small", "created": 1},)
    with model(server) as engine:
        first = engine.revision
    server.models = ({"id": "small", "created": 2},)
    with model(server) as engine:
        assert engine.revision == first == ""


def test_what_is_configured_is_not_asked_for(server: FaultyServer) -> None:
    with model(server, model="named", revision="r7") as engine:
        assert (engine.name, engine.revision) == ("named", "r7")
    assert server.paths == []


def test_a_configured_revision_goes_before_the_servers(server: FaultyServer) -> None:
    with model(server, revision="r7") as engine:
        assert (engine.name, engine.revision) == ("small", "r7")


def test_a_server_that_lists_no_models_serves_a_named_one(server: FaultyServer) -> None:
    server.script_models(faulty.status(404))
    assert say(server, model="named").text == "an answer"
    assert server.asked[0]["model"] == "named"


def test_the_list_of_models_is_asked_for_again_too(server: FaultyServer) -> None:
    server.script_models(faulty.status(503), faulty.garbage())
    with model(server) as engine:
        assert engine.name == "small"


# The address and the key


def test_a_proxy_of_the_environment_does_not_come_between_this_machine_and_itself(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert say(server, retries=0).text == "an answer"


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8000/v1", "ftp://host/v1", "http://", "http:///v1", "http://h/v1?key=abcdef",
     "http://me:hidden@h:port/v1", "ftp://me:hidden@host", "http://me:hid#den@h/v1"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_showing_credentials(url: str) -> None:
    with pytest.raises(ConfigError, match=r"proposer\.url") as refused:
        OpenAIModel(ProposerSettings(url=url), environ={})
    assert not any(word in str(refused.value) for word in ("hid", "abcdef"))


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_slashes_at_the_end_of_the_address_do_not_matter(server: FaultyServer, end: str) -> None:
    say(server, url=server.url + end)
    assert server.paths == ["/v1/models", "/v1/chat/completions"]


def test_credentials_in_the_address_are_used_and_not_shown(
    server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.always = faulty.status(500, message="hidden-word is wrong")
    url = server.url.replace("//", "//me:hidden-word@")
    given = settings(server, url=url)
    with OpenAIModel(given, environ={"OPENAI_API_KEY": KEY}, back_off=QUICK) as engine:
        engine.submit("a", ask())
        with pytest.raises(ModelOutage) as outage:
            engine.next()
    login = "Basic " + base64.b64encode(b"me:hidden-word").decode()
    assert {h.get("authorization") for h in server.headers} == {login}
    for text in (str(outage.value), caplog.text, repr(engine), repr(engine._server)):
        assert "hidden-word" not in text
        assert KEY not in text


def test_the_key_is_sent_and_shown_nowhere(
    server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = settings(server, api_key_env="MY_KEY")
    with OpenAIModel(given, environ={"MY_KEY": f" {KEY}\n"}, back_off=QUICK) as engine:
        engine.submit("a", ask())
        engine.next()
        assert {h.get("authorization") for h in server.headers} == {f"Bearer {KEY}"}
        assert "chat/completions" in caplog.text
        for text in (caplog.text, repr(engine), repr(engine._server)):
            assert KEY not in text


def test_without_a_key_none_is_sent(server: FaultyServer) -> None:
    say(server)
    assert all("authorization" not in headers for headers in server.headers)


@pytest.mark.parametrize("key", ["two\nlines-of-secret", "schlüssel-secret"])
def test_a_key_no_header_can_carry_is_refused_by_name(server: FaultyServer, key: str) -> None:
    with pytest.raises(ConfigError, match=r"OPENAI_API_KEY \(proposer\.api_key_env\)") as refused:
        OpenAIModel(settings(server), environ={"OPENAI_API_KEY": key})
    assert "secret" not in str(refused.value)


# Many at once


def test_no_more_requests_are_under_way_than_configured(server: FaultyServer) -> None:
    gate = threading.Event()
    server.always = faulty.ok(after=gate)
    with model(server, concurrency=3, model="m", revision="1") as engine:
        assert engine.capacity == 3
        for n in range(10):
            engine.submit(str(n), ask(str(n)))
        wait_until(lambda: len(server.asked) >= 3)
        gate.set()
        assert {engine.next()[0] for _ in range(10)} == {str(n) for n in range(10)}
    assert server.most_at_once == 3


def test_answers_come_as_they_finish(server: FaultyServer) -> None:
    gate = threading.Event()
    server.script(faulty.ok(after=gate, text="slow"), faulty.ok(text="quick"))
    with model(server, model="m", revision="1") as engine:
        engine.submit("slow", ask())
        wait_until(lambda: len(server.asked) == 1)
        engine.submit("quick", ask())
        assert engine.next()[1].text == "quick"
        gate.set()
        assert engine.next()[1].text == "slow"


def test_an_outage_is_heard_while_others_pause_and_after_the_answers_that_came(
    server: FaultyServer,
) -> None:
    server.script(
        faulty.status(503, {"Retry-After": "100"}), faulty.ok(text="kept"), faulty.status(402)
    )
    began = time.monotonic()
    with model(server, BackOff(longest_asked=100.0), model="m", revision="1") as engine:
        for n in range(3):
            engine.submit(str(n), ask())
            wait_until(lambda n=n: len(server.asked) == n + 1)
        wait_until(lambda: engine._done.qsize() == 2)
        assert engine.next()[1].text == "kept"
        for _ in range(2):
            with pytest.raises(ModelOutage, match="HTTP 402"):
                engine.next()
    assert time.monotonic() - began < 60  # a hang guard: the pause is 100 s


def test_answers_that_finish_after_the_outage_are_handed_out_first(server: FaultyServer) -> None:
    server.script(faulty.status(402), faulty.ok(text="kept"))
    with model(server, model="m", revision="1") as engine:
        for n in range(2):
            engine.submit(str(n), ask())
            wait_until(lambda n=n: engine._done.qsize() == n + 1)
        assert engine.next()[1].text == "kept"
        with pytest.raises(ModelOutage):
            engine.next()


@pytest.mark.parametrize("failure", [faulty.silence(), faulty.status(503, {"Retry-After": "500"})])
def test_closing_gives_up_what_is_under_way_and_ends_the_thread(
    server: FaultyServer, failure: faulty.Step
) -> None:
    server.always = failure
    before = set(threading.enumerate())
    began = time.monotonic()
    engine = model(server, BackOff(longest_asked=500.0), reply_seconds=500.0, concurrency=4)
    for n in range(8):
        engine.submit(str(n), ask())
    wait_until(lambda: len(server.asked) == 4)
    engine.close()
    engine.close()
    assert time.monotonic() - began < 60  # a hang guard: replies and pauses take 500 s
    ours = {t for t in set(threading.enumerate()) - before if "openai-model" in t.name}
    assert ours == set()
    with pytest.raises(RuntimeError):
        engine.next()
    with pytest.raises(RuntimeError):
        engine.submit("a", ask())


def test_nothing_is_started_before_it_is_needed(server: FaultyServer) -> None:
    before = threading.active_count()
    with model(server) as engine:
        assert threading.active_count() == before
        with pytest.raises(RuntimeError, match="no ask is under way"):
            engine.next()


def test_a_run_that_met_an_outage_asks_only_for_what_is_missing(
    server: FaultyServer, tmp_path: Path
) -> None:
    def conversation(n: int):
        first = yield ask(f"first {n}")
        second = yield ask(f"second {n} after {first.text}")
        return second.text

    def run() -> dict[str, str]:
        with (
            AnswerCache(tmp_path / "answers.sqlite") as cache,
            model(server, concurrency=2, retries=0) as engine,
        ):
            named = [(str(n), conversation(n)) for n in range(5)]
            return dict(converse(engine, cache, named))

    server.answer = lambda body: "re: " + body["messages"][0]["content"]
    server.script(*[faulty.ok()] * 5, faulty.status(500))
    with pytest.raises(ModelOutage):
        run()
    with sqlite3.connect(tmp_path / "answers.sqlite") as connection:
        (kept,) = connection.execute("SELECT count(*) FROM answers").fetchone()
    connection.close()
    assert kept >= 5
    before = len(server.asked)
    results = run()
    assert results == {str(n): f"re: second {n} after re: first {n}" for n in range(5)}
    assert len(server.asked) - before == 10 - kept
    run()
    assert len(server.asked) - before == 10 - kept


def wait_until(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.002)
