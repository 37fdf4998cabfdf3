"""Papers for a reading list, as they are given, and the papers of a list, as an index has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lunacy.errors import LunacyError, NotAnId
from lunacy.library import ReadingList
from lunacy.paper import Paper, canonical_id, id_fault, why_no_id
from lunacy.query.asked import find_papers
from lunacy.query.index import Index
from lunacy.query.references import Resolved, resolve
from lunacy.query.titles import Named
from lunacy.references import Reference
from lunacy.unicode import to_unicode


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found for ids, links, DOIs and titles."""

    titles: dict[str, str]  # by id, as they were given; "": the index lacks the paper
    notes: tuple[str, ...]  # what the asker should know
    errors: tuple[LunacyError, ...]  # of what is no paper


def look_up(ix: Index | None, given: Sequence[str]) -> Looked:
    """The papers that are meant. An id that the index lacks is one too; without an index only ids are known."""
    found: dict[str, Named | LunacyError] = {}
    papers: dict[str, Paper] = {}
    if ix is not None:
        with ix.view() as view:
            found = find_papers(view, given)
            named = {text: one.row for text, one in found.items() if isinstance(one, Named)}
            papers = dict(zip(named, view.papers(np.array(list(named.values()), np.int64)), strict=True))
    titles: dict[str, str] = {}
    notes, errors = [], []
    for text in dict.fromkeys(given):
        one = found.get(text)
        identifier = canonical_id(text)
        if text in papers:
            titles[papers[text].id] = papers[text].title
            notes += [one.note] if isinstance(one, Named) and one.note else []
        elif identifier is not None and not id_fault(identifier):
            titles.setdefault(identifier, "")
            notes += [f"{identifier} is not in the index; it is put down all the same"] if ix is not None else []
        else:
            errors.append(one if isinstance(one, LunacyError) else NotAnId(why_no_id(text)))
    return Looked(titles, tuple(notes), tuple(errors))


def look_up_references(ix: Index | None, references: Sequence[Reference]) -> Looked:
    """The papers that references mean. An arXiv id that the index lacks is one too; without an index only ids are.

    Of the others `notes` says which, and why.
    """
    titles: dict[str, str] = {}
    notes = []
    if ix is None:
        told = "without an index, only arXiv ids are known"
        found = [Resolved(one, why_not=told, lacking=next(iter(one.ids), "")) for one in references]
    else:
        with ix.view() as view:
            found = resolve(view, references)
    for one in found:
        if one.paper is not None:
            titles[one.paper.id] = one.paper.title
        elif one.lacking:
            titles.setdefault(one.lacking, " ".join(re.sub("[{}]", "", to_unicode(one.reference.title)).split()))
        else:
            notes.append(one.told)
    return Looked(titles, tuple(notes), ())


def papers_of(ix: Index | None, wanted: ReadingList) -> tuple[list[Paper], list[str]]:
    """The papers of a list in its order, and the ids of those that the index lacks: of them only the title is known."""
    known = {entry.id: entry.title for entry in wanted.entries}
    held: dict[str, Paper] = {}
    if ix is not None:
        with ix.view() as view:
            rows = view.rows(list(wanted.ids))
            held = dict(zip(rows, view.papers(np.array(list(rows.values()), np.int64)), strict=True))
    lacking = [one for one in wanted.ids if one not in held]
    return [held.get(one) or Paper(one, known.get(one, ""), "") for one in wanted.ids], lacking
