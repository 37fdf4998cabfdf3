"""Whatever fails in the code of models and their libraries, as a ModelError of one line."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager

from lunacy.errors import LunacyError, ModelError, is_out_of_threads, one_line

VECTOR_KEY = "sentence_embedding"  # where sentence-transformers' modules find the vector, and leave it
_SHOWN = 300  # characters of a message


class Unsupported(Exception):
    """An engine does not suit a model; the message says why, as half a sentence."""


@contextmanager
def model_errors(what: str, where: object = "", *, todo: str = "") -> Iterator[None]:
    """Turns whatever is raised in the block into a ModelError: `what` failed, why, and `todo` if the model is at fault.

    Models come from anywhere, and their loaders raise anything: tokenizers raises a bare Exception and, as all
    libraries in Rust, panics that are not an Exception.
    """
    try:
        yield
    except LunacyError:
        raise
    except BaseException as error:
        if not is_of_library(error):
            raise
        is_ours = isinstance(error, MemoryError | OSError) or is_out_of_threads(error)
        raise ModelError(
            f"{what}: {_reason(error)}{f'; {todo}' if todo and not is_ours else ''}", where=where
        ) from error


def is_of_library(error: BaseException) -> bool:
    """Whether code of a model or its libraries failed, a panic of Rust included; not Ctrl-C, nor the end."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _reason(error: BaseException) -> str:
    reason = one_line(error)
    if "trust_remote_code" in reason:
        return "it asks for code of its own (trust_remote_code), which lunacy does not run"
    if isinstance(error, pickle.UnpicklingError):  # its message gives advice that nobody should follow
        return "it is damaged, or holds more than weights"
    if isinstance(error, IndexError):
        return f"its tokenizer and its weights are not of one model ({reason})"
    if isinstance(error, KeyError) and VECTOR_KEY in error.args:
        return "modules.json names no pooling, so that no vector comes of a text"
    return reason if len(reason) <= _SHOWN else f"{reason[:_SHOWN]} ..."
