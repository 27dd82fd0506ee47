"""Named queries on rows worked out by hand, and how their headers are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_workspace import (
    compact,
    drawn,
    proposal,
    request,
    sample,
    score,
    seen,
    verdict,
    write,
    write_catalog,
)

from engine.errors import QueryError
from engine.reporting.named import described_columns, find_query, named_queries
from engine.reporting.queries import AnalysisConnection, open_analysis

TRAINED = {
    # sample: (type, confidence and correct in rounds 1, 2, 3; None: not observed)
    "s1": ("count", (0.95, True), (0.96, True), (0.97, True)),  # mastered in round 2, still
    "s2": ("count", (0.95, True), (0.93, True), (0.20, False)),  # mastered, then forgotten
    "s3": ("size", (0.02, False), (0.03, False), (0.01, False)),  # always hard
    "s4": ("size", (0.05, False), None, (0.02, False)),  # always hard
    "s5": ("size", None, (0.50, True), (0.95, False)),  # sure, and answers otherwise
}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnalysisConnection]:
    """Three rounds in scenes A and B; B's proposals stop being accepted."""
    root = tmp_path_factory.mktemp("named")
    write_catalog(root / "catalog.duckdb", "A", "B")
    write(root, "proposals", 0, [proposal("p0")])
    write(root, "verdicts", 0, [verdict("p0")])
    write(root, "samples", 0, [sample("s0", split="held_out")])
    # What s3 and s4 ask about is always hard; what s5 asks about is not.
    objects = {"s3": ["o2"], "s4": ["o1", "o2"], "s5": ["o1"]}
    made = [sample(name, kind, object_ids=objects.get(name, []))
            for name, (kind, *_) in TRAINED.items()]  # fmt: skip
    cost = {"tokens": 100, "seconds": 2.0, "proposer": "vllm"}
    first = [proposal(each["proposal_id"], each["question_type"], **cost) for each in made]
    first += [proposal("b1", scene_id="B", **cost), proposal("b2", scene_id="B", **cost)]
    write(root, "proposals", 1, first)
    judged = [verdict(each["proposal_id"]) for each in made]
    judged += [verdict("b1", scene_id="B"), verdict("b2", "shortcut", scene_id="B")]
    write(root, "verdicts", 1, judged)
    write(root, "requests", 1, [request(f"r{i}", 1) for i in range(4)])
    write(root, "samples", 1, [*made, sample("s9", scene_id="B", proposal_id="b1")])
    second = [proposal(f"b{i}", scene_id="B") for i in range(3, 7)]
    write(root, "proposals", 2, second)
    write(root, "verdicts", 2, [verdict("b3", "duplicate", scene_id="B"),
                                verdict("b4", "duplicate", scene_id="B"),
                                verdict("b5", "ambiguous", scene_id="B"),
                                verdict("b6", "ambiguous", scene_id="B")])  # fmt: skip
    for number in (1, 2, 3):
        rows = [(name, of[number]) for name, of in TRAINED.items() if of[number] is not None]
        order = [drawn(name, step, 0.25 * (step + 1)) for step, (name, _) in enumerate(rows)]
        write(root, "draws", number, order)
        observed = [seen(name, step, *values) for step, (name, values) in enumerate(rows)]
        write(root, "observations", number, observed)
    for number, (held_out, probed) in enumerate([(0.5, 0.0), (0.5, 0.5), (0.25, 1.0), (0.5, 1.0)]):
        write(root, "evaluations", number, [score(held_out, "s0", 0.4)])
        write(root, "probes", number, [score(probed, "s1", 0.5), score(0.0, "s5", 0.05)])
    compact(root, 1, 2, 3)
    doubted = {"dataset": "synthetic", "samples": 5, "subjects": 4, "gap": -0.75}
    write(root, "scene_doubts", 2, [doubted | {"scene_id": "A", "doubt": 1.25}])
    few = {"dataset": "synthetic", "samples": 3, "subjects": 3, "gap": -0.5}
    write(root, "scene_doubts", 3, [doubted | {"scene_id": "A", "doubt": 2.5},
                                    few | {"scene_id": "B", "doubt": 1.9}])  # fmt: skip
    with open_analysis(root) as connection:
        yield connection


