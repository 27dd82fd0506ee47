"""The model's own program for a question: what it takes the question to ask.

The model that proposes is given a question alone (options, unit, kind of answer, how often each
label stands in the scene), never the program it came with, and writes a program of its own. Both
must give the same answer on the scene and on noisy copies of it (DESIGN section 6); where they do
not, the question asks something other than its program computes, or can be read in two ways.

A program of the model's that cannot be read, does not run, or gives no answer of the kind asked
for says nothing about the question.
"""

from __future__ import annotations

import functools
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.chat.cache import AnswerCache
from engine.chat.drive import Conversation, Heard, converse
from engine.chat.values import Ask, ChatModel, Constraint, Finish, Message, Said, Sampling
from engine.config import JudgeSettings, NoiseSettings
from engine.judging.case import Case, Objection
from engine.judging.jitter import jittered_copies, noise_of
from engine.judging.validity import answer_text
from engine.programs.execution import check_kind
from engine.programs.reference import vocabulary_page
from engine.programs.sandbox import Job, Sandbox
from engine.records import Answer, AnswerKind, Outcome, Proposal, Reason, SceneFacts
from engine.seeds import derive_seed

__all__ = [
    "Disagreement",
    "OwnProgram",
    "OwnRun",
    "disagreements",
    "on_copies",
    "own_programs",
    "read_own_program",
]

# Longest reply: twice what a program that answers one question takes.
REPLY_TOKENS = 1024

# No length bound: xgrammar (0.2.8) takes a text with one to hold no escapes, so that no program
# could have a second line.
SCHEMA = {
    "type": "object",
    "properties": {"program": {"type": "string"}},
    "required": ["program"],
    "additionalProperties": False,
}

