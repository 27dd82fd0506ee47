"""The card, the changelog and the Croissant description say what is there, in valid form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hub_server import running_hub
from hub_workspace import add_round, make_workspace, no_pictures
from huggingface_hub import DatasetCard, DatasetCardData
from huggingface_hub import constants as hub_constants

from engine.progress import QuietReporter
from engine.publishing import card, card_columns
from engine.publishing.published import Edition, Published, prepare
from engine.publishing.published_numbers import read_numbers
from engine.workspace import Workspace, write_json

DATES = {1: "2026-01-31", 2: "2026-02-28", 3: "2026-03-31"}


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.publishing.published.frame_table", no_pictures)
        yield


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("card") / "ws", 3)


@pytest.fixture(scope="module")
def published(workspace: Workspace) -> Published:
    return staged(workspace, 1, 2, 3)


def staged(workspace: Workspace, *rounds: int) -> Published:
    edition = Edition(repo_id="user/rooms", dates=DATES, holds_rights=True)
    return prepare(workspace, rounds, edition, wanted=rounds, reporter=QuietReporter())


def text(published: Published, name: str, after: int | None = None) -> str:
    tree = published.newest if after is None else published.trees[after]
    content = tree.files[name].content
    assert isinstance(content, bytes)
    return content.decode()


# The card


def test_the_hubs_own_validator_accepts_every_rounds_card(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_hub() as hub:
        monkeypatch.setattr(hub_constants, "ENDPOINT", hub.url)
        for number in published.trees:
            found = DatasetCard(text(published, "README.md", number))
            found.validate()
            assert isinstance(found.data, DatasetCardData)
        assert hub.asked("POST", "/validate-yaml") == 3
        with pytest.raises(ValueError, match="license"):
            DatasetCard(text(published, "README.md").replace("cc0-1.0", "free!")).validate()


def test_the_front_matter_names_the_rounds_zero_padded_and_the_newest_as_default(
    published: Published,
) -> None:
    data: Any = DatasetCard(text(published, "README.md")).data
    names = [each["config_name"] for each in data.configs]
    assert names == ["round-0001", "round-0002", "round-0003", "latest", "all", "ledger", "frames"]
    (default,) = (each for each in data.configs if each.get("default"))
    newest = next(each for each in data.configs if each["config_name"] == "round-0003")
    assert default["data_files"] == newest["data_files"]
    assert [split["split"] for split in default["data_files"]] == ["train", "held_out"]
    assert (data.license, data.size_categories, data.language) == ("cc0-1.0", ["n<1K"], ["en"])
    assert data.source_datasets == ["original"]


def test_an_earlier_rounds_card_does_not_know_the_later_ones(published: Published) -> None:
    first = text(published, "README.md", 1)
    assert "round-0002" not in first
    assert "| round-0001 | 6 | 6 | 2 | 2 | 2 |" in first
    assert "| round-0002 | 6 | 9 | 3 | 3 | 3 |" in text(published, "README.md")


def test_every_published_column_is_explained(published: Published) -> None:
    shown = text(published, "README.md")
    for path, kind in (("rounds/*/*", "train"), ("ledger/*", "ledger"), ("frames/*", "frames")):
        columns = pl.read_parquet(f"{published.folder}/{path}.parquet").columns
        assert set(columns) <= card_columns.MEANINGS[kind].keys()
        assert all(f"| `{column}` |" in shown for column in columns)


def test_text_of_others_is_shown_and_not_obeyed() -> None:
    assert card.cell("a|b\n# <img src=x> [x](y) `z` _w_ a_b") == (
        r"a\|b \# \<img src=x\> \[x\](y) \`z\` \_w\_ a_b"
    )


@pytest.mark.parametrize(
    ("rows", "name"), [(999, "n<1K"), (1000, "1K<n<10K"), (25_600, "10K<n<100K")]
)
def test_sizes_are_named_as_the_hub_names_them(rows: int, name: str) -> None:
    assert card._size(rows) == name


@pytest.mark.parametrize(
    ("dataset", "held_out", "licence", "link"),
    [
        ("scannet", "synthetic", "terms-of-the-source-datasets", "README.md"),
        ("scannet", "scannet", "scannet-terms-of-use", "https://kaldir.vc.in.tum.de/"),
        ("my scans", "my scans", "terms-of-the-source-datasets", "README.md"),
    ],
)
def test_sources_without_one_known_licence_are_other(
    tmp_path: Path, dataset: str, held_out: str, licence: str, link: str
) -> None:
    workspace = make_workspace(tmp_path / "ws", 0)
    add_round(workspace, 0, dataset=held_out)
    add_round(workspace, 1, dataset=dataset)
    shown = text(staged(workspace, 1), "README.md")
    data: Any = DatasetCard(shown).data.to_dict()
    assert (data["license"], data["license_name"]) == ("other", licence)
    assert data["license_link"].startswith(link)
    assert f"extended|other-{dataset.replace(' ', '-')}" in data["source_datasets"]
    assert f"\n| {dataset} | " in shown


# The changelog


def test_the_changelog_tells_what_each_round_changed(published: Published) -> None:
    newest, _, rest = text(published, "CHANGELOG.md").partition("\n## round-0002 (2026-02-28)\n")
    assert "## round-0003 (2026-03-31)" in newest
    assert "- Added 6 questions: 6 of 7 proposed by grammar were accepted." in newest
    assert "- New types: object_rel_distance." in newest
    # Round 2's first three were easy, hard and frontier, and are trained on again in round 3.
    assert (
        "- Of those trained on before: easy to hard 1, frontier to easy 1, hard to frontier 1, "
        "unchanged 0."
    ) in newest
    assert "- Held-out score 0.375 (-0.083 against round-0002)." in newest
    middle, _, first = rest.partition("\n## round-0001 (2026-01-31)\n")
    assert "- Dropped types (none accepted): object_rel_distance." in middle
    assert "against the base solver" in first
    assert "## Held-out questions" in first
    assert text(published, "CHANGELOG.md", 1).endswith(first)


def test_labels_are_those_of_the_thresholds_that_the_round_ran_with(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", 1)
    before = read_numbers(workspace, [0, 1])[1]
    (workspace.config_path).write_text("[curriculum]\neasy_above = 0.2\n")
    assert read_numbers(workspace, [0, 1])[1] == before
    plan = workspace.plan(1)
    assert plan is not None
    plan["inputs"]["config"]["curriculum"] |= {"easy_above": 0.4}
    write_json(workspace.round_dir(1) / "plan.json", plan)
    assert read_numbers(workspace, [0, 1])[1].labels == {"easy": 4, "frontier": 0, "hard": 2}


def test_the_published_ledger_has_the_same_labels(published: Published) -> None:
    ledger = pl.read_parquet(published.folder / "ledger" / "round-0002.parquet")
    counted = dict(ledger["label"].value_counts().iter_rows())
    assert counted == dict(published.numbers[2].labels)


# Croissant


@pytest.mark.filterwarnings("ignore")
def test_mlcroissant_validates_the_description_and_reads_the_records_back(
    published: Published,
) -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(str(published.folder / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    sets = {record_set.uuid for record_set in dataset.metadata.record_sets}
    assert sets == {"round-0001", "round-0002", "round-0003", "held_out", "ledger", "frames"}
    for name, pattern in (("round-0002", "rounds/round-0002/*"), ("ledger", "ledger/*")):
        rows = pl.read_parquet(f"{published.folder}/{pattern}.parquet")
        records = list(dataset.records(name))
        for column in ("sample_id", "confidence", "question", "options", "object_ids"):
            if column in rows.columns:
                got = [_plain(record[f"{name}/{column}"]) for record in records]
                assert sorted(got, key=repr) == sorted(rows[column].to_list(), key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def test_croissant_names_every_data_file_with_its_hash(published: Published) -> None:
    described = json.loads(text(published, "croissant.json"))
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert described["datePublished"] == DATES[3]
    files = [each for each in described["distribution"] if each["@type"] == "cr:FileObject"]
    assert {each["@id"]: each["sha256"] for each in files} == {
        path: published.newest.files[path].sha256 for path in published.newest.data
    }
    included = [
        path
        for each in described["distribution"]
        if each["@type"] == "cr:FileSet"
        for path in each["includes"]
    ]
    assert sorted(included) == sorted(published.newest.data)
