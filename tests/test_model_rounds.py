"""Whole rounds with a proposer behind a server that fails in every way: right, or resumed right.

The server is a real one on this machine, and the run talks to it as to any other; what stands in
is the writer behind it, which draws its proposals from the embedded grammar. Rounds with real
models are in tests/chat/test_vllm_rounds.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from chat import faulty_server as faults
from chat.faulty_server import FaultyServer

from engine import rounds, tables
from engine.chat.values import ModelOutage
from engine.config import ProposerSettings
from engine.errors import ConfigError, InputError
from engine.progress import QuietReporter
from engine.proposing.base import ProposalRequest
from engine.proposing.grammar import write_proposals
from engine.reporting.queries import open_analysis
from engine.scenes.catalog import Catalog
from engine.scenes.ingest import ingest
from engine.workspace import Workspace
from scene_adapters.synthetic.scenes import write_scenes
from scene_adapters.table import load_adapter

CONFIG = """
seed = 7
[loop]
rounds = 2
steps = 2
batch_size = 8
held_out = 0.3
held_out_per_scene = 4
[sandbox]
workers = 1
[proposer]
name = "openai"
mode = "free"
frames = 0
per_scene = 8
per_request = 4
concurrency = 4
retries = 2
reply_seconds = 20.0
url = "{url}"
[judge]
own_program = "off"
[reviewer]
use = "{review}"
rejected_share = 1.0
"""


class Writer:
    """Answers a request for proposals, a program or an opinion, as a good model would."""

    def __init__(self, catalog: Path) -> None:
        with Catalog.open(catalog, read_only=True) as opened:
            self._facts = {facts.scene_id: facts for facts in opened.all_facts()}
        self._programs: dict[str, str] = {}

    def __call__(self, body: dict[str, Any]) -> str:
        schema = body["response_format"]["json_schema"]["schema"]
        if "opinion" in schema["properties"]:
            return json.dumps({"reason": "needs a look", "opinion": "keep"})
        if "program" in schema["properties"]:
            text = str(body["messages"][-1]["content"])
            asked = next(question for question in self._programs if question in text)
            return json.dumps({"program": self._programs[asked]})
        wanted = schema["properties"]["proposals"]["minItems"]
        (scene_id,) = set(re.findall(r"Scene (\w+) of synthetic", str(body["messages"])))
        lines = write_proposals(
            ProposalRequest(scene=self._facts[scene_id], wanted=wanted, round=1, seed=body["seed"])
        )
        self._programs |= {p["question"]: p["program"] for p in map(json.loads, lines)}
        return '{"proposals": [' + ", ".join(lines) + "]}"


def workspace(root: Path, url: str = "", *, review: str = "off") -> Workspace:
    made = Workspace.create(root)
    made.config_path.write_text(CONFIG.format(url=url, review=review))
    write_scenes(root / "rooms", seed=1, count=7)
    ingest(load_adapter("synthetic"), root / "rooms", made.catalog)
    return made


def run(made: Workspace, to_round: int = 1) -> None:
    rounds.run(made, rounds=to_round, allow_benchmark=False, reporter=QuietReporter())


def samples(made: Workspace) -> pl.DataFrame:
    return tables.read_table(made.tables, "samples")


def check_counts(made: Workspace) -> None:
    """Every proposal has its verdict; every round says what it cost."""
    with open_analysis(made.root) as analysis:
        (row,) = analysis.sql(
            "SELECT count(*) AS proposed, count(v.proposal_id) AS judged, "
            "count(*) FILTER (v.accepted) AS accepted, "
            "count(*) FILTER (NOT v.accepted AND v.reason IS NOT NULL) AS rejected "
            "FROM proposals p LEFT JOIN verdicts v ON v.proposal_id = p.proposal_id"
        ).to_dicts()
        assert row["proposed"] == row["judged"] == row["accepted"] + row["rejected"]
        assert row["accepted"] == samples(made).height
        for cost in analysis.sql("SELECT * FROM cost").to_dicts():
            assert cost["tokens"] > 0
            of_round = analysis.sql(
                'SELECT sum(proposals)::INTEGER AS n, sum(tokens)::BIGINT AS t FROM "yield" '
                "WHERE stage = 'proposed' AND round = $round",
                {"round": cost["round"]},
            ).to_dicts()
            assert of_round == [{"n": cost["proposed"], "t": cost["tokens"]}]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, int]]:
    """A run without a fault, to compare with, and how many requests it took."""
    root = tmp_path_factory.mktemp("healthy")
    made = workspace(root)
    with FaultyServer(answer=Writer(made.catalog)) as server:
        made.config_path.write_text(CONFIG.format(url=server.url, review="off"))
        run(made)
        yield made, len(server.asked)


def test_a_round_of_a_served_model_adds_up(healthy: tuple[Workspace, int]) -> None:
    made, asked = healthy
    check_counts(made)
    assert samples(made).height > 20
    requests = tables.read_table(made.tables, "requests")
    assert requests.height == asked
    assert set(requests["purpose"]) == {"proposals", "repair"}
    prompts = tables.read_table(made.tables, "prompts")
    named = tables.read_table(made.tables, "proposals")["prompt_hash"]
    assert set(named) == set(prompts["prompt_hash"])
    assert set(tables.read_table(made.tables, "proposals")["proposer"]) == {"openai:small"}


@pytest.mark.parametrize(
    "steps",
    [
        (faults.status(500), faults.status(503)),
        (faults.status(429, {"Retry-After": "0"}), faults.status(429)),
        (faults.garbage(), faults.half_json()),
        (faults.cut(), faults.hang_up()),
    ],
    ids=["server errors", "too many requests", "garbage and half JSON", "cut and hung up"],
)
def test_passing_faults_change_nothing(
    tmp_path: Path, healthy: tuple[Workspace, int], steps: tuple[faults.Step, ...]
) -> None:
    made = workspace(tmp_path)
    with FaultyServer(answer=Writer(made.catalog)) as server:
        made.config_path.write_text(CONFIG.format(url=server.url, review="off"))
        server.script(*steps)
        run(made)
    check_counts(made)
    assert samples(made).equals(samples(healthy[0]))


@pytest.mark.parametrize(
    "fault",
    [faults.status(500), faults.garbage(), faults.hang_up()],
    ids=["500", "garbage", "gone"],
)
def test_a_lasting_outage_stops_the_round_and_going_on_asks_only_the_rest(
    tmp_path: Path, healthy: tuple[Workspace, int], fault: faults.Step
) -> None:
    made = workspace(tmp_path)
    expected, asked = healthy
    with FaultyServer(answer=Writer(made.catalog)) as server:
        made.config_path.write_text(CONFIG.format(url=server.url, review="off"))
        server.script(*[faults.ok()] * 6)
        server.always = fault
        with pytest.raises(ModelOutage, match="run the same command again") as caught:
            run(made)
        assert caught.value.exit_code == 3
        assert "\n" not in str(caught.value)
        assert tables.read_table(made.tables, "samples", (1,)).is_empty()
        before = len(server.asked)
        server.always = faults.ok()
        run(made)
        assert len(server.asked) - before == asked - 6
    check_counts(made)
    assert samples(made).equals(samples(expected))


def test_a_server_that_never_answers_is_an_outage(tmp_path: Path) -> None:
    made = workspace(tmp_path)
    with FaultyServer(answer=Writer(made.catalog)) as server:
        text = CONFIG.format(url=server.url, review="off")
        made.config_path.write_text(
            text.replace("reply_seconds = 20.0", "reply_seconds = 0.3").replace(
                "retries = 2", "retries = 0"
            )
        )
        server.always = faults.silence()
        with pytest.raises(ModelOutage):
            run(made)


def test_a_prompt_too_long_is_shortened_and_at_last_a_verdict(
    tmp_path: Path, healthy: tuple[Workspace, int]
) -> None:
    """The first prompts overflow; one scene's overflow at every size."""
    made = workspace(tmp_path)
    lost = samples(healthy[0])["scene_id"].unique().sort()[0]
    writer = Writer(made.catalog)
    with FaultyServer(answer=writer) as server:
        made.config_path.write_text(CONFIG.format(url=server.url, review="off"))

        def step(exchange: faults.Exchange) -> None:
            text = str(exchange.body["messages"])
            long = len(text) > 24_000
            (faults.overflow() if long or f"Scene {lost} of" in text else faults.ok())(exchange)

        server.always = step
        run(made)
    check_counts(made)
    proposals = tables.read_table(made.tables, "proposals")
    failed = proposals.filter(pl.col("scene_id") == lost)
    assert failed.height >= 1
    assert all("does not fit the model" in text for text in failed["parse_error"])
    others = proposals.filter(pl.col("scene_id") != lost)
    assert others["parse_error"].null_count() == others.height
    left_out = tables.read_table(made.tables, "prompts").filter(pl.col("left_out") != "")
    assert not left_out.is_empty()


