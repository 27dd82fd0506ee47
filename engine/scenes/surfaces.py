"""Which rays of a frame show an object, and which would if nothing stood in front.

The rules are stated in :mod:`engine.scenes.sightings`; this module applies them to one frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.scenes.geometry import Floats, Ints, box_arrays
from engine.scenes.raycast import Crossings, MeshCaster
from engine.scenes.visibility import NEAR_M, box_spans, holds_center, visible_parts
from scene_adapters.records import FrameRecord, ObjectRecord
from scene_adapters.scan import DepthImage, Mesh

Mask = NDArray[np.bool_]

# A sensor's depth and the mesh differ by how the frames were registered: a few centimetres ...
REGISTRATION_M = 0.03
# ... and by the sensor's noise along its axis, sigma = 1.2 mm + 1.9 mm * (z - 0.4)^2 with z in
# metres (Nguyen, Izadi and Lovell, 3DIMPVT 2012, for structured light such as ScanNet's; a
# phone's lidar is no worse within a room), of which three sigma are allowed.
NOISE_M = 0.0012
NOISE_PER_M = 0.0019
NOISE_LEAST_M = 0.4
NOISE_SIGMAS = 3.0

# Boxes annotated apart from the surface (ARKitScenes') cut it or stand off by this much (m):
# they were drawn by hand around a phone's mesh, which is itself right to some centimetres.
BOX_SLACK_M = 0.05

# Hulls only choose the rays worth casting: this margin (m) is far above single precision.
_HULL_MARGIN_M = 0.001


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """What rays show of one object.

    ``visible`` ``(k,)`` are the indices of the rays that show it, ``depths`` ``(k,)`` how far
    they go along the optical axis (m); ``covered`` counts the rays that would show it if nothing
    stood in front.
    """

    index: int
    visible: Ints
    depths: Floats
    covered: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measured:
    """What is known of the surface each ray meets: arrays ``(rays,)``, depths in m.

    ``depth`` is the sensor's where it measured, else the mesh's first hit, else ``inf``; surfaces
    from ``low`` to ``high`` may be what is seen, and what lies before ``low`` is not there.
    ``slack`` (m) is how far from ``depth`` a box may end and still hold the surface.
    """

    depth: Floats
    low: Floats
    high: Floats
    slack: Floats


class Surfaces:
    """A scene's objects and what hides them, ready to be looked at from any frame.

    An object with triangles of its own is told by them, every other one by its box.
    """

    def __init__(self, objects: tuple[ObjectRecord, ...], mesh: Mesh | None) -> None:
        """Raises EnvironmentFault where there is a mesh and Open3D is not installed."""
        self.reported: Mask = np.array([not item.structure for item in objects], dtype=np.bool_)
        self._hulls = box_arrays(objects)
        self._caster: MeshCaster | None = None
        solid = np.zeros(len(objects), dtype=np.bool_)
        if mesh is not None and len(mesh.triangles):
            owners = triangle_owners(mesh)
            self._caster = MeshCaster(mesh, owners)
            solid[np.unique(owners[owners >= 0])] = True
        self._boxed = np.flatnonzero(~solid)
        self._boxes = tuple(side[self._boxed] for side in self._hulls)
        self._hides = ~holds_center(*self._boxes)
        # Place of each box among the others by volume, the smallest first.
        volumes = np.prod(self._boxes[1], axis=1)
        self._rank = np.argsort(np.argsort(volumes, kind="stable"), kind="stable")
        if mesh is not None and solid.any():
            self._hulls = _hulls(mesh, owners, self._hulls)

    @property
    def has_mesh(self) -> bool:
        """Whether measured surfaces hide things where no depth image tells."""
        return self._caster is not None

    def rays_near(self, frame: FrameRecord, rays: Floats, wanted: Mask) -> Ints:
        """Indices of the rays that may meet a wanted object: all that do, and some more."""
        hulls = (side[np.flatnonzero(wanted)] for side in self._hulls)
        _, enter, leave = box_spans(rays, frame, *hulls)
        return np.flatnonzero(((enter <= leave) & (leave >= 0.0)).any(axis=0))

    def parts(
        self, frame: FrameRecord, rays: Floats, image: DepthImage | None = None
    ) -> Iterator[Part]:
        """What the rays ``(n, 3)`` of a frame show, in the order of the objects.

        Objects of which nothing shows are left out, and so is the room's structure.
        """
        met = self._met(frame, rays)
        measured = _measured(met, sensed_depths(image, rays))
        seen = _seen_owner(met, measured)
        found = {part.index: part for part in _solid_parts(met, measured, seen)}
        if len(self._boxed):
            boxed = self._box_parts(frame, rays, measured, seen)
            found.update((part.index, part) for part in boxed)
        for index in sorted(found):
            if self.reported[index] and len(found[index].visible):
                yield found[index]

    def _met(self, frame: FrameRecord, rays: Floats) -> Crossings:
        if self._caster is None:
            return Crossings(
                ray=np.zeros(0, dtype=np.int64),
                depth=np.zeros(0),
                owner=np.zeros(0, dtype=np.int64),
            )
        if len(self._boxed) == len(self.reported):  # whose triangles they are does not matter
            return self._caster.first(frame, rays)
        return self._caster.crossings(frame, rays)

    def _box_parts(
        self, frame: FrameRecord, rays: Floats, measured: _Measured, seen: Ints
    ) -> Iterator[Part]:
        """Boxes against measured depths, and against each other where nothing is measured."""
        chosen, enter, leave = box_spans(rays, frame, *self._boxes)
        missed = (enter > leave) | (enter < NEAR_M)
        enter[missed], leave[missed] = np.inf, -np.inf
        visible = np.zeros(enter.shape, dtype=np.bool_)
        covered = np.zeros(enter.shape, dtype=np.bool_)
        known = np.flatnonzero(np.isfinite(measured.depth))
        depth, slack = measured.depth[known], measured.slack[known]
        gap = np.maximum(np.maximum(enter[:, known] - depth, depth - leave[:, known]), 0.0)
        claims = (gap <= slack) & (seen[known] < 0)
        claims &= self.reported[self._boxed[chosen]][:, None]
        place = np.where(gap > 0.0, len(self._boxed) + gap, self._rank[chosen][:, None])
        place[~claims] = np.inf
        if len(chosen):
            visible[:, known] = claims & (place.argmin(axis=0) == np.arange(len(chosen))[:, None])
        hidden = np.isfinite(enter[:, known]) & (enter[:, known] - slack > depth)
        covered[:, known] = visible[:, known] | hidden
        open_rays = np.flatnonzero(np.isinf(measured.depth))
        hides = self._hides[np.ix_(chosen, chosen)]
        for row, shows, covers in visible_parts(enter[:, open_rays], hides):
            visible[row, open_rays] = shows
            covered[row, open_rays] = covers
        for row in np.flatnonzero(visible.any(axis=1)).tolist():
            shown = np.flatnonzero(visible[row])
            depths = measured.depth[shown]
            yield Part(
                index=int(self._boxed[chosen[row]]),
                visible=shown,
                depths=np.where(np.isfinite(depths), depths, enter[row, shown]),
                covered=int(covered[row].sum()),
            )


def triangle_owners(mesh: Mesh) -> Ints:
    """The object ``(m,)`` each triangle belongs to: that of two of its corners; -1 for none.

    By majority the strip between two objects is shared out rather than lost to both.
    """
    if mesh.vertex_object is None:
        return np.full(len(mesh.triangles), -1, dtype=np.int64)
    one, two, three = mesh.vertex_object.astype(np.int64)[mesh.triangles].T
    return np.where(one == two, one, np.where((two == three) | (one == three), three, -1))


def depth_slack(depth: Floats) -> Floats:
    """How far (m) a surface may lie from a sensor's depth (m) and be the one it measured."""
    noise = NOISE_M + NOISE_PER_M * (depth - NOISE_LEAST_M) ** 2
    return REGISTRATION_M + NOISE_SIGMAS * noise


