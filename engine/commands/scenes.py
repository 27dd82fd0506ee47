"""`init`, `ingest` and `scenes`: a workspace and what is in its catalog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.shell import (
    command,
    complain,
    json_option,
    open_workspace,
    print_rows,
    quiet_option,
    reporter_for,
    workspace_option,
)
from engine.errors import InputError, SceneFormatError

if TYPE_CHECKING:
    from engine.scenes.ingest import IngestSummary

# Formats whose scenes take milliseconds: starting worker processes would take longer.
_QUICK = frozenset({"vsi-meta", "synthetic"})

# Faults told one by one; more are in the table.
_MOST_LINES = 20


@command("init", "ouroboros init ws")
@click.argument("root", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
def init_command(root: Path) -> None:
    """Make DIR (default: the current directory) a workspace.

    Writes ouroboros.toml, in which every setting stands with its default and meaning. A directory
    that is a workspace already is left as it is.
    """
    from engine.workspace import Workspace

    workspace = Workspace.create(root)
    workspace.config()
    click.echo(f"{root}: ready; next: ouroboros ingest DATASET PATH -w {root}")


@command(
    "ingest",
    "ouroboros ingest scannet /data/scannet -w ws",
    "ouroboros ingest scannetpp /data/scannetpp --split splits/nvs_sem_train.txt -w ws",
    "ouroboros ingest arkitscenes /data/arkitscenes --workers 8 -w ws",
    "ouroboros ingest vsi-meta meta_info/ -w ws",
    "ouroboros ingest synthetic rooms --scenes 40 -w ws",
)
@click.argument("dataset", metavar="DATASET")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--split", "split_file", type=click.Path(path_type=Path), metavar="FILE",
              help="Take only the scenes listed: one id a line, or ARKitScenes' csv.")  # fmt: skip
@click.option("--workers", type=click.IntRange(0), metavar="N",
              help="Processes that read scans side by side (default: one a core for raw scans, "
              "0 = this process for vsi-meta and synthetic). The result is the same.")  # fmt: skip
@click.option("--max-frames", type=click.IntRange(1), default=512, show_default=True,
              help="Frames a scene the catalog keeps, uniformly sampled from more.")  # fmt: skip
@click.option("--scenes", "count", type=click.IntRange(1), default=40, show_default=True,
              help="synthetic only: rooms to generate when PATH holds none yet.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="synthetic only: seed of the generated rooms.")  # fmt: skip
@workspace_option
@json_option
@quiet_option
def ingest_command(
    dataset: str, path: Path, split_file: Path | None, workers: int | None, max_frames: int,
    count: int, seed: int, root: Path, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Read scenes of DATASET from PATH into the workspace's catalog.

    DATASET is scannet, scannetpp or arkitscenes (a download as it lies on disk: its root, a part
    of it, or one scan), vsi-meta (VSI-Bench's scene metadata: a JSON file or a folder of them) or
    synthetic (a folder of generated rooms, made first when it is absent or empty).

    Scenes already there and unchanged are skipped, so that a stopped command goes on where it
    was. A bad scene never stops the others: it is listed at the end and in the table
    ingest_errors, and the exit code is 1.
    """
    from scene_adapters.table import ADAPTERS, load_adapter

    if dataset not in ADAPTERS:
        raise click.UsageError(f"unknown dataset {dataset!r}; choose one of {', '.join(ADAPTERS)}")
    from engine.programs.workers import cores
    from engine.progress import JournalReporter
    from engine.scenes.complete import Completion
    from engine.scenes.ingest import ingest
    from scene_adapters.splits import read_split

    workspace = open_workspace(root)
    split = None if split_file is None else read_split(split_file)
    if workers is None:
        workers = 0 if dataset in _QUICK else cores()
    with workspace.write_lock():
        if dataset == "synthetic" and (not path.exists() or _is_empty_folder(path)):
            _generate(path, seed=seed, count=count)
        summary = ingest(
            load_adapter(dataset), path, workspace.catalog, split=split, workers=workers,
            settings=Completion(max_frames=max_frames),
            reporter=JournalReporter(reporter_for(quiet), workspace.progress_path),
        )  # fmt: skip
    _print_ingested(summary, as_json)
    if summary.absent:
        complain(
            f"{split_file}: {len(summary.absent)} ids are not among the scenes of {path}, first "
            f"{summary.absent[0]}"
        )
    for error in summary.failed[:_MOST_LINES]:
        complain(str(error))
    if summary.failed:
        raise InputError(
            f"{path}: {len(summary.failed)} scenes could not be read; correct them and run the "
            "same command again (the others are in the catalog; all faults: "
            "`ouroboros sql --name ingest_errors`)"
        )


