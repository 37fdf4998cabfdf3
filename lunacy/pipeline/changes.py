"""Decide what a batch changes in the index, given what the index knows. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from lunacy.entry import Entry
from lunacy.snapshot import Batch
from lunacy.store import Known


class Change(Enum):
    """What a line of a snapshot changes."""

    NEW = "new"
    CHANGED = "changed"  # its embedded text changed, so it needs a new vector
    METADATA = "metadata only"
    UNCHANGED = "unchanged"
    OLDER = "older"  # than what the index has: it is passed over


def change(known: Known | Entry | None, entry: Entry) -> Change:
    """What `entry` changes for a paper that the index has as `known`."""
    if known is None:
        return Change.NEW
    if known.content_hash == entry.content_hash:
        return Change.UNCHANGED
    if is_older(entry, known):
        return Change.OLDER
    return Change.METADATA if known.text_hash == entry.text_hash else Change.CHANGED


def is_older(entry: Entry, known: Known | Entry) -> bool:
    """Whether a record has fewer versions than what is known or, where that does not tell, an earlier last change."""
    if entry.n_versions and known.n_versions and entry.n_versions != known.n_versions:
        return entry.n_versions < known.n_versions
    return bool(entry.updated) and entry.updated < known.updated


@dataclass(slots=True)
class Plan:
    """What a batch changes, with one entry per id."""

    embed: dict[str, tuple[Entry, int]] = field(default_factory=dict)  # by id: new or changed papers, with their places
    replaced: set[str] = field(default_factory=set)  # ids in `embed` whose old vector the index has
    amend: list[Entry] = field(default_factory=list)
    same: dict[int, bytes] = field(default_factory=dict)  # rows that stay, and the hash of a line that says so
    touched: set[int] = field(default_factory=set)  # rows that do not
    latest: dict[str, Entry] = field(default_factory=dict)  # by id: what the index will know
    n_lines: Counter[Change] = field(default_factory=Counter)  # by what they change
    n_repeated: int = 0

    def known_after(self, ids: Iterable[str]) -> dict[str, Known]:
        """What the index will know of those `ids` that are in this batch."""
        found = ((one, self.latest[one]) for one in ids if one in self.latest)
        return {
            one: Known(-1, entry.text_hash, entry.content_hash, entry.updated, entry.n_versions, is_seen=True)
            for one, entry in found
        }


def make_plan(batch: Batch, known: Mapping[str, Known]) -> Plan:
    """What a batch changes. If an id comes twice, the later line wins, unless its record is older."""
    plan = Plan()
    places: dict[str, int] = {}
    met: set[str] = set()
    for entry, place in zip(batch.kept, batch.places, strict=True):
        identifier = entry.id
        before = known.get(identifier)
        plan.n_repeated += identifier in met or (before is not None and before.is_seen)
        met.add(identifier)
        kind = change(plan.latest.get(identifier) or before, entry)
        plan.n_lines[kind] += 1
        if kind is not Change.OLDER:
            plan.latest[identifier] = entry
            places[identifier] = place
    for identifier, entry in plan.latest.items():
        before = known.get(identifier)
        kind = change(before, entry)
        if before is not None and kind is Change.UNCHANGED:
            if before.row >= 0:
                plan.same[before.row] = entry.line_hash
        elif before is not None:
            plan.touched.add(before.row)
        if kind is Change.METADATA:
            plan.amend.append(entry)
        elif kind in (Change.NEW, Change.CHANGED):
            plan.embed[identifier] = entry, places[identifier]
    plan.replaced = plan.embed.keys() & known.keys()
    return plan
