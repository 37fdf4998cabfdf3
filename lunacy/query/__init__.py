"""Asking an index: id or text -> vector -> rows -> hits."""

from lunacy.query.index import Index, open_index
from lunacy.query.lists import read_not_ids, read_only_ids, with_lists
from lunacy.query.locate import example_query, find_index

__all__ = ["Index", "example_query", "find_index", "open_index", "read_not_ids", "read_only_ids", "with_lists"]
