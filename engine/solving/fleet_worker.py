"""One of the processes that a batch is split over; :mod:`engine.solving.fleet` starts it."""

from __future__ import annotations

import json
import os
import sys
import threading

from engine.solving.finetune import TransformersSolver
from engine.solving.world import Several, require_accelerate


def _leave_with_the_first() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """One of the other processes."""
    told = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_the_first, daemon=True).start()
    require_accelerate()
    print("ready", flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads on
    world = Several(**told)
    solvers: dict[int, TransformersSolver] = {}
    while (message := world.order(None)) is not None:
        dropped, number, settings, (what, argument) = message
        for gone in dropped:
            solvers.pop(gone, None)
        if number not in solvers:
            solvers[number] = TransformersSolver(settings, world=world)
        solvers[number].obey(what, argument)
    world.leave()


if __name__ == "__main__":
    main()
