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

    embed: dict[str, tuple[Entry, int]] = field(default_factory=dict)  # by id, with the place of the line
    replaced: list[str] = field(default_factory=list)  # those of `embed` that the index has another vector of
    amend: dict[str, Entry] = field(default_factory=dict)  # by id
    latest: dict[str, Known] = field(default_factory=dict)  # what the index will know of each id
    changes: list[Change] = field(default_factory=list)
    n_repeated: int = 0


def make_plan(papers: Iterable[Candidate], known: Mapping[str, Known], text: str) -> Plan:
    """The plan for the papers of a window. An id may come twice: the later line wins."""
    plan = Plan()
    for candidate in papers:
        entry = Entry.of(candidate.paper, text)
        before = plan.latest.get(entry.id) or known.get(entry.id)
        kind = change(before, entry)
        plan.latest[entry.id] = Known(entry.digest, entry.record, is_met=True)
        plan.changes.append(kind)
        plan.n_repeated += before is not None and before.is_met
        if kind in (Change.NEW, Change.CHANGED) or (kind is Change.METADATA and entry.id in plan.embed):
            plan.embed[entry.id] = entry, candidate.place
            plan.amend.pop(entry.id, None)
        elif kind is Change.METADATA:
            plan.amend[entry.id] = entry
    plan.replaced = [identifier for identifier in plan.embed if identifier in known]
    return plan
