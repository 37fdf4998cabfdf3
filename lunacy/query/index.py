"""The open index: questions in, answers out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Unpack

import numpy as np

from lunacy import display
from lunacy.answer import Answer, Info
from lunacy.embedding import Embedder
from lunacy.errors import LunacyError, UsageError
from lunacy.keywords import shows_keywords
from lunacy.paper import Paper
from lunacy.progress import Report, no_report
from lunacy.query.ask import alike, answer_batch
from lunacy.query.asked import find_papers
from lunacy.query.ids import require_known, rows_of
from lunacy.query.model import TextModel, TextVector
from lunacy.query.sentence_pairs import with_sentences
from lunacy.query.titles import Named
from lunacy.question import Keywords, Options, Query, Question
from lunacy.search import LastCommit, Searcher, open_searcher


class Index:
    """An index, open for questions; `lunacy.open_index` makes one. Each answer is of the last commit.

    `len(ix)` is how many papers it holds, and `"1802.05130" in ix` whether it has that one, by its id in any form.

    Any thread may ask it; they are answered one at a time. So may a forked child, which opens the files anew.

    >>> with lunacy.open_index("indexes/sample") as ix:
    ...     print(ix, "arXiv:1802.05130v2" in ix)
    <Index 'indexes/sample': 2,000 papers> True
    """

    def __init__(self, where: str | Path, *, embedder: Embedder | None = None, progress: Report = no_report) -> None:
        """As `open_index` says."""
        self._searcher: Searcher = open_searcher(where)
        self._model = TextModel(self.name, embedder, progress)
        self._is_gpu_used = False

    @property
    def name(self) -> str:
        """The index folder."""
        return self._searcher.name

    def __len__(self) -> int:
        """How many papers the index holds."""
        with self._searcher.pinned() as view:
            return view.n_papers

    @property
    def last_commit(self) -> LastCommit:
        """What answers depend on, beside the question; waits for no other thread's question.

        >>> ix.last_commit.generation
        1
        """
        return self._searcher.last_commit()

    @property
    def used(self) -> frozenset[str]:
        """Which of "model" and "device" had something to do in what was asked so far: ids may need neither."""
        used = {"model": self._model.is_used, "device": self._model.is_used or self._is_gpu_used}
        return frozenset(name for name, is_used in used.items() if is_used)

    def info(self) -> Info:
        """The index in figures.

        >>> ix.info().summary.n_papers
        2000
        """
        with self._searcher.pinned() as view:
            return view.info()

    def paper(self, identifier: str) -> Paper:
        """The paper with that arXiv id, in any form, DOI or title. A published index has no abstracts: then it is "".

        Raises NotAnId for text that is neither, UnknownPaper for a paper that the index lacks.

        >>> ix.paper("https://arxiv.org/abs/1802.05130").categories
        ('cs.IR', 'cs.CL')
        """
        [found] = self.papers([identifier])
        if isinstance(found, LunacyError):
            raise found
        return found

    def papers(self, identifiers: Sequence[str]) -> list[Paper | LunacyError]:
        """As `paper`, of each in order, all read at once; where it would raise NotAnId or UnknownPaper, that error.

        >>> [type(one).__name__ for one in ix.papers(["1802.05130", "2999.00001"])]
        ['Paper', 'UnknownPaper']
        """
        with self._searcher.pinned() as view:
            found = find_papers(view, identifiers)
            rows = {one: named.row for one, named in found.items() if isinstance(named, Named)}
            papers = dict(zip(rows, view.papers(np.array([*rows.values()], np.int64)), strict=True))
        errors = {one: error for one, error in found.items() if isinstance(error, LunacyError)}
        return [errors.get(one) or papers[one] for one in identifiers]

    def __contains__(self, paper: str) -> bool:
        """Whether the index has `paper`, an arXiv id in any form."""
        return bool(self.held([paper]))

    def held(self, papers: Sequence[str]) -> set[str]:
        """Those of `papers`, ids in any form, that the index has.

        >>> ix.held(["1802.05130", "2999.00001"])
        {'1802.05130'}
        """
        with self._searcher.pinned() as view:
            rows = rows_of(view, papers)
        return {paper for paper, row in zip(papers, rows, strict=True) if row is not None}

    @contextmanager
    def view(self) -> Iterator[Searcher]:
        """The last commit, for functions beside this class; they must not keep it beyond the block."""
        with self._searcher.pinned() as view:
            yield view

    def embed(self, texts: Sequence[str]) -> list[TextVector]:
        """The vectors of texts, by the index's model. Raises ModelError, FingerprintMismatch."""
        with self.view() as view:
            ours = view.fingerprint
        return self._model.embed(texts, ours)

    def named(self, papers: Sequence[str]) -> set[str]:
        """Those of `papers`, ids in any form, DOIs or titles, for which `ask` has a paper."""
        with self._searcher.pinned() as view:
            found = find_papers(view, papers)
        return {paper for paper, one in found.items() if isinstance(one, Named)}

    def ask(self, question: Question, *, model: str | None = None, device: str = "auto") -> Answer:
        """The answer to a question for one list: best first, ties by lower row.

        `model`: for texts, where to load the index's model from, if not by its recorded name. `device`: "auto" takes a
        GPU, where there is one, for what would take the processor more than seconds.

        Raises NotAnId for text that is no id, UnknownPaper for a paper that the index lacks, UsageError for what it
        cannot answer, ModelError when the model cannot be had, FingerprintMismatch when it is another one.

        >>> question = lunacy.Question(papers=["1802.05130"], text="tweets", top=3)
        >>> ix.ask(question).asked
        '1802.05130 + tweets'
        """
        if len(question.queries) != 1:
            n = len(question.papers)
            raise UsageError(f"papers has {n:,} ids, for a list each; ask for one list, together, or with ask_many")
        [answer] = self.ask_many([question], model=model, device=device)
        if isinstance(answer, LunacyError):
            raise answer
        return answer

    def ask_many(
        self, questions: Iterable[Question], *, model: str | None = None, device: str = "auto"
    ) -> Iterator[Answer | LunacyError]:
        """An answer for each list that is asked for, in order, as they come; many at once are much faster.

        For a list with a paper that the index lacks, the error (NotAnId, UnknownPaper) comes in its place. Raises the
        others of `ask`.

        >>> for one in ix.ask_many([lunacy.Question(papers=["1802.05130", "2999.00001"])]):
        ...     print(type(one).__name__)
        Answer
        UnknownPaper
        """
        n_queries = sum(len(one.queries) for one in questions) if isinstance(questions, Sequence) else 0
        for options, queries in alike(questions):
            with self._searcher.pinned() as view:
                require_known(view, options)
                size, gpu = view.batch(n_queries, options, device)
            self._is_gpu_used |= gpu is not None
            while batch := list(islice(queries, size)):
                texts = self._embed(batch, options, model, device)
                with self._searcher.pinned() as view:  # answered before any is handed out: the asker may take its time
                    embed = partial(self._model.embed, ours=view.fingerprint, model=model, device=device)
                    answers = answer_batch(view, batch, options, texts, embed, gpu)
                yield from with_sentences(answers, embed) if options.explain else answers

    def _embed(self, batch: Sequence[Query], options: Options, model: str | None, device: str) -> dict[str, TextVector]:
        """The vector of each text; a ranking by words needs none, and loads no model."""
        texts = list(dict.fromkeys(query.text for query in batch if query.text))
        if not texts:
            return {}
        with self._searcher.pinned() as view:
            ours = view.fingerprint
        if options.rank == "lexical" and not options.diverse:
            return dict.fromkeys(texts, TextVector(np.full((1, ours.dim), np.nan, np.float32)))
        return dict(zip(texts, self._model.embed(texts, ours, model=model, device=device), strict=True))

    @shows_keywords(Keywords, Options)
    def similar(self, paper: str, **options: Unpack[Keywords]) -> Answer:
        """The `top` papers most similar to `paper`, an arXiv id in any form.

        Withdrawn papers, and the paper itself, are left out unless asked for. Raises as `ask`.

        >>> answer = ix.similar("1802.05130", top=3, category="cs.*", since=2017)
        >>> answer[0]
        <Hit 1   0.912  1802.05121  Co-training for Extraction of Adverse Drug Reaction Mentions from Tweets>
        >>> [hit.id for hit in answer], answer.exact
        (['1802.05121', '1801.06294', '1709.01687'], True)
        """
        if not isinstance(paper, str):
            kind = type(paper).__name__
            raise UsageError(
                f"paper is of type {kind}; give one id as text, or a list of ids to similar_many or similar_to_all"
            )
        return self.ask(Question(papers=(paper,), **options))

    @shows_keywords(Keywords, Options)
    def similar_many(self, papers: Sequence[str], *, device: str = "auto", **options: Unpack[Keywords]) -> list[Answer]:
        """An answer for each of `papers`, as `similar` gives it; many at once are much faster. `device`: as `ask`.

        >>> [answer[0].id for answer in ix.similar_many(["1802.05130", "1802.05121"])]
        ['1802.05121', '1802.05130']
        """
        if isinstance(papers, str) or not isinstance(papers, Iterable):
            raise UsageError(f"papers is {str(papers)[:40]!r}; give a list of ids")
        questions = [Question(papers=papers, **options)] if (papers := tuple(papers)) else []
        answers: list[Answer] = []
        for answer in self.ask_many(questions, device=device):
            if isinstance(answer, LunacyError):
                raise answer
            answers.append(answer)
        return answers

    @shows_keywords(Keywords, Options)
    def similar_to_text(
        self, text: str, *, model: str | None = None, device: str = "auto", **options: Unpack[Keywords]
    ) -> Answer:
        """The `top` papers most similar to `text`. `model`, `device`: as `ask`.

        >>> len(ix.similar_to_text("graph neural networks", top=5))
        5
        """
        return self.ask(Question(text=text, **options), model=model, device=device)

    @shows_keywords(Keywords, Options)
    def similar_to_all(
        self,
        papers: Sequence[str],
        *,
        text: str = "",
        model: str | None = None,
        device: str = "auto",
        **options: Unpack[Keywords],
    ) -> Answer:
        """One list for several `papers`, and `text`: what is like them, and unlike papers in general.

        >>> answer = ix.similar_to_all(["1802.05130", "1802.05121"], unlike="1709.01687")
        >>> answer[0].id
        '1801.06294'
        """
        question = Question(papers=papers, text=text, together=True, **options)
        return self.ask(question, model=model, device=device)

    def close(self) -> None:
        """Let go of the files."""
        self._searcher.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        try:
            return f"<Index {self.name!r}: {len(self):,} papers>"
        except LunacyError as error:  # closed, or damaged
            return f"<Index {self.name!r}: {error}>"

    def _repr_html_(self) -> str | None:
        try:
            return display.info_html(self.info())
        except LunacyError:
            return None  # then a notebook shows the text


def open_index(where: str | Path, *, embedder: Embedder | None = None, progress: Report = no_report) -> Index:
    """Open an index folder for questions; raises NoIndex when there is none, StoreError if it is unreadable.

    `where` may also be the address to which it was published. `embedder`: for texts, instead of the index's own model.
    `progress`: called when that is loaded.

    >>> ix = lunacy.open_index("indexes/sample")
    >>> len(ix)
    2000
    >>> ix.close()  # or open it in a `with` block
    """
    return Index(where, embedder=embedder, progress=progress)
