"""Questions read as English, briefly, with every kind worded several ways."""

from __future__ import annotations

import string

import pytest

from engine.proposing.kinds import KINDS
from engine.proposing.wording import WORDING, either, every, plural


@pytest.mark.parametrize(
    ("label", "many"),
    [
        ("chair", "chairs"),
        ("trash_bin", "trash bins"),
        ("bookshelf", "bookshelves"),
        ("stove", "stoves"),
        ("computer mouse", "computer mice"),
        ("couch", "couches"),
        ("box", "boxes"),
        ("glass", "glasses"),
        ("battery", "batteries"),
        ("toy", "toys"),
        ("curtains", "curtains"),
        ("bus", "buses"),
        ("tv", "tvs"),
    ],
)
def test_plurals(label: str, many: str) -> None:
    assert plural(label) == many


def test_lists_are_joined_as_spoken() -> None:
    assert either(["chair", "trash_bin", "tv"]) == "chair, trash bin or tv"
    assert every(["chair", "tv"]) == "chair and tv"


def test_each_kind_has_its_own_sentences_and_no_sentence_is_left_over() -> None:
    assert set(WORDING) == {kind.name for kind in KINDS}
    sentences = [sentence for found in WORDING.values() for sentence in found]
    assert len(set(sentences)) == len(sentences)
    assert all(4 <= len(found) <= 8 for found in WORDING.values())


@pytest.mark.parametrize("kind", sorted(WORDING))
def test_sentences_of_a_kind_fill_the_same_slots_within_thirty_words(kind: str) -> None:
    slots = [
        {field.removesuffix("_and") for _, field, _, _ in string.Formatter().parse(text) if field}
        for text in WORDING[kind]
    ]
    assert all(found == slots[0] for found in slots)
    for text in WORDING[kind]:
        assert len(text.split()) <= 30, text
        assert text.endswith(("?", ".")), text
        assert text[0].isupper() or text.startswith("{"), text


def test_the_vocabulary_of_words_stays_small() -> None:
    words = {
        word.strip("?,.:").lower()
        for found in WORDING.values()
        for text in found
        for word in text.split()
        if "{" not in word
    }
    assert len(words) <= 130, sorted(words)
