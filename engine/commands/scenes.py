"""`init`, `ingest` and `scenes`: a workspace and what is in its catalog."""

from __future__ import annotations

import json
from pathlib import Path

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
from engine.errors import InputError


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
    "ouroboros ingest vsi-meta meta_info/ -w ws",
    "ouroboros ingest synthetic rooms --scenes 40 -w ws",
)
@click.argument("dataset", metavar="DATASET")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--split", "split_file", type=click.Path(path_type=Path), metavar="FILE",
              help="Take only the scenes whose ids this text file lists, one a line.")  # fmt: skip
@click.option("--scenes", "count", type=click.IntRange(1), default=40, show_default=True,
              help="synthetic only: rooms to generate when PATH holds none yet.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="synthetic only: seed of the generated rooms.")  # fmt: skip
@workspace_option
@json_option
@quiet_option
def ingest_command(
    dataset: str, path: Path, split_file: Path | None, count: int, seed: int, root: Path,
    as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Read scenes of DATASET from PATH into the workspace's catalog.

    DATASET is vsi-meta (VSI-Bench's scene metadata: a JSON file or a folder of them) or synthetic
    (a folder of generated rooms, made first when it is absent or empty). Scenes already there and
    unchanged are skipped. A bad scene never stops the others; there having been one, the exit code
    is 1.
    """
    from scene_adapters.table import ADAPTERS, load_adapter

    if dataset not in ADAPTERS:
        raise click.UsageError(f"unknown dataset {dataset!r}; choose one of {', '.join(ADAPTERS)}")
    from engine.scenes.ingest import ingest, read_split_file

    workspace = open_workspace(root)
    split = None if split_file is None else read_split_file(split_file)
    with workspace.write_lock():
        if dataset == "synthetic" and (not path.exists() or _is_empty_folder(path)):
            _generate(path, seed=seed, count=count)
        with reporter_for(quiet).stage("ingest", None, "scenes") as reached:
            summary = ingest(
                load_adapter(dataset), path, workspace.catalog, split=split,
                on_progress=lambda done, _total: reached(done),
            )  # fmt: skip
    counts = {name: getattr(summary, name) for name in ("added", "updated", "unchanged")}
    if as_json:
        failed = [
            {"scene_id": e.scene_id, "path": e.path, "message": str(e)} for e in summary.failed
        ]
        click.echo(json.dumps({**counts, "failed": failed}))
    else:
        click.echo(", ".join(f"{value} {name}" for name, value in counts.items()))
    if summary.absent:
        complain(
            f"{split_file}: {len(summary.absent)} ids are not among the scenes of {path}, first "
            f"{summary.absent[0]}"
        )
    for error in summary.failed[:20]:
        complain(str(error))
    if summary.failed:
        raise InputError(
            f"{path}: {len(summary.failed)} scenes could not be read; correct them and run the "
            "same command again (the others are in the catalog)"
        )


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

            with (
                reported_os_errors(pictures),
                reporter_for(quiet).stage("draw", len(rows), "scenes") as reached,
            ):
                for count, row in enumerate(rows, start=1):
                    write_pictures(catalog, row["scene_id"], pictures, views=views)
                    reached(count)
    if not as_json:
        rows = [{k: v for k, v in row.items() if k != "content_hash"} for row in rows]
    print_rows(rows, as_json)


def _generate(path: Path, *, seed: int, count: int) -> None:
    """Write generated rooms to ``path``, all of them or none."""
    from engine.workspace import replace_folder, reported_os_errors
    from scene_adapters.synthetic import write_scenes

    partial = path.with_name(f".{path.name}.partial")
    with reported_os_errors(path):
        write_scenes(partial, seed=seed, count=count)
        replace_folder(partial, path)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
