"""The lexical index: BM25 over words and pairs of words, by tantivy, which no other module imports.

A cache in a folder of its own, which `lunacy index` makes and every change of the papers brings up to date. Words
are stemmed; pairs of them are hashed, which keeps them to half the space at the same quality. A paper asks with its own
title and abstract. Words of titles count three times.
In a text that is not in English, words such as "der" or "les" do not count: few papers have them, and they would say
no more than that these are in one language.
"""

from __future__ import annotations

import math
import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import tantivy
from tantivy import Filter as Step
from tantivy import Occur, Query, TextAnalyzerBuilder, Tokenizer

from lunacy.advice import command
from lunacy.arrays import Rows, Scores
from lunacy.derived import once_per_view
from lunacy.derived.random_pairs import FACT, draw_pairs, is_sample
from lunacy.errors import StoreError
from lunacy.language import common_words
from lunacy.limits import require
from lunacy.progress import Progress, Report, reported
from lunacy.store import Cache, Changes, Segment, View, caches, require_space

KIND = "lexical"
LEAST_ROWS = 1
_HEAP_BYTES = 2**28  # of the writer, before it flushes
PAIRS = 2**20  # values of a pair's hash
TITLE_COUNTS = 3  # times a word of the title, of the paper that is found and of the one that is asked for
_TITLES = "title_counts"  # the fact that says so
_FIELDS = {"words": "freq", "pairs": "basic"}  # what is kept of each occurrence
_ANALYSED = "analysed"  # the name of the tokenizer for what is analysed already
_CHUNK = 4096  # papers at a time
_BYTES = 800  # a paper, while it is made; half of them when it is done
_THREADS_TO_READ, _THREADS_TO_WRITE = 2, 10  # those that tantivy starts; it panics when it cannot


@dataclass(frozen=True, slots=True)
class Lexical:
    """The lexical index of a commit, memory-mapped."""

    folder: Path
    index: Any  # tantivy.Index
    searcher: Any
    covered: list[Segment]  # that it was made from and that are still there
    pairs: Scores  # (m,) ascending: quantiles of the cosine of two random papers

    def best(self, text: str, n: int, *, title: str = "") -> tuple[Rows, Scores, bool]:
        """The `n` rows with the best BM25 scores, best first, for the words of a text; and whether that is all.

        (m,) int64 and (m,) float64; m < n when no more share a term, or when later papers have taken their rows.
        Withdrawn papers are among them, and the one that the text is of.
        """
        query = self._query(text, title)
        if query is None or not self.covered:
            return np.empty(0, np.int64), np.empty(0), True
        with _errors(self.folder):
            hits = self.searcher.search(query, limit=min(n, max(self.searcher.num_docs, 1)), count=False).hits
            found = self.searcher.fast_field_values("row", [address for _score, address in hits])
        rows = np.array(found, np.int64)
        scores = np.array([score for score, _address in hits])
        firsts = np.array([segment.first_row for segment in self.covered])
        ends = np.array([segment.end_row for segment in self.covered])
        owners = np.searchsorted(firsts, rows, side="right") - 1
        is_covered = (owners >= 0) & (rows < ends[owners])
        order = np.lexsort((rows, -scores))
        order = order[is_covered[order]]
        return rows[order], scores[order], len(hits) < n

    def explained(self, text: str, row: int, *, title: str = "") -> str | None:
        """How the BM25 score of the paper at `row` for the words of a text comes about, as tantivy has it in JSON.

        None where the index has no such row, or the paper shares no word with the text.
        """
        query = self._query(text, title)
        if query is None:
            return None
        of_row = Query.term_query(self.index.schema, "row", row)
        both = Query.boolean_query([(Occur.Must, query), (Occur.Must, of_row)])
        with _errors(self.folder):
            hits = self.searcher.search(both, limit=1, count=False).hits
            return str(query.explain(self.searcher, hits[0][1]).to_json()) if hits else None

    def rarity(self, field: str, term: str) -> float:
        """The inverse document frequency of a term, as BM25 has it."""
        n, n_with = self.searcher.num_docs, self.searcher.doc_freq(field, term)
        return math.log(1 + (n - n_with + 0.5) / (n_with + 0.5))

    def _query(self, text: str, title: str) -> Any:
        """Each term weighs 1 + ln(how often it occurs); None when no other paper has any."""
        schema = self.index.schema
        unasked = common_words(f"{title} {text}")
        parts = [
            (Occur.Should, Query.boost_query(Query.term_query(schema, field, term, _FIELDS[field]), 1 + math.log(n)))
            for field, terms in analysed(text, title=title, without=unasked).items()
            for term, n in sorted(Counter(terms).items())
            if self.searcher.doc_freq(field, term)
        ]
        return Query.boolean_query(parts) if parts else None


