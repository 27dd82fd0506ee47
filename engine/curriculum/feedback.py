"""What the proposer is told about each scene before it writes the next round.

Per scene: the questions trained on in the round, with answers and labels, so that it writes
fewer like the easy and the hard ones and more like the frontier ones (arXiv 2606.11719). Over all
scenes: how each question type fared, from proposal to label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest

import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.ledger import Ledger
from engine.difficulty import label
from engine.records import Difficulty, Feedback, FeedbackItem, TypeRate

# Shown in this order: what to write more of comes first.
_ORDER = (Difficulty.FRONTIER, Difficulty.EASY, Difficulty.HARD)


def build_feedback(
    *,
    samples: pl.DataFrame,
    proposals: pl.DataFrame,
    verdicts: pl.DataFrame,
    observations: pl.DataFrame,
    settings: CurriculumSettings,
    round: int,  # noqa: A002  the word the tables use
    max_items: int = 24,
) -> list[Feedback]:
    """One Feedback a scene that was asked or trained on in ``round``, by scene id.

    The frames are the tables of the same names; rows of other rounds and held-out samples are
    left aside (``samples`` is needed for all rounds: earlier ones are trained on again). A scene
    with more than ``max_items`` trained samples shows the labels by turns, frontier first, and of
    each label the samples with the smallest ids, which are hashes and so favour nothing.
    """
    of_round = observations.filter(pl.col("round") == round)
    trained = (
        Ledger(of_round)
        .latest()
        .select("sample_id", "confidence")
        .join(samples.filter(pl.col("split") == "train"), on="sample_id", how="inner")
        .sort("scene_id", "sample_id")
    )
    asked = proposals.filter(pl.col("round") == round)
    accepted = asked.join(
        verdicts.filter((pl.col("round") == round) & pl.col("accepted")),
        on="proposal_id",
        how="semi",
    )
    items: dict[str, list[FeedbackItem]] = {scene: [] for scene in asked["scene_id"]}
    for row in trained.iter_rows(named=True):
        items.setdefault(row["scene_id"], []).append(
            FeedbackItem(
                question=row["question"],
                answer=row["answer"],
                question_type=row["question_type"],
                difficulty=label(row["confidence"], settings),
                confidence=row["confidence"],
            )
        )
    rates = _rates(asked, accepted, list(chain.from_iterable(items.values())))
    return [
        Feedback(scene_id=scene, items=_choose(items[scene], max_items), types=rates)
        for scene in sorted(items)
    ]


def _choose(items: Sequence[FeedbackItem], max_items: int) -> tuple[FeedbackItem, ...]:
    """At most ``max_items``, the labels by turns; then grouped by label and question type."""
    groups = [[item for item in items if item.difficulty is each] for each in _ORDER]
    by_turns = [item for turn in zip_longest(*groups) for item in turn if item is not None]
    rank = {difficulty: place for place, difficulty in enumerate(_ORDER)}
    return tuple(
        sorted(
            by_turns[:max_items],
            key=lambda item: (rank[item.difficulty], item.question_type, item.question),
        )
    )


def _rates(
    asked: pl.DataFrame, accepted: pl.DataFrame, trained: Sequence[FeedbackItem]
) -> tuple[TypeRate, ...]:
    """One rate a question type that was asked or trained on, by name.

    Unreadable proposals have no type and are counted nowhere.
    """
    proposed, passed = _counts(asked), _counts(accepted)
    labels: dict[tuple[str, Difficulty], int] = {}
    for item in trained:
        key = (item.question_type, item.difficulty)
        labels[key] = labels.get(key, 0) + 1
    types = set(proposed) | {question_type for question_type, _ in labels}
    return tuple(
        TypeRate(
            question_type=each,
            proposed=proposed.get(each, 0),
            accepted=passed.get(each, 0),
            easy=labels.get((each, Difficulty.EASY), 0),
            frontier=labels.get((each, Difficulty.FRONTIER), 0),
            hard=labels.get((each, Difficulty.HARD), 0),
        )
        for each in sorted(types - {""})
    )


def _counts(frame: pl.DataFrame) -> Mapping[str, int]:
    counted = frame.group_by("question_type").len()
    return dict(zip(counted["question_type"].to_list(), counted["len"].to_list(), strict=True))
