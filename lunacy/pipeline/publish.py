"""Publishing an index to a Milvus server: what it lacks or has otherwise is sent, what the index lacks is deleted."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lunacy.arrays import Rows
from lunacy.derived.background import stored_pairs
from lunacy.embedding import Embedder
from lunacy.errors import NoIndex, ServerError, UsageError
from lunacy.measured import IvfFacts, Measured, QueryKind, Recall
from lunacy.milvus import Address, Collection, Published, Row, nlist_for, parse_address
from lunacy.pipeline.ivf import held_out_papers, held_out_titles
from lunacy.progress import Report, no_report
from lunacy.question import Options
from lunacy.search.exact import Found
from lunacy.search.published import PublishedIndex
from lunacy.search.recall import RECALL, TOP, Queries, interval, recalls
from lunacy.store import Store, View

_AT_A_TIME = 1000  # papers: some 2 MB
_LEAST_NPROBE = 2
_QUERIES, _QUERIES_AT_A_TIME = 300, 64


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What publishing did."""

    name: str
    n_papers: int
    n_sent: int  # new, or other than they were there
    n_deleted: int
    ivf: IvfFacts | None  # as `Published.ivf`
    wait_s: float


def publish(
    folder: str | Path,
    *,
    to: str,
    ivf: bool = False,
    recall: float = RECALL,
    embedder: Embedder | None = None,
    device: str = "auto",
    progress: Report = no_report,
) -> PublishReport:
    """Bring the collection at the address `to` up to the last commit of the index in `folder`.

    What is there and the same stays, so a run that was cut off goes on where it was. `ivf`: make a second collection
    with lists too, for quick answers with the share `recall` of the ten best; there from then on. `progress`: papers
    done, of all.

    Raises NoIndex, UsageError, MissingExtra, FingerprintMismatch, ServerError: the same command goes on.
    """
    started = time.monotonic()
    if not 0 < recall < 1:
        raise UsageError(
            f"recall is {recall}; give a share between 0 and 1, such as 0.98: that of an exact search is 1"
        )
    address = parse_address(to)
    with ExitStack() as stack:
        view = stack.enter_context(stack.enter_context(Store(folder)).view())
        if not view.n_papers:
            raise NoIndex(f"{folder} holds no paper", hint="fill it with: lunacy index")
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
            papers, texts = held_out_papers(view), held_out_titles(view, embedder, device)
            whole.describe(replace(ours, ivf=_untuned(view, wanted)))
            ours = replace(ours, ivf=_tuned(address, view, papers, texts, wanted))
        whole.describe(ours)
    return PublishReport(address.name, view.n_papers, n_sent, n_deleted, ours.ivf, time.monotonic() - started)


def _opened(collection: Collection, view: View) -> Published:
    """What the collection holds, which is loaded; made where it is not there. Raises FingerprintMismatch."""
    if not collection.exists():
        collection.describe(Published(view.fingerprint, view.arithmetic))  # first: what has none is not ours
        collection.create(view.fingerprint.dim)
    published = collection.published()
    published.fingerprint.require_same(view.fingerprint, holder="the collection", where=collection.address.name)
    collection.load()
    return published


def _described(view: View, before: Published) -> Published:
    summary = view.summary()
    return Published(
        fingerprint=view.fingerprint,
        arithmetic=view.arithmetic,
        generation=view.generation,
        n_papers=view.n_papers,
        n_withdrawn=summary.n_withdrawn,
        by_category=summary.by_category,
        dates=(summary.first_date, summary.last_date),
        pairs=stored_pairs(view),
        ivf=before.ivf,
    )


def _bring_up_to_date(collection: Collection, view: View, progress: Report, *, is_whole: bool) -> tuple[int, int]:
    """How many papers were sent, and deleted."""
    is_empty = collection.count() == 0
    n_sent = n_done = 0
    for rows in _chunks(view.live_rows()):
        stamps = view.stamps(rows)
        papers = dict(zip(rows.tolist(), view.papers(rows), strict=True))
        there = {} if is_empty else collection.stamps([paper.id for paper in papers.values()])
        other = [row for row, paper in papers.items() if there.get(paper.id) != stamps[row][0].hex()]
        if other:
            vectors = view.vectors(np.array(other, np.int64))
            sent = [
                Row(papers[row], stamps[row][1], stamps[row][0], vector)
                for row, vector in zip(other, vectors, strict=True)
            ]
            collection.upsert(sent, is_whole=is_whole)
        n_sent += len(other)
        n_done += len(rows)
        progress(n_done, view.n_papers)
    collection.settle()
    n_deleted = 0
    if collection.count() != view.n_papers:
        for ids in collection.ids():
            gone = sorted(set(ids) - view.known(ids).keys())
            collection.delete(gone)
            n_deleted += len(gone)
    n_there = collection.count()
    if n_there != view.n_papers:
        raise ServerError(
            f"{collection.address.name} holds {n_there:,} papers after {view.n_papers:,} were published: does somebody "
            "else write to it? Publish again, or to a new collection"
        )
    return n_sent, n_deleted


def _chunks(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), _AT_A_TIME):
        yield rows[start : start + _AT_A_TIME]


def _untuned(view: View, wanted: float) -> IvfFacts:
    """Facts of lists of which nothing is measured yet."""
    nothing = Measured(_LEAST_NPROBE, Recall(0.0, 0.0, 1.0), (), 0)
    date = datetime.date.today().isoformat()
    return IvfFacts(nlist_for(view.n_papers), wanted, TOP, date, nothing, replace(nothing, is_measured=False))


def _tuned(address: Address, view: View, papers: Queries, texts: Queries | None, wanted: float) -> IvfFacts:
    """How many lists give the wanted recall, as measured on the server (indexes/README.md)."""
    facts = _untuned(view, wanted)
    with closing(PublishedIndex(address)) as published:
        by_papers = _measured(published, view, papers, facts, "paper")
        by_texts = None if texts is None else _measured(published, view, texts, facts, "text")
    return replace(facts, papers=by_papers, texts=by_texts or by_papers.for_texts(facts.nlist))


def _measured(
    published: PublishedIndex, view: View, queries: Queries, facts: IvfFacts, query_kind: QueryKind
) -> Measured:
    """The least nprobe, doubled from few, with the wanted recall, and what was measured on the way."""
    some = slice(None, None, -(-len(queries.left_out) // _QUERIES))
    queries = Queries(queries.vectors[some], queries.left_out[some], queries.truth[some])
    curve: list[tuple[int, Recall]] = []
    with published.pinned() as there:
        ids = [paper.id for paper in view.papers(queries.left_out)]
        rows = there.rows(ids)
        without = [rows[one] for one in ids]
        nprobe = _LEAST_NPROBE
        while True:
            asked = Options(top=TOP, ivf=True, nprobe=nprobe)
            found: list[Found] = []
            for start in range(0, len(ids), _QUERIES_AT_A_TIME):
                some = slice(start, start + _QUERIES_AT_A_TIME)
                found += there.nearest(queries.vectors[some], TOP, asked, query_kind=query_kind, without=without[some])
            recall = interval(recalls(queries.truth, found))
            curve.append((nprobe, recall))
            if recall.mean >= facts.wanted or nprobe >= facts.nlist:
                return Measured(nprobe, recall, tuple(curve), len(ids))
            nprobe = min(2 * nprobe, facts.nlist)
