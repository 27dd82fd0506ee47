"""Programs a small model may choose from, and every sentence that asks for just what they compute.

One table of rules (:mod:`~engine.proposing.phrasebook.book`) is read three ways: as the grammar a
model writes a program under, as the reader of what it wrote, and as the grammar of all wordings of
the question that program answers. ``python -m engine.proposing.phrasebook.listing`` prints it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.proposing.phrasebook.dealing import Dealer, deal, deal_all, feasible_types
    from engine.proposing.phrasebook.targets import Target, Written, read

__all__ = ["Dealer", "Target", "Written", "deal", "deal_all", "feasible_types", "read"]

# Imported when asked for: packages import nothing heavy by themselves, and these need numpy.
_MODULES = {
    "Dealer": "dealing",
    "Target": "targets",
    "Written": "targets",
    "deal": "dealing",
    "deal_all": "dealing",
    "feasible_types": "dealing",
    "read": "targets",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)