def test_mastered_is_easy_and_correct_in_the_last_two_observed_rounds(
    analysis: AnalysisConnection,
) -> None:
    rows = analysis.sql("SELECT sample_id, before_round, round, rounds_seen FROM mastered").rows()
    assert rows == [("s1", 2, 3, 3)]
    assert analysis.named("mastered_by_round").rows() == [(2, "count", 2, 1, 1.0, 2)]
    assert analysis.named("mastered_by_round", {"type": "size"}).height == 0


def test_which_types_the_solver_forgets(analysis: AnalysisConnection) -> None:
    assert analysis.named("forgotten_by_type").rows() == [
        # s2 fell from 0.95; s5 was right and is wrong, at a confidence that rose by 0.45.
        ("count", 2, 1, 0.5, 1, 0.75),
        ("size", 3, 1, 0.3333, 0, -0.45),
    ]
    assert analysis.named("forgotten_by_type", {"dataset": "scannet"}).height == 0


def test_frontier_by_dataset_and_type_over_rounds(analysis: AnalysisConnection) -> None:
    frame = analysis.named("frontier_by_round", {"type": "size"})
    assert frame.select("dataset", "round", "trained", "frontier", "hard", "frontier_share",
                        "change").rows() == [
        ("synthetic", 1, 2, 0, 2, 0.0, None),
        ("synthetic", 2, 2, 1, 1, 0.5, 0.5),
        ("synthetic", 3, 3, 0, 2, 0.0, -0.5),
    ]  # fmt: skip


def test_objects_whose_questions_are_always_hard(analysis: AnalysisConnection) -> None:
    # o1 is asked about by s5, too, which was not hard.
    assert analysis.named("always_hard_objects").rows() == [("A", "o2", "lamp", 2, 5, 0.05, "size")]
    assert analysis.named("always_hard_objects", {"least": 3}).height == 0
    assert analysis.named("always_hard_objects", {"top": "0"}).height == 0


def test_scenes_that_the_solver_contradicts(analysis: AnalysisConnection) -> None:
    asked = ("scene_id", "samples", "subjects", "hard", "doubt", "doubt_before", "gap", "sample_id",
             "confidence")  # fmt: skip
    worst = ("A", 5, 4, 2, 2.5, 1.25, -0.75, "s3", 0.01)
    assert analysis.named("doubted_scenes").select(asked).rows() == [worst]
    # What no one was asked about yet is named with what is known of it.
    assert analysis.named("doubted_scenes", {"above": 1.8}).select(asked).rows() == [
        worst, ("B", 3, 3, None, 1.9, None, -0.5, None, None),
    ]  # fmt: skip
    assert analysis.named("doubted_scenes", {"above": 1.9}).height == 1
    assert analysis.named("doubted_scenes", {"dataset": "scannet"}).height == 0


def test_rejection_reasons_by_proposer_and_round(analysis: AnalysisConnection) -> None:
    assert analysis.named("rejections_by_proposer").rows() == [
        ("grammar", 2, "ambiguous", 2, 0.5, "count 2"),
        ("grammar", 2, "duplicate", 2, 0.5, "count 2"),
        ("vllm", 1, "shortcut", 1, 0.1429, "count 1"),
    ]
    assert analysis.named("rejections_by_proposer", {"round": "1"}).height == 1


def test_cost_of_an_accepted_sample(analysis: AnalysisConnection) -> None:
    frame = analysis.named("cost_per_sample")
    assert frame.select("round", "question_type", "proposed", "accepted", "tokens",
                        "tokens_per_sample", "seconds_per_sample", "wasted").rows() == [
        (1, "count", 4, 3, 400, 133.3, 2.667, 0.25),
        (1, "size", 3, 3, 300, 100.0, 2.0, 0.0),
    ]  # fmt: skip
    # Four requests for scene A's five proposals, two of which are about counts.
    assert frame["requests"].to_list() == [1.6, 2.4]


