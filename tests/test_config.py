"""The configuration: every mistake names its dotted path, every default is in range."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.config import Config, default_toml, from_mapping, load_config, to_mapping
from engine.errors import ConfigError


def test_resolved_configuration_round_trips() -> None:
    config = from_mapping({"seed": 3, "loop": {"steps": 7}}, source="t")
    assert (config.seed, config.loop.steps, config.loop.batch_size) == (3, 7, 64)
    assert from_mapping(to_mapping(config), source="t") == config


def test_written_default_file_changes_nothing_and_is_valid_when_uncommented() -> None:
    assert from_mapping(tomllib.loads(default_toml()), source="t") == Config()
    body = "\n".join(
        line[2:] if line.startswith("# ") and " = " in line else line
        for line in default_toml().splitlines()
    )
    assert from_mapping(tomllib.loads(body), source="t") == Config()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"sede": 1}, ["sede", "did you mean seed"]),
        ({"loop": {"step": 1}}, ["loop.step", "did you mean loop.steps"]),
        ({"loop": {"steps": 0}}, ["loop.steps", "below 1"]),
        ({"loop": {"steps": "many"}}, ["loop.steps", "int"]),
        ({"loop": {"steps": True}}, ["loop.steps", "int"]),
        ({"loop": 4}, ["loop", "table"]),
        ({"curriculum": {"easy_above": 1.5}}, ["curriculum.easy_above", "above 1"]),
        ({"curriculum": {"easy_above": float("nan")}}, ["curriculum.easy_above"]),
        ({"curriculum": {"rule": "best"}}, ["curriculum.rule", "plateau"]),
        ({"curriculum": {"easy_above": 0.05}}, ["curriculum.hard_below", "curriculum.easy_above"]),
    ],
)
def test_mistake_names_its_dotted_path(data: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping(data, source="file.toml")
    message = str(caught.value)
    assert "\n" not in message
    for word in ["file.toml", *words]:
        assert word in message


def test_broken_or_missing_file_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("seed = = 1")
    for name in ("a.toml", "absent.toml"):
        with pytest.raises(ConfigError, match=name):
            load_config(tmp_path / name)
