"""Values that cross stages: frozen, keyword-only, never mutated by the stage that receives them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Vec3 = tuple[float, float, float]
Answer = float | int | str | bool | tuple[str, ...]


class AnswerKind(StrEnum):
    """What a program returns."""

    NUMBER = "number"
    COUNT = "count"
    CHOICE = "choice"
    ORDER = "order"
    YES_NO = "yes_no"


class Reason(StrEnum):
    """Why a proposal was rejected: a closed set."""

    UNPARSABLE = "unparsable"
    SYNTAX = "syntax"
    FORBIDDEN = "forbidden"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASH = "crash"
    PROGRAM_ERROR = "program_error"
    UNKNOWN_OBJECT = "unknown_object"
    WRONG_TYPE = "wrong_type"
    DEGENERATE = "degenerate"
    AMBIGUOUS = "ambiguous"
    UNSTABLE = "unstable"
    MISMATCH = "mismatch"
    NOT_VISIBLE = "not_visible"
    SHORTCUT = "shortcut"
    DUPLICATE = "duplicate"
    LEAKED = "leaked"
    REVIEW = "review"


class Difficulty(StrEnum):
    """A sample's label: ``p > 0.9`` easy, ``p < 0.1`` hard, between them frontier."""

    EASY = "easy"
    FRONTIER = "frontier"
    HARD = "hard"


UNITS = ("m", "cm", "m2", "deg", "s")