def _print_ingested(summary: IngestSummary, as_json: bool) -> None:
    counts = {name: getattr(summary, name) for name in ("added", "updated", "unchanged")}
    if not as_json:
        told = counts | {"failed": len(summary.failed)}
        click.echo(", ".join(f"{value} {name}" for name, value in told.items()))
        return
    failed = [
        {"scene_id": e.scene_id, "path": e.path, "message": str(e), "reason": e.reason,
         "remedy": e.remedy}
        for e in summary.failed
    ]  # fmt: skip
    click.echo(json.dumps({**counts, "failed": failed}))


@command(
    "scenes",
    "ouroboros scenes -w ws",
    "ouroboros scenes --json -w ws",
    "ouroboros scenes --pictures look --scene 41069025 -w ws",
)
@click.option("--pictures", type=click.Path(path_type=Path), metavar="DIR",
              help="Draw a plan and views of each scene's boxes into DIR.")  # fmt: skip
@click.option("--scene", "chosen", multiple=True, metavar="ID",
              help="Only this scene; may be given several times.")  # fmt: skip
@click.option("--views", type=click.IntRange(0, 64), default=4, show_default=True,
              help="With --pictures: perspective views a scene.")  # fmt: skip
@workspace_option
@json_option
@quiet_option
def scenes_command(
    pictures: Path | None, chosen: tuple[str, ...], views: int, root: Path, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """List the scenes of the catalog, or draw them."""
    import dataclasses

    from engine.scenes.catalog import Catalog

    with Catalog.open(open_workspace(root).catalog, read_only=True) as catalog:
        rows = [dataclasses.asdict(row) for row in catalog.overview()]
        unknown = set(chosen) - {row["scene_id"] for row in rows}
        if unknown:
            raise InputError(
                f"--scene {min(unknown)}: not in the catalog; `ouroboros scenes` lists what is"
            )
        if chosen:
            rows = [row for row in rows if row["scene_id"] in chosen]
        if pictures is not None:
            from engine.scenes.gallery import write_pictures
            from engine.workspace import reported_os_errors

            faults: list[SceneFormatError] = []
            with (
                reported_os_errors(pictures),
                reporter_for(quiet).stage("draw", len(rows), "scenes") as reached,
            ):
                for count, row in enumerate(rows, start=1):
                    write_pictures(
                        catalog, row["scene_id"], pictures, views=views, on_fault=faults.append
                    )
                    reached(count)
            for fault in faults[:_MOST_LINES]:
                complain(str(fault))
    if not as_json:
        rows = [{k: v for k, v in row.items() if k != "content_hash"} for row in rows]
    print_rows(rows, as_json)


def _generate(path: Path, *, seed: int, count: int) -> None:
    """Write generated rooms to ``path``, all of them or none."""
    from engine.folders import replace_folder
    from engine.workspace import reported_os_errors
    from scene_adapters.synthetic.scenes import write_scenes

    partial = path.with_name(f".{path.name}.partial")
    with reported_os_errors(path):
        write_scenes(partial, seed=seed, count=count)
        replace_folder(partial, path)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
