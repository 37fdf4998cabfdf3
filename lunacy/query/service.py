"""Several indexes, open for questions from many threads: those that wait are answered together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from lunacy.answer import Answer, Info
from lunacy.embedding import Embedder
from lunacy.errors import LunacyError, UsageError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.query.ask import likeness
from lunacy.query.index import Index
from lunacy.query.line import Line, Waiting
from lunacy.query.model import load_model_of
from lunacy.query.shared_model import SharedModel
from lunacy.question import Question
from lunacy.search import LastCommit

T = TypeVar("T")
_Asked = Question | Callable[[Index], Any]  # what waits for an index
_Then = tuple[Waiting[_Asked], Line[_Asked]]  # what waits for a model: a question, and what it waits for next

_TOGETHER, _SLOW_TOGETHER, _HITS_TOGETHER = 64, 16, 2_000  # questions, and hits, at a time: some tenths of a second
_TEXTS_TOGETHER = 8
_LONG_TOP = 100


class Service:
    """Several indexes, open for questions from many threads; an index is chosen by its name, "" is the first.

    A thread an index takes all that wait and are alike, up to 64, and answers them at once, which is several times
    quicker than one by one. An error reaches only whom it concerns. Texts are embedded before, in another thread, so
    that the others do not wait for the model; indexes with one fingerprint share it.
    """

    def __init__(self, indexes: Sequence[str | Path], *, embedder: Embedder | None = None) -> None:
        """Open `indexes`, at least one. `embedder`: for texts, instead of each index's own model.

        Raises UsageError where there is none, NoIndex and the others of `open_index`.
        """
        if not indexes:
            raise UsageError("there is no index to ask; name at least one")
        self._models: dict[Fingerprint, _Model] = {}
        self._served: dict[str, _Served] = {}
        try:
            for name, where in zip(_names(indexes), indexes, strict=True):
                with Index(where) as ix, ix.view() as view:
                    ours = view.fingerprint
                if ours not in self._models:
                    load = partial(load_model_of, ours, str(where))
                    self._models[ours] = _Model(SharedModel(load, embedder=embedder))
                self._served[name] = _Served(where, self._models[ours])
        except BaseException:
            self.close()
            raise

    @property
    def names(self) -> tuple[str, ...]:
        """What the indexes are called in public: the last part of each one's path, with a number where two have one."""
        return tuple(self._served)

    def warm(self) -> None:
        """Start to load the models, and return at once."""
        for one in self._models.values():
            one.model.start()

    def model_state(self, index: str = "") -> str:
        """ "loading", "ready" or "failed". While it loads, whoever asks a text gets Busy at once."""
        return self._find(index).model.state

    def ask(self, question: Question, index: str = "") -> Future[Answer]:
        """As `Index.ask`; its errors come with the result, and so do UsageError for an unknown index, and Busy."""
        return self._of(index, lambda served: served.ask(question))

    def paper(self, identifier: str, index: str = "") -> Future[Paper]:
        """As `Index.paper`; errors come with the result."""
        return self.call(lambda ix: ix.paper(identifier), index)

    def papers(self, identifiers: Sequence[str], index: str = "") -> Future[list[Paper | LunacyError]]:
        """As `Index.papers`; other errors come with the result."""
        return self.call(lambda ix: ix.papers(identifiers), index)

    def call(self, work: Callable[[Index], T], index: str = "") -> Future[T]:
        """What `work` makes of the index, in the thread that asks it; errors come with the result."""
        return self._of(index, lambda served: served.call(work))

    def info(self, index: str = "") -> Future[Info]:
        """As `Index.info`, read once for each commit; errors come with the result."""
        return self._of(index, lambda served: served.info())

    def generation(self, index: str = "") -> int:
        """The number of the last commit; waits for no question. Raises UsageError, NoIndex, StoreError.

        An answer that is asked for after it is of this commit, or a later one.
        """
        return self.last_commit(index).generation

    def last_commit(self, index: str = "") -> LastCommit:
        """The same with the version of its derived data, on which answers that are not exact depend too."""
        return self._find(index).index.last_commit

    def best_ranking(self, index: str = "") -> str:
        """ "hybrid" where the index has a lexical index, else "dense"."""
        return "hybrid" if self.last_commit(index).has_words else "dense"

    def close(self) -> None:
        """End the threads, after what they are at, and let go of the files. Those that wait are told Busy."""
        for one in self._models.values():
            one.texts.close()
        for served in self._served.values():
            served.close()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _find(self, index: str) -> _Served:
        served = self._served.get(index or next(iter(self._served)))
        if served is None:
            raise UsageError(f"there is no index {index[:100]!r}; there are: {', '.join(self._served)}")
        return served

    def _of(self, index: str, ask: Callable[[_Served], Future[T]]) -> Future[T]:
        try:
            return ask(self._find(index))
        except LunacyError as error:
            failed: Future[T] = Future()
            failed.set_exception(error)
            return failed


