"""The configuration's sections: every setting with its default, its meaning and its range.

Defaults are the paper's where it gives a number (arXiv 2606.11719) and VSI-Bench's practice for
the ambiguity thresholds. :mod:`engine.config` reads and checks them.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass, field


def setting(
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

    rounds: int = setting(4, "rounds a plain `run` goes up to (paper: 4)", low=1)
    steps: int = setting(100, "training steps a round (paper: 100)", low=1)
    batch_size: int = setting(64, "samples a training step (paper: 64)", low=1)
    held_out: float = setting(0.2, "share of rooms kept for evaluation", low=0.0, high=0.9)
    held_out_per_scene: int = setting(40, "questions proposed for each held-out scene", low=1)
    blind_held_out: bool = setting(True, "ask the held-out questions without pictures as well")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposerSettings:
    """Who writes the questions."""

    name: str = setting(
        "grammar",
        "who writes the questions: the embedded grammar, a model under vLLM, or one behind any "
        "OpenAI-compatible server",
        choices=("grammar", "vllm", "openai"),
    )
    per_scene: int = setting(
        0, "proposals a scene and round; 0 asks for just enough to fill a round's training", low=0
    )
    overdraw: float = setting(
        2.0, "with per_scene = 0: proposals asked for per training sample needed", low=1.0
    )
    max_per_scene: int = setting(
        128, "with per_scene = 0: no more than this for one scene and round", low=1
    )
    feedback: bool = setting(
        True, "tell it what became of its earlier questions; what was asked is not repeated anyway"
    )
    # What follows is for models.
    model: str = setting(
        "", "vllm: a folder or a Hub id; openai: a name the server lists (empty: its only one)"
    )
    revision: str = setting("", "the model's revision; part of every answer's key")
    mode: str = setting(
        "free",
        "free: the model writes questions and programs as JSON; grammar: it chooses within a "
        "grammar of programs, then words the question (for small models)",
        choices=("free", "grammar"),
    )
    per_request: int = setting(8, "free: proposals asked for in one request", low=1, high=64)
    repair: bool = setting(True, "free: one more turn for what was rejected, with the reasons")
    temperature: float = setting(0.7, "0 takes the likeliest token", low=0.0, high=2.0)
    top_p: float = setting(0.95, "share of the probability that is drawn from", low=0.01, high=1.0)
    prompt_tokens: int = setting(
        16_000, "what a prompt's text may take; large scenes are cut down to it", low=500
    )
    reply_tokens: int = setting(4_096, "longest reply", low=64)
    frames: int = setting(
        8, "frames of the scene shown to the model; 0 for models that see no images", low=0
    )
    frame_px: int = setting(448, "longer side of a frame as it is shown (px)", low=32)
    python: str = setting(
        "", "vllm: the interpreter that has vLLM, which pins its own torch (empty: this one)"
    )
    tensor_parallel: int = setting(
        1, "vllm: accelerators one copy of the model is spread over", low=1
    )
    data_parallel: int = setting(
        1, "vllm: copies of the model, each in a process of its own", low=1
    )
    gpu_memory: float = setting(
        0.9, "vllm: share of an accelerator's memory that may be used", low=0.05, high=1.0
    )
    context_tokens: int = setting(
        0, "vllm: longest prompt and reply; 0 takes the model's own", low=0
    )
    start_seconds: float = setting(900.0, "vllm: how long the model may take to load", low=1.0)
    url: str = setting("http://127.0.0.1:8000/v1", "openai: the server")
    api_key_env: str = setting(
        "OPENAI_API_KEY", "openai: environment variable holding the key, if the server wants one"
    )
    concurrency: int = setting(16, "openai: requests under way at once", low=1, high=1024)
    retries: int = setting(4, "openai: how often a failed request is tried again", low=0)
    reply_seconds: float = setting(
        300.0, "how long the engine may go without finishing any reply", low=0.1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerSettings:
    """The proposer's model as a second judge; without a model there is no review."""

    use: str = setting(
        "auto",
        "whether the model is asked about what the other judges accept; auto: in free mode only, a "
        "model that needs the grammar is no judge",
        choices=("auto", "on", "off"),
    )
    rejected_share: float = setting(
        0.05,
        "share of the rejected proposals it is asked about too, to measure how far it agrees",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """Limits on one program and on the processes that run them."""

    workers: int = setting(0, "worker processes; 0 takes one a core", low=0)
    wall_seconds: float = setting(2.0, "longest one program may run", low=0.01)
    memory_mb: int = setting(
        512,
        "address space of one worker (MiB); DuckDB's own, for scene.rows, comes on top",
        low=128,
    )
    output_bytes: int = setting(65_536, "longest answer a program may return, as JSON", low=64)
    recycle_after: int = setting(20_000, "programs one worker runs before it is replaced", low=1)
    require: str = setting(
        "any",
        "full: refuse to run where the machine cannot enforce all of the jail",
        choices=("any", "full"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginSettings:
    """Where a decision stops being clear: VSI-Bench's question filters where it has one."""

    count_min: int = setting(2, "a count below this is not asked", low=0)
    distance_min_m: float = setting(0.2, "a distance below this is not asked (m)", low=0.0)
    nearest_gap_m: float = setting(0.15, "smallest gap between candidates (m)", low=0.0)
    nearest_gap_large_m: float = setting(0.30, "the same in a large room (m)", low=0.0)
    large_room_m2: float = setting(40.0, "a room over this area is large (m2)", low=0.0)
    bearing_min_m: float = setting(0.30, "bearing: closest two of the three objects (m)", low=0.0)
    bearing_max_m: float = setting(5.0, "bearing: furthest two of the three objects (m)", low=0.0)
    sector_clear_deg: float = setting(
        10.0, "bearing: distance to a sector boundary, either side (deg)", low=0.0, high=45.0
    )
    corners_outside: int = setting(
        2, "bearing: target corners that may lie in another sector", low=0, high=8
    )
    appearance_gap_s: float = setting(1.0, "smallest gap between two first-seen times (s)", low=0.0)
    comparison_rel: float = setting(
        0.10, "larger/higher: smallest relative gap between the two", low=0.0, high=1.0
    )
    route_clear_deg: float = setting(
        20.0, "route: distance of a turn to the next choice of turn (deg)", low=0.0, high=45.0
    )
    passage_clear_cells: float = setting(
        1.0, "walking: radius a robot can gain or lose without a way closing or opening", low=0.0
    )
    walk_detour_rel: float = setting(
        0.10, "walk_length: growth when the robot is half a cell stouter or slimmer", low=0.0
    )
    camera_min_m: float = setting(
        0.2, "camera_distance, camera_displacement: least (m; VSTI-Bench: 0.2)", low=0.0
    )
    camera_max_m: float = setting(
        10.0, "camera_distance, camera_displacement: most (m; VSTI-Bench: 10)", low=0.0
    )
    motion_min_m: float = setting(
        0.5, "camera_motion: least movement along the main axis (m; VSTI-Bench: 0.5)", low=0.0
    )
    heading_clear_deg: float = setting(
        10.0,
        "camera_motion, camera_turn: distance to where two directions meet (deg), as for bearings",
        low=0.0,
        high=45.0,
    )
    heading_level_deg: float = setting(
        30.0,
        "camera_turn: least angle between line of sight and vertical (deg); at 30 an error of the "
        "pose shows doubled in the heading",
        low=0.0,
        high=90.0,
    )
    image_gap_m: float = setting(
        0.15, "left_right, up_down, near_far: least gap (m; VSTI-Bench: 0.15)", low=0.0
    )
    image_gap_share: float = setting(
        0.05,
        "left_right, up_down: least gap in the picture; visibility knows edges to 1/60 of it",
        low=0.0,
        high=1.0,
    )
    view_clear_share: float = setting(
        0.0015,
        "in_view: distance to the 0.2 % of the picture that count as seen",
        low=0.0,
        high=0.002,
    )
    view_clear_fraction: float = setting(
        0.10, "in_view: distance to the quarter of an object that counts as seen", low=0.0, high=0.5
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """What else a proposal has to pass."""

    near_duplicates: int = setting(
        0, "samples with the same program in one scene that may differ in wording only", low=0
    )
    same_shape: int = setting(
        12,
        "samples of one scene and question type whose programs differ in labels and numbers only",
        low=1,
    )
    copies: int = setting(16, "stability: noisy copies of the scene a program is tried on", low=0)
    agree_share: float = setting(
        0.9, "stability: share of the copies that must give the same choice", low=0.0, high=1.0
    )
    alike_rel: float = setting(
        0.10, "stability: how far numbers that count as the same may be apart, relative", low=0.0
    )
    spread_rel: float = setting(
        0.04,
        "stability: standard deviation a number may have over the copies, relative; noise moves "
        "one answer in eighty by over 10 % then",
        low=0.0,
    )
    visible_fraction: float = setting(
        0.25,
        "evidence: part of an object that some frame must show, of what is within that frame",
        low=0.0,
        high=1.0,
    )
    visible_share: float = setting(
        0.002, "evidence: share of that frame's picture it must cover", low=0.0, high=1.0
    )
    prior_cap: float = setting(
        0.5,
        "shortcut: mean relative accuracy that knowing only type and labels may reach on numbers "
        "before they are thinned; on choices it may reach chance and ten points",
        low=0.0,
        high=1.0,
    )
    answer_share: float = setting(
        0.4,
        "shortcut: share that one answer may have of the samples of the same type and labels",
        low=0.0,
        high=1.0,
    )
    blind_share: float = setting(
        0.0,
        "shortcut: share of a round's samples the solver is asked without pictures",
        low=0.0,
        high=1.0,
    )
    blind_cap: float = setting(
        0.9,
        "shortcut: confidence without pictures above which a sample is dropped",
        low=0.0,
        high=1.0,
    )
    own_program: str = setting(
        "auto",
        "whether the model writes its own program for each question, which must answer alike; "
        "auto: in free mode only",
        choices=("auto", "on", "off"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxNoise:
    """Standard deviations of a box's errors."""

    center_m: float = setting(0.03, "of its center, in each direction (m)", low=0.0)
    size_rel: float = setting(0.03, "of its sizes, relative, each by itself", low=0.0, high=1.0)
    yaw_deg: float = setting(2.0, "of its heading (deg)", low=0.0, high=180.0)


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

    easy_above: float = setting(0.9, "confidence above which a sample is easy", low=0.0, high=1.0)
    hard_below: float = setting(0.1, "confidence below which a sample is hard", low=0.0, high=1.0)
    rule: str = setting(
        "plateau",
        "resampling weight: plateau is 1 on the frontier (the paper's), learnability is 4p(1-p), "
        "ucb is the most learnable confidence that the evidence leaves possible, uniform is 1 "
        "everywhere: no curriculum, to compare with",
        choices=("plateau", "learnability", "ucb", "uniform"),
    )
    estimate: str = setting(
        "last",
        "what weights and labels are read from: the last confidence (the paper's), or one smoothed "
        "over rounds; ucb always takes the smoothed one",
        choices=("last", "smoothed"),
    )
    half_life: float = setting(
        2.0, "smoothed: rounds after which a confidence counts half", low=0.01
    )
    ucb_width: float = setting(
        1.0, "ucb: standard deviations of the smoothed confidence that are left possible", low=0.0
    )
    temperature: float = setting(
        1.0, "weights are raised to 1/temperature: under 1 sharper, above 1 flatter", low=0.01
    )
    unseen_share: float = setting(
        0.7, "share of a round's samples drawn from those never trained on", low=0.0, high=1.0
    )
    unseen: str = setting(
        "even",
        "weight of a sample never trained on: what its question type and scene let expect, or 1",
        choices=("expected", "even"),
    )
    replay_share: float = setting(
        0.3,
        "share drawn from those trained on before; what the two shares leave goes by weight alone",
        low=0.0,
        high=1.0,
    )
    floor: float = setting(
        0.05, "weight of an easy or hard sample, where the frontier's peak is 1", low=0.0, high=1.0
    )
    max_share_per_type: float = setting(
        0.5, "largest share of a round one question type may take", low=0.01, high=1.0
    )
    max_share_per_scene: float = setting(
        0.2, "largest share of a round one scene may take", low=0.001, high=1.0
    )
    max_share_per_label: float = setting(
        1.0,
        "largest share of a round one of easy, frontier and hard may take",
        low=0.01,
        high=1.0,
    )
    doubt_above: float = setting(
        0.0,
        "standard deviations by which a solver must contradict a scene's answers before nothing "
        "more is asked of the scene or drawn from it; 0 only measures (table scene_doubts)",
        low=0.0,
    )
    probe_samples: int = setting(
        128,
        "samples of the first round asked again after every round, whatever was trained on, so "
        "that trends are not those of a changing mix; 0 asks none",
        low=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverSettings:
    """The model that is trained."""

    name: str = setting(
        "tiny",
        "who is trained: the embedded one, or any image-text-to-text model of transformers",
        choices=("tiny", "transformers"),
    )
    learning_rate: float = setting(
        0.0,
        "constant learning rate; 0 takes the solver's own (transformers: 1e-6 as in the paper, or "
        "1e-4 with lora_rank)",
        low=0.0,
    )
    threads: int = setting(
        2, "CPU threads; the tiny solver's results do not depend on it", low=1, high=1024
    )
    save_every: int = setting(
        25, "steps after which a round's training is kept to go on from; 0 keeps none", low=0
    )
    keep_checkpoints: int = setting(
        2, "checkpoints of finished rounds that are kept; 0 keeps all", low=0
    )
    model: str = setting(
        "",
        "transformers: a folder or a Hub id; tiny: a folder that tools/train_base wrote (empty: "
        "the embedded checkpoint)",
    )
    # What follows is for transformers.
    revision: str = setting("", "the Hub revision: a branch, a tag or, best, a commit")
    dtype: str = setting(
        "auto",
        "what is computed in; auto: bf16 on an accelerator, fp32 on the CPU. Weights that are "
        "trained are fp32 either way: at 1e-6 a bf16 weight would not move",
        choices=("auto", "bf16", "fp32"),
    )
    device: str = setting("auto", "auto, cpu, cuda or cuda:N")
    processes: int = setting(
        1, "processes a batch is split over, each with a device of its own", low=1, high=1024
    )
    micro_batch: int = setting(
        4, "samples of one forward pass; halved where memory runs out, with the same result", low=1
    )
    gradient_checkpointing: bool = setting(
        True, "compute activations again in the backward pass instead of keeping them"
    )
    freeze_vision: bool = setting(False, "leave the vision tower as it is")
    lora_rank: int = setting(0, "train adapters of this rank instead of all weights; 0: all", low=0)
    lora_alpha: int = setting(32, "adapters are scaled by lora_alpha / lora_rank", low=1)
    frames: int = setting(
        0, "frames shown at most, of those a question is asked on; 0 shows all", low=0
    )
    max_pixels: int = setting(
        200_704, "a frame with more pixels is made smaller (default: 448 squared)", low=1024
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSettings:
    """Which frames a question is asked on."""

    per_scene: int = setting(32, "frames a scene, uniformly sampled (paper: 32)", low=1)