@once_per_view
def open_lexical(view: View) -> Lexical | None:
    """The lexical index, which may cover only some of the segments; None when there is none.

    Raises StoreError when it cannot be opened.
    """
    cache = next((one for one in view.caches if one.kind == KIND and _is_described(one)), None)
    path = caches.path_of(view.folder, cache) if cache else None
    if cache is None or path is None:
        return None
    if not caches.is_whole(view.folder, cache, by_hash=False):
        hint = f"make it anew with: {command('lexical', '--index', view.folder)}"
        raise StoreError("a file of the lexical index was cut", where=path.parent, hint=hint)
    require(n_threads=_THREADS_TO_READ)
    with _errors(path.parent):
        index = tantivy.Index.open(os.fspath(path.parent))
        covered = _covered(view, cache)
        return Lexical(path.parent, index, index.searcher(), covered, np.array(cache.facts[FACT]))


def _is_described(cache: Cache) -> bool:
    """Whether it has the facts that `_write` gives."""
    return isinstance(cache.facts.get("end_row"), int) and is_sample(cache.facts.get(FACT))


def _is_of_now(cache: Cache) -> bool:
    """Whether it was made as it is made now. One that was not still answers, and is made anew with the next update."""
    return _is_described(cache) and cache.facts.get(_TITLES) == TITLE_COUNTS


def is_current(cache: Cache, view: View) -> bool:
    """Whether it is of just the segments that are there."""
    is_made = _is_of_now(cache) and cache.is_made_from(view.stored_segments)
    return is_made and caches.path_of(view.folder, cache) is not None


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:
    """The index of all papers; where `before` has one, only what is new, or changed `since`, is read again."""
    if not view.stored_segments:
        return []
    old = next(filter(_is_of_now, before), None)
    if old and old.is_made_from(view.stored_segments) and not (since and len(since.rows)):
        return [old]
    require_space(view.folder, _BYTES * view.n_papers)
    made = caches.add_folder(
        view.folder, KIND, view.stored_segments, write=lambda folder: _write(view, folder, old, since, progress)
    )
    return [made]


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    """tantivy's errors, and its panics, as one line."""
    try:
        yield
    except BaseException as error:
        if not (isinstance(error, ValueError | OSError) or type(error).__name__ == "PanicException"):
            raise
        reason = " ".join(str(error).split())[:200]
        again = command("lexical", "--index", folder.parents[1])
        hint = f"make it anew with: {again}, or ask with --rank dense"
        raise StoreError(f"{reason}; the folder must be writable, and whole", where=folder, hint=hint) from None


def _covered(view: View, cache: Cache) -> list[Segment]:
    """The segments of `view` that the index was made from: their rows have the papers that they had then."""
    return [one for one in view.stored_segments if (one.number, one.sha256) in set(cache.segments)]


def _write(view: View, folder: Path, before: Cache | None, since: Changes | None, progress: Report) -> dict[str, Any]:
    """Make the index of all papers of `view` in the new `folder`, and return its facts."""
    with _errors(folder):
        _write_index(view, folder, before, since, progress)
    return {"end_row": view.end_row, _TITLES: TITLE_COUNTS, FACT: draw_pairs(view)}


