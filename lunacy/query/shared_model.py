"""One model for several indexes, loaded behind: whoever asks a text meanwhile is told so at once."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import numpy as np

from lunacy.arrays import Vectors
from lunacy.embedding import Embedded, Embedder, Prepared
from lunacy.errors import Busy, LunacyError, ModelError, one_line
from lunacy.fingerprint import Fingerprint
from lunacy.paper import squeeze_spaces
from lunacy.query.model import in_model_thread

_RETRY_AFTER_S = 5  # a model takes about as long
_TRY_AGAIN_S = 60.0  # after a failure
_MOST_REMEMBERED = 512  # texts, of some kilobytes each


class SharedModel:
    """An `Embedder` that is loaded in a thread of its own, by `start`. It remembers the vectors of the last texts."""

    def __init__(self, load: Callable[[], Embedder], *, embedder: Embedder | None = None) -> None:
        """`load` raises ModelError; it is not needed where `embedder` is given."""
        self._load = load
        self._embedder = embedder
        self._error: ModelError | None = None
        self._tried_s = 0.0
        self._remembered: OrderedDict[str, tuple[Vectors, bool]] = OrderedDict()  # by the model's thread alone
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._is_loading = False

    @property
    def state(self) -> str:
        """ "ready", "failed", or "loading", as it is too before anybody asked."""
        if self._embedder is not None:
            return "ready"
        return "failed" if self._error is not None else "loading"

    def start(self) -> None:
        """Load the model, unless it is loaded or being loaded; returns at once."""
        if self._process != os.getpid():
            self._begin()  # who loaded it is the parent's
        with self._lock:
            if self._embedder is not None or self._is_loading:
                return
            self._is_loading, self._error, self._tried_s = True, None, monotonic()
            thread = ThreadPoolExecutor(1, "lunacy-load")
            try:
                thread.submit(self._try)
            except RuntimeError as error:  # there is no thread for it
                self._error, self._is_loading = _as_model_error(error), False
            thread.shutdown(wait=False)

    def _try(self) -> None:
        try:
            self._embedder = self._load()
        except Exception as error:  # noqa: BLE001 (who asks for a text raises it)
            self._error = _as_model_error(error)
        finally:
            with self._lock:
                self._is_loading = False

    def require_ready(self) -> Embedder:
        """The loaded model. Raises Busy while it is being loaded, ModelError for a minute after that failed."""
        embedder, error = self._embedder, self._error
        if embedder is not None:
            return embedder
        if error is not None and monotonic() - self._tried_s < _TRY_AGAIN_S:
            raise _as_model_error(error)  # a new one: each has a traceback of its own
        self.start()
        raise Busy("the model is being loaded; ask again in some seconds", retry_after_s=_RETRY_AFTER_S)

    def remember(self, texts: Sequence[str]) -> None:
        """Embed the texts, so that `embed_queries` has their vectors when they are asked for."""
        squeezed = list(map(squeeze_spaces, texts))
        in_model_thread(lambda: self.embed_queries(squeezed))

    def embed_queries(self, texts: Sequence[str]) -> Embedded:
        """The vectors of queries; `n_cut` counts those that came with one that was cut."""
        embedder = self.require_ready()
        lacking = [text for text in dict.fromkeys(texts) if text not in self._remembered]
        if lacking:
            embedded = embedder.embed_queries(lacking)
            found = zip(lacking, embedded.vectors, strict=True)
            self._remembered.update((text, (vector, bool(embedded.n_cut))) for text, vector in found)
        vectors = [self._remembered[text] for text in texts]
        for text in texts:
            self._remembered.move_to_end(text)
        while len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return Embedded(np.array([vector for vector, _is_cut in vectors]), sum(is_cut for _vector, is_cut in vectors))

    @property
    def fingerprint(self) -> Fingerprint:
        """That of the loaded model; this and what follows raises as `require_ready`."""
        return self.require_ready().fingerprint

    @property
    def arithmetic(self) -> str:
        """Device, number format and engine."""
        return self.require_ready().arithmetic

    @property
    def notes(self) -> Sequence[str]:
        """What there is to know about how the model is run."""
        return self.require_ready().notes

    @property
    def window(self) -> int:
        """Preferred number of texts per call."""
        return self.require_ready().window

    def prepare(self, texts: Sequence[str]) -> Prepared:
        """As the model does."""
        return self.require_ready().prepare(texts)

    def run(self, prepared: Prepared) -> Embedded:
        """As the model does."""
        return self.require_ready().run(prepared)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """As the model does."""
        return self.require_ready().embed(texts)

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """As the model does."""
        return self.require_ready().count_tokens(texts)


def _as_model_error(error: Exception) -> ModelError:
    if isinstance(error, LunacyError):
        return ModelError(str(error), where=error.where, hint=error.hint)
    return ModelError("the model cannot be loaded", hint=one_line(error))
