"""`doctor`: what works on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.commands.shell import (
    command,
    json_option,
    workspace_option,
)
from engine.errors import EnvironmentFault


@command("doctor", "ouroboros doctor", "ouroboros doctor -w ws", "ouroboros doctor --json")
@workspace_option
@json_option
def doctor_command(root: Path, as_json: bool) -> None:
    """Show what is installed, what works here, and how to get what is missing.

    In a workspace its proposer is looked at as well.
    """
    import dataclasses

    from engine.doctor import examine
    from engine.workspace import Workspace

    inside = (root / "workspace.json").exists()
    checks = examine(Workspace.open(root).config().proposer if inside else None)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(check) for check in checks]))
    else:
        for check in checks:
            mark = "ok" if check.ok else ("MISSING" if check.needed else "absent")
            click.echo(f"{mark:<8}{check.name:<18}{check.found}")
            if check.advice:
                click.echo(f"{'':8}{'':18}{check.advice}")
    broken = [check.name for check in checks if check.needed and not check.ok]
    if broken:
        raise EnvironmentFault(
            f"not everything works here: {', '.join(broken)}; see the advice above"
        )
