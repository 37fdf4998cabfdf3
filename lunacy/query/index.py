"""The open index: questions in, answers out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from lunacy.embedding import Embedder, load
from lunacy.errors import LunacyError, NotAnId, UnknownPaper, UsageError
from lunacy.filter import Filter
from lunacy.fingerprint import Fingerprint
from lunacy.options import Keywords, Options
from lunacy.paper import Hit, embedded_text, fold
from lunacy.query.answer import Answer, hits_of
from lunacy.query.ids import canonical, encodable, lacking, rows_of, rows_that_must_be
from lunacy.search import (
    PAPERS,
    TEXTS,
    Found,
    Question,
    Ranked,
    Steps,
    open_ivf,
    parts_of,
    rank,
    search,
    search_ivf,
)
from lunacy.store import Rows, Store, Summary, Vectors, View, check_fingerprint

_BATCH = 256  # queries answered at a time: a few ms of waiting for the first, matrix products for the rest
_BATCH_HITS = 50_000  # hits at a time: bounds memory when long lists are asked for
_GPU_FROM = 2 * 10**9  # questions times rows: some ten seconds on two cores, where torch alone takes two to load
_GPU_BATCH, _GPU_HITS = 2**14, 200_000  # the same on a GPU, to which all rows go for each batch


@dataclass(frozen=True, slots=True)
class Info:
    """What an index holds and what made it."""

    folder: Path
    generation: int
    summary: Summary
    fingerprint: Fingerprint
    arithmetic: str
    n_segments: int
    size_bytes: dict[str, int]  # by file
    ivf: dict[str, Any] | None  # what was measured of the IVF lists (indexes/README.md); None: there are none
    n_beside: int  # papers that are not in the lists, and are searched exactly beside them
    has_words: bool  # whether there is a lexical index


class Index:
    """An index, open for questions; `lunacy.open_index` makes one. Each answer is of the last commit.

    For one thread; open another for another.
    """

    def __init__(self, folder: str | Path, *, embedder: Embedder | None = None) -> None:
        """Open `folder`. `embedder` is for texts; by default the index's own model is loaded when first needed."""
        self._store = Store(folder)
        self._embedder = embedder

    @property
    def folder(self) -> Path:
        """The index folder."""
        return self._store.folder

    def __len__(self) -> int:
        """How many papers the index holds."""
        with self._store.view() as view:
            return view.n_papers

    def holds(self, paper: str) -> bool:
        """Whether the index has `paper`, an arXiv id in any form."""
        with self._store.view() as view:
            return rows_of(view, [paper]) != [None]

    def similar(self, paper: str, **options: Unpack[Keywords]) -> list[Hit]:
        """The `top` papers most like `paper`, an arXiv id in any form; best first, ties by lower row.

        Options: `options.Keywords`. Papers that were withdrawn, and the paper itself, are left out unless asked for.

        Raises NotAnId for text that is no id, UnknownPaper for a paper that the index lacks, UsageError.
        """
        return self.similar_many([paper], **options)[0]

    def similar_many(
        self, papers: Sequence[str], *, device: str = "auto", **options: Unpack[Keywords]
    ) -> list[list[Hit]]:
        """One list for each of `papers`, as `similar` gives it; many at once are much faster.

        `device`: "auto" takes a GPU, where there is one, for what would take the processor more than seconds.
        """
        answers: list[list[Hit]] = []
        for answer in self.answers(papers, device=device, **options):
            if isinstance(answer, LunacyError):
                raise answer
            answers.append(answer.hits)
        return answers

    def similar_to_text(
        self, text: str, *, model: str | None = None, device: str = "auto", **options: Unpack[Keywords]
    ) -> list[Hit]:
        """The `top` papers most like `text`.

        `model`: where to load the index's model from, if not by its recorded name. Raises ModelError when it cannot be
        had, FingerprintMismatch when it is another one.
        """
        return self.answer_text(text, model=model, device=device, **options).hits

    def answers(
        self, papers: Iterable[str], *, device: str = "auto", **options: Unpack[Keywords]
    ) -> Iterator[Answer | UnknownPaper | NotAnId]:
        """One answer for each of `papers`, in order, as they come; for one that cannot be answered, the error."""
        if isinstance(papers, str):
            raise UsageError("papers is one text; give a list of ids")
        wanted = self._options(options)
        gpu = self._gpu(papers, wanted, device)
        size = min(_BATCH, _BATCH_HITS // wanted.top) if gpu is None else min(_GPU_BATCH, _GPU_HITS // wanted.top)
        for batch in _batches(papers, max(1, size)):
            with self._store.view() as view:  # answered before any is handed out: the asker may take its time
                answers = list(self._answer_batch(view, batch, wanted, gpu))
            yield from answers

    def answer_text(
        self, text: str, *, model: str | None = None, device: str = "auto", **options: Unpack[Keywords]
    ) -> Answer:
        """As `similar_to_text`, with the query."""
        wanted = self._options(options)
        text = encodable(text)
        if not text.strip():
            raise UsageError("the text is empty; give some words to compare with")
        embedder = self._text_embedder(model, device)
        vectors = embedder.embed([fold(text)], question=True).vectors
        with self._store.view() as view:
            found = self._search(view, vectors, [text], wanted, asker=TEXTS)
            [hits] = hits_of(view, found, wanted.min_score)
        return Answer(hits, text=text, recall=found[0].recall)

    def similar_to_all(
        self,
        papers: Sequence[str],
        *,
        text: str = "",
        model: str | None = None,
        device: str = "auto",
        **options: Unpack[Keywords],
    ) -> list[Hit]:
        """One list for several `papers`, and `text`: what is near to all of them, so near to the farthest."""
        return self.answer_all(papers, text=text, model=model, device=device, **options).hits

    def answer_all(
        self,
        papers: Sequence[str],
        *,
        text: str = "",
        model: str | None = None,
        device: str = "auto",
        **options: Unpack[Keywords],
    ) -> Answer:
        """As `similar_to_all`, with the query. Raises UsageError when there is none, and as `similar` does."""
        wanted = self._options(options)
        text = encodable(text).strip()
        if not (papers or text):
            raise UsageError("there is nothing to look for; give some papers, or a text")
        vectors = self._text_embedder(model, device).embed([fold(text)], question=True).vectors if text else None
        with self._store.view() as view:
            question = _question(view, rows_that_must_be(view, papers, self.folder))
            if vectors is not None:
                both = np.concatenate([question.vectors, vectors])
                question = replace(question, vectors=both, texts=[*question.texts, text])
            if wanted.include_self:
                question = replace(question, left_out=np.empty(0, np.int64))
            found = self._ranked(view, [question], wanted, asker=PAPERS if papers else TEXTS)
            [hits] = hits_of(view, found, wanted.min_score)
        return Answer(
            hits, text=" + ".join([*map(canonical, papers), *([text] if text else [])]), recall=found[0].recall
        )

    def info(self) -> Info:
        """The index in figures."""
        with self._store.view() as view:
            sizes = {}
            for path in sorted(self.folder.rglob("*")):
                with suppress(FileNotFoundError):  # merged away by a writer just now
                    if path.is_file():
                        sizes[path.relative_to(self.folder).as_posix()] = path.stat().st_size
            ivf = open_ivf(view)
            beside = [one for one in view.segments if ivf and one.segment.number not in ivf.covered]
            return Info(
                folder=self.folder,
                generation=view.generation,
                summary=view.summary(),
                fingerprint=view.fingerprint,
                arithmetic=view.arithmetic,
                n_segments=len(view.segments),
                size_bytes=sizes,
                ivf=ivf.facts if ivf else None,
                n_beside=sum(one.n_live for one in beside),
                has_words=any(cache.kind == "lexical" for cache in view.caches),
            )

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _gpu(self, papers: Iterable[str], wanted: Options, device: str) -> str | None:
        """The device for the products of a large batch; None: the processor."""
        n_papers = len(papers) if isinstance(papers, Sequence) else 0
        if wanted.ivf or device == "cpu" or n_papers * len(self) < _GPU_FROM:
            return None
        from lunacy.search.gpu import pick_device  # torch: seconds

        return pick_device(device)

    def _text_embedder(self, model: str | None, device: str) -> Embedder:
        """The index's own model, loaded once. A folder is taken at its word when the index knows no hash of weights."""
        with self._store.view() as view:
            ours = view.fingerprint
        embedder = self._embedder
        if embedder is None or model is not None:
            embedder = load(
                model or ours.model,
                device=device,
                prompt=ours.prompt,
                dims=ours.dim,
                long_texts=ours.long_texts,
                n_texts=1,
            )
        theirs = replace(embedder.fingerprint, text=ours.text)
        if ours.weights is None and model is not None and os.path.isdir(model):
            theirs = replace(theirs, model=ours.model)
        check_fingerprint(self.folder, ours, theirs)
        self._embedder = embedder
        return embedder

    def _options(self, keywords: Keywords) -> Options:
        """Checked. Raises UnknownPaper when `only_ids` has some that the index lacks."""
        given: dict[str, Any] = dict(keywords)
        fields: dict[str, Any] = {name: given.pop(name) for name in ("since", "until") if name in given}
        for name in ("category", "author"):
            fields[name] = _several(given.pop(name, ()))
        given["unlike"] = _several(given.pop("unlike", ()))
        only_ids = given.pop("only_ids", None)
        fields["only_ids"] = None if only_ids is None else frozenset(map(canonical, _several(only_ids)))
        fields["not_ids"] = frozenset(map(canonical, _several(given.pop("not_ids", ()))))
        if fields["only_ids"]:
            with self._store.view() as view:
                lacking = sorted(fields["only_ids"] - view.rows(list(fields["only_ids"])).keys())
            if lacking:
                raise UnknownPaper(
                    f"{len(lacking):,} of the {len(fields['only_ids']):,} ids to choose from are not in {self.folder} "
                    f"({', '.join(lacking[:3])}{', ...' if len(lacking) > 3 else ''}); take them out"
                )
        return Options(**given, filter=Filter(**fields))

    def _search(
        self,
        view: View,
        queries: Vectors,
        texts: Sequence[str],
        wanted: Options,
        *,
        asker: str,
        without: Sequence[int] | None = None,
        gpu: str | None = None,
    ) -> Sequence[Found | Ranked]:
        """The rows for each query; `texts` are the queries' words."""
        if wanted.is_plain:
            return self._nearest(view, queries, wanted, wanted.top, asker=asker, without=without, gpu=gpu)
        left_out = [-1] * len(queries) if without is None else without
        questions = [
            Question(queries[place : place + 1], [text], np.array([row], np.int64))
            for place, (text, row) in enumerate(zip(texts, left_out, strict=True))
        ]
        return self._ranked(view, questions, wanted, asker=asker, gpu=gpu)

    def _ranked(
        self, view: View, questions: Sequence[Question], wanted: Options, *, asker: str, gpu: str | None = None
    ) -> list[Ranked]:
        """As `wanted` steers, for questions of one or several papers and texts."""
        lexical = None
        if wanted.rank != "dense":
            from lunacy.search.lexical import open_lexical  # tantivy: only when asked for

            lexical = open_lexical(view)
            if lexical is None:
                raise UsageError(
                    f"{self.folder} has no lexical index; make it with: lunacy lexical --index {self.folder}"
                )
        unlike = None
        if wanted.unlike:
            rows = rows_that_must_be(view, wanted.unlike, self.folder)
            unlike = _question(view, rows)
            questions = [replace(one, left_out=np.append(one.left_out, rows)) for one in questions]
        return rank(
            view,
            lexical,
            parts_of(view, wanted.filter, wanted.include_withdrawn),
            questions,
            wanted.top,
            Steps(wanted.rank, unlike, wanted.fold, wanted.diverse, wanted.min_score),
            lambda vectors, n: self._nearest(view, vectors, wanted, n, asker=asker, without=None, gpu=gpu),
        )

    def _nearest(
        self,
        view: View,
        queries: Vectors,
        wanted: Options,
        k: int,
        *,
        asker: str,
        without: Sequence[int] | None,
        gpu: str | None,
    ) -> list[Found]:
        """By the vectors alone."""
        if not wanted.ivf:
            return search(
                view,
                queries,
                k,
                without=without,
                include_withdrawn=wanted.include_withdrawn,
                wanted=wanted.filter,
                device=gpu,
            )
        ivf = open_ivf(view)
        if ivf is None:
            raise UsageError(f"{self.folder} has no IVF lists; make them with: lunacy ivf --index {self.folder}")
        return search_ivf(
            view,
            ivf,
            queries,
            k,
            asker=asker,
            nprobe=wanted.nprobe,
            without=without,
            include_withdrawn=wanted.include_withdrawn,
            wanted=wanted.filter,
        )

    def _answer_batch(
        self, view: View, batch: Sequence[str], wanted: Options, gpu: str | None
    ) -> Iterator[Answer | UnknownPaper | NotAnId]:
        rows = rows_of(view, batch)
        known = [row for row in rows if row is not None]
        queries: Vectors = view.vectors(np.array(known, np.int64))
        without = None if wanted.include_self else known
        papers = view.papers(np.array(known, np.int64))
        texts = [embedded_text(paper, "title+abstract") for paper in papers]
        found = self._search(view, queries, texts, wanted, asker=PAPERS, without=without, gpu=gpu)
        answers = zip(papers, hits_of(view, found, wanted.min_score), found, strict=True)
        for asked, row in zip(batch, rows, strict=True):
            if row is None:
                yield lacking(view, asked, self.folder)
            else:
                paper, hits, one = next(answers)
                yield Answer(hits, paper=paper, recall=one.recall)


def _several(values: str | Iterable[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


def _batches(papers: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for paper in papers:
        batch.append(paper)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _question(view: View, rows: Rows) -> Question:
    texts = [embedded_text(paper, "title+abstract") for paper in view.papers(rows)]
    return Question(view.vectors(rows), texts, rows)


def open_index(folder: str | Path, *, embedder: Embedder | None = None) -> Index:
    """Open the index in `folder` for questions; raises NoIndex when there is none, StoreError if it is unreadable."""
    return Index(folder, embedder=embedder)