_NOTE_CHARACTERS = 240
_UNITS = {
    "m": "meters",
    "cm": "centimeters",
    "m2": "square meters",
    "deg": "degrees",
    "s": "seconds",
}
_RETURNS = {
    AnswerKind.NUMBER: "a number (float)",
    AnswerKind.COUNT: "a whole number (int)",
    AnswerKind.CHOICE: "a text",
    AnswerKind.ORDER: "a list of texts, in order",
    AnswerKind.YES_NO: "True or False",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnProgram:
    """What the model wrote for one question; ``program`` is None where its reply was no program,
    and ``note`` then says why.
    """

    proposal_id: str
    program: str | None
    note: str
    model: str
    prompt_hash: str
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRun:
    """Both programs' outcomes on one scene and its copies, the scene first, in the same order."""

    given: tuple[Outcome, ...]
    own: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What the model's programs say of a round's questions.

    ``objections`` by proposal id; ``agreeing`` and ``silent`` count the questions on which both
    give the same answer, and those of which the model's program says nothing.
    """

    objections: Mapping[str, Objection]
    agreeing: int
    silent: int


# Runs the programs of cases with what the model wrote for them: by proposal id, for both.
Runner = Callable[[Sequence[tuple[Case, str]]], Mapping[str, OwnRun]]


def own_programs(
    model: ChatModel,
    cache: AnswerCache,
    cases: Sequence[Case],
    *,
    seed: int,
    heard: Heard = lambda _name, _ask, _said: None,
    on_done: Callable[[int], None] = lambda _count: None,
) -> dict[str, OwnProgram]:
    """The model's program for every case's question, by proposal id, in the cases' order.

    ``on_done`` is told how many are finished. Raises ModelOutage.
    """
    found: dict[str, OwnProgram] = {}
    conversations = (
        (case.proposal.proposal_id, _conversation(model, case, seed)) for case in cases
    )
    for name, result in converse(model, cache, conversations, heard):
        found[name] = result
        on_done(len(found))
    return {case.proposal.proposal_id: found[case.proposal.proposal_id] for case in cases}


def _conversation(model: ChatModel, case: Case, seed: int) -> Conversation[OwnProgram]:
    name = case.proposal.proposal_id
    # Servers read seeds as signed integers, some of 32 bits.
    ask = _ask(case, derive_seed(seed, "own program", name) % 2**31)
    said = yield ask
    program, note = read_own_program(said)
    return OwnProgram(
        proposal_id=name,
        program=program,
        note=note,
        model=model.name,
        prompt_hash=ask.key(model.name, model.revision),
        tokens=said.prompt_tokens + said.completion_tokens,
        seconds=said.seconds,
    )


def _ask(case: Case, seed: int) -> Ask:
    return Ask(
        messages=(
            Message(role="system", text=_system()),
            Message(role="user", text=_user(case.proposal, case.scene)),
        ),
        sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=REPLY_TOKENS, seed=seed),
        constraint=Constraint(kind="json", text=json.dumps(SCHEMA)),
        purpose="own program",
    )


@functools.cache
def _system() -> str:
    text = Path(__file__).with_name("own_program_system.md").read_text(encoding="utf-8")
    return text.replace("{{ vocabulary }}", vocabulary_page()).strip()


def _user(proposal: Proposal, scene: SceneFacts) -> str:
    counts = Counter(thing.label for thing in scene.objects)
    rows = ", ".join(f"{label} ({number})" for label, number in sorted(counts.items()))
    lines = [
        f"The scene's labels, with how many objects carry each: {rows}.",
        f"Frames: {len(scene.frames)}." if scene.frames else "There are no frames.",
        "",
        f"Question: {proposal.question}",
    ]
    if proposal.options:
        lines += ["Options:", *(f"- {option}" for option in proposal.options)]
    return "\n".join([*lines, f"The program returns {_returns(proposal)}.", "", "Your program:"])


def _returns(proposal: Proposal) -> str:
    if proposal.answer_kind is None:
        return "the answer"
    words = _RETURNS[proposal.answer_kind]
    if proposal.options and proposal.answer_kind is AnswerKind.CHOICE:
        return f"{words}, one of the options"
    return words if proposal.unit is None else f"{words} in {_UNITS[proposal.unit]}"


def read_own_program(said: Said) -> tuple[str | None, str]:
    """The program in a reply; or None, and why there is none.

    Fences and text around the object are passed over; what was cut is no program.
    """
    if said.finish is Finish.LENGTH:
        return None, f"the reply was cut at {said.completion_tokens} tokens"
    if said.finish is not Finish.STOP:
        return None, _one_line(f"the engine gave no reply ({said.finish}): {said.detail}")
    start = said.text.find("{")
    if start < 0:
        return None, _one_line(f"the reply holds no JSON object: {said.text}")
    try:
        content, _ = json.JSONDecoder(strict=False).raw_decode(said.text, start)
    except (ValueError, RecursionError) as error:
        return None, _one_line(f"the reply is not JSON ({error}): {said.text}")
    program = content.get("program")
    if not isinstance(program, str) or "def answer(" not in program:
        return None, _one_line(f"the reply's program defines no answer(scene): {program!r}")
    # Escapes may name half a character, which no file can hold.
    return program.encode("utf-8", "replace").decode("utf-8"), ""


def _one_line(text: str) -> str:
    line = " ".join(text.split())[:_NOTE_CHARACTERS]
    return line.encode("utf-8", "replace").decode("utf-8")


# --- what both programs answer


def on_copies(
    sandbox: Sandbox, settings: JudgeSettings, noise: NoiseSettings, *, seed: int
) -> Runner:
    """Runs programs on their scenes and on the noisy copies that stability is tried on.

    Margins do not apply: what is asked is whether both answer alike, not how clearly. Raises what
    :meth:`Sandbox.run` raises.
    """

    def run(pairs: Sequence[tuple[Case, str]]) -> dict[str, OwnRun]:
        by_scene: dict[str, list[tuple[Case, str]]] = {}
        for case, program in pairs:
            by_scene.setdefault(case.proposal.scene_id, []).append((case, program))
        found: dict[str, OwnRun] = {}
        for scene_id, of_scene in by_scene.items():
            scene = of_scene[0][0].scene
            copies = jittered_copies(
                scene,
                seed=seed,
                copies=range(settings.copies),
                noise=noise_of(scene.dataset, noise),
            )
            found |= _both(sandbox, scene_id, [scene, *copies], of_scene)
        return found

    return run


def _both(
    sandbox: Sandbox,
    scene_id: str,
    scenes: Sequence[SceneFacts],
    pairs: Sequence[tuple[Case, str]],
) -> dict[str, OwnRun]:
    facts = {f"{place}/{scene_id}": scene for place, scene in enumerate(scenes)}
    jobs = [
        Job(key=case.proposal.proposal_id, scene_id=name, program=program)
        for name in facts
        for case, own in pairs
        for program in (case.proposal.program, own)
    ]
    outcomes: dict[str, list[Outcome]] = {}
    for key, outcome in sandbox.run(jobs, facts.__getitem__, answers_only=True):
        outcomes.setdefault(key, []).append(outcome)
    return {
        key: OwnRun(given=tuple(each[0::2]), own=tuple(each[1::2]))
        for key, each in outcomes.items()
    }


def disagreements(
    cases: Sequence[Case],
    own: Mapping[str, OwnProgram],
    run: Runner,
    *,
    settings: JudgeSettings,
) -> Disagreement:
    """Where the model's programs answer otherwise than those of the cases.

    ``settings.agree_share`` of the copies must agree, ``settings.alike_rel`` is how far numbers
    may be apart.
    """
    pairs = [
        (case, program)
        for case in cases
        if (wrote := own.get(case.proposal.proposal_id)) is not None
        and (program := wrote.program) is not None
    ]
    runs = run(pairs)
    objections: dict[str, Objection] = {}
    agreeing = 0
    for case, _ in pairs:
        name = case.proposal.proposal_id
        shares = _agreement(case.proposal, runs[name], settings)
        if shares is None:
            continue
        objection = _objection(case.proposal, runs[name], shares, settings)
        if objection is None:
            agreeing += 1
        else:
            objections[name] = objection
    return Disagreement(
        objections=objections,
        agreeing=agreeing,
        silent=len(cases) - agreeing - len(objections),
    )


@dataclass(frozen=True, slots=True)
class _Shares:
    here: bool
    copies: float
    counted: int


def _agreement(proposal: Proposal, run: OwnRun, settings: JudgeSettings) -> _Shares | None:
    """Whether both answer alike on the scene, and on which share of the copies both answer.

    None where one of them gives no answer of the kind asked for on the scene itself.
    """
    alike: list[bool] = []
    for place, (given, own) in enumerate(zip(run.given, run.own, strict=True)):
        mine, theirs = _answer(proposal, given), _answer(proposal, own)
        if mine is None or theirs is None:
            if place == 0:
                return None
            continue
        alike.append(_same(proposal, mine, theirs, settings.alike_rel))
    if not alike:
        return None
    here, *copies = alike
    share = sum(copies) / len(copies) if copies else 1.0
    return _Shares(here, share, len(copies))


def _answer(proposal: Proposal, outcome: Outcome) -> Answer | None:
    """An outcome's answer in the proposal's kind, or None where it has none."""
    answer, kind = outcome.answer, proposal.answer_kind
    if not outcome.ok or answer is None or kind is None:
        return None
    if kind is AnswerKind.YES_NO and isinstance(answer, str):
        answer = {"yes": True, "no": False}.get(answer.strip().casefold(), answer)
    if kind is AnswerKind.COUNT and isinstance(answer, float) and answer.is_integer():
        answer = int(answer)
    if check_kind(answer, kind) is not None:
        return None
    if proposal.options and kind in (AnswerKind.CHOICE, AnswerKind.ORDER):
        known = {option.strip().casefold() for option in proposal.options}
        if _text(proposal, answer) not in known:
            return None
    return answer


def _text(proposal: Proposal, answer: Answer) -> str:
    return answer_text(answer, proposal.decimals).strip().casefold()


def _same(proposal: Proposal, first: Answer, second: Answer, within: float) -> bool:
    """The same words; numbers also where they differ by no more than ``within`` of the first."""
    if proposal.answer_kind is AnswerKind.NUMBER:
        assert isinstance(first, int | float)
        assert isinstance(second, int | float)
        if math.isclose(first, second, rel_tol=0.0, abs_tol=within * abs(first) + 1e-9):
            return True
    return _text(proposal, first) == _text(proposal, second)


def _objection(
    proposal: Proposal, run: OwnRun, shares: _Shares, settings: JudgeSettings
) -> Objection | None:
    if not shares.here:
        mine, theirs = _answer(proposal, run.given[0]), _answer(proposal, run.own[0])
        assert mine is not None
        assert theirs is not None
        decimals = proposal.decimals
        return Objection(
            reason=Reason.MISMATCH,
            message=(
                f"given the question alone, the model's own program answers "
                f"{answer_text(theirs, decimals)!r}, this one {answer_text(mine, decimals)!r}"
            ),
        )
    if shares.copies >= settings.agree_share - 1e-9:
        return None
    return Objection(
        reason=Reason.MISMATCH,
        message=(
            f"the model's own program for the question answers alike here, but on only "
            f"{shares.copies:.0%} of {shares.counted} noisy copies "
            f"({settings.agree_share:.0%} needed)"
        ),
        margin=shares.copies - settings.agree_share,
    )