def test_a_samples_history_is_told_in_order(analysis: AnalysisConnection) -> None:
    frame = analysis.named("sample_history", {"sample": "s5"})
    assert frame.select("round", "event", "confidence", "label", "correct").rows() == [
        (0, "probed", 0.05, "hard", False),
        (1, "made", None, None, None),
        (1, "probed", 0.05, "hard", False),
        (2, "drawn", None, None, None),
        (2, "observed", 0.5, "frontier", True),
        (2, "probed", 0.05, "hard", False),
        (3, "drawn", None, None, None),
        (3, "observed", 0.95, "easy", False),
        (3, "probed", 0.05, "hard", False),
    ]
    assert frame["detail"][1] == "q s5 -> 1"


def test_why_a_sample_was_drawn(analysis: AnalysisConnection) -> None:
    frame = analysis.named("why_drawn", {"sample": "s5"})
    assert frame.select("round", "step", "weight", "why", "before_confidence", "before_label",
                        "heavier").rows() == [
        (2, 3, 1.0, "replay at 1.0", None, None, 0.0),
        (3, 4, 1.25, "replay at 1.25", 0.5, "frontier", 0.0),
    ]  # fmt: skip
    assert analysis.named("why_drawn", {"sample": "s1", "round": 3})["heavier"].item() == 0.8


def test_what_each_round_was_trained_on(analysis: AnalysisConnection) -> None:
    frame = analysis.named("draws_by_round")
    assert frame.select("round", "label", "drawn").rows() == [
        (1, "unseen", 4),
        (2, "easy", 2), (2, "hard", 1), (2, "unseen", 1),
        (3, "easy", 2), (3, "frontier", 1), (3, "hard", 2),
    ]  # fmt: skip


def test_probes_are_split_by_what_was_trained_on_by_then(analysis: AnalysisConnection) -> None:
    rows = analysis.sql(
        "SELECT question_type, round, asked, accuracy, hard, frontier, trained, trained_accuracy,"
        " untrained_accuracy FROM probe_trend ORDER BY ALL"
    ).rows()
    assert rows == [
        ("count", 0, 1, 0.0, 0, 1, 0, None, 0.0),
        ("count", 1, 1, 0.5, 0, 1, 1, 0.5, None),
        ("count", 2, 1, 1.0, 0, 1, 1, 1.0, None),
        ("count", 3, 1, 1.0, 0, 1, 1, 1.0, None),
        ("size", 0, 1, 0.0, 1, 0, 0, None, 0.0),
        ("size", 1, 1, 0.0, 1, 0, 0, None, 0.0),
        ("size", 2, 1, 0.0, 1, 0, 1, 0.0, None),
        ("size", 3, 1, 0.0, 1, 0, 1, 0.0, None),
    ]
    trend = analysis.named("probe_trend", {"type": "count"})
    assert trend["change"].to_list() == [None, 0.5, 0.5, 0.0]
    assert analysis.named("round_summary")["probe_accuracy"].to_list() == [0.25, 0.5, 0.5]


def test_scenes_that_run_dry(analysis: AnalysisConnection) -> None:
    frame = analysis.named("scenes_running_dry")
    assert frame.rows() == [
        ("B", "synthetic", 2, 4, 0, 0.0, 0.5, 0.5, 1, None),
        ("A", "synthetic", 1, 5, 5, 1.0, None, 0.0, 5, 0.2),
    ]
    assert analysis.named("scenes_running_dry", {"least": 5})["scene_id"].to_list() == ["A"]


