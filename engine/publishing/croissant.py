"""The set described in Croissant 1.1 (JSON-LD): files with their sha256, and records with fields.

Every Parquet file is a file object with its hash, every kind of file of a configuration a file set
of the paths, and every file set has a record set whose fields are the Parquet columns. Paths are
relative to ``croissant.json``, so that a downloaded folder describes itself. The structured
``confidence_history`` is left out of the fields: Croissant's readers do not agree on nested lists.

Specification: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.licences import Terms
from engine.publishing.card_columns import meaning
from engine.publishing.published_files import (
    FRAMES,
    HELD_OUT,
    LEDGER,
    TRAIN,
    DataFile,
    by_round,
    round_name,
)

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_PARQUET = "application/x-parquet"
# The specification's JSON-LD context: its own terms, then those that are not plain texts.
_TERMS = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field",
    "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset",
    "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated",
    "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_TITLES = {
    TRAIN: "questions accepted in",
    HELD_OUT: "questions of the rooms kept for measuring",
    LEDGER: "confidences observed while training, round by round",
    FRAMES: "hashes of the pictures the questions are asked on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    """A record set to be: its name, what it holds, and the files its records stand in."""

    name: str
    kind: str
    text: str
    files: Sequence[DataFile]


def write_croissant(
    repo_id: str,
    newest: int,
    files: Sequence[DataFile],
    schemas: Mapping[str, pl.Schema],
    sources: Sequence[Terms],
    *,
    date: str | None,
) -> str:
    """The description of a set whose newest round is ``newest``, as JSON text.

    ``date`` (``2026-01-31``) is the day on which that round was published.
    """
    user, _, name = repo_id.partition("/")
    records = list(_record_sets(files))
    content = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": (
            "Questions about the geometry of indoor scenes, each with the program that computes "
            "its answer, published round by round with the confidence of the solver trained on "
            "them."
        ),
        "conformsTo": CONFORMS_TO,
        "url": f"https://huggingface.co/datasets/{repo_id}",
        "creator": {"@type": "Organization", "name": user},
        "license": [each.url or each.name for each in sources],
        "citeAs": "Ouroboros-Spatial, arXiv 2606.11719",
        "version": f"{newest}.0.0",
        **({} if date is None else {"datePublished": date}),
        "distribution": [
            *(_file_object(file) for file in sorted(files, key=lambda each: each.path)),
            *(_file_set(each) for each in records),
        ],
        "recordSet": [_record_set(each, schemas[each.kind]) for each in records],
    }
    return json.dumps(content, indent=1) + "\n"


def _record_sets(files: Sequence[DataFile]) -> Iterator[_Records]:
    for number, of_round in by_round(files, TRAIN).items():
        name = round_name(number)
        yield _Records(name=name, kind=TRAIN, text=f"{_TITLES[TRAIN]} {name}", files=of_round)
    for kind in (HELD_OUT, LEDGER, FRAMES):
        found = [file for of_round in by_round(files, kind).values() for file in of_round]
        if found:
            yield _Records(name=kind, kind=kind, text=_TITLES[kind], files=found)


def _file_object(file: DataFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.entry.bytes} B",
        "encodingFormat": _PARQUET,
        "sha256": file.entry.sha256,
    }


def _file_set(each: _Records) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{each.name}-files",
        "name": f"{each.name}-files",
        "description": f"Files of: {each.text}",
        "encodingFormat": _PARQUET,
        "includes": [file.path for file in each.files],
    }


def _record_set(each: _Records, schema: pl.Schema) -> dict[str, Any]:
    found = {name: _data_type(dtype) for name, dtype in schema.items()}
    return {
        "@type": "cr:RecordSet",
        "@id": each.name,
        "name": each.name,
        "description": each.text,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{each.name}/{name}",
                "name": f"{each.name}/{name}",
                "description": meaning(each.kind, name),
                **typed,
                "source": {
                    "fileSet": {"@id": f"{each.name}-files"},
                    "extract": {"column": name},
                },
            }
            for name, typed in found.items()
            if typed is not None
        ],
    }


def _data_type(dtype: pl.DataType) -> dict[str, Any] | None:
    """A column's type in Croissant's words; None for one that its readers would not agree on."""
    if isinstance(dtype, pl.List):
        return {"dataType": "sc:Text", "isArray": True, "arrayShape": "-1"} if (
            dtype.inner == pl.String
        ) else None  # fmt: skip
    if dtype == pl.String:
        return {"dataType": "sc:Text"}
    if dtype == pl.Boolean:
        return {"dataType": "sc:Boolean"}
    if dtype.is_integer():
        return {"dataType": "sc:Integer"}
    return {"dataType": "sc:Float"} if dtype.is_float() else None
