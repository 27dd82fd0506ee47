"""What a report is made of: flows that add up, columns that unpack, colours told apart, frames."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.reporting import report_columns as columns
from engine.reporting.report_figures import flows
from engine.reporting.report_flow import FIRST_SEEN, Link, Node, flow, newest, places
from engine.reporting.report_frames import SeenFrame, SeenObject, choose
from engine.reporting.report_palette import COLOURS, LABELS, faded, light, style_variables

# sample -> round -> label
Courses = dict[int, dict[int, str]]
COURSES = st.dictionaries(
    st.integers(0, 40),
    st.dictionaries(st.integers(1, 6), st.sampled_from(LABELS), min_size=1),
    max_size=25,
)


def rows_of(courses: Courses) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The courses as rows of sql/report/rounds.sql and moves.sql."""
    seen = Counter((number, label) for each in courses.values() for number, label in each.items())
    rounds = sorted({number for number, _ in seen} | {0})
    moves: Counter[tuple[int, str, str]] = Counter()
    for each in courses.values():
        for before, after in itertools.pairwise(sorted(each)):
            moves[after, each[before], each[after]] += 1
    return (
        pl.DataFrame(
            [
                {"round": n, **{label: seen[n, label] for label in LABELS},
                 "trained": sum(seen[n, label] for label in LABELS) or None}
                for n in rounds
            ]
        ),
        pl.DataFrame(
            [(n, a, b, count) for (n, a, b), count in moves.items()],
            schema={"round": pl.Int32, "from_label": pl.String, "to_label": pl.String,
                    "samples": pl.Int64},
            orient="row",
        ),
    )  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(COURSES)
def test_flow_adds_up_to_the_label_each_sample_has_after_each_round(courses: Courses) -> None:
    links = flow(*rows_of(courses))
    into: Counter[Node] = Counter()
    out: Counter[Node] = Counter()
    for link in links:
        into[link.target] += link.samples
        out[link.source] += link.samples
    numbers = sorted({number for each in courses.values() for number in each})
    for number in numbers:
        standing = Counter(
            each[max(n for n in each if n <= number)]
            for each in courses.values()
            if min(each) <= number
        )
        for label in LABELS:
            assert into[Node(number, label)] == standing[label]
        new = sum(min(each) == number for each in courses.values())
        assert out[Node(number, FIRST_SEEN)] == new
    for before, after in itertools.pairwise(numbers):
        for label in LABELS:
            assert out[Node(before, label)] == into[Node(before, label)], (before, after)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(COURSES.filter(bool))
def test_nodes_stand_in_columns_without_covering_each_other(courses: Courses) -> None:
    links = flow(*rows_of(courses))
    found = places(links)
    assert len({each.node for each in found}) == len(found)
    for _, column in itertools.groupby(sorted(found, key=lambda p: (p.x, p.y)), lambda p: p.x):
        heights = [each.y for each in column]
        assert all(b > a for a, b in itertools.pairwise(heights))
        assert 0 <= heights[0] <= heights[-1] <= 1
    assert flows(links, 400)["data"][0]["link"]["value"] == [link.samples for link in links]


def test_of_many_rounds_the_newest_are_shown() -> None:
    links = [Link(Node(n, FIRST_SEEN), Node(n, "easy"), 1, False) for n in range(1, 12)]
    assert {link.target.round for link in newest(links, 3)} == {9, 10, 11}


TEXTS = st.lists(st.none() | st.text(max_size=8))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(TEXTS)
def test_a_column_of_texts_gives_them_back(values: list[str | None]) -> None:
    found = columns.texts(values)
    back = (
        [None if code < 0 else found["names"][code] for code in found["codes"]]
        if "names" in found
        else found["values"]
    )
    assert back == values


def test_columns_hold_no_number_that_json_has_not() -> None:
    values = [float("nan"), float("inf"), None, -0.0, 1.23456]
    assert columns.numbers(values) == {"values": [None, None, None, 0, 1.235]}
    assert columns.confidences([[0.5, None, float("nan")], None]) == {
        "lengths": [3, 0],
        "values": [5000, -1, -1],
    }
    columns.pack(columns.numbers(values))
    with pytest.raises(ValueError, match="JSON compliant"):
        columns.pack(values)


def frame(index: int, **fractions: float) -> SeenFrame:
    seen = tuple(
        SeenObject(object_id=k, fraction=v, box=(0, 0, 9, 9)) for k, v in fractions.items()
    )
    return SeenFrame(frame_id=f"f{index}", index=index, time_s=float(index), objects=seen)


def test_frames_are_chosen_to_show_together_what_is_asked_about() -> None:
    frames = [frame(0, a=0.9), frame(1, a=1.0, x=1.0), frame(2, b=0.5), frame(3, x=1.0)]
    assert [f.index for f in choose(frames, {"a": 3, "b": 1}, 2)] == [1, 2]
    assert [f.index for f in choose(frames, {"a": 3, "b": 1}, 9)] == [1, 2]
    assert choose(frames, {}, 4) == []


# Machado, Oliveira, Fernandes 2009, severity 1, in linear RGB.
SIGHTS = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def cielab(rgb: np.ndarray) -> np.ndarray:
    xyz = _TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(a: str, b: str) -> float:
    low, high = sorted(float(_TO_XYZ[1] @ linear(each)) for each in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_labels_are_told_apart_by_every_sight_and_stand_out(scheme: int) -> None:
    colours = {name: pair[scheme] for name, pair in COLOURS.items()}
    for sight, matrix in SIGHTS.items():
        for a, b in itertools.combinations(LABELS, 2):
            seen = [cielab(matrix @ linear(colours[each])) for each in (a, b)]
            assert np.linalg.norm(seen[0] - seen[1]) >= 30, (sight, a, b)
    for label in LABELS:
        assert contrast(colours[label], colours["surface"]) >= 3
    for text in ("ink", "muted", "accent"):
        for behind in ("page", "surface"):
            assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    for behind in ("least", "much"):
        assert contrast(colours["ink"], colours[behind]) >= 4.5


def test_the_page_defines_every_colour_for_both_schemes() -> None:
    css = style_variables()
    for name, pair in COLOURS.items():
        assert css.count(f"--{name}:") == 2
        assert all(value in css for value in pair)
    assert len({light(name) for name in COLOURS}) == len(COLOURS), "light values are keys"
    assert faded("easy", 0.5) == "rgba(61, 139, 205, 0.5)"
