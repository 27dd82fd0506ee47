"""Files in VSI-Bench's format, read: JSON lines, one JSON list, Parquet, or an export's folder.

The columns are the benchmark's: ``id``, ``dataset``, ``scene_name``, ``question_type``,
``question``, ``options`` (null, or texts such as "A. chair") and ``ground_truth`` (a letter where
there are options, otherwise the answer). Files of the layout ``vsi-bench`` carry more, of which
``sample_id``, ``answer_kind``, ``unit`` and ``frame_ids`` are used where they are there, so that a
question comes back as it was asked. What does not fit is refused with its line and column.
"""

from __future__ import annotations

import json
import math
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from engine.errors import InputError
from engine.publishing.manifest import MANIFEST, is_export
from engine.records import AnswerKind

REQUIRED = (
    "id", "dataset", "scene_name", "question_type", "question", "options", "ground_truth",
)  # fmt: skip
# What a question of ours says beyond the benchmark's columns.
OURS = ("sample_id", "answer_kind", "unit", "frame_ids")

_PARQUET = b"PAR1"
_OPTION = re.compile(r"(?P<letter>[A-Z])\. ?(?P<words>.*)", re.DOTALL)
_COUNTING = "object_counting"


@dataclass(frozen=True, slots=True, kw_only=True)
class VsiQuestion:
    """One question: ``options`` are words without letters, ``answer`` the right one's words.

    ``frame_ids`` are empty where the file does not say on which frames it is asked; ``where`` is
    its place in the file, for messages.
    """

    question_id: str
    dataset: str
    scene_name: str
    question_type: str
    question: str
    options: tuple[str, ...] | None
    answer: str
    answer_kind: AnswerKind
    unit: str | None
    frame_ids: tuple[str, ...]
    where: str


def read_vsi_bench(path: Path) -> list[VsiQuestion]:
    """The questions of a file, in its order; those of all files of an exported folder.

    The form is told by the content, not by the name. Raises InputError naming file, line and column
    for what is not in the format, and where there is no question at all.
    """
    found: list[VsiQuestion] = []
    places: dict[str, str] = {}
    for file, where, row in _rows(path):
        question = _Row(file, where, row).question()
        before = places.setdefault(question.question_id, where)
        if before != where:
            raise InputError(
                f"{file}: {where}: column 'id': {question.question_id!r} stood in {before} already"
            )
        found.append(question)
    if not found:
        raise InputError(f"{path}: holds no question; name a file in VSI-Bench's format")
    return found


def _rows(path: Path) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    if not path.is_dir():
        yield from _file_rows(path)
        return
    if not is_export(path):
        raise InputError(
            f"{path}: is a folder that `ouroboros export vsi-bench` did not write; name a file"
        )
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    names = [str(each["path"]) for each in manifest["files"]]
    for name in names:
        if name.endswith(".parquet"):
            for file, where, row in _parquet_rows(path / name):
                yield file, f"{name}, {where}", row


def _file_rows(path: Path) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    try:
        with path.open("rb") as file:
            start = file.read(len(_PARQUET))
        text = "" if start == _PARQUET else path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: is neither Parquet nor text (byte {error.start}); name a file in "
            "VSI-Bench's format: JSON lines, JSON or Parquet"
        ) from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); correct the path"
        ) from error
    if start == _PARQUET:
        yield from _parquet_rows(path)
    elif text.lstrip().startswith("["):
        yield from _list_rows(path, text)
    else:
        yield from _line_rows(path, text)


def _parquet_rows(path: Path) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    try:
        with path.open("rb") as file:
            there = pl.read_parquet_schema(file)
        missing = [name for name in REQUIRED if name not in there]
        if missing:
            raise _lacks(path, "row 1", missing[0], list(there))
        # Pictures may weigh gigabytes, and are not looked at.
        columns = [name for name in (*REQUIRED, *OURS) if name in there]
        frame = pl.read_parquet(path, columns=columns, hive_partitioning=False, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]}); "
            "restore the file, or name another"
        ) from error
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        yield path, f"row {number}", row


def _list_rows(path: Path, text: str) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON ({error}); correct it there") from error
    for number, value in enumerate(values, start=1):
        yield path, f"entry {number}", _object(path, f"entry {number}", value)


def _line_rows(path: Path, text: str) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}: line {number} is no JSON ({error}); "
                "name a file in VSI-Bench's format: JSON lines, JSON or Parquet"
            ) from error
        yield path, f"line {number}", _object(path, f"line {number}", value)


