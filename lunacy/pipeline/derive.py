"""Making the caches that quicken questions: 8-bit codes, filter columns, IVF lists."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lunacy.derived import columns
from lunacy.derived.codes import KIND as CODES
from lunacy.derived.codes import write_codes
from lunacy.derived.ivf import KIND as IVF
from lunacy.derived.lexical import KIND as LEXICAL
from lunacy.derived.lexical import write_lexical
from lunacy.derived.threads import in_threads
from lunacy.embedding import Embedder, load
from lunacy.errors import DiskFull, LunacyError, NoIndex, StoreError, UsageError
from lunacy.search.recall import N_QUERIES, N_TITLES, RECALL, Queries, ask, draw, write_ivf
from lunacy.store import Changes, Store, View, caches, check_fingerprint, expanded, require_space, writer_lock
from lunacy.store.caches import Cache

LEAST_ROWS = 200_000  # with fewer, a flat scan takes some 10 ms, and caches cost every update more than they save
LEAST_SEGMENT = 4096  # rows; smaller ones will soon be merged
_LEXICAL_BYTES = 800  # a paper, while it is made; half of them when it is done
REFRESH_SHARE = 0.1  # of the papers: when so many are not in the lists, they are made again


@dataclass(frozen=True, slots=True)
class LexicalReport:
    """What making the lexical index took."""

    folder: Path
    n_papers: int
    size_bytes: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class IvfReport:
    """What making the lists took and gave."""

    folder: Path
    facts: dict[str, Any]
    size_bytes: int
    wait_s: float  # with measuring, which is most of it


def refresh_caches(folder: str | Path, since: Changes | None = None, *, least_rows: int = LEAST_ROWS) -> None:
    """Bring the caches up to the last commit, as far as they are worth their space. The writer's lock must be held.
    `since`: what the writer changed, so that what did not is not read again.

    Without room on the disk, or where something else stands in their place, they are left as they are: the answers are
    the same without.
    """
    folder = expanded(folder)
    try:
        caches.require_place(folder)
    except StoreError:
        return
    with Store(folder) as store, store.view() as view:
        rows = sum(segment.segment.n_rows for segment in view.segments)
        has_words = view.n_papers > 0  # and will have: they are brought up to date, or made anew
        kept = [one for one in view.caches if (has_words and one.kind == LEXICAL) or _is_current(view, one)]
        try:
            if rows >= least_rows:
                _add_codes(view, kept)
                if not any(cache.kind == columns.KIND for cache in kept):
                    kept += columns.make(view, [one for one in view.caches if one.kind == columns.KIND], since)
            if kept != view.caches:
                caches.commit(view.folder, kept)
            if any(cache.kind == LEXICAL for cache in kept):
                _make_lexical(view, since)
            old = next((cache for cache in kept if cache.kind == IVF), None)
            stale = old is not None and _uncovered(view, old) >= REFRESH_SHARE * view.n_papers
        except DiskFull:
            return
    if stale and old is not None:
        _make_ivf(folder, float(old.facts["wanted"]), None, load_model=bool(old.facts["texts"]["measured"]))


def build_ivf(
    folder: str | Path, *, recall: float = RECALL, embedder: Embedder | None = None, device: str = "auto"
) -> IvfReport:
    """Make the IVF lists of an index, tuned so that they find the share `recall` of the ten best.

    Papers' titles are the texts that are tuned for. When the index's model cannot be had, texts get twice the lists.
    Raises NoIndex, IndexLocked, DiskFull, UsageError.
    """
    if not 0 < recall < 1:
        raise UsageError(f"recall is {recall}; give a share between 0 and 1, such as 0.98; without --ivf it is 1")
    with writer_lock(folder) as folder:
        caches.require_place(folder)
        refresh_caches(folder)
        return _make_ivf(folder, recall, embedder, device=device)


def build_lexical(folder: str | Path) -> LexicalReport:
    """Make the lexical index of an index, for `--rank hybrid`. Raises NoIndex, IndexLocked, DiskFull."""
    started = time.perf_counter()
    with writer_lock(folder) as folder, Store(folder) as store, store.view() as view:
        if not view.n_papers:
            raise NoIndex(f"{folder} holds no paper; fill it with: lunacy index")
        caches.require_place(view.folder)
        cache = _make_lexical(view, None, anew=True)
        size_bytes = sum(size for _name, size, _sha256 in cache.facts["files"])
        return LexicalReport(folder, view.n_papers, size_bytes, time.perf_counter() - started)


def _make_lexical(view: View, since: Changes | None, *, anew: bool = False) -> Cache:
    there = caches.read(view.folder)
    before = next((cache for cache in there if cache.kind == LEXICAL and not anew), None)
    segments = [one.segment for one in view.segments]
    if before is not None and before.is_made_from(segments) and not (since is not None and len(since.rows)):
        return before
    require_space(view.folder, _LEXICAL_BYTES * view.n_papers)
    cache = caches.add_folder(
        view.folder,
        LEXICAL,
        segments,
        write=lambda folder: write_lexical(view, folder, before, since),
    )
    caches.commit(view.folder, [*(one for one in there if one.kind != LEXICAL), cache])
    return cache


def _make_ivf(
    folder: Path, recall: float, embedder: Embedder | None, *, device: str = "auto", load_model: bool = True
) -> IvfReport:
    started = time.perf_counter()
    with Store(folder) as store, store.view() as view:
        if not view.n_papers:
            raise NoIndex(f"{folder} holds no paper; fill it with: lunacy index")
        papers = held_out_papers(view)
        texts = held_out_titles(view, embedder, device) if load_model else None
        date = datetime.date.today().isoformat()
        cache = caches.add(
            folder,
            IVF,
            "ivf",
            [segment.segment for segment in view.segments],
            size_bytes=view.n_papers * (view.fingerprint.dim + 8),
            write=lambda path: write_ivf(view, path, wanted=recall, papers=papers, texts=texts, date=date),
        )
        caches.commit(folder, [*(one for one in caches.read(folder) if one.kind != IVF), cache])
    wait_s = time.perf_counter() - started
    return IvfReport(folder, dict(cache.facts), cache.size_bytes, wait_s)


def _is_current(view: View, cache: Cache) -> bool:
    segments = [segment.segment for segment in view.segments]
    return cache.is_current(segments, view.generation) and caches.path_of(view.folder, cache) is not None


def _add_codes(view: View, kept: list[Cache]) -> None:
    have = {cache.segments for cache in kept if cache.kind == CODES}
    kept += in_threads(
        lambda segment: caches.add(
            view.folder,
            CODES,
            f"codes-{segment.number:08d}",
            [segment],
            size_bytes=segment.n_rows * view.fingerprint.dim,
            write=partial(write_codes, view, segment),
        ),
        [
            one.segment
            for one in view.segments
            if one.segment.n_rows >= LEAST_SEGMENT and ((one.segment.number, one.segment.sha256),) not in have
        ],
    )


def _uncovered(view: View, cache: Cache) -> int:
    """How many rows the lists lack."""
    return sum(one.n_live for one in view.segments if (one.segment.number, one.segment.sha256) not in cache.segments)


def held_out_papers(view: View) -> Queries:
    """Papers as queries, each without itself."""
    rows = draw(view, N_QUERIES)
    return ask(view, view.vectors(rows), rows)


def held_out_titles(view: View, embedder: Embedder | None, device: str) -> Queries | None:
    """Titles as queries, each without its own paper; None when the index's model cannot be had."""
    ours = view.fingerprint
    try:
        embedder = embedder or load(ours.model, device=device)
        check_fingerprint(view.folder, ours, replace(embedder.fingerprint, text=ours.text))
    except LunacyError:
        return None
    rows = draw(view, N_TITLES, seed=1)
    return ask(view, embedder.embed([paper.title for paper in view.papers(rows)]).vectors, rows)
