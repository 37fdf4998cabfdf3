"""Asking an index: id or text -> vector -> rows -> hits."""

from lunacy.query.answer import Answer
from lunacy.query.find import find_index
from lunacy.query.index import Index, open_index
from lunacy.search import Info

__all__ = ["Answer", "Index", "Info", "find_index", "open_index"]
