"""What is to be done with the papers of a window, given what the index has of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lunacy.pipeline.reading import Candidate
from lunacy.store import Entry, Known


class Change(StrEnum):
    """What a line does to the index."""

    NEW = "new"
    CHANGED = "changed"  # another embedded text: it needs a new vector
    METADATA = "metadata only"
    UNCHANGED = "unchanged"


def change(known: Known | None, entry: Entry) -> Change:
    """What becomes of a paper that the index knows as `known`."""
    if known is None:
        return Change.NEW
    if known.digest != entry.digest:
        return Change.CHANGED
    return Change.UNCHANGED if known.record == entry.record else Change.METADATA


@dataclass(slots=True)
class Plan:
    """What is to be done, with one entry an id, and the change that each line is, in order."""

    embed: dict[str, tuple[Entry, int]] = field(default_factory=dict)  # with the place of the line
    amend: dict[str, Entry] = field(default_factory=dict)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    n_repeated: int = 0


def make_plan(papers: Iterable[Candidate], known: Mapping[str, Known], text: str) -> Plan:
    """The plan for the papers of a window. An id may come twice: the later line wins."""
    plan, latest = Plan(), dict(known)
    for candidate in papers:
        entry = Entry.of(candidate.paper, text)
        before = latest.get(entry.id)
        kind = change(before, entry)
        latest[entry.id] = Known(entry.digest, entry.record, is_met=True)
        plan.changes.append((entry.id, kind))
        plan.n_repeated += before is not None and before.is_met
        _plan_one(plan, entry, candidate.place, kind)
    return plan


def _plan_one(plan: Plan, entry: Entry, place: int, kind: Change) -> None:
    identifier = entry.id
    if kind in (Change.NEW, Change.CHANGED) or (identifier in plan.embed and kind is Change.METADATA):
        plan.embed[identifier] = entry, place
        plan.amend.pop(identifier, None)
    elif kind is Change.METADATA:
        plan.amend[identifier] = entry
