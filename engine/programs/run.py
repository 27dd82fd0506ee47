"""One run of one program: the scene it asks about, the margins that hold, the trace it leaves.

Vocabulary modules take a :class:`Run` first and turn what a program hands them (objects, labels,
lists of either) into object indices here, so that every call treats labels alike.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from engine.config import MarginSettings
from engine.programs import boxes
from engine.programs.faults import ProgramError, UnknownObject
from engine.programs.tracing import Tracer
from engine.records import ObjectFacts, SceneFacts, Trace, Vec3


class PreparedScene:
    """A scene's facts with what the calls look up again and again; runs share it."""

    __slots__ = ("_corners", "by_label", "facts", "floor", "half_heights", "ids", "labels", "names")

    def __init__(self, facts: SceneFacts) -> None:
        self.facts = facts
        self.labels = tuple(item.label for item in facts.objects)
        self.ids = tuple(item.object_id for item in facts.objects)
        by_label: dict[str, list[int]] = {}
        for index, label in enumerate(self.labels):
            by_label.setdefault(label, []).append(index)
        self.by_label = {label: tuple(indices) for label, indices in by_label.items()}
        self.names = tuple(sorted(self.by_label))
        self.half_heights = tuple(boxes.half_height(item) for item in facts.objects)
        # The lowest point of any box: where heights are measured from, whatever the origin.
        self.floor = min(
            (o.center[2] - h for o, h in zip(facts.objects, self.half_heights, strict=True)),
            default=0.0,
        )
        self._corners: dict[int, tuple[Vec3, ...]] = {}

    def corners(self, index: int) -> tuple[Vec3, ...]:
        """The 8 corners of an object's box (m, world frame)."""
        if index not in self._corners:
            self._corners[index] = boxes.corners(self.facts.objects[index])
        return self._corners[index]


class Run:
    """What the calls of one program share while it runs.

    In a ``lenient`` run decisions that are not clear are taken all the same.
    """

    __slots__ = ("margins", "scene", "tracer")

    def __init__(
        self, scene: PreparedScene, margins: MarginSettings, *, lenient: bool = False
    ) -> None:
        self.scene = scene
        self.margins = margins
        self.tracer = Tracer(lenient=lenient)

    def facts(self, index: int) -> ObjectFacts:
        """One object's facts."""
        return self.scene.facts.objects[index]

    def name(self, index: int) -> str:
        """How messages name an object: its label, with its id where there are several."""
        label = self.scene.labels[index]
        if len(self.scene.by_label[label]) == 1:
            return label
        return f"{label} ({self.scene.ids[index]})"

    def instances(self, label: object) -> tuple[int, ...]:
        """The objects of a label.

        Raises UnknownObject where the scene has none, ProgramError where it is no text.
        """
        if type(label) is not str:
            raise ProgramError(
                f"a label is a text such as 'sofa', not {kind_of(label)}; "
                "give the label, or an object's .label"
            )
        found = self.scene.by_label.get(label)
        if found is None:
            raise UnknownObject(self._unknown(label))
        self.tracer.label(label)
        return found

    def _unknown(self, label: str) -> str:
        names = self.scene.names
        near = difflib.get_close_matches(label, names, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        known = ", ".join(names) if names else "none"
        return f"no '{label}' in this scene; {hint}its labels: {known}"

    def one(self, value: object, role: str) -> int:
        """The object a program means by one single thing: an object, or a label with one instance.

        Raises Ambiguous for a label with several instances, ProgramError for anything else.
        """
        index = self.index_of(value)
        if index is not None:
            self.tracer.touch(index)
            return index
        if type(value) is not str:
            raise ProgramError(f"{role} must be an object or a label, not {kind_of(value)}")
        found = self.instances(value)
        self.tracer.single(value)
        for index in found:
            self.tracer.touch(index)
        if len(found) > 1:
            # An upper limit, stored negated (see tracing.tightness).
            self.tracer.refuse(
                "referent",
                -float(len(found)),
                -1.0,
                "instances",
                f"{role} '{value}' names {len(found)} objects; "
                "use a label with exactly one instance, or an object",
            )
        return found[0]

    def some(self, value: object, role: str) -> tuple[int, ...]:
        """The objects a program means by a group: an object, a label, or a list of them.

        Raises ProgramError for an empty list and for anything else.
        """
        if type(value) in (list, tuple):
            assert isinstance(value, list | tuple)
            if not value:
                raise ProgramError(f"{role} is an empty list; give at least one object")
            members: Iterable[object] = value
        else:
            members = (value,)
        found: list[int] = []
        for member in members:
            index = self.index_of(member)
            if index is not None:
                found.append(index)
            elif type(member) is str:
                found.extend(self.instances(member))
            else:
                raise ProgramError(
                    f"{role} must be an object, a label or a list of them, not {kind_of(member)}"
                )
        for index in found:
            self.tracer.touch(index)
        return tuple(dict.fromkeys(found))

    def index_of(self, value: object) -> int | None:
        """The index of an object of this scene; None where the value is no object."""
        return value.position if isinstance(value, ObjectHandle) else None

    def distance(self, i: int, j: int) -> float:
        """Exact surface distance between two objects (m), 0 where their boxes meet."""
        return self.scene.facts.distances[i][j]

    def trace(self) -> Trace:
        """What the program touched so far."""
        return self.tracer.finish(self.scene.ids, self.scene.labels)


class ObjectHandle:
    """What the calls need of an object a program holds: which one it is.

    :class:`engine.programs.values.SceneObject` is what programs see; ``position`` is not among
    the names they may read.
    """

    __slots__ = ("_run", "position")

    def __init__(self, run: Run, position: int) -> None:
        self._run = run
        self.position = position


def kind_of(value: object) -> str:
    """How messages name what a program handed in: ``a list``, ``an object``, ``nothing``."""
    if value is None:
        return "nothing (None)"
    name = type(value).__name__
    words = {
        "SceneObject": "an object",
        "Scene": "the scene",
        "SceneFrame": "a frame",
        "str": "a text",
        "float": "a number",
        "int": "a number",
        "bool": "a truth value",
        "list": "a list",
        "tuple": "a tuple",
        "dict": "a dict",
        "OrderedSet": "a set",
        "generator": "a generator (wrap it in list(...))",
    }
    return words.get(name, f"a {name}")
