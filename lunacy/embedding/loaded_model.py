"""A sentence-transformers model in memory, and what identifies its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from lunacy.embedding.check_model import check_weights, explain, loading
from lunacy.embedding.check_vectors import check_vectors
from lunacy.embedding.device import pick_device
from lunacy.embedding.encode import encode
from lunacy.embedding.engines.engine import Floats
from lunacy.embedding.identity import identify, settle_dims, settle_prompts
from lunacy.embedding.locate import model_folder
from lunacy.embedding.max_tokens import settle_length
from lunacy.embedding.model_errors import model_errors
from lunacy.embedding.model_files import check_files
from lunacy.fingerprint import Fingerprint

disable_progress_bar()  # type: ignore[no-untyped-call]  # a person who asks a question does not want to see it

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
    prompt, query_prompt = settle_prompts(model.prompts, model.default_prompt_name, prompt, query_prompt)

    def embed(texts: Sequence[str], before: str) -> Floats:
        return encode(model, texts, prompt=before, batch_size=len(texts))

    dim = check_vectors(embed, (prompt, query_prompt), folder, said=model.get_embedding_dimension())
    fingerprint = identify(name, folder, settle_dims(name, dims, dim), max_tokens, prompt, long_texts)
    return Loaded(model, device, fingerprint, prompt, query_prompt)
