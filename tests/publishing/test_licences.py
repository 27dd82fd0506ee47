"""What may be passed on of each dataset: stated with its source, strict where nothing is known."""

from __future__ import annotations

import pytest

from engine.errors import InputError
from engine.licences import (
    FLAG,
    KINDS,
    READABLE,
    known_datasets,
    readable,
    refuse_restricted,
    rights_name,
    terms,
)
from engine.resources import DATA_CARDS
from scene_adapters.arkitscenes.adapter import LICENCE as ARKITSCENES
from scene_adapters.scannet.adapter import LICENCE as SCANNET
from scene_adapters.scannetpp.adapter import LICENCE as SCANNETPP
from scene_adapters.synthetic.scenes import LICENCE as SYNTHETIC
from scene_adapters.table import ADAPTERS

RESTRICTED = ("scannet", "scannetpp", "arkitscenes")


def test_every_dataset_that_is_read_has_its_terms() -> None:
    assert set(known_datasets()) == set(ADAPTERS)
    assert set(terms("vsi-meta").scenes_of) == set(RESTRICTED)


@pytest.mark.parametrize("dataset", ["synthetic", *RESTRICTED, "vsi-meta"])
def test_every_fact_is_decided_and_says_where_it_was_read(dataset: str) -> None:
    found = terms(dataset)
    assert found.url.startswith("https://")
    assert found.use
    assert tuple(found.facts) == KINDS
    for kind, fact in found.facts.items():
        assert fact.allowed in ("yes", "no", "conditions"), kind
        assert fact.because, kind
        assert fact.source, kind
        assert found.allows(kind) == (fact.allowed == "yes"), kind


def test_names_are_those_that_scenes_carry() -> None:
    named = {name: terms(name).name for name in ("synthetic", *RESTRICTED)}
    assert named == {
        "synthetic": SYNTHETIC,
        "scannet": SCANNET,
        "scannetpp": SCANNETPP,
        "arkitscenes": ARKITSCENES,
    }


@pytest.mark.parametrize("dataset", RESTRICTED)
@pytest.mark.parametrize("what", ["frames", "depth", "meshes", "metadata", "drawings"])
def test_content_of_restricted_datasets_is_refused_in_one_line(dataset: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        refuse_restricted(["synthetic", dataset], what=what, holds_rights=False)
    message = str(caught.value)
    assert message.startswith(f"{what} of {dataset} may not be passed on")
    for part in (terms(dataset).name, terms(dataset).url, FLAG):
        assert part in message
    assert ("ouroboros hydrate" in message) == (what != "metadata")
    assert "\n" not in message
    refuse_restricted([dataset], what=what, holds_rights=True)


def test_questions_about_them_and_everything_generated_may_go() -> None:
    refuse_restricted(RESTRICTED, what="annotations", holds_rights=False)
    for kind in KINDS:
        refuse_restricted(["synthetic"], what=kind, holds_rights=False)
    refuse_restricted([], what="frames", holds_rights=False)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_dataset_keeps_everything(kind: str) -> None:
    with pytest.raises(InputError, match=rf"{kind} of my-flat .*licences\.toml"):
        refuse_restricted(["my-flat"], what=kind, holds_rights=False)
    assert terms("my-flat").spdx_or_other == "other"


def test_a_kind_nobody_listed_is_treated_as_pictures() -> None:
    with pytest.raises(InputError, match="thumbnails of scannet"):
        refuse_restricted(["scannet"], what="thumbnails", holds_rights=False)
    refuse_restricted(["synthetic"], what="thumbnails", holds_rights=False)


def test_every_restricted_dataset_is_named() -> None:
    with pytest.raises(InputError, match=r"of arkitscenes \(and of scannet, scannetpp\)"):
        refuse_restricted(RESTRICTED, what="frames", holds_rights=False)


def test_boxes_released_with_the_benchmark_follow_its_licence() -> None:
    assert rights_name("scannet", "vsi-meta") == "vsi-meta"
    assert rights_name("scannet", "scannet") == "scannet"
    refuse_restricted(["vsi-meta"], what="drawings", holds_rights=False)
    with pytest.raises(InputError):
        refuse_restricted(["vsi-meta"], what="frames", holds_rights=False)


def test_the_readable_table_is_the_table() -> None:
    stored = (DATA_CARDS / READABLE).read_text(encoding="utf-8")
    assert stored == readable(), (
        f"write data_cards/{READABLE} again: python -c 'from engine.licences import "
        "readable; print(readable(), end=str())'"
    )
