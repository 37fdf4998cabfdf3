"""The truth: `papers.db` (SQLite) and immutable FAISS segments. Only here is sqlite3 imported.

The format is described in indexes/README.md.
"""

from lunacy.store import caches
from lunacy.store.caches import Cache
from lunacy.store.compact import SEGMENT_ROWS
from lunacy.store.files import expanded, remove, require_space
from lunacy.store.meta import HARVEST, SNAPSHOT
from lunacy.store.own_files import (
    SHARD_KEY,
    SHARDS_NAME,
    inventory,
    is_shard,
    new_quarantine,
    own_shards,
    require_writable,
    writer_lock,
)
from lunacy.store.records import Changes, Known
from lunacy.store.repair import RepairReport, repair
from lunacy.store.segments import OpenSegment, Segment
from lunacy.store.spool import Harvest, Spool
from lunacy.store.store import Store, recorded_build
from lunacy.store.verify import verify
from lunacy.store.view import View
from lunacy.store.writer import Writer

__all__ = [
    "HARVEST",
    "SEGMENT_ROWS",
    "SHARDS_NAME",
    "SHARD_KEY",
    "SNAPSHOT",
    "Cache",
    "Changes",
    "Harvest",
    "Known",
    "OpenSegment",
    "RepairReport",
    "Segment",
    "Spool",
    "Store",
    "View",
    "Writer",
    "caches",
    "expanded",
    "inventory",
    "is_shard",
    "new_quarantine",
    "own_shards",
    "recorded_build",
    "remove",
    "repair",
    "require_space",
    "require_writable",
    "verify",
    "writer_lock",
]
