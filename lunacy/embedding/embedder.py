"""What an embedder is: all that the rest of lunacy knows of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lunacy.arrays import Vectors
from lunacy.embedding.tokens import Tokens
from lunacy.fingerprint import Fingerprint

WINDOWS = {"cpu": 512, "cuda": 2**13, "mps": 512}  # texts a run: seconds on a CPU, some hundred ms on a GPU
FEW_TEXTS = 64  # up to here, the start of a faster way (3 s on a CPU) costs more than it saves


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of some texts, in their order."""

    vectors: Vectors  # (n, dim) float32, unit rows
    n_cut: int  # how many of the texts were longer than the model reads


@dataclass(frozen=True, slots=True)
class Prepared:
    """Texts on their way to the model: tokenised, where the embedder tokenises itself, or as they came."""

    texts: Sequence[str]
    tokens: Tokens | None = None
    question: bool = False


class Embedder(Protocol):
    """A model that turns texts into unit vectors."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides its vectors, but for the text recipe, which is the pipeline's."""

    @property
    def arithmetic(self) -> str:
        """Device, way and number format, as recorded beside the fingerprint."""

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know of how the model is run, a line each; most often nothing."""

    @property
    def window(self) -> int:
        """How many texts it likes to be given at a time."""

    def prepare(self, texts: Sequence[str], *, question: bool = False) -> Prepared:
        """The half that needs no model; may run in another thread than `run`, and ahead of it.

        `question`: the texts are queries, for which some models have another prompt than for papers.
        """

    def run(self, prepared: Prepared) -> Embedded:
        """The half that needs the model: one unit vector a text, in order. For one thread at a time."""

    def embed(self, texts: Sequence[str], *, question: bool = False) -> Embedded:
        """Both halves."""
