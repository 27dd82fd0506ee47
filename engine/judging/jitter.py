"""Copies of a scene whose boxes are off by as much as annotations are: what stability is tried on.

Every box moves by itself: its center in all three directions, its sizes each along its own axis,
and its heading about z. All surface distances are computed again, exactly. Nothing else changes:
frames, what they show and when an object is first seen, the navigation grid, the room's area and
outline stay as they are, so answers that rest on those alone are as stable as they ever were.
Errors that neighbouring objects share, such as a scan's drift, are not tried.

And one copy of another kind: boxes stood upright, as an annotator who keeps boxes to gravity would
have drawn them. A minimal box around a scanned object leans where a few stray points make a leaning
box the smallest one (61 % of ScanNet's by more than 5 degrees), and then reaches higher than the
object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.config import BoxNoise, NoiseSettings
from engine.records import ObjectFacts, SceneFacts
from engine.scenes.facts import distance_table
from engine.scenes.geometry import LEVEL, Floats, box_arrays, box_distances, distance_matrix
from engine.seeds import generator

__all__ = ["SOURCES", "jittered", "jittered_copies", "noise_of", "stood_upright", "with_boxes"]

# Where the scales in engine.config.NoiseSettings come from. No dataset publishes how far its boxes
# repeat when a scene is annotated anew, so all have DESIGN's numbers until one is measured; what
# is known of the surfaces beneath is a lower bound.
SOURCES: Mapping[str, str] = {
    "scannet": "DESIGN section 6; no published repeat annotation (boxes around crowd-sourced "
    "segments of a depth-camera mesh, arXiv 1702.04405)",
    "scannetpp": "DESIGN section 6; no published repeat annotation (boxes around segments of a "
    "laser scan of sub-millimetre resolution, arXiv 2308.11417: the surface is known better than "
    "where an instance ends)",
    "arkitscenes": "DESIGN section 6; no published repeat annotation (boxes drawn on the mesh of a "
    "moving tablet's lidar, whose points lie 1 cm off their plane on average: Teo and Yang, "
    "Developments in the Built Environment 2023, 100169)",
    "other": "DESIGN section 6",
}


def noise_of(dataset: str, settings: NoiseSettings) -> BoxNoise:
    """How far a dataset's boxes are off; ``other`` for one that has no setting of its own."""
    found = getattr(settings, dataset, settings.other) if dataset in SOURCES else settings.other
    assert isinstance(found, BoxNoise)
    return found


def jittered(scene: SceneFacts, *, seed: int, copy: int, noise: BoxNoise) -> SceneFacts:
    """Copy number ``copy`` of the scene, its boxes off by ``noise``.

    Errors are normal and independent; a size's is of its logarithm, so that it stays positive.
    A function of (seed, scene id, copy) and the boxes. The same draws are scaled by any noise:
    twice the noise moves every box twice as far the same way, and none gives the scene back.
    """
    return jittered_copies(scene, seed=seed, copies=(copy,), noise=noise)[0]


def jittered_copies(
    scene: SceneFacts, *, seed: int, copies: Sequence[int], noise: BoxNoise
) -> list[SceneFacts]:
    """Several copies, each as ``jittered`` makes it, in a third of the time.

    Their distances are computed together: pairs of a small room's boxes are few, and numpy's calls
    cost more than what is computed in them.
    """
    if not scene.objects or not copies:
        return [scene] * len(copies)
    boxes = [_moved(scene, seed, copy, noise) for copy in copies]
    number = len(scene.objects)
    rows, columns = np.triu_indices(number, k=1)
    pairs = np.stack([rows, columns], axis=1)
    places = np.concatenate([pairs + number * place for place in range(len(copies))])
    centers, extents, rotations = (np.concatenate(side) for side in zip(*boxes, strict=True))
    distances = box_distances(centers, extents, rotations, places).reshape(len(copies), -1)
    matrices = np.zeros((len(copies), number, number))
    matrices[:, rows, columns] = matrices[:, columns, rows] = distances
    return [_with_boxes(scene, *own, matrix) for own, matrix in zip(boxes, matrices, strict=True)]


def _moved(
    scene: SceneFacts, seed: int, copy: int, noise: BoxNoise
) -> tuple[Floats, Floats, Floats]:
    """Centers, sizes and rotations of one copy's boxes."""
    draws = generator(seed, "jitter", scene.scene_id, copy).standard_normal((len(scene.objects), 7))
    centers, extents, rotations = box_arrays(scene.objects)
    return (
        centers + noise.center_m * draws[:, :3],
        extents * np.exp(noise.size_rel * draws[:, 3:6]),
        _turned(rotations, np.radians(noise.yaw_deg * draws[:, 6])),
    )


def stood_upright(scene: SceneFacts) -> SceneFacts:
    """The scene with every box turned, by as little as it takes, until one axis is vertical.

    Centers and sizes stay. The scene itself where all boxes stand upright (to ``LEVEL``).
    """
    centers, extents, rotations = box_arrays(scene.objects)
    turned = rotations.copy()
    for index, axes in enumerate(rotations):
        steep = int(np.abs(axes[2]).argmax())
        if np.abs(np.delete(axes[2], steep)).max() > LEVEL:
            turned[index] = _raised(axes, steep)
    if (turned == rotations).all():
        return scene
    return with_boxes(scene, centers, extents, turned)


def with_boxes(
    scene: SceneFacts, centers: Floats, extents: Floats, rotations: Floats
) -> SceneFacts:
    """The scene with other boxes, ``(n, 3), (n, 3), (n, 3, 3)``, and their exact distances."""
    matrix = distance_matrix(centers, extents, rotations)
    return _with_boxes(scene, centers, extents, rotations, matrix)


def _with_boxes(
    scene: SceneFacts, centers: Floats, extents: Floats, rotations: Floats, matrix: Floats
) -> SceneFacts:
    """The scene with other boxes, and ``matrix`` ``(n, n)`` of the distances between them (m)."""
    objects = tuple(
        ObjectFacts(
            object_id=item.object_id, label=item.label, center=tuple(center),
            extent=tuple(extent), rotation=tuple(rotation), first_seen_s=item.first_seen_s,
        )
        for item, center, extent, rotation in zip(
            scene.objects, centers.tolist(), extents.tolist(), rotations.reshape(-1, 9).tolist(),
            strict=True,
        )
    )  # fmt: skip
    return replace(scene, objects=objects, distances=distance_table(matrix))


def _raised(axes: Floats, steep: int) -> Floats:
    """Box axes ``(3, 3)`` after the smallest rotation that makes column ``steep`` vertical.

    About the horizontal axis square to that column: ``R = I + K + K K / (1 + cos)``, with K the
    cross product's matrix (Rodrigues).
    """
    up = np.sign(axes[2, steep])
    x, y, z = axes[:, steep] * up
    turn = np.array([[0.0, 0.0, -x], [0.0, 0.0, -y], [x, y, 0.0]])
    raised: Floats = axes + turn @ axes + turn @ turn @ axes / (1.0 + z)
    # What rounding leaves is cleared, so that the box counts as upright.
    raised[2, :] = raised[:, steep] = 0.0
    raised[2, steep] = up
    return raised


def _turned(rotations: Floats, angles: Floats) -> Floats:
    """Rotations ``(n, 3, 3)`` followed by one about z by ``angles`` (n,) in radians.

    The last row stays as it is to the bit, so that upright boxes stay upright.
    """
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    turned = rotations.copy()
    turned[:, 0] = cosine * rotations[:, 0] - sine * rotations[:, 1]
    turned[:, 1] = sine * rotations[:, 0] + cosine * rotations[:, 1]
    return turned
