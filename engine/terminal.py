"""What a person sees on a terminal while a stage runs: a bar with its rate and an ETA."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from engine.progress import Reached


class _RateColumn(ProgressColumn):
    """Units a second, as measured so far."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.1f} {task.fields['unit']}/s" if speed else "", style="dim")


class TerminalReporter:
    """Bars on standard error; where that is no terminal, one line when a stage ends."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)

    @contextlib.contextmanager
    def stage(self, title: str, total: int | None, unit: str) -> Iterator[Reached]:
        started = time.monotonic()
        done = 0
        progress = Progress(
            TextColumn("  {task.description:<9}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        with progress:
            task = progress.add_task(title, total=total, unit=unit)

            def reached(count: int) -> None:
                nonlocal done
                done = count
                progress.update(task, completed=count)

            yield reached
        seconds = time.monotonic() - started
        rate = f", {done / seconds:,.1f}/s" if seconds >= 1 and done > 1 else ""
        self._console.print(f"  {title:<9} {done:,} {unit} in {seconds:.1f} s{rate}", style="dim")

    def note(self, text: str) -> None:
        self._console.print(text)
