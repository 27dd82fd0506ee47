"""Which samples a round trains on, and in what order.

A sample's chance depends on what the solver made of it (:mod:`engine.curriculum.weights`); the
choice itself is a race of exponential keys (:mod:`engine.curriculum.candidates`), run three times:
samples never trained on for their share of the places, those trained on for theirs, and both
together, by weight alone, for what the two shares leave. So the draw depends on which samples
there are, never on their order or on where they are stored, and raising a sample's weight never
makes it leave a draw that no cap binds.
"""

from __future__ import annotations

import math

import polars as pl

from engine.config import CurriculumSettings
from engine.curriculum.candidates import Pool, nearest
from engine.curriculum.caps import Caps
from engine.curriculum.outlook import Outlook
from engine.curriculum.race import winners
from engine.curriculum.weights import estimate_column, is_smoothed, possible_expr
from engine.errors import InputError
from engine.seeds import keyed, text_hashes
from engine.tables import SCHEMAS

UNSEEN = "unseen"
REPLAY = "replay"


def draw(
    samples: pl.DataFrame,
    standings: pl.DataFrame,
    settings: CurriculumSettings,
    *,
    steps: int,
    batch_size: int,
    seed: int,
    round: int,  # noqa: A002  the word the tables use
) -> pl.DataFrame:
    """The training order of a round: exactly ``steps * batch_size`` rows of the draws table.

    ``samples`` (sample_id, question_type, scene_id) are the candidates, each once; ``standings``
    says what the solver made of those it has seen, each once: sample_id and ``confidence``, or
    ``smoothed`` and ``uncertainty`` where the settings read those. No sample comes a second time
    before all have come once. ``unseen_share`` of the places go to samples never trained on and
    ``replay_share`` to the others, as far as there are any; what is left goes by weight alone. The
    caps per type, scene and label hold unless the places could not be filled without a repetition
    otherwise (:mod:`engine.curriculum.caps` says which gives way first, and how far); ``why`` then
    says so. Shares give way to caps.

    Of many samples only those with the most luck are looked at closely: time and memory go with
    the number of samples for hashing their ids, and with the number of places for all else.

    Raises InputError when there is no sample at all, ValueError when one is given twice.
    """
    if samples.is_empty():
        raise InputError(
            f"round {round}: no accepted sample to train on; ingest more scenes, "
            "or see why proposals are rejected with `ouroboros sql --name rejections_by_reason`"
        )
    places = steps * batch_size
    pool = Pool.of(samples, Outlook.of(standings, settings))
    passes, rest = divmod(places, len(pool))
    caps = Caps(
        per_type=_cap(settings.max_share_per_type, places),
        per_scene=_cap(settings.max_share_per_scene, places),
        per_label=_cap(settings.max_share_per_label, places),
    )
    turns = []
    if passes:
        everyone = nearest(pool, standings, settings, seed=seed, round=round, count=len(pool))
        turns += [everyone.rows] * passes
    if rest or not passes:
        turns.append(
            winners(
                pool, standings, settings,
                caps=caps, passes=passes, want=rest, seed=seed, round=round,
            )
        )  # fmt: skip
    ordered = pl.concat(_shuffled(rows, turn, seed, round) for turn, rows in enumerate(turns))
    return _table(ordered, settings, caps, len(pool), batch_size, round)


def _cap(share: float, places: int) -> int:
    # The small term keeps 0.2 * 5 from becoming 0 by rounding.
    return max(1, math.floor(share * places + 1e-9))


def _shuffled(rows: pl.DataFrame, turn: int, seed: int, round_: int) -> pl.DataFrame:
    """``rows`` by a hash: a batch mixes types, and no turn begins before another ends."""
    hashes = keyed(text_hashes(rows["sample_id"]), seed, "order", round_, turn)
    return rows.with_columns(pl.Series("order", hashes)).sort("order", "sample_id").drop("order")


def _table(
    ordered: pl.DataFrame,
    settings: CurriculumSettings,
    caps: Caps,
    samples: int,
    batch_size: int,
    round_: int,
) -> pl.DataFrame:
    place = pl.int_range(pl.len())
    notes = [
        _known(settings),
        pl.when(_times("sample_id") > 1).then(
            pl.lit(
                f"drawn again: {samples} sample{'s'[samples == 1 :]} for {ordered.height} places"
            )
        ),
        *(
            pl.when(pl.col(column).is_not_null() & (_times(column) > cap)).then(
                pl.lit(f"beyond the {name} cap of {cap}: too few others")
            )
            for name, column, cap in (
                ("type", "question_type", caps.per_type),
                ("scene", "scene_id", caps.per_scene),
                ("label", "label", caps.per_label),
            )
        ),
    ]
    return ordered.select(
        round=pl.lit(round_, pl.Int32),
        step=(place // batch_size).cast(pl.Int32),
        position=(place % batch_size).cast(pl.Int32),
        sample_id="sample_id",
        weight="weight",
        stratum=pl.when("seen").then(pl.lit(REPLAY)).otherwise(pl.lit(UNSEEN)),
        why=pl.concat_str(notes, separator="; ", ignore_nulls=True),
    ).match_to_schema(SCHEMAS["draws"])


def _times(column: str) -> pl.Expr:
    """How often each row's value has come by then, in the order of training."""
    return pl.int_range(1, pl.len() + 1).over(column)


def _known(settings: CurriculumSettings) -> pl.Expr:
    """What is known of a sample, in words: its label and the estimate that is read from."""
    estimate = _thousandths(estimate_column(settings))
    said = [pl.col("label").cast(pl.String), pl.lit(" at "), estimate]
    if is_smoothed(settings):
        said += [pl.lit(" ± "), _thousandths("uncertainty"), pl.lit(" over rounds")]
    if settings.rule == "ucb":
        said += [pl.lit(", "), _thousandths(possible_expr(settings)), pl.lit(" possible")]
    return pl.when("seen").then(pl.concat_str(said)).otherwise(pl.lit("never trained on"))


def _thousandths(number: str | pl.Expr) -> pl.Expr:
    """A number of at least 0 as text with three decimals."""
    column = pl.col(number) if isinstance(number, str) else number
    count = (1000 * column).round().cast(pl.Int64)
    decimals = (count % 1000).cast(pl.String).str.zfill(3)
    return pl.concat_str((count // 1000).cast(pl.String), pl.lit("."), decimals)
