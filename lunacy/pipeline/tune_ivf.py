"""IVF lists: made on request, tuned to a recall that is measured on papers and titles of the index."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lunacy.arrays import Rows, Vectors
from lunacy.derived.ivf import KIND, is_current
from lunacy.embedding import FEW_TEXTS, Embedder, load_again
from lunacy.errors import LunacyError
from lunacy.measured import IvfFacts
from lunacy.progress import Report
from lunacy.search.recall import N_QUERIES, N_TITLES, Queries, asked, draw, write_ivf
from lunacy.store import Cache, Changes, View, caches

__all__ = ["KIND", "LEAST_ROWS", "held_out_papers", "held_out_titles", "is_current", "make", "make_tuned"]

LEAST_ROWS = None  # they are made on request
REFRESH_SHARE = 0.1  # of the papers: when so many are not in the lists, they are made again


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:  # noqa: ARG001 (rows do not change)
    """The lists of `before`, or where they lack too many papers, new ones for the same recall."""
    kept = [one for one in before if is_current(one, view)]
    if not kept or not view.n_papers or _n_unindexed(view, kept[0]) < REFRESH_SHARE * view.n_papers:
        return kept
    facts = IvfFacts.read(kept[0].facts)
    texts = held_out_titles(view, None, "auto", progress) if facts.texts.is_measured else None
    return [make_tuned(view, facts.wanted, texts, progress)]


def make_tuned(view: View, recall: float, texts: Iterator[Queries] | None, progress: Report) -> Cache:
    """Lists of all papers, tuned to find the share `recall` of the ten best; `texts`: titles to measure by."""
    papers, date = held_out_papers(view, progress), datetime.date.today().isoformat()
    return caches.add(
        view.folder,
        KIND,
        KIND,
        view.stored_segments,
        size_bytes=view.n_papers * (view.fingerprint.dim + 8),
        write=lambda path: write_ivf(
            view, path, wanted=recall, papers=papers, texts=texts, date=date, progress=progress
        ),
    )


def _n_unindexed(view: View, cache: Cache) -> int:
    """How many papers the lists lack."""
    return sum(one.n_live for one in view.segments if (one.segment.number, one.segment.sha256) not in cache.segments)


def held_out_papers(view: View, progress: Report) -> Iterator[Queries]:
    """Papers as queries, each without itself."""
    return asked(view, draw(view, N_QUERIES), view.vectors, "measuring recall on papers", progress)


def held_out_titles(view: View, embedder: Embedder | None, device: str, progress: Report) -> Iterator[Queries] | None:
    """Titles as queries, each without its own paper; None when the index's model cannot be had."""
    ours = view.fingerprint
    try:  # titles are short: starting an engine takes longer than it saves
        model = embedder or load_again(ours, device=device, n_texts=FEW_TEXTS, progress=progress)
        ours.require_same(replace(model.fingerprint, text=ours.text), where=view.folder)
    except LunacyError:
        return None

    def embed(rows: Rows) -> Vectors:
        return model.embed_queries([paper.title for paper in view.papers(rows)]).vectors

    return asked(view, draw(view, N_TITLES, seed=1), embed, "measuring recall on titles", progress)
