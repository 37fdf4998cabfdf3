"""Reading lists, and what digests have shown of them: plain files of one person. The format is in docs/lists.md."""

from lunacy.library.entry import Entry
from lunacy.library.lists import ReadingList, add, dismiss, read_lists, remove, require_list
from lunacy.library.places import lists_path
from lunacy.library.seen import Seen, mark_seen, seen

__all__ = [
    "Entry",
    "ReadingList",
    "Seen",
    "add",
    "dismiss",
    "lists_path",
    "mark_seen",
    "read_lists",
    "remove",
    "require_list",
    "seen",
]
