"""Asking an index: id or text -> vector -> rows -> hits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lunacy.embedding import Embedder, load
from lunacy.errors import LunacyError, NotAnId, UnknownPaper, UsageError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Hit, Paper, canonical_id, fold, parse_id
from lunacy.search import Found, search
from lunacy.store import Store, Summary, Vectors, View, check_fingerprint

_BATCH = 256  # queries answered at a time: a few ms of waiting for the first, matrix products for the rest
_BATCH_HITS = 50_000  # hits at a time: bounds memory when long lists are asked for


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits for one query: a paper of the index, or a text."""

    hits: list[Hit]
    paper: Paper | None = None
    text: str | None = None


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

    def similar(
        self, paper: str, *, top: int = 10, include_self: bool = False, include_withdrawn: bool = False
    ) -> list[Hit]:
        """The `top` papers most like `paper`, an arXiv id in any form; best first, ties by lower row.

        Papers that were withdrawn are left out unless asked for.

        Raises NotAnId for text that is no id, UnknownPaper for a paper that the index lacks.
        """
        return self.similar_many([paper], top=top, include_self=include_self, include_withdrawn=include_withdrawn)[0]

    def similar_many(
        self, papers: Sequence[str], *, top: int = 10, include_self: bool = False, include_withdrawn: bool = False
    ) -> list[list[Hit]]:
        """One list for each of `papers`, as `similar` gives it; many at once are much faster."""
        answers: list[list[Hit]] = []
        for answer in self.answers(papers, top=top, include_self=include_self, include_withdrawn=include_withdrawn):
            if isinstance(answer, LunacyError):
                raise answer
            answers.append(answer.hits)
        return answers

    def similar_to_text(
        self,
        text: str,
        *,
        top: int = 10,
        include_withdrawn: bool = False,
        model: str | None = None,
        device: str = "auto",
    ) -> list[Hit]:
        """The `top` papers most like `text`.

        `model`: where to load the index's model from, if not by its recorded name. Raises ModelError when it cannot be
        had, FingerprintMismatch when it is another one.
        """
        return self.answer_text(text, top=top, include_withdrawn=include_withdrawn, model=model, device=device).hits

    def answers(
        self, papers: Iterable[str], *, top: int = 10, include_self: bool = False, include_withdrawn: bool = False
    ) -> Iterator[Answer | UnknownPaper | NotAnId]:
        """One answer for each of `papers`, in order, as they come; for one that cannot be answered, the error."""
        _check_top(top)
        if isinstance(papers, str):
            raise UsageError("papers is one text; give a list of ids")
        for batch in _batches(papers, max(1, min(_BATCH, _BATCH_HITS // top))):
            with self._store.view() as view:  # answered before any is handed out: the asker may take its time
                answers = list(self._answer_batch(view, batch, top, include_self, include_withdrawn))
            yield from answers

    def answer_text(
        self,
        text: str,
        *,
        top: int = 10,
        include_withdrawn: bool = False,
        model: str | None = None,
        device: str = "auto",
    ) -> Answer:
        """As `similar_to_text`, with the query."""
        _check_top(top)
        text = _encodable(text)
        if not text.strip():
            raise UsageError("the text is empty; give some words to compare with")
        embedder = self._text_embedder(model, device)
        vectors = embedder.embed([fold(text)], question=True).vectors
        with self._store.view() as view:
            [found] = search(view, vectors, top, include_withdrawn=include_withdrawn)
            [hits] = _hits(view, [found])
        return Answer(hits, text=text)

    def info(self) -> Info:
        """The index in figures."""
        with self._store.view() as view:
            sizes = {}
            for path in sorted(self.folder.iterdir()):
                with suppress(FileNotFoundError):  # merged away by a writer just now
                    sizes[path.name] = path.stat().st_size
            return Info(
                folder=self.folder,
                generation=view.generation,
                summary=view.summary(),
                fingerprint=view.fingerprint,
                arithmetic=view.arithmetic,
                n_segments=len(view.segments),
                size_bytes=sizes,
            )

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

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

    def _answer_batch(
        self, view: View, batch: Sequence[str], top: int, include_self: bool, include_withdrawn: bool
    ) -> Iterator[Answer | UnknownPaper | NotAnId]:
        rows = _resolve(view, batch)
        known = [row for row in rows if row is not None]
        queries: Vectors = view.vectors(np.array(known, np.int64))
        found = search(view, queries, top, without=None if include_self else known, include_withdrawn=include_withdrawn)
        answers = zip(view.papers(np.array(known, np.int64)), _hits(view, found), strict=True)
        for asked, row in zip(batch, rows, strict=True):
            if row is None:
                yield _lacking(view, asked, self.folder)
            else:
                paper, hits = next(answers)
                yield Answer(hits, paper=paper)


def _check_top(top: int) -> None:
    if top < 1:
        raise UsageError(f"top is {top}; ask for at least 1")


def _batches(papers: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for paper in papers:
        batch.append(paper)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _resolve(view: View, asked: Sequence[str]) -> list[int | None]:
    """The row of each id, in any form; None for one that the index lacks."""
    ids = [canonical_id(one) or _encodable(one.strip()) for one in asked]
    rows = view.rows(list(dict.fromkeys(ids)))
    return [rows.get(one) for one in ids]


def _encodable(text: str) -> str:
    """`text` as UTF-8 can have it: an argument that was not UTF-8 comes with lone surrogates."""
    return text.encode(errors="replace").decode()


def _lacking(view: View, asked: str, folder: Path) -> UnknownPaper | NotAnId:
    try:
        identifier = parse_id(asked)
    except NotAnId as error:
        return error
    summary = view.summary()
    categories = sorted(summary.by_category, key=lambda name: (-summary.by_category[name], name))
    shown = ", ".join(categories[:6]) + (f" and {len(categories) - 6} more" if len(categories) > 6 else "")
    return UnknownPaper(
        f"{identifier} is not in {folder}, which holds {summary.n_papers:,} papers ({shown}) "
        f"up to {summary.last_date or 'an unknown date'}"
    )


def _hits(view: View, found: Sequence[Found]) -> list[list[Hit]]:
    papers = iter(view.papers(np.concatenate([one.rows for one in found]) if found else np.empty(0, np.int64)))
    return [
        [
            Hit(rank, paper.id, float(score), paper.title, paper.authors, paper.categories, paper.updated)
            for rank, (score, paper) in enumerate(zip(one.scores, papers, strict=False), 1)
        ]
        for one in found
    ]


def find_index(given: str | Path | None, root: Path = Path("indexes")) -> Path:
    """Which index is meant: the one given, else the only one in `indexes/`. Raises UsageError, naming those there."""
    if given is not None:
        return Path(given)
    there = sorted(path.parent for path in root.glob("*/papers.db"))
    if len(there) == 1:
        return there[0]
    if not there:
        raise UsageError(f"there is no index in {root}/; make one with `lunacy index`, or name one with --index DIR")
    names = ", ".join(map(str, there))
    raise UsageError(f"there are {len(there)} indexes ({names}); name one with --index DIR or LUNACY_INDEX")


def open_index(folder: str | Path, *, embedder: Embedder | None = None) -> Index:
    """Open the index in `folder` for questions; raises NoIndex when there is none, StoreError if it is unreadable."""
    return Index(folder, embedder=embedder)
