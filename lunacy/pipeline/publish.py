"""Publish an index to Milvus: send what is new or changed, and delete what the index no longer holds."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from lunacy.arrays import Rows
from lunacy.derived.neighbours import least_usual
from lunacy.embedding import Embedder
from lunacy.errors import ServerError
from lunacy.measured import IvfFacts, Measured, QueryKind, Recall
from lunacy.milvus import Address, Collection, Published, Row, nlist_for, parse_address
from lunacy.pipeline.tune_ivf import held_out_papers, held_out_titles
from lunacy.progress import Progress, Report, no_report
from lunacy.question import Options
from lunacy.search.exact import Found
from lunacy.search.milvus_searcher import MilvusSearcher
from lunacy.search.recall import RECALL, TOP, Queries, interval, recalls, require_share
from lunacy.store import Store, View

_AT_A_TIME = 1000  # papers: some 2 MB
_LEAST_NPROBE = 2
_BATCHES, _QUERIES_AT_A_TIME = 2, 64


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What publishing did."""

    name: str
    n_papers: int
    n_sent: int  # new or changed
    n_deleted: int
    ivf: IvfFacts | None  # as `Published.ivf`
    wait_s: float


def publish(
    index: str | Path,
    *,
    to: str,
    ivf: bool = False,
    recall: float = RECALL,
    embedder: Embedder | None = None,
    device: str = "auto",
    progress: Report = no_report,
) -> PublishReport:
    """Bring the collection at the address `to` up to the last commit of the index in the folder `index`.

    Papers that are published already are not sent again, so a run that was interrupted goes on where it was.
    `ivf`: make a second collection too, with an IVF index for approximate answers that find the share `recall` of the
    ten best; it is kept up to date from then on.

    Raises NoIndex, UsageError, MissingExtra, FingerprintMismatch, ServerError.

    >>> lunacy.publish("indexes/sample", to="milvus:papers.db/sample").n_sent
    2000
    """
    started = time.monotonic()
    require_share(recall)
    address = parse_address(to)
    with ExitStack() as stack:
        view = stack.enter_context(stack.enter_context(Store(index)).view())
        view.require_papers(index)
        whole = stack.enter_context(closing(Collection(address)))
        before = _opened(whole, view)
        ours = _described(view, before)
        n_sent, n_deleted = _bring_up_to_date(whole, view, progress, is_whole=True)
        if ivf or before.ivf is not None:
            lists = stack.enter_context(closing(Collection(address.lists)))
            if not lists.exists():
                lists.create_ivf(view.fingerprint.dim, view.n_papers)
            lists.load()
            _bring_up_to_date(lists, view, progress, is_whole=False)
            wanted = recall if ivf or before.ivf is None else before.ivf.wanted
            papers, texts = held_out_papers(view, progress), held_out_titles(view, embedder, device, progress)
            whole.describe(replace(ours, ivf=_untuned(view, wanted)))
            ours = replace(ours, ivf=_tuned(address, view, papers, texts, wanted))
        whole.describe(ours)
    return PublishReport(address.name, view.n_papers, n_sent, n_deleted, ours.ivf, time.monotonic() - started)


def _opened(collection: Collection, view: View) -> Published:
    """Create the collection if it is missing, and load it; returns what it holds. Raises FingerprintMismatch."""
    if not collection.exists():
        collection.describe(Published(view.fingerprint, view.arithmetic))  # first: what has none is not ours
        collection.create(view.fingerprint.dim)
    published = collection.published()
    published.fingerprint.require_same(view.fingerprint, holder="the collection", where=collection.address.name)
    collection.load()
    return published


def _described(view: View, before: Published) -> Published:
    return Published(
        fingerprint=view.fingerprint,
        arithmetic=view.arithmetic,
        generation=view.generation,
        n_papers=view.n_papers,
        summary=replace(view.summary(), n_dead=0),
        least_usual=least_usual(view),
        ivf=before.ivf,
    )


