"""VSTI-Bench's questions about the camera: where it is, how it moved, how a frame shows things."""

from __future__ import annotations

from engine.proposing.phrasebook.rules import Question, Says, ways
from engine.records import AnswerKind

_NUMBER, _CHOICE = AnswerKind.NUMBER, AnswerKind.CHOICE
_F = "scene.frames()[{f:frame}]"
_G = "scene.frames()[{g:frame}]"
# Two frames of the video, the earlier first.
AND = (
    "(the {f} and the {g} of the {f:total} frames|"
    "frame {f:number} and frame {g:number} of the {f:total})"
)
_TO = (
    "(the {f} to the {g} of the {f:total} frames|"
    "frame {f:number} to frame {g:number} of the {f:total})"
)
_MOTIONS = "forward, backward, left or right"
_VIEW = "as seen from its view in the earlier of the two"


def _extreme(word: str) -> Says:
    return ways(f"""
        In {{f}}, which of these is {word} the camera, measuring to the closest point of each: \
            {{c:or}}?
        Measuring to the closest point of each, which of these is {word} the camera in {{f}}: \
            {{c:or}}?
        In {{f}}, which is {word} the camera: {{c:or}}? Measure to the closest point of each.
    """)


CAMERA_QUESTIONS: tuple[Question, ...] = (
    Question(
        name="camera_distance",
        question_type="camera_obj_abs_dist",
        answer_kind=_NUMBER,
        unit="m",
        decimals=1,
        program="camera_distance({f:view}, {a:seen_one})",
        says=ways("""
            In {f}, how far is the camera from the <near> point of {a}<m>
            In {f}, how many meters is the camera (away |)from the <near> point of {a}?
            In {f}, what is the distance between the camera and the <near> point of {a}<m>
            How many meters are between the camera and the <near> point of {a} when {f} is taken?
        """),
    ),
    Question(
        name="camera_nearest",
        question_type="camera_obj_rel_dist",
        answer_kind=_CHOICE,
        program="min({c:seen_ones}, key=lambda o: camera_distance({f:view}, o)).label",
        options=("{c}",),
        says=_extreme("<near> to"),
    ),
    Question(
        name="camera_farthest",
        question_type="camera_obj_rel_dist",
        answer_kind=_CHOICE,
        weight=0.5,
        program="max({c:seen_ones}, key=lambda o: camera_distance({f:view}, o)).label",
        options=("{c}",),
        says=_extreme("farthest (away |)from"),
    ),
    Question(
        name="camera_displacement",
        question_type="camera_displacement",
        answer_kind=_NUMBER,
        unit="m",
        decimals=1,
        program=f"camera_displacement({_F}, {_G})",
        rising=("f", "g"),
        says=ways(f"""
            How far apart, in a straight line, are the camera's positions in {AND}<m>
            What is the straight-line distance between the camera's positions in {AND}<m>
            In a straight line, how many meters are between the camera's positions in {AND}?
            In meters, how far apart in a straight line are the camera's positions in {AND}?
        """),
    ),
    Question(
        name="camera_motion",
        question_type="camera_movement_direction",
        answer_kind=_CHOICE,
        program=f"camera_motion({_F}, {_G})",
        rising=("f", "g"),
        options=("forward", "backward", "left", "right"),
        says=ways(f"""
            From {_TO}, in which direction did the camera mainly move, {_VIEW}: {_MOTIONS}?
            From {_TO}, did the camera mainly move {_MOTIONS}, {_VIEW}?
            Between {AND}, where did the camera mainly go, {_VIEW}: {_MOTIONS}?
        """),
    ),
    Question(
        name="near_far",
        question_type="obj_obj_relative_pos_nf",
        answer_kind=_CHOICE,
        program="near_far({f:view}, {a:seen_one}, {b:seen_one})",
        mirrored=("a", "b"),
        options=("near", "far"),
        says=ways("""
            In {f}, {a:is} {a} nearer to the camera than {b}, or farther away? Answer (near \
                for nearer, far for farther away|near or far).
            In {f}, {a:is} {a} near to the camera or far from it, compared with {b}? Near means \
                nearer than {b}, far means farther away.
        """),
    ),
    Question(
        name="left_right_in_view",
        question_type="obj_obj_relative_pos_lr",
        answer_kind=_CHOICE,
        program="left_right({f:view}, {a:seen_one}, {b:seen_one})",
        mirrored=("a", "b"),
        options=("left", "right"),
        says=ways("""
            In {f}, {a:is} {a} to the left or (to the |)right of {b}, as the camera sees it?
            As the camera sees it in {f}, {a:is} {a} to the left or (to the |)right of {b}?
            Looking at {f}, {a:does} {a} appear to the left or (to the |)right of {b}?
        """),
    ),
    Question(
        name="up_down",
        question_type="obj_obj_relative_pos_ud",
        answer_kind=_CHOICE,
        program="up_down({f:view}, {a:seen_one}, {b:seen_one})",
        mirrored=("a", "b"),
        options=("up", "down"),
        says=ways("""
            In the image of {f}, {a:is} {a} further up or further down than \
                {b}(?|? Answer up or down.)
            Looking at {f}, {a:does} {a} appear further up or further down in the image than \
                {b}(?|? Answer up or down.)
            Compared with {b}, {a:is} {a} further up or further down in the image of \
                {f}(?|? Answer up or down.)
        """),
    ),
)