class _Model:
    """A model, and those that wait for it."""

    def __init__(self, model: SharedModel) -> None:
        self.model = model
        self.texts: Line[_Then] = Line(self._embed, "lunacy-texts")

    def _embed(self, together: Sequence[Waiting[_Then]]) -> None:
        questions = [one.what[0].what for one in together]
        self.model.remember([one.text for one in questions if isinstance(one, Question)])
        for one in together:
            asked, line = one.what
            line.add(asked)


class _Served:
    """An index, and those that wait for it."""

    def __init__(self, where: str | Path, model: _Model) -> None:
        self.model = model.model
        self.index = Index(where, embedder=model.model)
        self._texts = model.texts
        self._line: Line[_Asked] = Line(self._answer, "lunacy-index")
        self._info: tuple[LastCommit, Info] | None = None

    def ask(self, question: Question) -> Future[Answer]:
        """Raises ModelError and Busy where it needs a model that is not there."""
        if len(question.queries) != 1:
            return self.call(lambda ix: ix.ask(question))  # which says why not
        is_quick = question.is_plain and not (question.explain or question.is_relative)
        most = _TOGETHER if is_quick else _SLOW_TOGETHER
        one = Waiting[_Asked](
            question,
            likeness(question, question.queries[0]),
            most=max(1, min(most, _HITS_TOGETHER // question.top)),
            is_slow=not (is_quick and question.filter.admits_all and question.top <= _LONG_TOP),
        )
        if question.text and (question.rank != "lexical" or question.diverse):
            self.model.require_ready()
            self._texts.add(Waiting((one, self._line), "text", most=_TEXTS_TOGETHER, future=one.future))
        else:
            self._line.add(one)
        return one.future

    def call(self, work: Callable[[Index], T]) -> Future[T]:
        """Have the index's thread do it."""
        one = Waiting[_Asked](work, object())
        self._line.add(one)
        return one.future

    def _answer(self, together: Sequence[Waiting[_Asked]]) -> None:
        first = together[0]
        if not isinstance(first.what, Question):
            first.future.set_result(first.what(self.index))
            return
        questions = [one.what for one in together if isinstance(one.what, Question)]
        different = list(dict.fromkeys(questions))
        answers = dict(zip(different, self.index.ask_many(different), strict=True))
        for one, question in zip(together, questions, strict=True):
            answer = answers[question]
            if isinstance(answer, LunacyError):
                one.future.set_exception(answer)
            else:
                one.future.set_result(answer)

    def info(self) -> Future[Info]:
        """As it was read, unless there is a newer commit."""
        commit = self.index.last_commit
        if self._info is None or self._info[0] != commit:
            return self.call(lambda ix: self._read(ix, commit))
        known: Future[Info] = Future()
        known.set_result(self._info[1])
        return known

    def _read(self, ix: Index, commit: LastCommit) -> Info:
        info = ix.info()  # of that commit, or of a later one
        self._info = commit, info
        return info

    def close(self) -> None:
        """End the thread, and let go of the files."""
        self._line.close()
        self.index.close()


def _names(indexes: Sequence[str | Path]) -> list[str]:
    """The last part of each path; where it is taken, with the first number behind it that is not."""
    names: list[str] = []
    for where in indexes:
        last = Path(where).expanduser().absolute().name or "index"
        numbered = (f"{last}-{n}" for n in count(2))
        names.append(last if last not in names else next(one for one in numbered if one not in names))
    return names