# VSI-Bench's names where they exist, VSTI-Bench's for cameras, "open" for anything else.
QUESTION_TYPES = (
    "object_counting",
    "object_abs_distance",
    "object_size_estimation",
    "room_size_estimation",
    "object_rel_distance",
    "object_rel_direction_easy",
    "object_rel_direction_medium",
    "object_rel_direction_hard",
    "obj_appearance_order",
    "route_planning",
    "camera_obj_abs_dist",
    "camera_obj_rel_dist",
    "camera_displacement",
    "camera_movement_direction",
    "obj_obj_relative_pos_nf",
    "obj_obj_relative_pos_lr",
    "obj_obj_relative_pos_ud",
    "open",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """An object as programs see it (m; ``rotation`` row-major 3x3, columns are the box axes).

    ``first_seen_s`` is the first time (s) the object is visible, ``None`` where no frame shows it.
    """

    object_id: str
    label: str
    center: Vec3
    extent: Vec3
    rotation: tuple[float, ...]
    first_seen_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFacts:
    """The camera of a frame, OpenCV's: x right, y down, z forward.

    Sizes and intrinsics in pixels of the upright picture; ``camera_to_world`` is a row-major 4x4
    matrix (m); ``distortion`` as ``scene_adapters.records.FrameRecord`` has it.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    camera_to_world: tuple[float, ...]
    camera_model: str = "pinhole"
    distortion: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFacts:
    """What a frame shows of object ``position`` (its place in the scene's objects).

    ``visible_fraction`` of the object's part within the frame; ``pixel_area`` and ``box_2d`` (x0,
    y0, x1, y1) of the visible part in pixels; ``depth_m`` its median along the optical axis.
    """

    position: int
    visible_fraction: float
    pixel_area: float
    box_2d: tuple[float, float, float, float]
    depth_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFacts:
    """A frame as programs see it: position in the scene's frame list and time (s).

    Programs are given the sampled frames only: those a question is asked on, and those whose
    visibility is known.
    """

    frame_id: str
    index: int
    time_s: float
    camera: CameraFacts | None = None
    seen: tuple[SeenFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationFacts:
    """Where a robot of ``robot_radius_m`` can stand, in square cells of ``cell_m``.

    Cell (row, column) covers ``origin + [column, row] * cell_m`` and one cell further; ``free``
    holds a bit a cell, row by row, the first in the highest bit of the first byte.
    """

    origin: tuple[float, float]
    cell_m: float
    num_rows: int
    num_columns: int
    robot_radius_m: float
    free: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFacts:
    """Everything a program may ask about one scene; handed to a sandbox worker once.

    ``distances[i][j]`` is the exact surface distance (m) between objects i and j, 0 where their
    boxes meet.
    """

    scene_id: str
    dataset: str
    room_key: str
    room_area_m2: float | None
    floor_polygon: tuple[tuple[float, float], ...]
    open_world_labels: tuple[str, ...]
    objects: tuple[ObjectFacts, ...]
    frames: tuple[FrameFacts, ...]
    distances: tuple[tuple[float, ...], ...]
    navigation: NavigationFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackItem:
    """One question of the round before, with what the solver made of it."""

    question: str
    answer: str
    question_type: str
    difficulty: Difficulty
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRate:
    """How one question type fared in the round before, over all scenes."""

    question_type: str
    proposed: int
    accepted: int
    easy: int
    frontier: int
    hard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a proposer is told about one scene before it writes the next round."""

    scene_id: str
    items: tuple[FeedbackItem, ...]
    types: tuple[TypeRate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a proposer answered for one scene: text holding one proposal JSON object per line.

    ``error`` says why the text is no proposal at all (cut off, outside its grammar, never given).
    """

    scene_id: str
    text: str
    prompt_hash: str
    tokens: int
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A question with the program that answers it.

    ``parse_error`` is set, and the content fields are empty, when the reply could not be read.
    ``raw`` is the text the proposal was read from.
    """

    proposal_id: str
    round: int
    scene_id: str
    question: str
    question_type: str
    program: str
    answer_kind: AnswerKind | None
    unit: str | None
    decimals: int | None
    options: tuple[str, ...] | None
    proposer: str
    prompt_hash: str
    tokens: int
    seconds: float
    raw: str
    parse_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One choice a program made between alternatives, and how clear it was.

    ``measured`` and ``threshold`` share ``unit``; the choice is clear when measured >= threshold.
    """

    kind: str
    measured: float
    threshold: float
    unit: str

    @property
    def margin(self) -> float:
        """How far the decision is above its threshold (negative: below it)."""
        return self.measured - self.threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a program touched while it ran.

    ``calls`` are vocabulary names in order of first use; ``referents`` are the labels used as a
    single thing, with their instance counts; ``values`` are the (call, result) pairs of
    measuring calls, by which a judge recognises what kind of quantity the answer is.
    """

    calls: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    object_ids: tuple[str, ...] = ()
    frame_ids: tuple[str, ...] = ()
    referents: tuple[tuple[str, int], ...] = ()
    values: tuple[tuple[str, float], ...] = ()
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What running a program gave: an answer, or the reason there is none.

    ``margin`` is the measured margin minus its threshold of the tightest decision (in that
    decision's unit; tightest = smallest measured/threshold), ``None`` where nothing was decided.
    """

    ok: bool
    answer: Answer | None
    reason: Reason | None
    message: str
    margin: float | None
    ms: float
    trace: Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a proposal, with each judge's number where it came as far.

    ``stability``: share of noisy copies that answer alike; ``prior_score``: what knowing only type
    and labels scores on the answer; ``blind_confidence``: the solver's, without pictures.
    """

    proposal_id: str
    round: int
    scene_id: str
    accepted: bool
    reason: Reason | None
    message: str
    margin: float | None
    stability: float | None
    agreement: bool | None
    prior_score: float | None
    milliseconds: float
    blind_confidence: float | None = None


class Opinion(StrEnum):
    """What the reviewing model makes of a question with its answer."""

    KEEP = "keep"
    SHORTCUT = "shortcut"  # answerable without looking
    NOISY = "noisy"  # the stated answer does not fit what the frames show
    UNCLEAR = "unclear"  # could be meant, or answered, in more than one way


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The model's opinion of one proposal; ``accepted`` is what the other judges had decided.

    ``opinion`` is None where the model's reply could not be read; ``note`` is the model's own
    sentence, or why there is none.
    """

    proposal_id: str
    round: int
    scene_id: str
    accepted: bool
    opinion: Opinion | None
    note: str
    model: str
    prompt_hash: str
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An accepted proposal with its answer.

    ``answer`` is text: numbers with the proposal's decimals, ``yes``/``no``, the option's own
    words for a choice, labels joined by ``", "`` for an order. ``split`` is ``train`` or
    ``held_out``. ``benchmark`` marks what was made from a benchmark's scenes.
    """

    sample_id: str
    proposal_id: str
    round: int
    scene_id: str
    dataset: str
    room_key: str
    split: str
    question: str
    question_type: str
    program: str
    answer_kind: AnswerKind
    unit: str | None
    decimals: int | None
    options: tuple[str, ...] | None
    answer: str
    object_ids: tuple[str, ...]
    frame_ids: tuple[str, ...]
    margin: float | None
    benchmark: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One confidence of one sample at one training step, read before that step's update."""

    sample_id: str
    round: int
    step: int
    confidence: float
    correct: bool
    loss: float
    tokens: int
    solver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One held-out sample answered by the solver after a round's training.

    ``score`` is 1 or 0 for choices, orders and yes/no, and VSI-Bench's mean relative accuracy for
    numbers and counts; ``correct`` is exact text agreement.
    """

    sample_id: str
    round: int
    predicted: str
    score: float
    correct: bool
    confidence: float
    solver: str