def sensed_depths(image: DepthImage | None, rays: Floats) -> Floats:
    """Depth (m) measured along each ray ``(n, 3)``, from the nearest pixel; ``inf`` for none.

    The image is seen from the rays' own camera. Rays beside it, pixels without a measurement and
    depths too near for an image are none.
    """
    sensed = np.full(len(rays), np.inf)
    if image is None or not image.metres.size:
        return sensed
    rows, columns = image.metres.shape
    across = rays[:, 0] * image.fx + image.cx
    down = rays[:, 1] * image.fy + image.cy
    within = (across >= 0.0) & (across < columns) & (down >= 0.0) & (down < rows)
    read = image.metres[down[within].astype(np.int64), across[within].astype(np.int64)]
    valid = np.isfinite(read) & (read >= NEAR_M)
    sensed[within] = np.where(valid, read, np.inf)
    return sensed


def _measured(met: Crossings, sensed: Floats) -> _Measured:
    first = np.full(len(sensed), np.inf)
    np.minimum.at(first, met.ray, met.depth)
    by_sensor = np.isfinite(sensed)
    read = np.where(by_sensor, sensed, 0.0)
    slack = depth_slack(read)
    return _Measured(
        depth=np.where(by_sensor, sensed, first),
        low=np.where(by_sensor, read - slack, -np.inf),
        high=np.where(by_sensor, read + slack, np.inf),
        slack=np.where(by_sensor, np.maximum(slack, BOX_SLACK_M), BOX_SLACK_M),
    )


