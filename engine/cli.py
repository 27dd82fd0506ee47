"""The command line: a thin shell over the library. Heavy modules are imported by the commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from engine import __version__
from engine.commands import analysis, loop, machine, report, scenes
from engine.commands.eval import eval_command
from engine.commands.hydrate import hydrate_command
from engine.commands.publish import publish_command
from engine.commands.shell import complain
from engine.errors import OuroborosError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ouroboros")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def app(debug: bool) -> None:
    """Close the loop between a spatial-reasoning dataset and the model trained on it.

    \b
    A first run on generated scenes:   ouroboros demo
    On your own:                       ouroboros init ws
                                       ouroboros ingest vsi-meta PATH -w ws
                                       ouroboros run --rounds 2 -w ws
                                       ouroboros sql --name round_summary -w ws
                                       ouroboros report -w ws
    """
    del debug  # read by main(), which shows errors


COMMANDS = (
    scenes.init_command,
    scenes.ingest_command,
    scenes.scenes_command,
    loop.run_command,
    loop.execute_command,
    eval_command,
    loop.status_command,
    analysis.ledger_command,
    analysis.sql_command,
    report.report_command,
    analysis.export_command,
    publish_command,
    hydrate_command,
    machine.doctor_command,
    loop.demo_command,
)
for _each in COMMANDS:
    app.add_command(_each)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: turns every expected error into one line and the contract's exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    # Accepted anywhere on the line, as a person would add it to a command that just failed.
    given = (["--debug"] if debug else []) + [a for a in given if a != "--debug"]
    try:
        code = app.main(given, prog_name="ouroboros", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "ouroboros"
        complain(f"{error.format_message()} (see `{command} --help`)")
        sys.exit(2)
    except click.ClickException as error:
        complain(error.format_message())
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        complain("stopped; run the same command again to go on where it was")
        sys.exit(130)
    except OuroborosError as error:
        if debug:
            raise
        complain(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader went away (`| head`): nothing to say, and nowhere to say it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if debug:
            raise
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}; free space or check the path's permissions")
        sys.exit(3)
    except Exception as error:
        if debug:
            raise
        complain(f"{type(error).__name__}: {error}; add --debug for the traceback and report it")
        sys.exit(3)
