"""The protocol of an embedder, which is all that the rest of lunacy knows of a model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lunacy.arrays import Vectors
from lunacy.cores import may_have_gpu
from lunacy.embedding.token_arrays import Tokens
from lunacy.fingerprint import Fingerprint

WINDOWS = {"cpu": 512, "cuda": 2**13, "mps": 512}  # texts per call: seconds on a CPU, some hundred ms on a GPU
FEW_TEXTS = 64  # up to so many, starting an engine (1 to 3 s on a CPU) costs more than it saves


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of some texts, in their order."""

    vectors: Vectors  # (n, dim) float32, unit rows
    n_cut: int  # how many of the texts were longer than the model reads


@dataclass(frozen=True, slots=True)
class Prepared:
    """Papers' texts on their way to the model: tokenised, or as they came if the model tokenises by itself."""

    texts: Sequence[str]
    tokens: Tokens | None = None


def likely_window(device: str) -> int:
    """The window of an embedder on `device`, as far as can be told without loading anything: a guess."""
    is_gpu = device == "cuda" or (device == "auto" and may_have_gpu() and sys.platform != "darwin")
    return WINDOWS["cuda" if is_gpu else "cpu"]


class Embedder(Protocol):
    """A model that turns texts into unit vectors."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What identifies its vectors, except for the text recipe, which is the pipeline's."""

    @property
    def arithmetic(self) -> str:
        """Device, number format and engine, as recorded beside the fingerprint."""

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know about how the model is run, one line each; usually nothing."""

    @property
    def window(self) -> int:
        """Preferred number of texts per call."""

    def prepare(self, texts: Sequence[str]) -> Prepared:
        """The part that needs no model, such as tokenising; may run in another thread than `run`, and ahead of it."""

    def run(self, prepared: Prepared) -> Embedded:
        """The part that needs the model: one unit vector per text, in order. For one thread at a time."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Prepare and run: the vectors of papers' texts."""

    def embed_queries(self, texts: Sequence[str]) -> Embedded:
        """The vectors of queries, for which some models have another prompt than for papers."""

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each query has, read or not."""
