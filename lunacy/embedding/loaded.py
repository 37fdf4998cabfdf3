"""A sentence-transformers model in memory, and what identifies its vectors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from lunacy.embedding.models import canonical_name, model_folder, pooling, tokenizer_hash, weights_hash
from lunacy.errors import ModelError
from lunacy.fingerprint import Fingerprint

disable_progress_bar()  # type: ignore[no-untyped-call]  # a person who asks a question does not want to see it

_PAPER_PROMPTS = ("document", "passage", "corpus")  # the names that models give it, as `encode_document` looks for them


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in float32, on its device."""

    model: SentenceTransformer
    device: str
    fingerprint: Fingerprint
    prompt: str  # before a paper's text
    question_prompt: str  # before a question


def load_model(
    name: str,
    *,
    device: str = "auto",
    prompt: str | None = None,
    question_prompt: str | None = None,
    dims: int | None = None,
    long_texts: str = "cut",
) -> Loaded:
    """Load; raises ModelError when the model or the device cannot be had, or the model has not so many `dims`."""
    device = _pick_device(device)
    folder = model_folder(name)
    try:
        model = SentenceTransformer(str(folder), device=device, local_files_only=True)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{name} cannot be loaded as a sentence-transformers model: {reason}") from error
    dim = model.get_embedding_dimension()
    assert dim is not None
    if dims is not None and not 0 < dims <= dim:
        raise ModelError(f"{name} has vectors of {dim} dimensions, {dims} are asked for; give --dims 1 to {dim}")
    prompt = _own_prompt(model, _PAPER_PROMPTS) if prompt is None else prompt
    question_prompt = _own_prompt(model, ("query",)) if question_prompt is None else question_prompt
    fingerprint = Fingerprint(
        model=canonical_name(name),
        text="",
        dim=dims or dim,
        weights=weights_hash(folder),
        tokenizer=tokenizer_hash(folder),
        max_tokens=model.max_seq_length,
        pooling=pooling(folder),
        prompt=prompt,
        long_texts=long_texts,
    )
    return Loaded(model, device, fingerprint, prompt, question_prompt)


def _own_prompt(model: SentenceTransformer, names: tuple[str, ...]) -> str:
    """What the model's authors put before such texts: by name, else their default, else nothing."""
    for name in (*names, model.default_prompt_name):
        if name is not None and model.prompts.get(name) is not None:
            return str(model.prompts[name])
    return ""


def _pick_device(device: str) -> str:
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, there in has.items() if there)
    if not has.get(device):
        raise ModelError(f"this machine has no {device} device; use --device cpu, or leave it out")
    return device
