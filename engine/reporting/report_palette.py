"""The report's colours, in one place: figures name the light ones, the page knows their dark twins.

Easy, frontier and hard are the same blue, amber and wine everywhere. They were chosen so that any
two of them lie at least 30 apart in CIELAB for normal sight and for deuteranopia, protanopia and
tritanopia (Machado et al. 2009, severity 1), and at least 3:1 in contrast against the page, the
minimum of WCAG 2.2 (1.4.11) for graphics. Text has at least 4.5:1 (1.4.3).
"""

from __future__ import annotations

from collections.abc import Mapping

LABELS = ("easy", "frontier", "hard")

# name -> (on light, on dark). A figure holds the light value; the page swaps it for the variable.
COLOURS: Mapping[str, tuple[str, str]] = {
    "page": ("#f6f7f9", "#0f1318"),
    "surface": ("#ffffff", "#171c23"),
    "line": ("#d9dee5", "#2c343f"),
    "ink": ("#1b2430", "#e6eaf0"),
    "muted": ("#566273", "#9daaba"),
    "accent": ("#1f5fa8", "#7db8f0"),
    "easy": ("#3d8bcd", "#4f9fe0"),
    "frontier": ("#c98300", "#f5c04a"),
    "hard": ("#84204c", "#d9597f"),
    "neutral": ("#9aa5b3", "#66727f"),
    # Cells from little to much, on all of which ink can be read; the newest round's line.
    "least": ("#eef3f9", "#1d2732"),
    "much": ("#7fb2e5", "#2b69a8"),
    "newest": ("#134a86", "#8cc4f7"),
}


def light(name: str) -> str:
    """The colour a figure holds for ``name``, as ``#rrggbb``."""
    return COLOURS[name][0]


def faded(name: str, opacity: float) -> str:
    """The same colour, let through: ``rgba(r, g, b, opacity)``; the page swaps it too."""
    red, green, blue = _channels(light(name))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def style_variables() -> str:
    """CSS that defines every colour as ``--name``, for both schemes."""
    on_light = "".join(f"--{name}:{pair[0]};" for name, pair in COLOURS.items())
    on_dark = "".join(f"--{name}:{pair[1]};" for name, pair in COLOURS.items())
    return (
        f":root{{color-scheme:light dark;{on_light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{on_dark}}}}}"
    )


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
