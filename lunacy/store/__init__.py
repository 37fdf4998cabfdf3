"""The truth: `papers.db` (SQLite) and immutable FAISS segments. The only door to sqlite3 and fsync.

The format is described in indexes/README.md.
"""

from lunacy.store import caches
from lunacy.store.columns import Changes
from lunacy.store.compact import SEGMENT_ROWS
from lunacy.store.files import make_folder, put_file, require_space, writer_lock
from lunacy.store.reader import Summary, View
from lunacy.store.records import Known
from lunacy.store.repair import Repaired, repair
from lunacy.store.segments import OpenSegment, Rows, Segment, Vectors
from lunacy.store.store import Store, recorded_build
from lunacy.store.verify import verify
from lunacy.store.writer import QUARANTINE_NAME, SHARDS_NAME, Writer, check_fingerprint

__all__ = [
    "QUARANTINE_NAME",
    "SEGMENT_ROWS",
    "SHARDS_NAME",
    "Changes",
    "Known",
    "OpenSegment",
    "Repaired",
    "Rows",
    "Segment",
    "Store",
    "Summary",
    "Vectors",
    "View",
    "Writer",
    "caches",
    "check_fingerprint",
    "make_folder",
    "put_file",
    "recorded_build",
    "repair",
    "require_space",
    "verify",
    "writer_lock",
]
