"""``python -m engine`` is ``ouroboros``."""

from engine.cli import main

main()
