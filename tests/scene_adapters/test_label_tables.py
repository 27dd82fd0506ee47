from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_adapters import labels
from scene_adapters.labels import DATASETS, Label, label_table, normal_form

META = Path(__file__).parents[2].parent / "shared" / "data" / "vsi_bench_meta"

# What VSI-Bench counts, by its released metadata of all 288 scenes.
COUNTED = {
    "scannet": {
        "backpack", "bed", "bookshelf", "chair", "clock", "closet", "computer mouse", "counter",
        "door", "fan", "guitar", "keyboard", "lamp", "mattress", "microwave", "mirror", "monitor",
        "nightstand", "oven", "piano", "pillow", "plant", "printer", "radiator", "refrigerator",
        "sofa", "table", "telephone", "towel", "trash bin", "tv", "washing machine", "window",
    },
    "scannetpp": {
        "basket", "bed", "blanket", "bookshelf", "bowl", "bucket", "ceiling light", "chair",
        "clock", "coat hanger", "computer mouse", "computer tower", "crate", "cup", "cushion",
        "cutting board", "door", "exhaust fan", "headphones", "heater", "kettle", "keyboard",
        "laptop", "microwave", "monitor", "pan", "paper bag", "pillow", "plant", "power strip",
        "printer", "refrigerator", "shoe rack", "shoes", "sofa", "suitcase", "table",
        "table lamp", "telephone", "toilet", "trash can", "tv", "whiteboard",
    },
    "arkitscenes": {
        "bathtub", "bed", "chair", "dishwasher", "fireplace", "refrigerator", "sofa", "stool",
        "stove", "table", "toilet", "tv", "washer",
    },
}  # fmt: skip

# One word a thing in all datasets: these are called here as in another of the three.
RENAMED = {"trash can": "trash bin", "washing machine": "washer"}

datasets = st.sampled_from(DATASETS)
quick = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_countable_labels_are_those_vsi_bench_counts(dataset):
    counted = {RENAMED.get(label, label) for label in COUNTED[dataset]}
    assert label_table(dataset).countable() == counted


def test_no_countable_label_has_another_name_in_another_dataset():
    apart = {
        ("scannet", "radiator"),  # annotators of ScanNet++ tell radiators from heaters
        ("scannetpp", "pan"),  # ScanNet names the kind: frying pan
        ("scannetpp", "shoes"),  # a pair in ScanNet++, one of them in ScanNet
        ("scannetpp", "table lamp"),  # ScanNet counts lamps of all kinds as one
    }
    other = {
        (dataset, label)
        for dataset in DATASETS
        for label in label_table(dataset).countable()
        for table in map(label_table, DATASETS)
        if table.look_up(label).name != label
    }
    assert other == apart


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_canonical_label_is_in_normal_form_and_maps_to_itself(dataset):
    table = label_table(dataset)
    for label in set(table.rows.values()):
        assert label.name == normal_form(label.name) != ""
        assert table.look_up(label.name).name == label.name


@pytest.mark.parametrize("dataset", DATASETS)
def test_table_files_are_in_normal_form_or_documented_and_say_where_they_come_from(dataset):
    text = (Path(labels.__file__).parent / "label_tables" / f"{dataset}.tsv").read_text("utf-8")
    lines = text.splitlines()
    header = lines[: lines.index("raw\tcanonical\tworld")]
    assert header
    assert all(line.startswith("#") for line in header)
    assert "Facts:" in "".join(header)
    assert "VSI-Bench" in "".join(header)
    rows = [line for line in lines if line and not line.startswith("#")]
    assert len(rows) - 1 == len(label_table(dataset).rows), "a row went missing on the way"


def test_scannet_tables_know_the_words_annotators_use():
    for dataset in ("scannet", "scannetpp"):
        rows = label_table(dataset).rows
        assert sum(raw != label.name for raw, label in rows.items()) >= 150


@pytest.mark.parametrize(
    ("dataset", "raw", "name", "countable"),
    [
        ("scannet", "office chair", "chair", True),
        ("scannet", "couch", "sofa", True),
        ("scannet", "desk", "table", True),
        ("scannet", "trash can", "trash bin", True),
        ("scannet", "recycling bin", "trash bin", True),
        ("scannet", "mouse", "computer mouse", True),
        ("scannet", "night stand", "nightstand", True),
        ("scannet", "kitchen cabinets", "kitchen cabinet", False),
        ("scannet", "closet doors", "closet door", False),
        ("scannetpp", "office table", "table", True),
        ("scannetpp", "trash can", "trash bin", True),
        ("scannetpp", "ceiling lamp", "ceiling light", True),
        ("scannetpp", "mug", "cup", True),
        ("scannetpp", "window", "window", False),
        ("arkitscenes", "tv_monitor", "tv", True),
        ("arkitscenes", "cabinet", "cabinet", False),
        ("arkitscenes", "sink", "sink", False),
    ],
)
def test_raw_labels_are_called_what_the_benchmark_calls_them(dataset, raw, name, countable):
    assert label_table(dataset).look_up(raw) == Label(name=name, countable=countable)


