"""`ouroboros report`: one HTML file that shows a workspace, and asks nothing of any network.

The same workspace gives the same bytes: no clock, no path but the folder's name. The file stays
under :data:`MOST_BYTES`: charts count everything, the gallery holds an even choice of samples where
there are more than fit, and the page says of how many.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError
from engine.progress import Reporter
from engine.reporting.report_data import READS, ReportData, read_report
from engine.reporting.report_frames import Pictures, read_pictures
from engine.reporting.report_page import page
from engine.workspace import Workspace, reported_os_errors, write_atomic

MOST_BYTES = 20_000_000
MOST_SAMPLES = 50_000
MOST_REJECTED = 10_000
# What is aimed for where a page came out too large: sizes are not quite proportional.
_MARGIN = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """``frames``: ``none``, ``few``, or None for those whose licence lets them be passed on."""

    frames: str | None = None
    samples: int = MOST_SAMPLES
    rejected: int = MOST_REJECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSummary:
    """What was written. ``samples`` of ``samples_in_all`` are in the gallery."""

    path: str
    bytes: int
    round: int | None
    samples: int
    samples_in_all: int
    rejected: int
    rejected_in_all: int
    scenes_with_pictures: int


def write_report(
    workspace: Workspace, out: Path, settings: ReportSettings, reporter: Reporter
) -> ReportSummary:
    """Write the report of a workspace to ``out``, whole or not at all.

    Raises InputError where ``out`` is a folder, EnvironmentFault where it cannot be written, and
    what :func:`engine.reporting.queries.open_analysis` raises.
    """
    if out.is_dir():
        raise InputError(
            f"{out}: is a folder; name the file to write, for example {out}/report.html"
        )
    with reported_os_errors(out):
        # Found out now rather than after the work.
        out.parent.mkdir(parents=True, exist_ok=True)
    samples, rejected = settings.samples, settings.rejected
    while True:
        data = _read(workspace, samples, rejected, reporter)
        pictures = _pictures(workspace, data, settings.frames, reporter)
        with reporter.stage("write", 1, "page") as reached:
            text = page(workspace.root.resolve().name, data, pictures)
            reached(1)
        size = len(text.encode("utf-8"))
        if size <= MOST_BYTES or not (data.samples.height or data.rejected.height):
            break
        share = _MARGIN * MOST_BYTES / size
        samples = int(data.samples.height * share)
        rejected = int(data.rejected.height * share)
        reporter.note(f"{size / 1e6:.0f} MB is more than a report may be: again with {samples:,}")
    with reported_os_errors(out):
        write_atomic(out, text)
    scope = data.scope
    return ReportSummary(
        path=str(out),
        bytes=size,
        round=scope.trained_round,
        samples=data.samples.height,
        samples_in_all=scope.train_samples + scope.held_out_samples,
        rejected=data.rejected.height,
        rejected_in_all=scope.rejected,
        scenes_with_pictures=len(pictures.shown),
    )


def _read(workspace: Workspace, samples: int, rejected: int, reporter: Reporter) -> ReportData:
    with reporter.stage("read", READS, "tables") as reached:
        return read_report(
            workspace.root, most_samples=samples, most_rejected=rejected, reached=reached
        )


def _pictures(
    workspace: Workspace, data: ReportData, frames: str | None, reporter: Reporter
) -> Pictures:
    scenes = data.seen["scene_id"].n_unique()
    if frames == "none" or scenes == 0:
        return Pictures()
    with reporter.stage("pictures", scenes, "scenes") as reached:
        return read_pictures(
            workspace.catalog, data.plans, data.seen, data.samples, asked=frames == "few",
            reached=reached,
        )  # fmt: skip
