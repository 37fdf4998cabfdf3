"""Keeping what is derived from the papers up to date: a loop over its kinds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lunacy.advice import command
from lunacy.derived import Kind, codes, columns, lexical, lines, titles
from lunacy.embedding import Embedder
from lunacy.errors import DiskFull, LunacyError, StoreError, one_line
from lunacy.measured import IvfFacts
from lunacy.pipeline import make_graph, sample_neighbours, tune_ivf
from lunacy.pipeline.mapping import make_map
from lunacy.progress import Report, no_report
from lunacy.search.recall import RECALL, require_share
from lunacy.store import Changes, Store, View, caches, expanded, writer_lock

KINDS: Sequence[Kind] = (codes, columns, lines, titles, lexical, tune_ivf, sample_neighbours, make_graph, make_map)


@dataclass(frozen=True, slots=True)
class LexicalReport:
    """What building the lexical index took."""

    folder: Path
    n_papers: int
    size_bytes: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class IvfReport:
    """What building the lists took and gave."""

    folder: Path
    facts: IvfFacts
    size_bytes: int
    wait_s: float  # of which `facts.build_s` for making the lists; the rest is measuring


def refresh_caches(
    folder: str | Path,
    since: Changes | None = None,
    *,
    least_rows: int | None = None,
    progress: Report = no_report,
    note: Callable[[str], None] | None = None,
) -> None:
    """Bring the caches up to the last commit, where the index is large enough for them. Needs the writer's lock.
    `since`: what the writer changed, so that what did not is not read again. `least_rows`: None is as each kind has it.

    Without room on the disk, or where something else stands in their place, they are left as they are: the answers are
    the same without. `note` is told why there is no word index, which has answers of its own.
    """
    folder = expanded(folder)
    try:
        caches.require_folder(folder)
    except StoreError:
        return
    with Store(folder) as store:
        for kind in KINDS:
            try:
                with store.view() as view:  # anew: one kind is made with the help of those before it
                    _refresh(kind, view, since, least_rows, progress)
            except (LunacyError, OSError) as error:
                if kind is lexical and note:
                    why = str(error) if isinstance(error, LunacyError) else one_line(error)
                    again = command("lexical", "--index", folder)
                    note(f"the papers are stored, but their words are not indexed: {why}; index them with: {again}")
                elif isinstance(error, DiskFull):
                    return
                else:
                    raise


def drop_words(folder: Path) -> None:
    """Delete the word index."""
    if any(cache.kind == lexical.KIND for cache in caches.read(folder)):
        caches.commit(folder, lexical.KIND, [])


def _refresh(kind: Kind, view: View, since: Changes | None, least_rows: int | None, progress: Report) -> None:
    before = [cache for cache in view.caches if cache.kind == kind.KIND]
    n_rows = sum(segment.n_rows for segment in view.stored_segments)
    if kind.LEAST_ROWS is None or (kind is lexical and view.is_without_words):
        is_wanted = bool(before)  # it was asked for
    else:
        is_wanted = n_rows >= (least_rows or kind.LEAST_ROWS)
    kept = [cache for cache in before if kind.is_current(cache, view)]
    now = kind.make(view, before, since, progress) if is_wanted else kept
    if now != before:
        caches.commit(view.folder, kind.KIND, now)


def build_lexical(index: str | Path, *, progress: Report = no_report) -> LexicalReport:
    """Add a word (BM25) index to the index in the folder `index`, for the ranks "hybrid" and "lexical".

    `build_index` makes one by itself, unless it is told not to, and keeps either up to date.
    Raises NoIndex, IndexLocked, DiskFull.

    >>> lunacy.build_lexical("indexes/sample").n_papers
    2000
    """
    started = time.perf_counter()
    with writer_lock(index) as folder, Store(folder) as store, store.view() as view:
        view.require_papers(folder)
        caches.require_folder(view.folder)
        [cache] = made = lexical.make(view, [], None, progress)
        caches.commit(view.folder, lexical.KIND, made)
        size_bytes = sum(size for _name, size, _sha256 in cache.facts["files"])
        return LexicalReport(folder, view.n_papers, size_bytes, time.perf_counter() - started)


def build_ivf(
    index: str | Path,
    *,
    recall: float = RECALL,
    embedder: Embedder | None = None,
    device: str = "auto",
    progress: Report = no_report,
) -> IvfReport:
    """Add IVF lists to the index in the folder `index`, for faster, approximate answers.

    They are tuned to find the share `recall` of the true top 10, on average, and `build_index` keeps them up to date.
    Papers' titles are the texts that are tuned for. When the index's model cannot be had, texts get twice the lists.
    Raises NoIndex, IndexLocked, DiskFull, UsageError.

    >>> report = lunacy.build_ivf("indexes/sample", recall=0.9)
    >>> report.facts.papers.recall.mean >= 0.9
    True
    """
    require_share(recall)
    with writer_lock(index) as folder:
        caches.require_folder(folder)
        refresh_caches(folder, progress=progress)  # an older lunacy, or a killed run, may have left them behind
        started = time.perf_counter()
        with Store(folder) as store, store.view() as view:
            view.require_papers(folder)
            titles = tune_ivf.held_out_titles(view, embedder, device, progress)
            cache = tune_ivf.make_tuned(view, recall, titles, progress)
            caches.commit(folder, tune_ivf.KIND, [cache])
        return IvfReport(folder, IvfFacts.read(cache.facts), cache.size_bytes, time.perf_counter() - started)