def test_what_may_be_several_things_is_called_so_but_not_counted():
    for dataset, raw, name in [
        ("scannet", "stack of chairs", "chair"),
        ("scannet", "doors", "door"),
        ("scannetpp", "whiteboards", "whiteboard"),
        ("scannetpp", "coffee table", "table"),
    ]:
        assert label_table(dataset).look_up(raw) == Label(name=name, countable=False)


def test_walls_floors_and_ceilings_are_the_room_and_frames_are_not():
    for dataset in DATASETS:
        for raw in ("wall", "floor", "ceiling"):
            assert label_table(dataset).look_up(raw) == Label(name=raw, structure=True)
        assert not label_table(dataset).look_up("window frame").structure
    assert label_table("scannet").look_up("closet walls").structure


def test_annotation_leftovers_are_ignored_in_any_case():
    for raw in ("SPLIT", "split", "REMOVE", "Remove", " remove "):
        assert label_table("scannetpp").look_up(raw).ignored
    assert label_table("scannet").look_up("object").ignored
    for raw in ("", "  ", "_", "-/-", "\x00", "???"):
        assert label_table("scannet").look_up(raw) == Label(name="", ignored=True)


def test_the_table_goes_before_the_category_and_the_category_before_the_raw_word():
    table = label_table("scannet")
    assert table.look_up("stack of chairs", "chair") == Label(name="chair", countable=False)
    assert table.look_up("chaaair", "Chair") == Label(name="chair", countable=True)
    assert table.look_up("gizmo 3000", "gizmo") == Label(name="gizmo")
    for nothing in (None, "", "None", "nan", " "):
        assert table.look_up("gizmo 3000", nothing) == Label(name="gizmo 3000")


@quick
@given(datasets, st.text(max_size=30), st.none() | st.text(max_size=30))
def test_any_text_is_a_label_in_normal_form_or_ignored(dataset, raw, category):
    label = label_table(dataset).look_up(raw, category)
    assert label.ignored or label.name
    assert label.name == normal_form(label.name)
    assert label.name.isprintable()
    assert label.countable + label.structure + label.ignored <= 1
    assert not label.countable or label.name in COUNTED[dataset]


@quick
@given(datasets, st.data(), st.sampled_from([" ", "_", "-", "/", "  ", "\t", " - "]))
def test_case_and_spaces_do_not_change_a_label(dataset, data, gap):
    table = label_table(dataset)
    raw = data.draw(st.sampled_from(sorted(table.rows)) | st.text("abcdE f", max_size=12))
    written = f"{gap}{raw.upper().replace(' ', gap)}{gap}"
    assert table.look_up(written) == table.look_up(raw)


@quick
@given(st.text(max_size=40))
def test_the_normal_form_is_its_own_normal_form(text):
    assert normal_form(normal_form(text)) == normal_form(text)


def test_an_unknown_dataset_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'matterport'.*scannetpp"):
        label_table("matterport")


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("chair\tchair\tclosed\nChair \tchair\tclosed", "'chair' stands twice"),
        ("couch\tsofa\tclosed", "'sofa' does not map to itself"),
        ("wall\twall\tstructure\nwalls\twall\topen", "'wall' is of"),
        ("chair\tchair\topen\nseat\tchair\tclosed", "'chair' is of"),
        ("chair\tchair\tmaybe", "world 'maybe'"),
        ("chair\tchair", "2 columns"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(rows, fault):
    with pytest.raises(ValueError, match=fault):
        labels._rows(f"# a table\nraw\tcanonical\tworld\n{rows}\n", "scannet")


def test_labels_cross_processes():
    label = label_table("scannet").look_up("couch")
    assert pickle.loads(pickle.dumps(label)) == label


@pytest.mark.skipif(not META.is_dir(), reason=f"no VSI-Bench metadata at {META}")
@pytest.mark.parametrize("dataset", ["scannet", "arkitscenes"])
def test_every_label_of_the_released_metadata_is_countable_here(dataset):
    scenes = json.loads((META / f"{dataset}_meta_info_val.json").read_text("utf-8"))
    counted = {label for scene in scenes.values() for label in scene["object_counts"]}
    table = label_table(dataset)
    assert {label for label in counted if not table.look_up(label).countable} == set()
    assert all(table.look_up(label).name == RENAMED.get(label, label) for label in counted)