def test_confidence_that_rises_where_held_out_accuracy_does_not(
    analysis: AnalysisConnection,
) -> None:
    # Counts: 0.95 in round 1, 0.585 in round 3. Only counts are held out.
    assert analysis.named("confidence_without_accuracy").height == 0
    assert analysis.sql(
        "SELECT round, round(avg(confidence), 3) AS c FROM trajectory"
        " WHERE question_type = 'count' GROUP BY round ORDER BY round"
    ).rows() == [(1, 0.95), (2, 0.945), (3, 0.585)]


def test_types_learnt_by_heart_are_found(tmp_path: Path) -> None:
    write(tmp_path, "samples", 0, [sample("s0", split="held_out"), sample("h", "size")])
    write(tmp_path, "samples", 1, [sample("s1"), sample("s2", "size")])
    for number, (confidence, accuracy) in enumerate([(0.3, 0.5), (0.8, 0.5)], start=1):
        write(tmp_path, "observations", number, [seen("s1", 0, confidence, True),
                                                 seen("s2", 0, confidence, True)])  # fmt: skip
        write(tmp_path, "evaluations", number, [score(accuracy), score(confidence, "h")])
    with open_analysis(tmp_path) as analysis:
        assert analysis.named("confidence_without_accuracy").rows() == [
            ("count", 1, 2, 0.3, 0.8, 0.5, 0.5, 0.5, 0.0, 1)
        ]


def test_duplicates_by_type(analysis: AnalysisConnection) -> None:
    assert analysis.named("duplicates").rows() == [
        (2, "synthetic", "count", 4, 2, 0.5, 1, "because b3")
    ]


def test_samples_the_solver_is_sure_about_and_answers_otherwise(
    analysis: AnalysisConnection,
) -> None:
    assert analysis.named("confidently_wrong")["sample_id"].to_list() == ["s5"]


def test_the_least_known_samples_come_first(analysis: AnalysisConnection) -> None:
    frame = analysis.named("uncertain_samples", {"type": "size", "top": 2})
    assert frame["sample_id"].to_list() == ["s5", "s4"]
    assert frame["uncertainty"].is_sorted(descending=True)


def test_scenes_by_difficulty(analysis: AnalysisConnection) -> None:
    assert analysis.named("scenes_by_difficulty").rows() == [
        ("A", "synthetic", 2, 6, 6, 5, 2, 1, 2, 1, 0.43),
        ("B", "synthetic", 2, 6, 1, 0, 0, 0, 0, 0, None),
    ]


def test_every_query_answers_with_its_defaults_on_real_rows(analysis: AnalysisConnection) -> None:
    values = {"a": 1, "b": 2, "proposal": "p1", "sample": "s1"}
    empty = {"ingest_errors", "reviewer", "confidence_without_accuracy"}
    for query in named_queries():
        given = {name: values[name] for name, each in query.parameters.items() if each.required}
        assert (analysis.named(query.name, given).height == 0) == (query.name in empty), query.name


def test_parameters_say_whether_they_may_be_left_out() -> None:
    query = find_query("always_hard_objects")
    assert [each.usage for each in query.parameters.values()] == ["[least=2]", "[top=20]"]
    assert query.parameters["top"].meaning == "how many objects"
    assert find_query("why_drawn").parameters["sample"].usage == "sample=…"
    assert find_query("why_drawn").parameters["round"].usage == "[round=…]"
    assert query.values({"top": 3}) == {"least": "2", "top": 3}
    assert find_query("why_drawn").values({"sample": "s"}) == {"sample": "s", "round": None}
    with pytest.raises(QueryError, match=r"needs the parameter sample \(a sample_id\)"):
        find_query("why_drawn").values({})


def test_every_query_describes_each_of_its_columns(analysis: AnalysisConnection) -> None:
    values = {"a": 1, "b": 2, "proposal": "p1", "sample": "s1"}
    for query in named_queries():
        if query.columns.startswith("as the view"):
            continue
        given = {name: values[name] for name, each in query.parameters.items() if each.required}
        columns = analysis.named(query.name, given).columns
        assert sorted(described_columns(query.columns)) == sorted(columns), query.name
