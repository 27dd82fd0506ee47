"""Reading replies: any text becomes proposals, or proposals that say why they cannot be read.

A reply holds one JSON object per line, or what :mod:`engine.proposing.splitting` makes of what
models write instead. The fields themselves are taken strictly: nothing is repaired.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from engine.proposing.splitting import Piece, split
from engine.records import QUESTION_TYPES, UNITS, AnswerKind, Proposal, Reply

QUESTION_LIMIT = 1000
PROGRAM_LIMIT = 8000
OPTION_LIMIT = 200
# The letters A to Z name the options.
MAX_OPTIONS = 26
MAX_DECIMALS = 6
RAW_LIMIT = 20_000


class _Content(NamedTuple):
    """A proposal's content; empty where it could not be read."""

    question: str = ""
    question_type: str = ""
    program: str = ""
    answer_kind: AnswerKind | None = None
    unit: str | None = None
    decimals: int | None = None
    options: tuple[str, ...] | None = None


class _UnreadableError(Exception):
    """A field breaks the contract; the message says which and how."""


def parse_reply(
    reply: Reply,
    *,
    round: int,  # noqa: A002 - the field it fills
    proposer: str,
    start: int = 0,
) -> tuple[Proposal, ...]:
    """The proposals of one reply, unreadable ones with their ``parse_error``; never raises.

    ``start`` is the number of proposals already read from this scene's earlier replies of the
    round: ids derive from the position. The reply's cost is shared evenly between its proposals.
    """
    if reply.error is not None:
        pieces = [Piece(reply.text, error=reply.error)]
    else:
        pieces = split(reply.text)
    share, extra = divmod(reply.tokens, len(pieces))
    return tuple(
        _proposal(
            piece,
            reply,
            number=round,
            proposer=proposer,
            position=start + index,
            tokens=share + (index < extra),
            seconds=reply.seconds / len(pieces),
        )
        for index, piece in enumerate(pieces)
    )


def _proposal(
    piece: Piece,
    reply: Reply,
    *,
    number: int,
    proposer: str,
    position: int,
    tokens: int,
    seconds: float,
) -> Proposal:
    # Lone surrogates are text to Python and JSON, but no file could hold them.
    raw = piece.raw.encode("utf-8", "replace").decode("utf-8")
    content, error = _Content(), piece.error
    if error is None:
        try:
            content = _content(piece.value)
        except _UnreadableError as problem:
            error = str(problem)
    key = "\x1f".join((proposer, reply.scene_id, str(position), raw))
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return Proposal(
        proposal_id=f"{number:04d}-{digest[:16]}",
        round=number,
        scene_id=reply.scene_id,
        question=content.question,
        question_type=content.question_type,
        program=content.program,
        answer_kind=content.answer_kind,
        unit=content.unit,
        decimals=content.decimals,
        options=content.options,
        proposer=proposer,
        prompt_hash=reply.prompt_hash,
        tokens=tokens,
        seconds=seconds,
        raw=raw[:RAW_LIMIT],
        parse_error=error,
    )


def _content(value: object) -> _Content:
    """The content of one JSON value. Raises _UnreadableError naming the field at fault."""
    if not isinstance(value, dict):
        raise _UnreadableError(f"expected a JSON object, found {type(value).__name__}")
    missing = [field for field in _Content._fields if field not in value]
    if missing:
        raise _UnreadableError(f"missing field {', '.join(missing)}")
    return _Content(
        question=_text(value, "question", QUESTION_LIMIT).strip(),
        question_type=_one_of(value, "question_type", QUESTION_TYPES),
        program=_text(value, "program", PROGRAM_LIMIT),
        answer_kind=AnswerKind(_one_of(value, "answer_kind", tuple(AnswerKind))),
        unit=None if value["unit"] is None else _one_of(value, "unit", UNITS),
        decimals=_decimals(value["decimals"]),
        options=_options(value["options"]),
    )


def _text(value: Mapping[str, object], field: str, limit: int) -> str:
    text = value[field]
    if not isinstance(text, str):
        raise _UnreadableError(f"{field} must be text, found {_shown(text)}")
    if not text.strip():
        raise _UnreadableError(f"{field} is empty")
    if len(text) > limit:
        raise _UnreadableError(f"{field} is {len(text)} characters long; at most {limit}")
    _refuse_surrogates(text, field)
    return text


def _one_of(value: Mapping[str, object], field: str, known: tuple[str, ...]) -> str:
    text = value[field]
    if isinstance(text, str) and text in known:
        return str(text)
    near = difflib.get_close_matches(text[:100], known, n=1) if isinstance(text, str) else []
    hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
    raise _UnreadableError(f"{field} {_shown(text)} is unknown; {hint}")


def _decimals(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_DECIMALS:
        raise _UnreadableError(f"decimals must be 0 to {MAX_DECIMALS} or null, not {_shown(value)}")
    return value


def _options(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not 2 <= len(value) <= MAX_OPTIONS:
        raise _UnreadableError(
            f"options must be null or a list of 2 to {MAX_OPTIONS} texts, not {_shown(value)}"
        )
    options = []
    for option in value:
        if not isinstance(option, str) or not 1 <= len(option.strip()) <= OPTION_LIMIT:
            raise _UnreadableError(
                f"options must be texts of 1 to {OPTION_LIMIT} characters, not {_shown(option)}"
            )
        _refuse_surrogates(option, "options")
        options.append(option.strip())
    if len(set(options)) < len(options):
        raise _UnreadableError(f"options must differ from each other: {_shown(value)}")
    return tuple(options)


def _refuse_surrogates(text: str, field: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _UnreadableError(f"{field} holds half a surrogate pair")


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
