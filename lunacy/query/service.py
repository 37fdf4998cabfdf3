"""Several indexes, open for questions from many threads at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from lunacy.answer import Answer, Info
from lunacy.embedding import Embedder
from lunacy.errors import UsageError
from lunacy.paper import Paper
from lunacy.query.index import Index
from lunacy.question import Question

T = TypeVar("T")


class Service:
    """Several indexes, open for questions from many threads; an index is chosen by its name, "" is the first."""

    def __init__(self, indexes: Sequence[str | Path], *, embedder: Embedder | None = None) -> None:
        """Open `indexes`, at least one. Raises NoIndex and the others of `open_index`."""
        self._indexes: dict[str, Index] = {}
        self._threads: dict[str, ThreadPoolExecutor] = {}
        for name, where in zip(_names(indexes), indexes, strict=True):
            self._indexes[name] = Index(where, embedder=embedder)
            self._threads[name] = ThreadPoolExecutor(1)

    @property
    def names(self) -> tuple[str, ...]:
        """What the indexes are called in public: the last part of each folder's path, each only once."""
        return tuple(self._indexes)

    def warm(self) -> None:
        """Start to load the models, and return at once."""

    def model_state(self, index: str = "") -> str:
        """ "loading", "ready" or "failed"."""
        self._named(index)
        return "ready"

    def ask(self, question: Question, index: str = "") -> Future[Answer]:
        """As `Index.ask`; its errors come with the result, and so do UsageError for an unknown index, and Busy."""
        return self._submit(index, lambda ix: ix.ask(question))

    def paper(self, identifier: str, index: str = "") -> Future[Paper]:
        """As `Index.paper`."""
        return self._submit(index, lambda ix: ix.paper(identifier))

    def named(self, papers: Sequence[str], index: str = "") -> Future[set[str]]:
        """As `Index.named`."""
        return self._submit(index, lambda ix: ix.named(papers))

    def info(self, index: str = "") -> Future[Info]:
        """As `Index.info`."""
        return self._submit(index, Index.info)

    def generation(self, index: str = "") -> int:
        """The number of the last commit."""
        return self._submit(index, Index.info).result().generation or 0

    def best_ranking(self, index: str = "") -> str:
        """ "hybrid" where the index has a lexical index, else "dense"."""
        return "hybrid" if self._submit(index, Index.info).result().has_words else "dense"

    def close(self) -> None:
        """Answer what waits, and let go of the files."""
        for name, thread in self._threads.items():
            thread.shutdown()
            self._indexes[name].close()

    def _submit(self, index: str, work: Callable[[Index], T]) -> Future[T]:
        try:
            name = self._named(index)
        except UsageError as error:
            failed: Future[T] = Future()
            failed.set_exception(error)
            return failed
        return self._threads[name].submit(work, self._indexes[name])

    def _named(self, index: str) -> str:
        name = index or self.names[0]
        if name not in self._indexes:
            raise UsageError(f"there is no index {name!r}; those that there are: {', '.join(self.names)}")
        return name


def _names(indexes: Sequence[str | Path]) -> list[str]:
    """The last part of each path; where two have the same, with a number behind it."""
    seen: Counter[str] = Counter()
    names = []
    for where in indexes:
        last = Path(where).expanduser().absolute().name or "index"
        seen[last] += 1
        names.append(last if seen[last] == 1 else f"{last}-{seen[last]}")
    return names
