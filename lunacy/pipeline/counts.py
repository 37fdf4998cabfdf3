"""Counts of a build."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Lines of the snapshots that are not blank; each is counted in exactly one of the six fields after `read`."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    older: int = 0  # than what the index has, by number of versions or last change: passed over
    filtered: int = 0
    quarantined: int = 0
    # of these:
    metadata_only: int = 0  # part of `updated`: changes that leave the embedded text the same
    repeated: int = 0  # lines whose id was in an earlier line; the later line wins, unless it is older
    cut: int = 0  # texts longer than the model reads
    # in the index:
    pruned: int = 0  # papers removed because the snapshot no longer holds them
