"""Search: query vectors -> rows with scores."""

from __future__ import annotations

from pathlib import Path

from lunacy.milvus import is_address, parse_address
from lunacy.search.approximate import search_ivf
from lunacy.search.exact import Found, search
from lunacy.search.folder_searcher import FolderSearcher
from lunacy.search.ranking import Ranked
from lunacy.search.searcher import LastCommit, Searcher
from lunacy.search.target import Target, Text

__all__ = [
    "Found",
    "LastCommit",
    "Ranked",
    "Searcher",
    "Target",
    "Text",
    "open_searcher",
    "search",
    "search_ivf",
]


def open_searcher(where: str | Path) -> Searcher:
    """Open the index in the folder `where`, or the one published at the address `where`."""
    if not is_address(where):
        return FolderSearcher(where)
    from lunacy.search.milvus_searcher import MilvusSearcher

    return MilvusSearcher(parse_address(str(where)))