def _bring_up_to_date(collection: Collection, view: View, progress: Report, *, is_whole: bool) -> tuple[int, int]:
    """Make the collection hold what the index does; returns how many papers were sent, and deleted."""
    n_sent = _send_changes(collection, view, progress, is_whole=is_whole)
    progress(Progress("waiting for the server"))
    collection.settle()
    n_deleted = _delete_removed(collection, view) if collection.count() != view.n_papers else 0
    n_held = collection.count()
    if n_held != view.n_papers:
        raise ServerError(
            f"it holds {n_held:,} papers after {view.n_papers:,} were published; another program writes to it",
            where=collection.address.name,
            hint="publish again, or to a new collection",
        )
    return n_sent, n_deleted


def _send_changes(collection: Collection, view: View, progress: Report, *, is_whole: bool) -> int:
    """Send the papers that the collection lacks or holds in another state; returns how many."""
    is_empty = collection.count() == 0
    n_sent = n_done = 0
    for rows in _chunks(view.live_rows()):
        stamps = view.stamps(rows)
        papers = dict(zip(rows.tolist(), view.papers(rows), strict=True))
        held = {} if is_empty else collection.stamps([paper.id for paper in papers.values()])
        changed = [row for row, paper in papers.items() if held.get(paper.id) != stamps[row][0].hex()]
        if changed:
            vectors = view.vectors(np.array(changed, np.int64))
            sent = [
                Row(papers[row], stamps[row][1], stamps[row][0], vector)
                for row, vector in zip(changed, vectors, strict=True)
            ]
            collection.upsert(sent, is_whole=is_whole)
        n_sent += len(changed)
        n_done += len(rows)
        progress(Progress("publishing", n_done, view.n_papers, "papers"))
    return n_sent


def _delete_removed(collection: Collection, view: View) -> int:
    """Delete the papers that the index no longer holds; returns how many."""
    n_deleted = 0
    for ids in collection.ids():
        removed = sorted(set(ids) - view.known(ids).keys())
        collection.delete(removed)
        n_deleted += len(removed)
    return n_deleted


def _chunks(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), _AT_A_TIME):
        yield rows[start : start + _AT_A_TIME]


def _untuned(view: View, wanted: float) -> IvfFacts:
    """Facts of an IVF collection of which nothing is measured yet."""
    nothing = Measured(_LEAST_NPROBE, Recall(0.0, 0.0, 1.0), (), 0)
    date = datetime.date.today().isoformat()
    return IvfFacts(nlist_for(view.n_papers), wanted, TOP, date, nothing, replace(nothing, is_measured=False))


def _tuned(
    address: Address, view: View, papers: Iterator[Queries], texts: Iterator[Queries] | None, wanted: float
) -> IvfFacts:
    """How many lists give the wanted recall, measured on the server (indexes/README.md)."""
    facts = _untuned(view, wanted)
    with closing(MilvusSearcher(address)) as published:
        by_papers = _measured(published, view, papers, facts, "paper")
        by_texts = None if texts is None else _measured(published, view, texts, facts, "text")
    return replace(facts, papers=by_papers, texts=by_texts or by_papers.for_texts(facts.nlist))


def _measured(
    published: MilvusSearcher, view: View, batches: Iterator[Queries], facts: IvfFacts, query_kind: QueryKind
) -> Measured:
    """Double nprobe from few lists until the wanted recall is reached; returns the curve too."""
    queries = Queries.joined(list(islice(batches, _BATCHES)))
    curve: list[tuple[int, Recall]] = []
    with published.pinned() as pinned:
        ids = [paper.id for paper in view.papers(queries.left_out)]
        rows = pinned.rows(ids)
        without = [rows[one] for one in ids]
        nprobe = min(_LEAST_NPROBE, facts.nlist)
        while True:
            asked = Options(top=TOP, ivf=True, nprobe=nprobe)
            found: list[Found] = []
            for start in range(0, len(ids), _QUERIES_AT_A_TIME):
                some = slice(start, start + _QUERIES_AT_A_TIME)
                found += pinned.nearest(queries.vectors[some], TOP, asked, query_kind=query_kind, without=without[some])
            recall = interval(recalls(queries.truth, found))
            curve.append((nprobe, recall))
            if recall.mean >= facts.wanted or nprobe >= facts.nlist:
                return Measured(nprobe, recall, tuple(curve), len(ids))
            nprobe = min(2 * nprobe, facts.nlist)
