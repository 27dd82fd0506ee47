"""Where the files that travel with the code are: in the repository, or inside the wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    # The wheel carries the repository's sql/ and data_cards/ as engine/_sql and engine/_data_cards.
    bundled = _PACKAGE / f"_{name}"
    return bundled if bundled.is_dir() else _PACKAGE.parent / name


SQL = _folder("sql")
DATA_CARDS = _folder("data_cards")
TINY_BASE = _PACKAGE / "solving" / "tiny_base"


def sql_text(relative: str) -> str:
    """The text of ``sql/<relative>``, for example ``views/difficulty.sql``.

    Raises FileNotFoundError when there is no such file.
    """
    return (SQL / relative).read_text(encoding="utf-8")


def sql_files(folder: str) -> list[Path]:
    """The ``.sql`` files of one folder under ``sql/``, by name."""
    return sorted((SQL / folder).glob("*.sql"))
