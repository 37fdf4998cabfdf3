"""What a run tells of itself: how far it is, and what became of the lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """What became of the lines of a snapshot: each that is not blank is in exactly one of the five after `read`."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    filtered: int = 0
    quarantined: int = 0
    # besides, of those:
    metadata_only: int = 0  # of updated: another title, date or category, the same embedded text
    repeated: int = 0  # lines whose id stood in an earlier line; the later line wins
    cut: int = 0  # texts longer than the model reads
    # and of the index:
    pruned: int = 0  # papers removed because the snapshot no longer holds them


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `position_bytes` of `size_bytes` (None: unknown) of the snapshot are read."""

    counts: Counts
    position_bytes: int
    size_bytes: int | None
