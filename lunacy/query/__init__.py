"""Asking an index: id or text -> vector -> rows -> hits."""

from lunacy.query.answer import Answer
from lunacy.query.find import find_index
from lunacy.query.index import Index, open_index
from lunacy.query.lists import read_not_ids, read_only_ids
from lunacy.search import Info

__all__ = ["Answer", "Index", "Info", "find_index", "open_index", "read_not_ids", "read_only_ids"]
