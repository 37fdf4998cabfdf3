"""What identifies a model's vectors: prompts, dimensions, hashes of its files. Light: it imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lunacy.embedding.locate import canonical_name, pooling, tokenizer_hash, weights_hash
from lunacy.errors import ModelError
from lunacy.fingerprint import Fingerprint

_OF_PAPERS = ("document", "passage", "corpus")  # the names that models give the prompt, as `encode_document` has them


def settle_prompts(
    own: Mapping[str, str | None], default: str | None, prompt: str | None, query_prompt: str | None
) -> tuple[str, str]:
    """What stands before a paper's text and a query's: as asked, else the model's own, by name or by default."""
    return (
        _own_prompt(own, (*_OF_PAPERS, default)) if prompt is None else prompt,
        _own_prompt(own, ("query", default)) if query_prompt is None else query_prompt,
    )


def settle_dims(name: str, wanted: int | None, dim: int) -> int:
    """How many of a model's `dim` dimensions are kept. Raises ModelError when more are wanted."""
    if wanted is not None and not 0 < wanted <= dim:
        raise ModelError(
            f"{name} has vectors of {dim} dimensions, {wanted} are asked for", hint=f"use --dims 1 to {dim}"
        )
    return wanted or dim


def identify(name: str, folder: Path, dim: int, max_tokens: int | None, prompt: str, long_texts: str) -> Fingerprint:
    """The fingerprint of the model in `folder`, but for the text recipe, which is the pipeline's."""
    return Fingerprint(
        model=canonical_name(name),
        text="",
        dim=dim,
        weights=weights_hash(folder),
        tokenizer=tokenizer_hash(folder),
        max_tokens=max_tokens,
        pooling=pooling(folder),
        prompt=prompt,
        long_texts=long_texts,
    )


def _own_prompt(own: Mapping[str, str | None], names: tuple[str | None, ...]) -> str:
    for name in names:
        if name is not None and own.get(name) is not None:
            return str(own[name])
    return ""
