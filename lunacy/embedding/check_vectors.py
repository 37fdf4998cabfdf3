"""Check a loaded model by its vectors: a text has one, and different texts have different ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lunacy.embedding.engines.engine import Floats
from lunacy.embedding.model_errors import model_errors
from lunacy.embedding.unit_vectors import faulty, lengths, unit
from lunacy.errors import ModelError

Embed = Callable[[Sequence[str], str], Floats]  # texts and the prompt before them -> a vector a text

_PROBES = ("light from three stars", "money with small risks")  # alike in all but their words: as many, as long
_AGAIN = "download the model again"
_ALIKE = 0.9995
_SHOWN = 40  # characters of a prompt


def check_vectors(embed: Embed, prompts: Sequence[str], folder: Path, *, said: int | None) -> int:
    """The dimension of a model's vectors; `said`: what its files say of it.

    Raises ModelError when two different texts behind one of `prompts` get the same vector, or one text two.
    """
    dim = 0
    for prompt in dict.fromkeys(prompts):
        with model_errors("the model cannot embed a text", folder, todo=_AGAIN):
            first, again = (embed(_PROBES, prompt) for _ in range(2))
        if len(faulty(lengths(first))):
            raise ModelError(
                "the model gives vectors of zeros, or of values that are not finite: its weights are damaged; "
                "download it again",
                where=folder,
            )
        first, again = unit(first), unit(again)
        if (first * again).sum(1).min() < _ALIKE:
            raise ModelError("the model gives a text another vector each time; download it again", where=folder)
        if first[0] @ first[1] > _ALIKE:
            behind = f" behind the prompt {prompt[:_SHOWN]!r}" if prompt else ""
            raise ModelError(
                f"the model gives different texts the same vector{behind}: its tokenizer or its weights are not what "
                "they were in training; download it again",
                where=folder,
            )
        dim = first.shape[1]
    if said not in (None, dim):
        raise ModelError(
            f"the model's vectors have {dim} dimensions, and its modules say {said}: their files are of different "
            "models; download it again",
            where=folder,
        )
    return dim