def _seen_owner(met: Crossings, measured: _Measured) -> Ints:
    """Whose surface each ray shows, ``(rays,)``; -1 where nobody's: the first that may be seen."""
    likely = met.depth >= measured.low[met.ray]
    likely &= met.depth <= measured.high[met.ray]
    ray, depth, owner = met.ray[likely], met.depth[likely], met.owner[likely]
    first = np.full(len(measured.depth), np.inf)
    np.minimum.at(first, ray, depth)
    # Triangles met at the same depth share an edge there: the order of the objects decides.
    foremost = depth == first[ray]
    seen = np.full(len(first), -1, dtype=np.int64)
    np.maximum.at(seen, ray[foremost], owner[foremost])
    return seen


def _solid_parts(met: Crossings, measured: _Measured, seen: Ints) -> Iterator[Part]:
    """Objects told by their own triangles."""
    owned = np.flatnonzero(met.owner >= 0)
    indices, rows = np.unique(met.owner[owned], return_inverse=True)
    near = np.full((len(indices), len(seen)), np.inf)
    np.minimum.at(near, (rows, met.ray[owned]), met.depth[owned])
    # What the sensor looked through is not there; what lies behind its reading is hidden.
    covers = np.isfinite(near) & (near >= measured.low)
    for row, index in enumerate(indices.tolist()):
        shown = np.flatnonzero(covers[row] & (seen == index))
        yield Part(
            index=index,
            visible=shown,
            depths=measured.depth[shown],
            covered=int(covers[row].sum()),
        )


def _hulls(
    mesh: Mesh, owners: Ints, boxes: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """Boxes that hold what each object is told by: bounds of its own triangles, else its box."""
    centers, extents, rotations = (side.copy() for side in boxes)
    order = np.argsort(owners, kind="stable")
    order = order[owners[order] >= 0]
    indices, starts = np.unique(owners[order], return_index=True)
    corners = mesh.vertices[mesh.triangles[order]]
    low = np.minimum.reduceat(corners.min(axis=1), starts)
    high = np.maximum.reduceat(corners.max(axis=1), starts)
    centers[indices] = (low + high) / 2.0
    extents[indices] = high - low + 2.0 * _HULL_MARGIN_M
    rotations[indices] = np.eye(3)
    return centers, extents, rotations
