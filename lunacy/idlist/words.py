"""An id of a list, and the names under which lists have ids."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import NamedTuple


class Listed(NamedTuple):
    """An id as it is written in a list, in any form, or what stands where an id should."""

    text: str
    where: str  # line 3


_NAMES = ("arxivid", "arxiv", "eprint", "paperid", "id")  # the most telling first


def id_name(names: Iterable[str]) -> str | None:
    """The one of `names`, of columns or keys, that has the ids: id, arxiv_id, arXiv, Paper ID, eprint; else None."""
    by_letters = {re.sub(r"[\W_]", "", name).lower(): name for name in names}
    return next((by_letters[name] for name in _NAMES if name in by_letters), None)


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, which are those of Unix, Windows or an old Mac, and no others."""
    return list(io.StringIO(text, newline=""))


def says_something(line: str) -> bool:
    """Whether it is neither blank nor a comment."""
    return bool(line.strip()) and not line.lstrip().startswith(("#", "%"))
