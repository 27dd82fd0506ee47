"""Reading and completing scenes, here or in worker processes: one outcome a scene, in order.

A scan that cannot be read, or that breaks whatever reads it, costs that scan alone: what an
adapter refuses comes back as its error, anything else a worker meets becomes one, and a worker
that dies (a crash in native code, memory) is replaced and its scans tried again one at a time, so
that the culprit is named and its neighbours are not lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from engine.errors import OuroborosError, SceneFormatError
from engine.scenes.catalog_rows import CatalogScene
from engine.scenes.complete import Completion, complete
from scene_adapters.base import Adapter, SceneSource

# Scans handed out per worker ahead of the one whose result is awaited: keeps workers busy while a
# slow scan holds up the order, and bounds the finished scenes that wait in memory.
_AHEAD = 3

# Workers are the parallelism; libraries that start threads of their own would fight over cores.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A scene whose bytes, adapter and processing are those the catalog has already."""

    scene_id: str


Outcome = CatalogScene | Unchanged | SceneFormatError

# scene_id -> (content_hash, adapter_version, processing) of what the catalog holds.
Known = Mapping[str, tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReader:
    """Reads one source: what a worker process is given once and then applies to every scan."""

    adapter: Adapter
    settings: Completion

    def read(self, source: SceneSource, known: tuple[str, str, str] | None) -> Outcome:
        """The scene completed, or that it is unchanged, or the error that names what is wrong.

        Raises what is not the scan's fault (a missing package, an interrupt).
        """
        try:
            if known is not None and known == (
                self.adapter.content_hash(source),
                f"{self.adapter.name}/{self.adapter.version}",
                self.settings.processing,
            ):
                return Unchanged(source.scene_id)
            return complete(self.adapter.read(source), self.settings)
        except SceneFormatError as error:
            # Readers of one file do not know whose it is.
            error.scene_id = error.scene_id or source.scene_id
            return error
        except OuroborosError:
            raise
        except Exception as error:  # noqa: BLE001  the boundary that attributes what escapes
            return _escaped(source, error)


def read_scans(
    reader: ScanReader, sources: Sequence[SceneSource], known: Known, *, workers: int
) -> Iterator[tuple[SceneSource, Outcome, bool]]:
    """(source, outcome, whether the next outcome is there already), in the order of ``sources``.

    ``workers`` processes, or this one where it is 0.
    """
    if workers == 0:
        for source in sources:
            yield source, reader.read(source, known.get(source.scene_id)), True
        return
    left = deque(sources)
    while left:
        yield from _until_a_worker_dies(reader, left, known, workers)


def _until_a_worker_dies(
    reader: ScanReader, left: deque[SceneSource], known: Known, workers: int
) -> Iterator[tuple[SceneSource, Outcome, bool]]:
    """Take sources off ``left`` and yield their outcomes, till none is left or a pool is broken.

    What was under way when it broke is read again by itself, so that only the scan that kills
    its worker every time is lost.
    """
    pending: deque[tuple[SceneSource, Future[Outcome]]] = deque()
    with _pool(workers) as pool:
        while left or pending:
            try:
                while left and len(pending) < workers * _AHEAD:
                    stored = known.get(left[0].scene_id)
                    pending.append((left[0], pool.submit(reader.read, left[0], stored)))
                    left.popleft()
                outcome = pending[0][1].result()
            except BrokenProcessPool:
                break
            source, _ = pending.popleft()
            yield source, outcome, bool(pending) and pending[0][1].done()
    unfinished = deque(s for s, f in pending if not f.done() or f.exception() is not None)
    again = _one_at_a_time(reader, unfinished, known)
    for source, future in pending:
        finished = future.done() and future.exception() is None
        yield source, future.result() if finished else next(again), False


def _one_at_a_time(reader: ScanReader, left: deque[SceneSource], known: Known) -> Iterator[Outcome]:
    """Outcomes from a single worker, replaced whenever a scan kills it: that scan is at fault."""
    while left:
        with _pool(1) as pool:
            try:
                while left:
                    stored = known.get(left[0].scene_id)
                    yield pool.submit(reader.read, left[0], stored).result()
                    left.popleft()
            except BrokenProcessPool:
                pass
            else:
                return
        yield _died(left.popleft())


def _died(source: SceneSource) -> SceneFormatError:
    return SceneFormatError(
        f"{source.path}: scene {source.scene_id}: the process that read it died "
        "(out of memory, or a crash in a library)",
        path=str(source.path),
        scene_id=source.scene_id,
        remedy="run again with fewer --workers, or leave the scene out with --split",
    )


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    # Spawned, not forked: Open3D and DuckDB have threads by now, which a fork would leave behind.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start_worker() -> None:
    """Leave interrupts to the parent, and end with it even where it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _escaped(source: SceneSource, error: Exception) -> SceneFormatError:
    """What no reader foresaw, as this scan's own fault: it must not stop the others."""
    problem = SceneFormatError(
        f"{source.path}: scene {source.scene_id}: could not be processed "
        f"({type(error).__name__}: {' '.join(str(error).split())[:200]})",
        path=str(source.path),
        scene_id=source.scene_id,
        remedy="report it with this line, and leave the scene out with --split meanwhile",
    )
    problem.__cause__ = error
    return problem