def test_replies_that_are_no_proposals_are_verdicts_and_the_run_says_what_to_look_at(
    tmp_path: Path,
) -> None:
    made = workspace(tmp_path)
    with FaultyServer(answer=lambda body: "I am sorry, I cannot see any frames.") as server:
        made.config_path.write_text(CONFIG.format(url=server.url, review="off"))
        with pytest.raises(InputError, match="rejections_by_reason"):
            run(made)
    check_counts(made)
    verdicts = tables.read_table(made.tables, "verdicts")
    assert set(verdicts["reason"]) == {"unparsable"}
    assert verdicts.height > 0


def test_repaired_proposals_are_new_ones_beside_those_rejected(tmp_path: Path) -> None:
    made = workspace(tmp_path)
    writer = Writer(made.catalog)

    def clumsy(body: dict[str, Any]) -> str:
        text = writer(body)
        first_turn = len(body["messages"]) == 2
        return text.replace("scene.only(", "scene.the(") if first_turn else text

    with FaultyServer(answer=clumsy) as server:
        made.config_path.write_text(CONFIG.format(url=server.url, review="off"))
        run(made)
        repair = next(b for b in server.asked if len(b["messages"]) > 2)
    assert "forbidden" in repair["messages"][-1]["content"]
    assert "scene.the(" in repair["messages"][-1]["content"]
    check_counts(made)
    rejected = tables.read_table(made.tables, "verdicts").filter(pl.col("reason") == "forbidden")
    assert rejected.height > 5
    assert samples(made).height > 10


