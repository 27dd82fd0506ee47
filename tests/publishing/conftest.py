"""Downloads and workspaces with pictures, made once for all tests of publishing."""

from __future__ import annotations

from held_scans import download, mine, published, publisher, shards

__all__ = ["download", "mine", "published", "publisher", "shards"]
