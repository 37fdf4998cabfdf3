"""A sentence-transformers model in memory, and what identifies its vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from lunacy.embedding.check_model import check_vectors, check_weights, explain, loading
from lunacy.embedding.device import pick_device
from lunacy.embedding.locate import canonical_name, model_folder, pooling, tokenizer_hash, weights_hash
from lunacy.embedding.max_tokens import settle_length
from lunacy.embedding.model_errors import model_errors
from lunacy.embedding.model_files import check_files
from lunacy.errors import ModelError
from lunacy.fingerprint import Fingerprint

disable_progress_bar()  # type: ignore[no-untyped-call]  # a person who asks a question does not want to see it

_PAPER_PROMPTS = ("document", "passage", "corpus")  # the names that models give it, as `encode_document` looks for them
# A model in half precision is computed with in float32; weights of another shape are reported, not raised.
_OPTIONS: dict[str, Any] = {"torch_dtype": torch.float32, "ignore_mismatched_sizes": True}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in float32, on its device."""

    model: SentenceTransformer
    device: str
    fingerprint: Fingerprint
    prompt: str  # before a paper's text
    query_prompt: str  # before a query


def load_model(
    name: str,
    *,
    device: str = "auto",
    prompt: str | None = None,
    query_prompt: str | None = None,
    dims: int | None = None,
    long_texts: str = "cut",
) -> Loaded:
    """Load, and check that the model is whole.

    Raises ModelError when it cannot be had, is not whole or has not so many `dims`, UsageError for a device that is not
    there.
    """
    device = pick_device(device)
    folder = model_folder(name)
    check_files(folder)
    todo = "download it again, or take another model"
    with model_errors("the model cannot be loaded", folder, todo=todo), loading() as reports:
        try:
            model = SentenceTransformer(str(folder), device=device, local_files_only=True, model_kwargs=dict(_OPTIONS))
        except Exception:
            explain(folder)
            raise
        model.float()
    check_weights(model, reports, folder)
    max_tokens = settle_length(model, folder)
    prompt = _own_prompt(model, _PAPER_PROMPTS) if prompt is None else prompt
    query_prompt = _own_prompt(model, ("query",)) if query_prompt is None else query_prompt
    dim = check_vectors(model, (prompt, query_prompt), folder)
    if dims is not None and not 0 < dims <= dim:
        raise ModelError(f"{name} has vectors of {dim} dimensions, {dims} are asked for", hint=f"use --dims 1 to {dim}")
    fingerprint = Fingerprint(
        model=canonical_name(name),
        text="",
        dim=dims or dim,
        weights=weights_hash(folder),
        tokenizer=tokenizer_hash(folder),
        max_tokens=max_tokens,
        pooling=pooling(folder),
        prompt=prompt,
        long_texts=long_texts,
    )
    return Loaded(model, device, fingerprint, prompt, query_prompt)


def _own_prompt(model: SentenceTransformer, names: tuple[str, ...]) -> str:
    """What the model's authors put before such texts: by name, else their default, else nothing."""
    for name in (*names, model.default_prompt_name):
        if name is not None and model.prompts.get(name) is not None:
            return str(model.prompts[name])
    return ""
