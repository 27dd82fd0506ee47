"""The project's errors, one tree.

::

    OuroborosError                    exit 1 unless stated
    ├── SceneFormatError (ValueError)  a dataset file does not hold what its format promises
    ├── ConfigError (ValueError)       an unknown key, or a value out of range
    ├── WorkspaceError                 not a workspace, made by a newer version, inputs changed
    │   └── WorkspaceBusy              another process is writing to it
    ├── InputError (ValueError)        a file or argument the user gave is at fault
    ├── QueryError (ValueError)        SQL that does not parse or bind, an unknown named query
    └── EnvironmentFault               exit 3: a missing package, a sandbox or a disk that fails
        └── SandboxFault               the sandbox itself failed: never a program's fault

Every message names the thing, its value, and what to do next. A bad *proposal* is not an error:
it is a verdict with a reason (:class:`engine.records.Reason`).
"""

from __future__ import annotations

from scene_adapters.errors import OuroborosError, SceneFormatError

__all__ = [
    "ConfigError",
    "EnvironmentFault",
    "InputError",
    "OuroborosError",
    "QueryError",
    "SandboxFault",
    "SceneFormatError",
    "WorkspaceBusy",
    "WorkspaceError",
]


class ConfigError(OuroborosError, ValueError):
    """A configuration key is unknown or its value is out of range."""


class WorkspaceError(OuroborosError):
    """A directory is not a workspace this version can use, or its contents disagree."""


class WorkspaceBusy(WorkspaceError):
    """Another process holds the workspace's write lock."""


class InputError(OuroborosError, ValueError):
    """A file or argument given by the user is at fault."""


class QueryError(OuroborosError, ValueError):
    """An SQL statement does not parse or bind, or a named query does not exist."""


class EnvironmentFault(OuroborosError):
    """The machine is at fault: something is missing or refuses to work."""

    exit_code = 3


class SandboxFault(EnvironmentFault):
    """The sandbox itself failed; no program is to blame, so the run stops."""
