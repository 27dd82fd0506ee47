"""What came out of the efficacy experiment, in figures with intervals, and as Markdown.

Score: the unweighted mean over question types of the held-out questions' scores, the three tiers
of direction averaged first, as VSI-Bench does; types outside VSI-Bench count as one more.
Intervals: final scores get Student's t over seeds; differences to the static arm are paired by
seed (same rooms, same held-out questions); the share of samples is read off the mean curve of all
seeds, linear between evaluations, and its interval is the percentile bootstrap over seeds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from engine.seeds import generator

STATIC = "static"
DRAWS = 2000
_TIER = "object_rel_direction_"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """One arm: ``scores`` is (seeds, evaluations), ``samples`` (evaluations,) trained on by then.

    ``mix`` are the mean shares of what it trained on.
    """

    arm: str
    seeds: tuple[int, ...]
    samples: Floats
    scores: Floats
    mix: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure and its 95 % interval; infinite where the score was never reached."""

    value: float
    low: float
    high: float


def overall(by_type: Mapping[str, float]) -> float:
    """The unweighted mean over types, the tiers of direction merged into one."""
    tiers = [score for name, score in by_type.items() if name.startswith(_TIER)]
    others = [score for name, score in by_type.items() if not name.startswith(_TIER)]
    tasks = others + ([sum(tiers) / len(tiers)] if tiers else [])
    return sum(tasks) / len(tasks)


def read_results(folder: Path) -> dict[str, Curves]:
    """The arms whose results are there, in each only the seeds that all of them have."""
    found: dict[str, dict[int, dict[str, object]]] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(result["arm"], {})[result["seed"]] = result
    if not found:
        return {}
    seeds = sorted(set.intersection(*(set(results) for results in found.values())))
    return {arm: _curves(arm, seeds, results) for arm, results in found.items()} if seeds else {}


def _curves(arm: str, seeds: Sequence[int], results: Mapping[int, dict]) -> Curves:
    rows = []
    for seed in seeds:
        by_round: dict[int, dict[str, float]] = {}
        for row in results[seed]["scores"]:
            by_round.setdefault(row["round"], {})[row["question_type"]] = row["score"]
        rows.append([overall(by_round[number]) for number in sorted(by_round)])
    names = [key for key in results[seeds[0]]["mix"][0] if key != "round"]
    mix = {
        name: float(np.mean([m[name] for seed in seeds for m in results[seed]["mix"]]))
        for name in names
    }
    scores = np.array(rows)
    step = results[seeds[0]]["samples_per_round"]
    return Curves(
        arm=arm,
        seeds=tuple(seeds),
        samples=np.arange(scores.shape[1], dtype=float) * step,
        scores=scores,
        mix=mix,
    )


def mean_interval(values: Floats) -> Interval:
    """Mean and Student's 95 % interval of independent ``values`` (n,)."""
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(value=mean, low=-math.inf, high=math.inf)
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return Interval(value=mean, low=mean - half, high=mean + half)


def samples_to_reach(samples: Floats, curve: Floats, target: float) -> float:
    """Where ``curve`` first reaches ``target``, linear between evaluations; inf where never."""
    if curve[0] >= target:
        return float(samples[0])
    for before, after in zip(range(len(curve) - 1), range(1, len(curve)), strict=True):
        if curve[after] >= target:
            part = (target - curve[before]) / (curve[after] - curve[before])
            return float(samples[before] + part * (samples[after] - samples[before]))
    return math.inf


def share_needed(arm: Curves, static: Curves) -> Interval:
    """Samples until the arm's mean curve reaches the static arm's final mean, as a share."""
    total = static.samples[-1]

    def share(rows: NDArray[np.int64]) -> float:
        target = float(static.scores[rows, -1].mean())
        return samples_to_reach(arm.samples, arm.scores[rows].mean(axis=0), target) / total

    count = len(arm.seeds)
    draws = generator(0, "efficacy bootstrap").integers(count, size=(DRAWS, count))
    # "higher" keeps a draw that never reaches the score from being averaged with one that does.
    found = np.array([share(rows) for rows in draws])
    low, high = np.quantile(found, [0.025, 0.975], method="higher")
    return Interval(value=share(np.arange(count)), low=float(low), high=float(high))


def markdown(arms: Mapping[str, Curves], order: Sequence[str]) -> str:
    """A row an arm."""
    static = arms[STATIC]
    heads = (
        "arm", "final score", "against static", "samples to its final score",
        "useful", "trivial", "hopeless", "noisy",
    )  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in order:
        if name not in arms:
            continue
        arm = arms[name]
        final = mean_interval(arm.scores[:, -1])
        difference = mean_interval(arm.scores[:, -1] - static.scores[:, -1])
        against = "" if name == STATIC else f"{difference.value:+.3f} ± {_half(difference)}"
        shares = " | ".join(
            f"{arm.mix[key]:.0%}" for key in ("useful", "trivial", "hopeless", "noisy")
        )
        lines.append(
            f"| {name} | {final.value:.3f} ± {_half(final)} | {against} | "
            f"{_share(share_needed(arm, static))} | {shares} |"
        )
    return "\n".join(lines)


def curve_table(arms: Mapping[str, Curves], order: Sequence[str]) -> str:
    """Mean score by samples trained on, a row an arm."""
    there = [name for name in order if name in arms]
    samples = arms[there[0]].samples
    lines = [
        "| arm | " + " | ".join(f"{count:,.0f}" for count in samples) + " |",
        "|---" * (len(samples) + 1) + "|",
    ]
    for name in there:
        cells = " | ".join(f"{score:.3f}" for score in arms[name].scores.mean(axis=0))
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def _half(interval: Interval) -> str:
    half = interval.high - interval.value
    return "?" if math.isinf(half) else f"{half:.3f}"


def _share(share: Interval) -> str:
    def text(value: float) -> str:
        return "never" if math.isinf(value) else f"{value:.0%}"

    return f"{text(share.value)} [{text(share.low)}, {text(share.high)}]"
