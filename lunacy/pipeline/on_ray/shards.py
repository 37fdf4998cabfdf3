"""Shards: the papers of a piece of a snapshot with their vectors, a Parquet file each.

They are the checkpoint of a run on many machines, between those that embed and the one that stores. The format is
described in indexes/README.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from lunacy.arrays import Vectors
from lunacy.atomic import put_file
from lunacy.entry import FIELDS, Entry
from lunacy.errors import SnapshotError
from lunacy.fingerprint import Fingerprint
from lunacy.snapshot import Batch, Line
from lunacy.store import SHARD_KEY

_VERSION = 3
_KEY, _CHECK = SHARD_KEY, SHARD_KEY + b".sha256"
_SHOWN_BYTES = 200  # of a bad line
_DAMAGES = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, IndexError)


class Damaged(Exception):
    """The file is not a shard, or has changed since it was written."""


@dataclass(slots=True)
class Shard(Batch):
    """A batch with the vectors of its papers, placed and numbered from the beginning of its piece."""

    n_met: int = 0  # lines, blank ones too
    is_last: bool = False  # of its snapshot
    rows: dict[int, int] = field(default_factory=dict)  # by place: the paper's row in `vectors`, if any
    vectors: Vectors | None = None  # (n, dim)
    n_cut: int = 0  # of their texts
    arithmetic: str = ""
    notes: tuple[str, ...] = ()  # how the model was run, where that may surprise

    def move(self, n_lines: int, n_places: int) -> None:
        """Renumber its lines and places: `n_lines` and `n_places` come before it in its snapshot."""
        self.bad = [(line._replace(number=line.number + n_lines), reason) for line, reason in self.bad]
        self.places = [place + n_places for place in self.places]
        self.rows = {place + n_places: row for place, row in self.rows.items()}


def write_shard(path: Path, shard: Shard, fingerprint: Fingerprint) -> None:
    """Write a shard and flush it to disk; the file appears whole or not at all."""
    kept = shard.kept
    columns: dict[str, Any] = dict(zip(FIELDS, _across([entry.columns for entry in kept], len(FIELDS)), strict=True))
    arrays = {
        name: pa.array(values, pa.int32() if name == "n_versions" else pa.string()) for name, values in columns.items()
    }
    arrays["text_hash"] = pa.array([entry.text_hash for entry in kept], pa.binary(16))
    arrays["content_hash"] = pa.array([entry.content_hash for entry in kept], pa.binary(16))
    arrays["withdrawn"] = pa.array([entry.is_withdrawn for entry in kept], pa.bool_())
    arrays["vector"] = _vector_column(shard, fingerprint.dim)
    facts = orjson.dumps(
        {
            "version": _VERSION,
            "fingerprint": asdict(fingerprint),
            "arithmetic": shard.arithmetic,
            "notes": shard.notes,
            "position_bytes": shard.position_bytes,
            "n_lines": shard.n_lines,
            "n_met": shard.n_met,
            "n_cut": shard.n_cut,
            "is_last": shard.is_last,
            "places": shard.places,
            "filtered": shard.filtered,
            "bad": [
                (line.number, line.offset, line.raw[:_SHOWN_BYTES].hex(), line.fault, reason)
                for line, reason in shard.bad
            ],
            "broken": None if shard.broken is None else str(shard.broken),
        }
    )
    table = pa.table(arrays).replace_schema_metadata({_KEY: facts, _CHECK: sha256(facts).hexdigest()})
    sink = pa.BufferOutputStream()
    # not compressed: vectors hardly shrink, and a shard does not live long
    pq.write_table(
        table, sink, compression="none", use_dictionary=False, write_statistics=False, write_page_checksum=True
    )
    put_file(path, memoryview(sink.getvalue()))


def _across(rows: list[tuple[str, ...]], n: int) -> list[tuple[str, ...]]:
    return list(zip(*rows, strict=True)) or [()] * n


def _vector_column(shard: Shard, dim: int) -> pa.Array:
    rows = np.array([shard.rows.get(place, -1) for place in shard.places], np.int64)
    values = np.zeros((len(rows), dim), np.float32)
    if shard.vectors is not None:
        values[rows >= 0] = shard.vectors[rows[rows >= 0]]
    mask = pa.array(rows < 0) if np.any(rows < 0) else None
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), dim, mask=mask)


def read_shard(path: Path) -> Shard:
    """Read a shard. Raises Damaged if the file has changed since it was written."""
    try:
        file = pq.ParquetFile(pa.BufferReader(path.read_bytes()), page_checksum_verification=True)
        table = file.read(use_threads=False)
        found = table.schema.metadata
        facts = orjson.loads(found[_KEY])
        if sha256(found[_KEY]).hexdigest().encode() != found[_CHECK] or facts["version"] != _VERSION:
            raise ValueError("another hash or version")
        vector = table["vector"].combine_chunks()
        has_one = np.asarray(vector.is_valid())  # (n,) bool
        values = vector.flatten().to_numpy(zero_copy_only=False).reshape(-1, vector.type.list_size)
        text_hashes, content_hashes, withdrawn = (
            table[name].to_pylist() for name in ("text_hash", "content_hash", "withdrawn")
        )
        texts = zip(*(table[name].to_pylist() for name in FIELDS), strict=True)
        kept = list(map(Entry, texts, text_hashes, content_hashes, withdrawn))
        places = facts["places"]
        embedded = [place for place, one in zip(places, has_one, strict=True) if one]
        if len(kept) != len(places) or len(values) != len(embedded):
            raise ValueError("other lengths")
        return Shard(
            facts["position_bytes"],
            facts["n_lines"],
            kept,
            places,
            facts["filtered"],
            [
                (Line(number, offset, bytes.fromhex(begins), fault), reason)
                for number, offset, begins, fault, reason in facts["bad"]
            ],
            None if facts["broken"] is None else SnapshotError(facts["broken"]),
            n_met=facts["n_met"],
            is_last=facts["is_last"],
            rows={place: row for row, place in enumerate(embedded)},
            vectors=values,
            n_cut=facts["n_cut"],
            arithmetic=facts["arithmetic"],
            notes=tuple(facts["notes"]),
        )
    except FileNotFoundError:
        raise
    except _DAMAGES as error:
        raise Damaged(f"{path}: {error}") from None
