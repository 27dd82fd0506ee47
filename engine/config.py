"""The configuration: frozen dataclasses filled from one TOML file.

The sections stand in :mod:`engine.settings`. An unknown key or a value out of range raises
:class:`~engine.errors.ConfigError` naming its dotted path.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import ConfigError
from engine.settings import (
    BoxNoise,
    CurriculumSettings,
    FrameSettings,
    JudgeSettings,
    LoopSettings,
    MarginSettings,
    NoiseSettings,
    ProposerSettings,
    ReviewerSettings,
    SandboxSettings,
    SolverSettings,
    setting,
)

__all__ = [
    "BoxNoise",
    "Config",
    "CurriculumSettings",
    "FrameSettings",
    "JudgeSettings",
    "LoopSettings",
    "MarginSettings",
    "NoiseSettings",
    "ProposerSettings",
    "ReviewerSettings",
    "SandboxSettings",
    "SolverSettings",
    "default_toml",
    "from_mapping",
    "load_config",
    "to_mapping",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One workspace's configuration."""

    seed: int = setting(0, "every random choice derives from this", low=0)
    loop: LoopSettings = field(default_factory=LoopSettings)
    frames: FrameSettings = field(default_factory=FrameSettings)
    proposer: ProposerSettings = field(default_factory=ProposerSettings)
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    margins: MarginSettings = field(default_factory=MarginSettings)
    judge: JudgeSettings = field(default_factory=JudgeSettings)
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    reviewer: ReviewerSettings = field(default_factory=ReviewerSettings)
    curriculum: CurriculumSettings = field(default_factory=CurriculumSettings)
    solver: SolverSettings = field(default_factory=SolverSettings)


def load_config(path: Path) -> Config:
    """Read a TOML file. Raises ConfigError for bad TOML, unknown keys and values out of range."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML ({error}); correct that line") from error
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
    return from_mapping(data, source=str(path))


def from_mapping(data: Mapping[str, object], *, source: str) -> Config:
    """Build a Config from nested mappings, such as parsed TOML or a stored round plan."""
    config = typing.cast(Config, _build(Config, data, prefix="", source=source))
    curriculum = config.curriculum
    if curriculum.hard_below > curriculum.easy_above:
        raise ConfigError(
            f"{source}: curriculum.hard_below = {curriculum.hard_below} is above "
            f"curriculum.easy_above = {curriculum.easy_above}; lower it"
        )
    if curriculum.unseen_share + curriculum.replay_share > 1.0 + 1e-9:
        raise ConfigError(
            f"{source}: curriculum.unseen_share = {curriculum.unseen_share} and "
            f"curriculum.replay_share = {curriculum.replay_share} add up to more than 1; lower one"
        )
    return config


def to_mapping(config: Config) -> dict[str, typing.Any]:
    """The resolved configuration as nested plain values; ``from_mapping`` reads it back."""
    return dataclasses.asdict(config)


def _build(cls: type, data: Mapping[str, object], *, prefix: str, source: str) -> object:
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    values: dict[str, object] = {}
    for key, value in data.items():
        dotted = f"{prefix}{key}"
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = (
                f"did you mean {prefix}{near[0]}?" if near else f"known here: {', '.join(fields)}"
            )
            raise ConfigError(f"{source}: unknown key {dotted}; {hint}")
        kind = hints[key]
        if dataclasses.is_dataclass(kind):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{source}: {dotted} = {value!r} must be a table, [{dotted}]")
            values[key] = _build(typing.cast(type, kind), value, prefix=f"{dotted}.", source=source)
        else:
            values[key] = _check(value, kind, fields[key].metadata, dotted, source)
    return cls(**values)


def _check(
    value: object,
    kind: type,
    limits: types.MappingProxyType[typing.Any, typing.Any],
    dotted: str,
    source: str,
) -> object:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"{source}: {dotted} = {value!r} must be of type {kind.__name__}")
    low, high, choices = limits["low"], limits["high"], limits["choices"]
    if isinstance(value, (int, float)):
        # Written so that NaN fails both comparisons and is refused.
        if low is not None and not value >= low:
            raise ConfigError(f"{source}: {dotted} = {value} is below {low}; raise it")
        if high is not None and not value <= high:
            raise ConfigError(f"{source}: {dotted} = {value} is above {high}; lower it")
    if choices is not None and value not in choices:
        raise ConfigError(f"{source}: {dotted} = {value!r}; choose one of {', '.join(choices)}")
    return value


def default_toml() -> str:
    """The file ``ouroboros init`` writes: every key, commented out, with default and meaning."""
    lines = [
        "# This workspace's configuration. Lines show the defaults; remove a # to change one.",
        "# A round keeps the configuration it started with.",
    ]
    lines += _toml_lines(Config(), header=None)
    return "\n".join(lines) + "\n"


def _toml_lines(settings: typing.Any, header: str | None) -> list[str]:
    lines: list[str] = []
    nested: list[str] = []
    if header:
        summary = (type(settings).__doc__ or "").strip().splitlines()[0]
        lines += ["", f"[{header}]  # {summary}"]
    for entry in dataclasses.fields(settings):
        value = getattr(settings, entry.name)
        if dataclasses.is_dataclass(value):
            nested += _toml_lines(value, header=f"{header}.{entry.name}" if header else entry.name)
        else:
            shown = _toml_value(value)
            lines.append(f"# {entry.name} = {shown}  # {entry.metadata['doc']}")
    return lines + nested


def _toml_value(value: object) -> str:
    # JSON writes texts, booleans and numbers as TOML does.
    return json.dumps(value)
