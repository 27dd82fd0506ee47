"""Which adapters exist: an explicit table; an adapter's module is imported when it is asked for."""

from __future__ import annotations

import difflib
import importlib
from typing import cast

from scene_adapters.base import Adapter
from scene_adapters.errors import OuroborosError

ADAPTERS: dict[str, str] = {
    "scannet": "scene_adapters.scannet.adapter:ScanNetAdapter",
    "scannetpp": "scene_adapters.scannetpp.adapter:ScanNetPPAdapter",
    "arkitscenes": "scene_adapters.arkitscenes.adapter:ARKitScenesAdapter",
    "synthetic": "scene_adapters.synthetic.scenes:SyntheticAdapter",
    "vsi-meta": "scene_adapters.vsi_meta:VsiMetaAdapter",
}


class UnknownAdapterError(OuroborosError, LookupError):
    """No adapter has this name."""


def load_adapter(name: str) -> Adapter:
    """The adapter called ``name``.

    Raises:
        UnknownAdapterError: naming the nearest adapter and all there are.
    """
    if name not in ADAPTERS:
        nearest = difflib.get_close_matches(name, ADAPTERS, n=1, cutoff=0.6)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise UnknownAdapterError(
            f"no adapter reads the dataset format {name!r}: {hint}choose from {', '.join(ADAPTERS)}"
        )
    module, _, attribute = ADAPTERS[name].partition(":")
    return cast(Adapter, getattr(importlib.import_module(module), attribute)())
