"""The open index: questions in, answers out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from lunacy.answer import Answer, Hit, Info
from lunacy.arrays import Vectors
from lunacy.categories import matching_categories
from lunacy.embedding import Embedder, load
from lunacy.errors import LunacyError, ModelError, NotAnId, UnknownPaper, UsageError
from lunacy.filter import Filter
from lunacy.fingerprint import Fingerprint
from lunacy.keywords import read_keywords
from lunacy.keywords import text as read_text
from lunacy.keywords import texts as read_texts
from lunacy.paper import canonical_id, parse_id, squeeze_spaces
from lunacy.query.ask import answer_batch, ranked, search, target_of
from lunacy.query.hits import hits_of
from lunacy.query.ids import canonical, encodable, rows_of, rows_that_must_be
from lunacy.question import READERS, Keywords, Options
from lunacy.search import PAPERS, TEXTS, Searcher, open_searcher
from lunacy.store import check_fingerprint


class Index:
    """An index, open for questions; `lunacy.open_index` makes one. Each answer is of the last commit.

    Any thread may ask it; they are answered one at a time. So may a forked child, which opens the files anew.
    """

    def __init__(self, where: str | Path, *, embedder: Embedder | None = None) -> None:
        """Open `where`. `embedder` is for texts; by default the index's own model is loaded when first needed."""
        self._searcher: Searcher = open_searcher(where)
        self._embedder = embedder

    @property
    def name(self) -> str:
        """The index folder."""
        return self._searcher.name

    def __len__(self) -> int:
        """How many papers the index holds."""
        with self._searcher.pinned() as papers:
            return papers.n_papers

    def holds(self, paper: str) -> bool:
        """Whether the index has `paper`, an arXiv id in any form."""
        return bool(self.held([paper]))

    def held(self, papers: Sequence[str]) -> set[str]:
        """Those of `papers`, ids in any form, that the index has."""
        with self._searcher.pinned() as there:
            rows = rows_of(there, papers)
        return {paper for paper, row in zip(papers, rows, strict=True) if row is not None}

    def similar(self, paper: str, **options: Unpack[Keywords]) -> list[Hit]:
        """The `top` papers most like `paper`, an arXiv id in any form; best first, ties by lower row.

        Options: `question.Keywords`. Papers that were withdrawn, and the paper itself, are left out unless asked for.

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
        if isinstance(papers, str) or not isinstance(papers, Iterable):
            raise UsageError(f"papers is {str(papers)[:40]!r}; give a list of ids")
        wanted = self._options(options)
        with self._searcher.pinned() as there:
            size, gpu = there.batch(len(papers) if isinstance(papers, Sequence) else 0, wanted, device)
        for batch in _batches(papers, size):
            with self._searcher.pinned() as there:  # answered before any is handed out: the asker may take its time
                answers = list(answer_batch(there, batch, wanted, gpu))
            yield from answers

    def answer_text(
        self, text: str, *, model: str | None = None, device: str = "auto", **options: Unpack[Keywords]
    ) -> Answer:
        """As `similar_to_text`, with the query."""
        wanted = self._options(options)
        text = encodable(read_text("text", text))
        if not text.strip():
            raise UsageError("the text is empty; give some words to compare with")
        vectors = self._embed(text, model, device)
        with self._searcher.pinned() as there:
            found = search(there, vectors, [text], wanted, query_kind=TEXTS)
            [hits] = hits_of(there, found, wanted.min_score)
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
        papers, text = read_texts("papers", papers), encodable(read_text("text", text)).strip()
        if not (papers or text):
            raise UsageError("there is nothing to look for; give some papers, or a text")
        vectors = self._embed(text, model, device) if text else None
        with self._searcher.pinned() as there:
            rows = rows_that_must_be(there, papers)
            asked, target = there.papers(rows), target_of(there, rows)
            if vectors is not None:
                both = np.concatenate([target.vectors, vectors])
                target = replace(target, vectors=both, texts=[*target.texts, text])
            if wanted.include_self:
                target = replace(target, left_out=np.empty(0, np.int64))
            found = ranked(there, [target], wanted, query_kind=PAPERS if papers else TEXTS)
            [hits] = hits_of(there, found, wanted.min_score)
        return Answer(hits, papers=tuple(asked), text=text, recall=found[0].recall)

    def info(self) -> Info:
        """The index in figures."""
        with self._searcher.pinned() as there:
            return there.info()

    def close(self) -> None:
        """Let go of the files."""
        self._searcher.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _embed(self, text: str, model: str | None, device: str) -> Vectors:
        """(1, dim) float32."""

        def work() -> Vectors:
            return self._text_embedder(model, device).embed([squeeze_spaces(text)], question=True).vectors

        return _model_thread(os.getpid()).submit(work).result()

    def _text_embedder(self, model: str | None, device: str) -> Embedder:
        """The index's own model, loaded once. A folder is taken at its word when the index knows no hash of weights."""
        with self._searcher.pinned() as there:
            ours = there.fingerprint
        embedder = self._embedder
        if embedder is None or model is not None:
            embedder = self._load(model, device, ours)
        theirs = replace(embedder.fingerprint, text=ours.text)
        if ours.weights is None and model is not None and os.path.isdir(os.path.expanduser(model)):
            theirs = replace(theirs, model=ours.model)
        check_fingerprint(self.name, ours, theirs)
        self._embedder = embedder
        return embedder

    def _load(self, model: str | None, device: str, ours: Fingerprint) -> Embedder:
        try:
            return load(
                model or ours.model,
                device=device,
                prompt=ours.prompt,
                dims=ours.dim,
                long_texts=ours.long_texts,
                n_texts=1,
            )
        except ModelError as error:
            if model is not None or not os.path.isabs(ours.model):
                raise
            raise ModelError(  # whoever asks did not name that folder
                "the model that made the index cannot be loaded here; give the model's folder (--model)",
                where=self.name,
                hint=error.full_message,
            ) from None

    def _options(self, keywords: Keywords) -> Options:
        """Checked. Raises UnknownPaper, UnknownCategory and NotAnId where they name what the index lacks."""
        given = read_keywords(keywords, READERS)
        fields: dict[str, Any] = {
            name: given.pop(name) for name in ("category", "since", "until", "author") if name in given
        }
        only_ids, not_ids = given.pop("only_ids", None), given.pop("not_ids", ())
        fields["only_ids"] = None if only_ids is None else frozenset(map(canonical, only_ids))
        fields["not_ids"] = frozenset(map(canonical, not_ids))
        strangers = [one for one in not_ids if canonical_id(one) is None]
        for stranger in set(strangers) - self.held(strangers):
            parse_id(stranger)  # a list that takes nothing away must not pass for one that does
        if fields["only_ids"]:
            with self._searcher.pinned() as there:
                lacking = sorted(fields["only_ids"] - there.rows(list(fields["only_ids"])).keys())
            if lacking:
                raise UnknownPaper(
                    f"{len(lacking):,} of the {len(fields['only_ids']):,} ids to choose from are not in the index "
                    f"({', '.join(lacking[:3])}{', ...' if len(lacking) > 3 else ''}); take them out",
                    where=self.name,
                )
        if fields.get("category"):
            with self._searcher.pinned() as there:
                matching_categories(fields["category"], there.summary().by_category)
        return Options(**given, filter=Filter(**fields))


@lru_cache(maxsize=1)
def _model_thread(_process: int) -> ThreadPoolExecutor:
    """The one thread that runs models: an embedder is for one thread at a time.

    And what a model starts of OpenMP belongs to it: a forked child would wait for ever for its parent's.
    """
    return ThreadPoolExecutor(1, "lunacy-model")


def _batches(papers: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for paper in papers:
        batch.append(paper)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def open_index(where: str | Path, *, embedder: Embedder | None = None) -> Index:
    """Open an index folder for questions; raises NoIndex when there is none, StoreError if it is unreadable."""
    return Index(where, embedder=embedder)