def _write_index(view: View, folder: Path, before: Cache | None, since: Changes | None, progress: Report) -> None:
    require(n_threads=_THREADS_TO_WRITE)
    folder.mkdir()
    old = caches.path_of(view.folder, before) if before and caches.is_whole(view.folder, before) else None
    covered = _covered(view, before) if before and old else []
    if before is None or old is None or not covered:
        index = tantivy.Index(_schema(), path=os.fspath(folder))
    else:
        _link(old.parent, folder, [name for name, _size, _sha256 in before.facts["files"]])
        index = tantivy.Index.open(os.fspath(folder))
    index.register_tokenizer(_ANALYSED, TextAnalyzerBuilder(Tokenizer.whitespace()).build())
    writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
    live = view.live_rows()
    if before is not None and covered:
        again = since.rows if since else np.empty(0, np.int64)
        kept = np.concatenate([np.arange(one.first_row, one.end_row) for one in covered])
        for first, end in _gaps(covered, max(before.facts["end_row"], view.end_row)):
            _delete(writer, index, first, end)
        for row in _without(kept, _without(live, again)).tolist():  # no paper any more, or to be read again
            writer.delete_documents_by_term("row", row)  # a range is compared with every row of the index
        live = _without(live, _without(kept, again))
    chunks = [live[start : start + _CHUNK] for start in range(0, len(live), _CHUNK)]
    for rows in reported("indexing words", chunks, [len(rows) for rows in chunks], progress):
        for row, paper in zip(rows.tolist(), view.papers(rows), strict=True):
            document = tantivy.Document()
            document.add_integer("row", row)
            for field, terms in analysed(paper.abstract, title=paper.title).items():
                document.add_text(field, " ".join(terms))
            writer.add_document(document)
    progress(Progress("writing the lexical index"))
    writer.commit()
    writer.garbage_collect_files()
    writer.wait_merging_threads()


def _without(rows: Rows, others: Rows) -> Rows:
    """Those of `rows` that are not among `others`; no row is in either twice, and the order stays."""
    return np.setdiff1d(rows, others, assume_unique=True)


def _gaps(covered: list[Segment], end_row: int) -> Iterator[tuple[int, int]]:
    """The ranges of rows up to `end_row` that are in none of the segments."""
    first = 0
    for segment in covered:
        if first < segment.first_row:
            yield first, segment.first_row
        first = segment.end_row
    if first < end_row:
        yield first, end_row


def _delete(writer: Any, index: Any, first: int, end: int) -> None:
    within = Query.range_query(index.schema, "row", tantivy.FieldType.Integer, first, end - 1)
    writer.delete_documents_by_query(within)


def _schema() -> Any:
    schema = tantivy.SchemaBuilder()
    schema.add_integer_field("row", indexed=True, fast=True)
    for field, kept in _FIELDS.items():
        schema.add_text_field(field, tokenizer_name=_ANALYSED, index_option=kept)
    return schema.build()


_ANALYSER = (
    TextAnalyzerBuilder(Tokenizer.simple())
    .filter(Step.remove_long(40))
    .filter(Step.lowercase())
    .filter(Step.stopword("english"))
    .filter(Step.stemmer("english"))
    .build()
)


def analysed(text: str, *, title: str = "", without: Collection[str] = ()) -> dict[str, list[str]]:
    """The terms of each field; words of the title as often as they count, pairs of them once.

    `without`: words that do not count, by themselves or in pairs.
    """
    words = stems(f"{title} {text}")
    counted = words + stems(title) * (TITLE_COUNTS - 1)
    pairs = pair_hashes(words)
    if without:
        unasked = {stem for word in without for stem in stems(word)}
        counted = [word for word in counted if word not in unasked]
        pairs = [pair for pair, both in zip(pairs, pairwise(words), strict=True) if unasked.isdisjoint(both)]
    return {"words": counted, "pairs": [f"{pair:x}" for pair in pairs]}


def stems(text: str) -> list[str]:
    """The words of `text` that count, without their endings, in their order."""
    found: list[str] = _ANALYSER.analyze(text)
    return found


def pair_hashes(words: Sequence[str]) -> list[int]:
    """A number below PAIRS for each word and the next."""
    return [crc32(f"{one} {other}".encode()) % PAIRS for one, other in pairwise(words)]


def _link(before: Path, folder: Path, names: Sequence[str]) -> None:
    """The files of an index under new names: its segments are never changed, its lists of them are replaced."""
    for name in names:
        if name.endswith(".json"):
            shutil.copy(before / name, folder / name)
        else:
            os.link(before / name, folder / name)
