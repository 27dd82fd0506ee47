"""Ids as names of files: any text becomes a name that every file system and loader takes."""

from __future__ import annotations

import hashlib
import re

# A name ends up in paths with a folder and an ending: well under the usual limit of 255 bytes.
LONGEST = 120
_HASH = 32
_ODD = re.compile(rb"[^A-Za-z0-9_-]")
_ESCAPE = re.compile(rb"~([0-9a-f]{2})")


def safe_name(text: str, longest: int = LONGEST) -> str:
    """``text`` with each byte but letters, digits, ``_`` and ``-`` written ``~xx``.

    Different texts give different names: the escape is its own inverse (:func:`original_name`), and
    a name that would be long is cut and ends with ``~~`` and its text's hash. No name holds a dot,
    a slash or a blank, or is empty.
    """
    escaped = _ODD.sub(lambda m: b"~%02x" % m[0][0], text.encode("utf-8", "surrogatepass"))
    if escaped and len(escaped) <= longest:
        return escaped.decode("ascii")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    kept = escaped[: max(0, longest - _HASH - 2)]
    return f"{kept.decode('ascii')}~~{digest}"


def original_name(name: str) -> str | None:
    """The text :func:`safe_name` was given; None for a name that was cut."""
    if "~~" in name:
        return None
    plain = _ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), name.encode("ascii"))
    return plain.decode("utf-8", "surrogatepass")
