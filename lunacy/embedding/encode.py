"""`SentenceTransformer.encode`, and what goes wrong in other people's code as one line."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from sentence_transformers import SentenceTransformer

from lunacy.embedding.engines.engine import Floats
from lunacy.embedding.engines.pooling import KEY as _VECTOR
from lunacy.errors import LunacyError, ModelError, is_out_of_threads, one_line

_SHOWN = 300  # characters of a message


@contextmanager
def failing(what: str, where: object = "", *, todo: str = "") -> Iterator[None]:
    """Whatever is raised in the block, as a ModelError: `what` failed, why, and what to do if it is the model's fault.

    Models come from anywhere, and their loaders raise anything: tokenizers a bare Exception, and, as all libraries in
    Rust, panics that are no Exception.
    """
    try:
        yield
    except LunacyError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        is_ours = isinstance(error, MemoryError | OSError) or is_out_of_threads(error)
        raise ModelError(
            f"{what}: {_reason(error)}{f'; {todo}' if todo and not is_ours else ''}", where=where
        ) from error


def _reason(error: BaseException) -> str:
    reason = one_line(error)
    if "trust_remote_code" in reason:
        return "it asks for code of its own (trust_remote_code), which lunacy does not run"
    if isinstance(error, pickle.UnpicklingError):  # its message gives advice that nobody should follow
        return "it is damaged, or holds more than weights"
    if isinstance(error, IndexError):
        return f"its tokenizer and its weights are not of one model ({reason})"
    if isinstance(error, KeyError) and _VECTOR in error.args:
        return "modules.json names no pooling, so that no vector comes of a text"
    return reason if len(reason) <= _SHOWN else f"{reason[:_SHOWN]} ..."


def encode(
    model: SentenceTransformer, texts: Sequence[str], *, prompt: str, batch_size: int, dim: int | None = None
) -> Floats:
    """One vector a text, in order: (n, dim), of any length; `dim`: the leading dimensions. Raises anything."""
    vectors = model.encode(
        list(texts),
        prompt=prompt,
        batch_size=batch_size,
        show_progress_bar=False,
        convert_to_numpy=True,
        truncate_dim=dim,
    )
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2:
        raise ModelError("the model gives no vector for a text; take a SentenceTransformer")
    return vectors