def _object(path: Path, where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(
            f"{path}: {where} is no object but {_shown(value)}; "
            f"write one with {', '.join(REQUIRED)}"
        )
    return value


class _Row:
    """One row being read; every complaint names the file, the place and the column."""

    def __init__(self, path: Path, where: str, row: Mapping[str, Any]) -> None:
        self._path = path
        self._where = where
        self._row = row

    def question(self) -> VsiQuestion:
        for name in REQUIRED:
            if name not in self._row:
                raise _lacks(self._path, self._where, name, list(self._row))
        options = self._options()
        question_type = self._text("question_type")
        truth = self._truth()
        kind = self._kind(question_type, options, truth)
        return VsiQuestion(
            question_id=self._identity(),
            dataset=self._text("dataset"),
            scene_name=self._text("scene_name"),
            question_type=question_type,
            question=self._text("question"),
            options=options,
            answer=truth if options is None else self._right(options, truth),
            answer_kind=kind,
            unit=self._optional("unit"),
            frame_ids=self._frames(),
            where=self._where,
        )

    def _identity(self) -> str:
        if self._row.get("sample_id") is not None:
            return self._text("sample_id")
        value = self._row["id"]
        if isinstance(value, bool) or not isinstance(value, (int, str)) or value == "":
            raise self._fault("id", f"{_shown(value)} is neither a number nor a text")
        return str(value)

    def _text(self, name: str) -> str:
        value = self._row[name]
        if not isinstance(value, str) or not value.strip():
            raise self._fault(name, f"{_shown(value)} is no text")
        if not value.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise self._fault(name, f"{_shown(value)} holds half a character")
        return value

    def _optional(self, name: str) -> str | None:
        return None if self._row.get(name) is None else self._text(name)

    def _truth(self) -> str:
        value = self._row["ground_truth"]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        return self._text("ground_truth")

    def _options(self) -> tuple[str, ...] | None:
        value = self._row["options"]
        if value is None:
            return None
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self._fault("options", f"{_shown(value)} is neither null nor a list")
        if not 2 <= len(value) <= len(string.ascii_uppercase):
            raise self._fault("options", f"{len(value)} of them; write 2 to 26, or null")
        words = []
        for letter, option in zip(string.ascii_uppercase, value, strict=False):
            match = _OPTION.fullmatch(option) if isinstance(option, str) else None
            if match is None or match["letter"] != letter or not match["words"].strip():
                raise self._fault("options", f"{_shown(option)} does not read '{letter}. …'")
            words.append(match["words"].strip())
        return tuple(words)

    def _right(self, options: tuple[str, ...], truth: str) -> str:
        place = string.ascii_uppercase.find(truth.upper()) if len(truth) == 1 else -1
        if not 0 <= place < len(options):
            raise self._fault(
                "ground_truth",
                f"{_shown(truth)} is no letter of A to {string.ascii_uppercase[len(options) - 1]}",
            )
        if options.count(options[place]) > 1:
            raise self._fault("options", f"the right one, {_shown(options[place])}, stands twice")
        return options[place]

    def _kind(self, question_type: str, options: object, truth: str) -> AnswerKind:
        stated = self._row.get("answer_kind")
        if stated is not None:
            try:
                kind = AnswerKind(stated)
            except ValueError:
                known = ", ".join(AnswerKind)
                raise self._fault("answer_kind", f"{_shown(stated)} is none of {known}") from None
        elif options is not None:
            kind = AnswerKind.CHOICE
        else:
            kind = AnswerKind.COUNT if question_type == _COUNTING else AnswerKind.NUMBER
        measured = kind in (AnswerKind.NUMBER, AnswerKind.COUNT)
        if measured and options is None and not _is_number(truth):
            raise self._fault("ground_truth", f"{_shown(truth)} is no number, and no options")
        return kind

    def _frames(self) -> tuple[str, ...]:
        value = self._row.get("frame_ids")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._fault("frame_ids", f"{_shown(value)} is no list of texts")
        return tuple(value)

    def _fault(self, column: str, problem: str) -> InputError:
        return InputError(
            f"{self._path}: {self._where}: column {column!r}: {problem}; correct it there"
        )


def _lacks(path: Path, where: str, column: str, there: Sequence[str]) -> InputError:
    return InputError(
        f"{path}: {where}: column {column!r} is missing (there: {', '.join(there) or 'none'}); "
        f"VSI-Bench's format has {', '.join(REQUIRED)}"
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _shown(value: object, most: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
