"""What each round changed against the one before, as the published ``CHANGELOG.md``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.publishing.card import cell, count
from engine.publishing.published_files import round_name
from engine.publishing.published_numbers import LABELS, RoundNumbers


def write_changes(numbers: Mapping[int, RoundNumbers], dates: Mapping[int, str]) -> str:
    """The changelog of the rounds in ``numbers`` (0: the held-out questions), newest first.

    ``dates`` are the days on which rounds were published.
    """
    lines = ["# Changelog", ""]
    loop = [number for number in sorted(numbers) if number]
    for number in reversed(loop):
        before = numbers.get(max((n for n in numbers if n < number), default=-1))
        day = f" ({dates[number]})" if number in dates else ""
        lines += [f"## {round_name(number)}{day}", "", *_round(numbers[number], before), ""]
    held_out = numbers.get(0)
    if held_out is not None:
        lines += ["## Held-out questions", "", *_held_out(held_out), ""]
    return "\n".join(lines)


def _round(each: RoundNumbers, before: RoundNumbers | None) -> Iterator[str]:
    """The lines of one round; ``before`` is the round before it, or the held-out set's."""
    proposer = f" proposed by {cell(', '.join(each.proposers))}" if each.proposers else ""
    yield (
        f"- Added {count(each.samples, 'question')}: {each.accepted:,} of "
        f"{each.proposed:,}{proposer} were accepted."
    )
    yield f"- By type: {_types(each.types) or 'none'}."
    if before is not None and before.round:
        yield from _type_changes(each, before)
    labels = ", ".join(f"{each.labels.get(label, 0):,} {label}" for label in LABELS)
    yield f"- Trained on {count(each.trained, 'sample')}, at the end: {labels}."
    if each.shifts:
        yield f"- Of those trained on before: {_shifts(each.shifts)}."
    if each.held_out_score is not None:
        yield f"- Held-out score {each.held_out_score:.3f}{_against(each, before)}."


def _type_changes(each: RoundNumbers, before: RoundNumbers) -> Iterator[str]:
    new, dropped = (
        sorted(one.keys() - other.keys())
        for one, other in ((each.types, before.types), (before.types, each.types))
    )
    if new:
        yield f"- New types: {', '.join(map(cell, new))}."
    if dropped:
        yield f"- Dropped types (none accepted): {', '.join(map(cell, dropped))}."


def _held_out(each: RoundNumbers) -> Iterator[str]:
    yield f"- {count(each.samples, 'question')}: {_types(each.types) or 'none'}."
    if each.held_out_score is not None:
        yield f"- The base solver's score on them: {each.held_out_score:.3f}."


def _types(types: Mapping[str, int]) -> str:
    return ", ".join(f"{cell(name)} {number:,}" for name, number in sorted(types.items()))


def _shifts(shifts: Mapping[tuple[str, str], int]) -> str:
    """Labels that moved, in the order of LABELS, and how many stayed."""
    moved = [
        f"{then} to {now} {shifts[then, now]:,}"
        for then in LABELS
        for now in LABELS
        if then != now and (then, now) in shifts
    ]
    stayed = sum(number for (then, now), number in shifts.items() if then == now)
    return ", ".join([*moved, f"unchanged {stayed:,}"])


def _against(each: RoundNumbers, before: RoundNumbers | None) -> str:
    if before is None or before.held_out_score is None or each.held_out_score is None:
        return ""
    name = round_name(before.round) if before.round else "the base solver"
    return f" ({each.held_out_score - before.held_out_score:+.3f} against {name})"
