"""The command as a user calls it, within this process."""

from __future__ import annotations

import contextlib
import io

import pytest

from engine.cli import main


def ouroboros(*arguments: object) -> tuple[int, str, str]:
    """Run one command; its exit code and what it wrote to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as exit_,
    ):
        main([str(each) for each in arguments])
    code = exit_.value.code
    return code if isinstance(code, int) else 0, out.getvalue(), err.getvalue()
