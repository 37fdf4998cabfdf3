"""Texts -> unit vectors. Importing it is cheap; only here are sentence-transformers, tokenizers, OpenVINO imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from lunacy.advice import install_packages
from lunacy.cores import may_have_gpu, n_cores
from lunacy.embedding.early_checks import check_request
from lunacy.embedding.embedder import FEW_TEXTS, WINDOWS, Embedded, Embedder, Prepared, likely_window
from lunacy.embedding.lazy_embedder import LazyEmbedder
from lunacy.embedding.locate import DEFAULT_MODEL, canonical_name, model_folder, tokenizer_hash, weights_hash
from lunacy.errors import ModelError, UsageError, one_line
from lunacy.fingerprint import Fingerprint
from lunacy.limits import require, require_working_folder
from lunacy.progress import Progress, Report, no_report

LONG_TEXTS = ("cut", "chunk")
_FEW_BYTES, _MANY_BYTES = 15 * 10**8, 26 * 10**8  # of address space: torch takes it, and OpenVINO the rest

__all__ = [
    "DEFAULT_MODEL",
    "FEW_TEXTS",
    "LONG_TEXTS",
    "WINDOWS",
    "Embedded",
    "Embedder",
    "LazyEmbedder",
    "Prepared",
    "canonical_name",
    "load",
    "load_again",
    "load_when_needed",
]


def load(
    model: str = DEFAULT_MODEL,
    *,
    device: str = "auto",
    batch_size: int | None = None,
    prompt: str | None = None,
    query_prompt: str | None = None,
    dims: int | None = None,
    long_texts: str = LONG_TEXTS[0],
    n_texts: int | None = None,
    progress: Report = no_report,
) -> Embedder:
    """The embedder for a sentence-transformers model: a name on the hub, or a folder.

    `prompt`: the prefix of each paper's text, `query_prompt` that of a query; None: the model's own. `dims`: keep so
    many leading dimensions (Matryoshka models). `long_texts`: "cut", or "chunk" to embed overlapping windows and
    average them. `n_texts`: how many texts will come, if known: for a few, starting an engine is not worth it.

    Raises ModelError for a model that cannot be loaded, UsageError for an unknown device or `long_texts`.
    """
    if long_texts not in LONG_TEXTS:
        raise UsageError(f"long_texts {long_texts!r} is unknown; choose one of {', '.join(LONG_TEXTS)}")
    if sys.flags.optimize > 1:
        raise ModelError("models are not loaded by a Python without docstrings; leave out -OO and PYTHONOPTIMIZE=2")
    few = n_texts is not None and n_texts <= FEW_TEXTS
    require(n_threads=4 + (2 if few else 4) * n_cores(), address_space_bytes=_FEW_BYTES if few else _MANY_BYTES)
    require_working_folder()
    progress(Progress("loading the model"))
    check_request(model, device, dims)
    wanted: dict[str, Any] = {"prompt": prompt, "query_prompt": query_prompt, "dims": dims, "long_texts": long_texts}
    reason = ""
    if _suits_light(model, device, few):
        from lunacy.embedding.light import load_light
        from lunacy.embedding.model_errors import Unsupported

        try:
            return load_light(model, batch_size=batch_size, few=few, **wanted)
        except (Unsupported, ImportError) as error:
            reason = one_line(error)
    if not _has_torch():
        raise _without_torch(model, device, reason)
    from lunacy.embedding.choose import choose  # torch: seconds
    from lunacy.embedding.loaded_model import load_model

    loaded = load_model(model, device=device, **wanted)
    return choose(loaded, batch_size=batch_size, n_texts=n_texts, chunk=long_texts == "chunk")


def load_again(
    recorded: Fingerprint,
    *,
    model: str | None = None,
    device: str = "auto",
    n_texts: int | None = None,
    progress: Report = no_report,
) -> Embedder:
    """The embedder that made the vectors of an index, as `recorded`, or one with its settings from `model`.

    Raises as `load`. Whether it is the same one, `recorded` can tell.
    """
    return load(
        model or recorded.model,
        device=device,
        prompt=recorded.prompt,
        dims=recorded.dim,
        long_texts=recorded.long_texts,
        n_texts=n_texts,
        progress=progress,
    )


def _suits_light(model: str, device: str, few: bool) -> bool:
    """Whether torch is not worth its start, or not there.

    For many texts by another model than the default one, engines are compared with `SentenceTransformer.encode` first.
    """
    if device == "auto":
        device = "cpu" if few or not (_has_torch() and may_have_gpu()) else ""
    return device == "cpu" and (few or not _has_torch() or canonical_name(model) == DEFAULT_MODEL)


def _has_torch() -> bool:
    return all(find_spec(name) for name in ("torch", "sentence_transformers"))


def _without_torch(model: str, device: str, reason: str) -> ModelError:
    why = f"; without it: {reason}" if reason else ""
    what = f"the model {model}" if device in ("auto", "cpu") else f"device {device!r}"
    return ModelError(
        f"{what} needs PyTorch, which is not installed{why}",
        hint=f"install it with: {install_packages('sentence-transformers')}",
    )


def load_when_needed(
    model: str,
    recorded: Fingerprint | None,
    *,
    on_load: Callable[[Embedder], None] = lambda _embedder: None,
    device: str = "auto",
    batch_size: int | None = None,
    prompt: str | None = None,
    dims: int | None = None,
    long_texts: str = LONG_TEXTS[0],
    n_texts: int | None = None,
    progress: Report = no_report,
) -> Embedder:
    """As `load`, but the model is loaded with the first text.

    `recorded`: what made the vectors that its own are to join, if there are any. `on_load` is called with the loaded
    embedder before it embeds anything. Raises FingerprintMismatch where the model's name or files are others.
    """

    def loading() -> Embedder:
        embedder = load(
            model,
            device=device,
            batch_size=batch_size,
            prompt=prompt,
            dims=dims,
            long_texts=long_texts,
            n_texts=n_texts,
            progress=progress,
        )
        on_load(embedder)
        return embedder

    name = canonical_name(model)
    if recorded is not None and name != recorded.model:
        asked = replace(recorded, model=name)
        if recorded.weights is not None:
            folder = model_folder(model)
            asked = replace(asked, weights=weights_hash(folder), tokenizer=tokenizer_hash(folder))
        recorded.require_same(asked)
    return LazyEmbedder(recorded, loading, window=likely_window(device))