def test_the_second_round_is_told_what_the_first_one_was_like(tmp_path: Path) -> None:
    made = workspace(tmp_path)
    with FaultyServer(answer=Writer(made.catalog)) as server:
        made.config_path.write_text(CONFIG.format(url=server.url, review="off"))
        run(made, to_round=2)
    feedback = tables.from_frame("feedback", tables.read_table(made.tables, "feedback", (1,)))
    told = {row.feedback.scene_id: row.feedback for row in feedback}
    prompts = tables.read_table(made.tables, "prompts", (2,))
    assert prompts.height
    for scene_id, text in prompts.select("scene_id", "text").iter_rows():
        for item in told[scene_id].items[:3]:
            assert json.dumps(item.question, ensure_ascii=False) in text
            assert f"{item.difficulty.value}:" in text


def test_the_reviewer_judges_last_and_its_verdict_is_recorded(
    tmp_path: Path, healthy: tuple[Workspace, int]
) -> None:
    made = workspace(tmp_path)
    writer = Writer(made.catalog)

    def severe(body: dict[str, Any]) -> str:
        schema = body["response_format"]["json_schema"]["schema"]
        if "opinion" in schema["properties"] and "How many" in str(body["messages"][-1]):
            return json.dumps({"reason": "usual number", "opinion": "shortcut"})
        return writer(body)

    with FaultyServer(answer=severe) as server:
        made.config_path.write_text(CONFIG.format(url=server.url, review="on"))
        run(made)
    check_counts(made)
    without = samples(healthy[0])
    dropped = without.filter(pl.col("question").str.contains("How many"))
    assert 0 < dropped.height < without.height
    assert set(samples(made)["sample_id"]) == set(without["sample_id"]) - set(dropped["sample_id"])
    with open_analysis(made.root) as analysis:
        rejections = analysis.sql("SELECT * FROM verdicts WHERE reason = 'review'")
        assert rejections.height == dropped.height
        assert all(m.startswith("reviewer: shortcut: usual") for m in rejections["message"])
        (agreement,) = analysis.sql("SELECT * FROM review_agreement WHERE round = 1").to_dicts()
    marker = made.marker(1, "judge")
    assert marker is not None
    assert marker["counts"]["reviewer_agrees"] == round(agreement["rate"], 4)


def test_a_question_the_model_reads_otherwise_is_a_mismatch(
    tmp_path: Path, healthy: tuple[Workspace, int]
) -> None:
    made = workspace(tmp_path)
    writer = Writer(made.catalog)

    def misread(body: dict[str, Any]) -> str:
        schema = body["response_format"]["json_schema"]["schema"]
        if "program" in schema["properties"] and "How many" in str(body["messages"][-1]):
            return json.dumps({"program": "def answer(scene):\n    return len(scene.objects())"})
        return writer(body)

    with FaultyServer(answer=misread) as server:
        text = CONFIG.format(url=server.url, review="off")
        made.config_path.write_text(text.replace('own_program = "off"', 'own_program = "auto"'))
        run(made)
    check_counts(made)
    with open_analysis(made.root) as analysis:
        mismatches = analysis.sql(
            "SELECT question FROM verdicts JOIN proposals USING (proposal_id) "
            "WHERE reason = 'mismatch'"
        )
        (cost,) = analysis.sql("SELECT * FROM cost WHERE round = 1").to_dicts()
    assert mismatches.height > 0
    assert mismatches["question"].str.contains("How many").all()
    assert samples(made).height > 10
    assert cost["judging_requests"] > 10


def test_a_run_with_the_wrong_key_or_model_stops_with_one_line(tmp_path: Path) -> None:
    made = workspace(tmp_path)
    with FaultyServer(answer=Writer(made.catalog)) as server:
        made.config_path.write_text(CONFIG.format(url=server.url, review="off"))
        server.always = faults.unauthorized()
        with pytest.raises(ConfigError, match=ProposerSettings().api_key_env):
            run(made)
