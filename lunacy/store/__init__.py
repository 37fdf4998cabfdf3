"""The truth: `papers.db` (SQLite) and immutable FAISS segments. The only door to sqlite3 and fsync.

The format is described in indexes/README.md.
"""

from lunacy.store.reader import Store, Summary, View
from lunacy.store.segments import OpenSegment, Rows, Segment, Vectors
from lunacy.store.verify import verify
from lunacy.store.writer import (
    QUARANTINE_NAME,
    SEGMENT_ROWS,
    Entry,
    Known,
    Writer,
    check_fingerprint,
    record_hash,
)

__all__ = [
    "QUARANTINE_NAME",
    "SEGMENT_ROWS",
    "Entry",
    "Known",
    "OpenSegment",
    "Rows",
    "Segment",
    "Store",
    "Summary",
    "Vectors",
    "View",
    "Writer",
    "check_fingerprint",
    "record_hash",
    "verify",
]
