"""The OpenAI-compatible engine against the real thing: SmolLM2-135M behind ``vllm serve``."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from chat.serving import Served, vllm_server  # noqa: F401 - a fixture, used by its name
from PIL import Image as Picture

from engine.chat.openai import OpenAIModel
from engine.chat.values import Ask, Constraint, Finish, Image, Message, Said, Sampling
from engine.config import ProposerSettings
from engine.errors import ConfigError

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def engine(vllm_server: Served) -> Iterator[OpenAIModel]:  # noqa: F811
    given = ProposerSettings(name="openai", url=vllm_server.url, retries=2, reply_seconds=120.0)
    with OpenAIModel(given, environ={}) as opened:
        yield opened


def ask(
    text: str,
    *,
    constraint: Constraint | None = None,
    images: tuple[Image, ...] = (),
    temperature: float = 0.0,
    max_tokens: int = 24,
    seed: int = 7,
) -> Ask:
    return Ask(
        messages=(Message(role="user", text=text, images=images),),
        sampling=Sampling(temperature=temperature, top_p=1.0, max_tokens=max_tokens, seed=seed),
        constraint=constraint,
    )


def say(engine: OpenAIModel, *asks: Ask) -> list[Said]:
    for number, each in enumerate(asks):
        engine.submit(str(number), each)
    answers = dict(engine.next() for _ in asks)
    return [answers[str(number)] for number in range(len(asks))]


def grammar(text: str) -> Constraint:
    return Constraint(kind="grammar", text=text)


def test_the_served_model_is_found_with_the_folder_it_stands_for(
    engine: OpenAIModel, smollm2: object
) -> None:
    assert (engine.name, engine.revision) == ("smollm2", str(smollm2))


def test_a_plain_answer_comes_with_its_tokens(engine: OpenAIModel) -> None:
    (said,) = say(engine, ask("Count to twenty.", max_tokens=12))
    assert said.text
    assert said.finish is Finish.LENGTH
    assert said.completion_tokens == 12
    assert said.prompt_tokens > 5


def test_an_answer_keeps_to_its_schema(engine: OpenAIModel) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["mauve", "teal"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    constraint = Constraint(kind="json", text=json.dumps(schema))
    (said,) = say(engine, ask("What is 2 + 2?", constraint=constraint, max_tokens=64))
    assert said.finish is Finish.STOP
    assert json.loads(said.text)["colour"] in ("mauve", "teal")


def test_an_answer_keeps_to_its_grammar(engine: OpenAIModel) -> None:
    rules = 'root ::= "the " thing " and the " thing\nthing ::= "sofa" | "stove" | "coffee table"'
    said = say(
        engine,
        *(ask("2 + 2?", constraint=grammar(rules), temperature=1.5, seed=n) for n in range(8)),
    )
    things = {"sofa", "stove", "coffee table"}
    for each in said:
        first, _, second = each.text.removeprefix("the ").partition(" and the ")
        assert {first, second} <= things
        assert each.finish is Finish.STOP
    assert len({each.text for each in said}) > 1


def test_a_seed_decides_the_answer(engine: OpenAIModel) -> None:
    same, again, other = say(
        engine, *(ask("Tell me a story.", temperature=1.0, seed=seed) for seed in (5, 5, 2**64 - 3))
    )
    assert same.text == again.text
    assert same.text != other.text


def test_a_prompt_that_does_not_fit_overflows(engine: OpenAIModel) -> None:
    # One is too long once counted, the other before anybody counts.
    for said in say(engine, ask("word " * 9_000), ask("long " * 200_000)):
        assert (said.text, said.finish) == ("", Finish.OVERFLOW)
        assert "maximum context length is 8192" in said.detail


def test_a_reply_that_might_not_fit_behind_its_prompt_is_no_overflow(engine: OpenAIModel) -> None:
    """The server lowers max_tokens to what the prompt leaves: only the prompt can overflow."""
    no = grammar('root ::= "no"')
    (said,) = say(engine, ask("Well?", constraint=no, max_tokens=8_192))
    assert (said.text, said.finish) == ("no", Finish.STOP)


def test_a_reply_longer_than_the_whole_context_is_refused(engine: OpenAIModel) -> None:
    (said,) = say(engine, ask("Well?", max_tokens=9_000))
    assert (said.text, said.finish) == ("", Finish.REFUSED)
    assert "max_tokens=9000 cannot be greater than max_model_len=8192" in said.detail


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (grammar("root ::= ((("), "grammar"),
        (grammar("root ::= nowhere"), "grammar"),
        (Constraint(kind="json", text='{"type": "nonsense"}'), "nonsense"),
    ],
)
def test_a_constraint_the_engine_cannot_use_is_refused(
    engine: OpenAIModel, constraint: Constraint, reason: str
) -> None:
    (said,) = say(engine, ask("Hello?", constraint=constraint))
    assert (said.text, said.finish) == ("", Finish.REFUSED)
    assert reason in said.detail.lower()


def test_an_image_for_a_model_that_sees_none_is_refused(engine: OpenAIModel) -> None:
    data = io.BytesIO()
    Picture.new("RGB", (32, 32), "teal").save(data, "JPEG")
    image = Image(jpeg=data.getvalue(), caption="a wall")
    (said,) = say(engine, ask("What is it?", images=(image,)))
    assert (said.text, said.finish) == ("", Finish.REFUSED)
    assert "not a multimodal model" in said.detail


def test_a_model_the_server_does_not_have_is_said_with_those_it_has(vllm_server: Served) -> None:  # noqa: F811
    given = ProposerSettings(name="openai", url=vllm_server.url, model="larger", retries=0)
    with OpenAIModel(given, environ={}) as other:
        other.submit("a", ask("Hello?"))
        with pytest.raises(ConfigError, match=r"'larger'; the server has smollm2"):
            other.next()
