"""Does the ledger tell mislabelled rooms from others? Doubts beside what was planted, by round.

*Apart*: the chance that a mislabelled scene is doubted more than one that is right (area under the
ROC curve), among scenes with enough samples. *Found* and *wrongly doubted*: shares of the two above
ABOVE, the scenes without enough samples counting as not doubted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from engine.curriculum.doubt import scene_doubts
from engine.curriculum.ledger import Ledger
from engine.tables import read_table
from engine.workspace import Workspace

ABOVE = 2.0
SHOWN = (1, 2, 4, 8)

Found = tuple[float, float, float]


def doubts_table(work: Path, names: list[str]) -> str:
    """Markdown: arms by rows, rounds by columns; means over the seeds that are there."""
    lines = [
        "| arm | after round | apart (AUC) | found | wrongly doubted |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        roots = sorted((work / "arms").glob(f"{name}-[0-9]*"))
        for number in SHOWN:
            found = [each for root in roots if (each := told_apart(root, number)) is not None]
            if found:
                apart, right, wrong = np.mean(found, axis=0)
                lines.append(f"| {name} | {number} | {apart:.2f} | {right:.0%} | {wrong:.1%} |")
    return "\n".join(lines)


def told_apart(root: Path, round_: int) -> Found | None:
    """AUC, found and wrongly doubted after a round; None where it was not reached."""
    workspace = Workspace.open(root)
    bad = set((root / "mislabelled.txt").read_text(encoding="utf-8").split())
    samples = read_table(workspace.tables, "samples")
    trained = samples.filter(pl.col("split") == "train")
    rounds = range(1, round_ + 1)
    if read_table(workspace.tables, "observations", [round_], ["sample_id"]).is_empty():
        return None
    standings = Ledger.open(workspace.tables, rounds).standings(
        samples, workspace.config().curriculum
    )
    scenes = trained.select("scene_id", "room_key").unique()
    found = scenes.join(scene_doubts(standings, samples, round=round_), on="scene_id", how="left")
    wrong = found["room_key"].is_in(sorted(bad)).to_numpy()
    doubt = found["doubt"].to_numpy()
    above = np.nan_to_num(doubt, nan=-np.inf) > ABOVE
    known = ~np.isnan(doubt)
    return (
        area(doubt[known & wrong], doubt[known & ~wrong]),
        float(above[wrong].mean()),
        float(above[~wrong].mean()),
    )


def area(wrong: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """The chance that one of ``wrong`` is larger than one of ``right``, ties counting half."""
    count = stats.mannwhitneyu(wrong, right, alternative="greater").statistic
    return float(count) / (len(wrong) * len(right))
