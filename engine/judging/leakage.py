"""Whether a proposal's room is one that no training sample may come from.

Two scans of one room show the same furniture, so rooms count, not scenes. Kept from training are
the rooms a run holds out (``Case.forbidden_rooms``) and those of benchmarks
(:mod:`engine.scenes.exclusions`). A run leaves both out before it proposes anything; this judge
holds the line where a plan or a catalog was changed behind its back. Exports hold it once more
(:mod:`engine.publishing.leaks`).
"""

from __future__ import annotations

from functools import lru_cache

from engine.judging.case import Case, Objection
from engine.records import Reason
from engine.scenes.exclusions import is_benchmark


def is_leaked(case: Case, *, benchmark: bool = False) -> Objection | None:
    """Objects to held-out rooms, and to a benchmark's unless ``benchmark``.

    ``benchmark`` says that the run was allowed to use benchmark scenes and that what is made from
    this one is marked as such.
    """
    scene = case.scene
    if scene.room_key in case.forbidden_rooms:
        return _leaked(f"room {scene.room_key} is kept from training")
    if not benchmark and _of_benchmark(scene.scene_id, scene.room_key, scene.dataset):
        return _leaked(
            f"room {scene.room_key} of scene {scene.scene_id} is a benchmark's; it may be used "
            "with --allow-benchmark-scenes only"
        )
    return None


# A scene's proposals come one after the other.
@lru_cache(maxsize=4096)
def _of_benchmark(scene_id: str, room_key: str, dataset: str) -> bool:
    return is_benchmark(scene_id, room_key, "", dataset=dataset)


def _leaked(message: str) -> Objection:
    return Objection(reason=Reason.LEAKED, message=message)
