"""Where the files of a person are."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "LUNACY_LISTS"


def lists_path() -> Path:
    """The file of lists: $LUNACY_LISTS, else lists.jsonl in the folder that the system has for a person's data."""
    if given := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(given))
    from platformdirs import user_data_path

    return user_data_path("lunacy", appauthor=False) / "lists.jsonl"


def seen_path(lists: Path) -> Path:
    """The file that says what digests have shown of the lists in the file `lists`: lists.seen.jsonl beside it."""
    return lists.with_name(f"{lists.stem}.seen.jsonl")
