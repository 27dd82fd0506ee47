"""Whether an answer survives the noise of annotation: the program is run on jittered copies.

Every program is run again on copies of its scene whose boxes are off as annotations are
(:mod:`engine.judging.jitter`). Choices, orders, counts and yes/no must come out the same in 90 %
of them; numbers must stay within 10 % of the answer in as many, and spread by at most 4 %. DESIGN
section 6 says 10 %, but at a deviation of 10 % every third annotation is more than that off; at
4 % one in eighty is (measured: README, *What the judges do*). On one more copy, whose boxes stand
upright, the answer must hold as well: what hangs on how far a minimal box leans (a height, mostly)
is not known.

Copies are asked for the answer alone: margins do not apply there. The question is whether noise
changes the answer, and a question whose margin just passes falls below it on half of its copies
while every copy answers alike.

A program that asked nothing of boxes answers every copy alike, and is not run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from engine.config import JudgeSettings, NoiseSettings
from engine.judging.case import Case, Objection
from engine.judging.jitter import jittered_copies, noise_of, stood_upright
from engine.programs.sandbox import Job, Sandbox
from engine.records import Answer, AnswerKind, Outcome, Proposal, Reason, SceneFacts, Trace

# Calls and reads that jittered boxes do not change: what they return is a matter of labels,
# frames and what those show. A program that makes no other runs the same way on every copy.
BOXLESS = frozenset(
    {
        "labels",
        "count",
        "objects",
        "only",
        "room_area",
        "frames",
        "first_seen",
        "appearance_order",
        "camera_displacement",
        "camera_motion",
        "camera_turn",
        "in_view",
        "image_position",
    }
)

# The name of the copy whose boxes stand upright, beside the noisy ones' numbers.
_UPRIGHT = "upright"

# Runs handed to the sandbox at a time: many enough that its workers rarely wait for each other,
# few enough that what is held does not grow with the number of scenes.
_RUNS_AT_ONCE = 8192
# Float arithmetic may leave a share of copies or a spread this far from the limit it equals.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """What became of an answer on noisy copies of its scene.

    ``value`` is the share of ``copies`` that agree: for numbers, whose answer is within
    ``alike_rel`` of the original. ``spread`` is a number's standard deviation over the copies as
    a share of the original answer. ``others`` are the other answers and why copies gave none, as
    texts, with how many copies each, most frequent first. ``upright`` is what upright boxes answer
    where that is another answer.
    """

    value: float
    stable: bool
    copies: int
    spread: float | None = None
    others: tuple[tuple[str, int], ...] = ()
    upright: str | None = None


def measure_stability(
    cases: Sequence[tuple[Proposal, Outcome]],
    facts: Callable[[str], SceneFacts],
    sandbox: Sandbox,
    settings: JudgeSettings,
    noise: NoiseSettings,
    *,
    seed: int,
    on_done: Callable[[int], None] = lambda _count: None,
) -> dict[str, Stability]:
    """The stability of every answered proposal, by proposal id; nothing with ``copies = 0``.

    ``facts`` gives a scene by id; ``on_done`` is told how many cases are finished. What a case
    gets depends on its program, its scene, the noise and ``seed`` alone. Raises what
    :meth:`Sandbox.run` raises.
    """
    if not settings.copies:
        return {}
    found: dict[str, Stability] = {}
    waiting: dict[str, dict[str, list[tuple[Proposal, Answer]]]] = {}
    for proposal, outcome in cases:
        if not outcome.ok or outcome.answer is None:
            continue
        if asks_no_box(outcome.trace):
            found[proposal.proposal_id] = Stability(
                value=1.0, stable=True, copies=settings.copies,
                spread=0.0 if proposal.answer_kind is AnswerKind.NUMBER else None,
            )  # fmt: skip
        else:
            programs = waiting.setdefault(proposal.scene_id, {})
            programs.setdefault(proposal.program, []).append((proposal, outcome.answer))
    done = len(cases) - sum(len(same) for each in waiting.values() for same in each.values())
    on_done(done)
    for group in _groups(waiting, settings.copies):
        again = _Again(group, facts, noise, copies=settings.copies, seed=seed)
        for same, outcomes, upright in again.run(sandbox):
            for proposal, answer in same:
                found[proposal.proposal_id] = weigh(
                    answer, proposal.answer_kind, outcomes, settings, upright=upright
                )
            done += len(same)
        on_done(done)
    return found


def asks_no_box(trace: Trace) -> bool:
    """Whether a run asked nothing that depends on where boxes lie or how large they are."""
    return BOXLESS.issuperset(trace.calls)


_Programs = dict[str, list[tuple[Proposal, Answer]]]


def _groups(waiting: dict[str, _Programs], copies: int) -> Iterator[dict[str, _Programs]]:
    """Scenes in groups of at most ``_RUNS_AT_ONCE`` runs, or of one scene."""
    group: dict[str, _Programs] = {}
    runs = 0
    for scene_id, programs in waiting.items():
        more = len(programs) * copies
        if group and runs + more > _RUNS_AT_ONCE:
            yield group
            group, runs = {}, 0
        group[scene_id] = programs
        runs += more
    if group:
        yield group


class _Again:
    """A few scenes' programs, to be run on every copy; a scene's are made when the first is due."""

    def __init__(
        self,
        group: Mapping[str, _Programs],
        facts: Callable[[str], SceneFacts],
        noise: NoiseSettings,
        *,
        copies: int,
        seed: int,
    ) -> None:
        self._group = group
        self._noise = noise
        self._copies = copies
        self._seed = seed
        self._noisy: dict[str, dict[int, SceneFacts]] = {}
        self._scenes = {scene_id: facts(scene_id) for scene_id in group}
        self._upright = {
            scene_id: upright
            for scene_id, scene in self._scenes.items()
            if (upright := stood_upright(scene)) is not scene
        }

    def run(
        self, sandbox: Sandbox
    ) -> Iterator[tuple[list[tuple[Proposal, Answer]], list[Outcome], Outcome | None]]:
        """Each program's proposals with its outcomes: one a noisy copy, and the upright one's."""
        names = {scene_id: self._names(scene_id) for scene_id in self._group}
        jobs = [
            Job(key=program, scene_id=f"{name}/{scene_id}", program=program)
            for scene_id, programs in self._group.items()
            for name in names[scene_id]
            for program in programs
        ]
        outcomes = sandbox.run(jobs, self._copy, answers_only=True)
        for scene_id, programs in self._group.items():
            gathered: dict[str, list[Outcome]] = {program: [] for program in programs}
            for program, outcome in islice(outcomes, len(names[scene_id]) * len(programs)):
                gathered[program].append(outcome)
            for program, same in programs.items():
                noisy = gathered[program][: self._copies]
                upright = gathered[program][self._copies :]
                yield same, noisy, upright[0] if upright else None

    def _names(self, scene_id: str) -> list[str]:
        """Copies by name; where all boxes stand upright, that copy would be the scene itself."""
        names = [str(copy) for copy in range(self._copies)]
        return [*names, _UPRIGHT] if scene_id in self._upright else names

    def _copy(self, name: str) -> SceneFacts:
        copy, _, scene_id = name.partition("/")
        if copy == _UPRIGHT:
            return self._upright[scene_id]
        scene = self._scenes[scene_id]
        if scene_id not in self._noisy:
            noise = noise_of(scene.dataset, self._noise)
            self._noisy[scene_id] = dict(
                enumerate(
                    jittered_copies(scene, seed=self._seed, copies=range(self._copies), noise=noise)
                )
            )
        # The sandbox asks for each once; what it was given is its own.
        return self._noisy[scene_id].pop(int(copy))


def weigh(
    answer: Answer,
    answer_kind: AnswerKind | None,
    outcomes: Sequence[Outcome],
    settings: JudgeSettings,
    *,
    upright: Outcome | None = None,
) -> Stability:
    """How far the outcomes on copies bear out an answer; at least one outcome is needed."""
    others: Counter[str] = Counter()
    numbers: list[float] = []
    agreeing = 0
    for outcome in outcomes:
        if _borne_out(answer, outcome, answer_kind, settings.alike_rel):
            agreeing += 1
        else:
            others[_what(outcome)] += 1
        if answer_kind is AnswerKind.NUMBER and isinstance(outcome.answer, (int, float)):
            numbers.append(float(outcome.answer))
    value = agreeing / len(outcomes)
    stable = value >= settings.agree_share - _ROUNDING
    spread = None
    if answer_kind is AnswerKind.NUMBER and isinstance(answer, (int, float)):
        spread = _spread(float(answer), numbers)
        stable = stable and (spread is None or spread <= settings.spread_rel + _ROUNDING)
    other = None
    if upright is not None and not _borne_out(answer, upright, answer_kind, settings.alike_rel):
        other = _what(upright)
    return Stability(
        value=value,
        stable=stable and other is None,
        upright=other,
        copies=len(outcomes),
        spread=spread,
        others=tuple(sorted(others.items(), key=lambda other: (-other[1], other[0]))),
    )


def unstable(case: Case, stability: Stability | None) -> Objection | None:
    """The objection to an answer that noise changes; None where it does not, or is not known.

    ``margin`` is what is left of the share that must agree or of the spread allowed, whichever is
    less, so below 0; None where the noisy copies agree and upright boxes alone do not.
    """
    if stability is None or stability.stable:
        return None
    settings = case.settings
    needed, allowed = settings.agree_share, settings.spread_rel
    margin = stability.value - needed
    said = []
    if stability.spread is not None:
        margin = min(margin, allowed - stability.spread)
    if margin < -_ROUNDING:
        said.append(_other_answers(stability, settings))
    if stability.upright is not None:
        answer = None if case.outcome is None else case.outcome.answer
        original = "" if answer is None else f" instead of {_stated(answer)}"
        said.append(f"boxes that stand upright answer {stability.upright}{original}")
    return Objection(
        reason=Reason.UNSTABLE,
        message="; ".join(said),
        margin=margin if margin < -_ROUNDING else None,
    )


def _other_answers(stability: Stability, settings: JudgeSettings) -> str:
    """What noisy copies answer instead, with the measured numbers and what was needed."""
    needed = settings.agree_share
    if stability.spread is not None:
        return (
            f"over {stability.copies} noisy copies the answer spreads by {stability.spread:.0%} "
            f"({settings.spread_rel:.0%} allowed) and stays within {settings.alike_rel:.0%} in "
            f"{stability.value:.0%} "
            f"({needed:.0%} needed)"
        )
    (first, number), *more = stability.others
    said = [f"{number} of {stability.copies} noisy copies answer {first}"]
    said += [f"{count} {text}" for text, count in more[:2]]
    if len(more) > 2:
        said.append(f"{sum(count for _, count in more[2:])} otherwise")
    return f"{', '.join(said)} instead ({stability.value:.0%} agree, {needed:.0%} needed)"


def _borne_out(answer: Answer, outcome: Outcome, kind: AnswerKind | None, within: float) -> bool:
    """Whether a copy gives the same answer; numbers within a share of the original."""
    other = outcome.answer
    if other is None:
        return False
    if kind is AnswerKind.NUMBER and isinstance(answer, (int, float)):
        return isinstance(other, (int, float)) and (
            abs(other - answer) <= within * abs(answer) + _ROUNDING
        )
    return type(answer) is type(other) and answer == other


def _spread(answer: float, numbers: Sequence[float]) -> float | None:
    """Standard deviation of the copies' numbers as a share of the original; None without any."""
    if not numbers:
        return None
    mean = math.fsum(numbers) / len(numbers)
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in numbers) / len(numbers))
    if deviation == 0.0:
        return 0.0
    return deviation / abs(answer) if answer else math.inf


def _what(outcome: Outcome) -> str:
    """A copy's answer as a message states it."""
    answer = outcome.answer
    if answer is None:
        return f"nothing ({outcome.reason})"
    return _stated(answer)


def _stated(answer: Answer) -> str:
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    if isinstance(answer, tuple):
        return f"'{', '.join(answer)}'"
    return f"{answer:.4g}" if isinstance(answer, float) else repr(answer)
