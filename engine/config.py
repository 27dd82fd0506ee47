"""The configuration: frozen dataclasses filled from one TOML file.

Defaults are the paper's where it gives a number (arXiv 2606.11719) and VSI-Bench's practice for
the ambiguity thresholds. An unknown key or a value out of range raises
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


def _setting(
    default: object,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> typing.Any:
    """A dataclass field with its one-line meaning and the range it must lie in."""
    return field(
        default=default, metadata={"doc": doc, "low": low, "high": high, "choices": choices}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """How much is trained, per round."""

    rounds: int = _setting(4, "rounds a plain `run` goes up to (paper: 4)", low=1)
    steps: int = _setting(100, "training steps a round (paper: 100)", low=1)
    batch_size: int = _setting(64, "samples a training step (paper: 64)", low=1)
    held_out: float = _setting(0.2, "share of rooms kept for evaluation", low=0.0, high=0.9)
    held_out_per_scene: int = _setting(40, "questions proposed for each held-out scene", low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposerSettings:
    """Who writes the questions."""

    name: str = _setting(
        "grammar",
        "who writes the questions: the embedded grammar, a model under vLLM, or one behind any "
        "OpenAI-compatible server",
        choices=("grammar", "vllm", "openai"),
    )
    per_scene: int = _setting(
        0, "proposals a scene and round; 0 asks for just enough to fill a round's training", low=0
    )
    overdraw: float = _setting(
        2.0, "with per_scene = 0: proposals asked for per training sample needed", low=1.0
    )
    max_per_scene: int = _setting(
        128, "with per_scene = 0: no more than this for one scene and round", low=1
    )
    # What follows is for models.
    model: str = _setting(
        "", "vllm: a folder or a Hub id; openai: a name the server lists (empty: its only one)"
    )
    revision: str = _setting("", "the model's revision; part of every answer's key")
    mode: str = _setting(
        "free",
        "free: the model writes questions and programs as JSON; grammar: it chooses within a "
        "grammar of programs, then words the question (for small models)",
        choices=("free", "grammar"),
    )
    per_request: int = _setting(8, "free: proposals asked for in one request", low=1, high=64)
    repair: bool = _setting(True, "free: one more turn for what was rejected, with the reasons")
    temperature: float = _setting(0.7, "0 takes the likeliest token", low=0.0, high=2.0)
    top_p: float = _setting(0.95, "share of the probability that is drawn from", low=0.01, high=1.0)
    prompt_tokens: int = _setting(
        16_000, "what a prompt's text may take; large scenes are cut down to it", low=500
    )
    reply_tokens: int = _setting(4_096, "longest reply", low=64)
    frames: int = _setting(
        8, "frames of the scene shown to the model; 0 for models that see no images", low=0
    )
    frame_px: int = _setting(448, "longer side of a frame as it is shown (px)", low=32)
    python: str = _setting(
        "", "vllm: the interpreter that has vLLM, which pins its own torch (empty: this one)"
    )
    tensor_parallel: int = _setting(
        1, "vllm: accelerators one copy of the model is spread over", low=1
    )
    data_parallel: int = _setting(
        1, "vllm: copies of the model, each in a process of its own", low=1
    )
    gpu_memory: float = _setting(
        0.9, "vllm: share of an accelerator's memory that may be used", low=0.05, high=1.0
    )
    context_tokens: int = _setting(
        0, "vllm: longest prompt and reply; 0 takes the model's own", low=0
    )
    start_seconds: float = _setting(900.0, "vllm: how long the model may take to load", low=1.0)
    url: str = _setting("http://127.0.0.1:8000/v1", "openai: the server")
    api_key_env: str = _setting(
        "OPENAI_API_KEY", "openai: environment variable holding the key, if the server wants one"
    )
    concurrency: int = _setting(16, "openai: requests under way at once", low=1, high=1024)
    retries: int = _setting(4, "openai: how often a failed request is tried again", low=0)
    reply_seconds: float = _setting(
        300.0, "how long the engine may go without finishing any reply", low=0.1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerSettings:
    """The proposer's model as a second judge; without a model there is no review."""

    use: str = _setting(
        "auto",
        "whether the model is asked about what the other judges accept; auto: in free mode only, a "
        "model that needs the grammar is no judge",
        choices=("auto", "on", "off"),
    )
    rejected_share: float = _setting(
        0.05,
        "share of the rejected proposals it is asked about too, to measure how far it agrees",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """Limits on one program and on the processes that run them."""

    workers: int = _setting(0, "worker processes; 0 takes one a core", low=0)
    wall_seconds: float = _setting(2.0, "longest one program may run", low=0.01)
    memory_mb: int = _setting(
        512,
        "address space of one worker (MiB); DuckDB's own, for scene.rows, comes on top",
        low=128,
    )
    output_bytes: int = _setting(65_536, "longest answer a program may return, as JSON", low=64)
    recycle_after: int = _setting(20_000, "programs one worker runs before it is replaced", low=1)
    require: str = _setting(
        "any",
        "full: refuse to run where the machine cannot enforce all of the jail",
        choices=("any", "full"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginSettings:
    """Where a decision stops being clear: VSI-Bench's question filters where it has one."""

    count_min: int = _setting(2, "a count below this is not asked", low=0)
    distance_min_m: float = _setting(0.2, "a distance below this is not asked (m)", low=0.0)
    nearest_gap_m: float = _setting(0.15, "smallest gap between candidates (m)", low=0.0)
    nearest_gap_large_m: float = _setting(0.30, "the same in a large room (m)", low=0.0)
    large_room_m2: float = _setting(40.0, "a room over this area is large (m2)", low=0.0)
    bearing_min_m: float = _setting(0.30, "bearing: closest two of the three objects (m)", low=0.0)
    bearing_max_m: float = _setting(5.0, "bearing: furthest two of the three objects (m)", low=0.0)
    sector_clear_deg: float = _setting(
        10.0, "bearing: distance to a sector boundary, either side (deg)", low=0.0, high=45.0
    )
    corners_outside: int = _setting(
        2, "bearing: target corners that may lie in another sector", low=0, high=8
    )
    appearance_gap_s: float = _setting(
        1.0, "smallest gap between two first-seen times (s)", low=0.0
    )
    comparison_rel: float = _setting(
        0.10, "larger/higher: smallest relative gap between the two", low=0.0, high=1.0
    )
    route_clear_deg: float = _setting(
        20.0, "route: distance of a turn to the next choice of turn (deg)", low=0.0, high=45.0
    )
    passage_clear_cells: float = _setting(
        1.0, "walking: radius a robot can gain or lose without a way closing or opening", low=0.0
    )
    walk_detour_rel: float = _setting(
        0.10, "walk_length: growth when the robot is half a cell stouter or slimmer", low=0.0
    )
    camera_min_m: float = _setting(
        0.2, "camera_distance, camera_displacement: least (m; VSTI-Bench: 0.2)", low=0.0
    )
    camera_max_m: float = _setting(
        10.0, "camera_distance, camera_displacement: most (m; VSTI-Bench: 10)", low=0.0
    )
    motion_min_m: float = _setting(
        0.5, "camera_motion: least movement along the main axis (m; VSTI-Bench: 0.5)", low=0.0
    )
    heading_clear_deg: float = _setting(
        10.0,
        "camera_motion, camera_turn: distance to where two directions meet (deg), as for bearings",
        low=0.0,
        high=45.0,
    )
    heading_level_deg: float = _setting(
        30.0,
        "camera_turn: least angle between line of sight and vertical (deg); at 30 an error of the "
        "pose shows doubled in the heading",
        low=0.0,
        high=90.0,
    )
    image_gap_m: float = _setting(
        0.15, "left_right, up_down, near_far: least gap (m; VSTI-Bench: 0.15)", low=0.0
    )
    image_gap_share: float = _setting(
        0.05,
        "left_right, up_down: least gap in the picture; visibility knows edges to 1/60 of it",
        low=0.0,
        high=1.0,
    )
    view_clear_share: float = _setting(
        0.0015,
        "in_view: distance to the 0.2 % of the picture that count as seen",
        low=0.0,
        high=0.002,
    )
    view_clear_fraction: float = _setting(
        0.10, "in_view: distance to the quarter of an object that counts as seen", low=0.0, high=0.5
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """What else a proposal has to pass."""

    near_duplicates: int = _setting(
        0, "samples with the same program in one scene that may differ in wording only", low=0
    )
    same_shape: int = _setting(
        12,
        "samples of one scene and question type whose programs differ in labels and numbers only",
        low=1,
    )
    copies: int = _setting(16, "stability: noisy copies of the scene a program is tried on", low=0)
    agree_share: float = _setting(
        0.9, "stability: share of the copies that must give the same choice", low=0.0, high=1.0
    )
    alike_rel: float = _setting(
        0.10, "stability: how far numbers that count as the same may be apart, relative", low=0.0
    )
    spread_rel: float = _setting(
        0.05,
        "stability: standard deviation a number may have over the copies, relative; an answer "
        "within 10 % on nine copies of ten is one whose deviation is about 6 %",
        low=0.0,
    )
    visible_fraction: float = _setting(
        0.25,
        "evidence: part of an object that some frame must show, of what is within that frame",
        low=0.0,
        high=1.0,
    )
    visible_share: float = _setting(
        0.002, "evidence: share of that frame's picture it must cover", low=0.0, high=1.0
    )
    prior_cap: float = _setting(
        0.5,
        "shortcut: mean relative accuracy that knowing only type and labels may reach on numbers "
        "before they are thinned; on choices it may reach chance and ten points",
        low=0.0,
        high=1.0,
    )
    answer_share: float = _setting(
        0.4,
        "shortcut: share that one answer may have of the samples of the same type and labels",
        low=0.0,
        high=1.0,
    )
    blind_share: float = _setting(
        0.0,
        "shortcut: share of a round's samples the solver is asked without pictures",
        low=0.0,
        high=1.0,
    )
    blind_cap: float = _setting(
        0.9,
        "shortcut: confidence without pictures above which a sample is dropped",
        low=0.0,
        high=1.0,
    )
    own_program: str = _setting(
        "auto",
        "whether the model writes its own program for each question, which must answer alike; "
        "auto: in free mode only",
        choices=("auto", "on", "off"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxNoise:
    """Standard deviations of a box's errors."""

    center_m: float = _setting(0.03, "of its center, in each direction (m)", low=0.0)
    size_rel: float = _setting(0.03, "of its sizes, relative, each by itself", low=0.0, high=1.0)
    yaw_deg: float = _setting(2.0, "of its heading (deg)", low=0.0, high=180.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseSettings:
    """How far annotated boxes are off, by dataset; sources in engine/judging/jitter.py."""

    scannet: BoxNoise = field(default_factory=BoxNoise)
    scannetpp: BoxNoise = field(default_factory=BoxNoise)
    arkitscenes: BoxNoise = field(default_factory=BoxNoise)
    other: BoxNoise = field(default_factory=BoxNoise)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurriculumSettings:
    """How confidences become labels, and labels the next round's training set."""

    easy_above: float = _setting(0.9, "confidence above which a sample is easy", low=0.0, high=1.0)
    hard_below: float = _setting(0.1, "confidence below which a sample is hard", low=0.0, high=1.0)
    rule: str = _setting(
        "plateau",
        "resampling weight: plateau is 1 on the frontier (the paper's), learnability is 4p(1-p), "
        "ucb is the most learnable confidence that the evidence leaves possible",
        choices=("plateau", "learnability", "ucb"),
    )
    estimate: str = _setting(
        "last",
        "what weights and labels are read from: the last confidence (the paper's), or one smoothed "
        "over rounds; ucb always takes the smoothed one",
        choices=("last", "smoothed"),
    )
    half_life: float = _setting(
        2.0, "smoothed: rounds after which a confidence counts half", low=0.01
    )
    ucb_width: float = _setting(
        1.0, "ucb: standard deviations of the smoothed confidence that are left possible", low=0.0
    )
    temperature: float = _setting(
        1.0, "weights are raised to 1/temperature: under 1 sharper, above 1 flatter", low=0.01
    )
    unseen_share: float = _setting(
        0.7, "share of a round's samples drawn from those never trained on", low=0.0, high=1.0
    )
    replay_share: float = _setting(
        0.3,
        "share drawn from those trained on before; what the two shares leave goes by weight alone",
        low=0.0,
        high=1.0,
    )
    floor: float = _setting(
        0.05, "weight of an easy or hard sample, where the frontier's peak is 1", low=0.0, high=1.0
    )
    max_share_per_type: float = _setting(
        0.5, "largest share of a round one question type may take", low=0.01, high=1.0
    )
    max_share_per_scene: float = _setting(
        0.2, "largest share of a round one scene may take", low=0.001, high=1.0
    )
    max_share_per_label: float = _setting(
        1.0,
        "largest share of a round one of easy, frontier and hard may take",
        low=0.01,
        high=1.0,
    )
    probe_samples: int = _setting(
        128,
        "samples of the first round asked again after every round, whatever was trained on, so "
        "that trends are not those of a changing mix; 0 asks none",
        low=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverSettings:
    """The model that is trained."""

    name: str = _setting("tiny", "which solver is trained", choices=("tiny",))
    learning_rate: float = _setting(
        0.0, "constant learning rate; 0 takes the solver's own (paper, for Qwen3-VL: 1e-6)", low=0.0
    )
    threads: int = _setting(2, "CPU threads; results do not depend on it", low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSettings:
    """Which frames a question is asked on."""

    per_scene: int = _setting(32, "frames a scene, uniformly sampled (paper: 32)", low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One workspace's configuration."""

    seed: int = _setting(0, "every random choice derives from this", low=0)
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
