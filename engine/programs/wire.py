"""What parent and worker say to each other: length-prefixed JSON, never pickle.

A frame is 4 bytes of length (big-endian) and that many bytes of JSON. The parent reads a worker's
frames as input from a stranger: whatever does not fit the records raises ValueError.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

from engine.records import (
    Answer,
    CameraFacts,
    Decision,
    FrameFacts,
    NavigationFacts,
    ObjectFacts,
    Outcome,
    Reason,
    SceneFacts,
    SeenFacts,
    Trace,
)

_LENGTH = struct.Struct(">I")
# Longest frame a parent accepts from a worker: an answer, a trace and room to spare.
MAX_REPLY = 16 * 1024 * 1024


def pack(message: object) -> bytes:
    """One message as a frame."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    return _LENGTH.pack(len(body)) + body


class FrameBuffer:
    """Bytes as they arrive, given back as whole messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """The messages completed by ``data``. Raises ValueError at what is no frame."""
        self._bytes += data
        while len(self._bytes) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._bytes)
            if length > MAX_REPLY:
                raise ValueError(f"a frame of {length} bytes")
            end = _LENGTH.size + length
            if len(self._bytes) < end:
                break
            body = bytes(self._bytes[_LENGTH.size : end])
            del self._bytes[:end]
            yield json.loads(body)


def read_frame(stream: Any) -> Any:
    """The next message of a blocking binary stream; None at its end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return json.loads(body) if len(body) == length else None


def facts_to_wire(facts: SceneFacts) -> dict[str, Any]:
    """A scene's facts as JSON values; floats keep every bit."""
    return {
        "scene_id": facts.scene_id,
        "dataset": facts.dataset,
        "room_key": facts.room_key,
        "room_area_m2": facts.room_area_m2,
        "floor_polygon": facts.floor_polygon,
        "open_world_labels": facts.open_world_labels,
        "objects": [
            (o.object_id, o.label, o.center, o.extent, o.rotation, o.first_seen_s)
            for o in facts.objects
        ],
        "frames": [
            (f.frame_id, f.index, f.time_s, _camera_to_wire(f.camera),
             [(s.position, s.visible_fraction, s.pixel_area, s.box_2d, s.depth_m) for s in f.seen])
            for f in facts.frames
        ],
        "distances": facts.distances,
        "navigation": _navigation_to_wire(facts.navigation),
    }  # fmt: skip


def facts_from_wire(data: dict[str, Any]) -> SceneFacts:
    """The facts ``facts_to_wire`` was given."""
    return SceneFacts(
        scene_id=data["scene_id"],
        dataset=data["dataset"],
        room_key=data["room_key"],
        room_area_m2=data["room_area_m2"],
        floor_polygon=tuple((x, y) for x, y in data["floor_polygon"]),
        open_world_labels=tuple(data["open_world_labels"]),
        objects=tuple(
            ObjectFacts(
                object_id=object_id,
                label=label,
                center=tuple(center),
                extent=tuple(extent),
                rotation=tuple(rotation),
                first_seen_s=first_seen,
            )
            for object_id, label, center, extent, rotation, first_seen in data["objects"]
        ),
        frames=tuple(_frame(*values) for values in data["frames"]),
        distances=tuple(tuple(row) for row in data["distances"]),
        navigation=_navigation(data["navigation"]),
    )


def _camera_to_wire(camera: CameraFacts | None) -> list[Any] | None:
    if camera is None:
        return None
    return [
        camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy,
        camera.camera_to_world, camera.camera_model, camera.distortion,
    ]  # fmt: skip


def _frame(frame_id: str, index: int, time_s: float, camera: Any, seen: Any) -> FrameFacts:
    return FrameFacts(
        frame_id=frame_id,
        index=index,
        time_s=time_s,
        camera=None if camera is None else _camera(*camera),
        seen=tuple(
            SeenFacts(
                position=position, visible_fraction=fraction, pixel_area=area,
                box_2d=tuple(box), depth_m=depth,
            )
            for position, fraction, area, box, depth in seen
        ),
    )  # fmt: skip


def _camera(
    width: int, height: int, fx: float, fy: float, cx: float, cy: float, pose: list[float],
    model: str, distortion: list[float],
) -> CameraFacts:  # fmt: skip
    return CameraFacts(
        width=width, height=height, fx=fx, fy=fy, cx=cx, cy=cy, camera_to_world=tuple(pose),
        camera_model=model, distortion=tuple(distortion),
    )  # fmt: skip


def _navigation_to_wire(grid: NavigationFacts | None) -> list[Any] | None:
    if grid is None:
        return None
    return [
        grid.origin, grid.cell_m, grid.num_rows, grid.num_columns, grid.robot_radius_m,
        base64.b64encode(grid.free).decode("ascii"),
    ]  # fmt: skip


def _navigation(data: list[Any] | None) -> NavigationFacts | None:
    if data is None:
        return None
    origin, cell_m, rows, columns, radius, free = data
    return NavigationFacts(
        origin=tuple(origin), cell_m=cell_m, num_rows=rows, num_columns=columns,
        robot_radius_m=radius, free=base64.b64decode(free),
    )  # fmt: skip


def outcome_to_wire(outcome: Outcome) -> list[Any]:
    """An outcome as JSON values."""
    trace = outcome.trace
    return [
        outcome.ok,
        outcome.answer,
        outcome.reason,
        outcome.message,
        outcome.margin,
        outcome.ms,
        [
            trace.calls,
            trace.labels,
            trace.object_ids,
            trace.frame_ids,
            trace.referents,
            trace.values,
            [(d.kind, d.measured, d.threshold, d.unit) for d in trace.decisions],
        ],
    ]


def outcome_from_wire(data: Any) -> Outcome:
    """The outcome a worker reports. Raises ValueError where the message is not one."""
    try:
        ok, answer, reason, message, margin, ms, parts = data
        calls, labels, object_ids, frame_ids, referents, values, decisions = parts
        outcome = Outcome(
            ok=_is(bool, ok),
            answer=_answer(answer),
            reason=None if reason is None else Reason(reason),
            message=_is(str, message),
            margin=None if margin is None else _number(margin),
            ms=_number(ms),
            trace=Trace(
                calls=_texts(calls),
                labels=_texts(labels),
                object_ids=_texts(object_ids),
                frame_ids=_texts(frame_ids),
                referents=tuple((_is(str, label), _is(int, n)) for label, n in referents),
                values=tuple((_is(str, call), _number(value)) for call, value in values),
                decisions=tuple(
                    Decision(
                        kind=_is(str, kind),
                        measured=_number(measured),
                        threshold=_number(threshold),
                        unit=_is(str, unit),
                    )
                    for kind, measured, threshold, unit in decisions
                ),
            ),
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"not an outcome ({error})") from error
    if outcome.ok != (outcome.reason is None) or outcome.ok != (outcome.answer is not None):
        raise ValueError("an outcome that is neither ok nor rejected")
    return outcome


def _is(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{type(value).__name__} where {kind.__name__} belongs")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"{type(value).__name__} where a number belongs")
    return float(value)


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(_is(str, value) for value in _is(list, values))


def _answer(value: Any) -> Answer | None:
    if value is None or type(value) in (bool, int, float, str):
        answer: Answer | None = value
        return answer
    return _texts(value)
