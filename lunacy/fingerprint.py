"""What made the vectors of an index: two sets of vectors may be compared only when this agrees."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from lunacy.errors import FingerprintMismatch


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Everything that decides a vector, but for the arithmetic. None: not known (vectors that were brought along)."""

    model: str  # name on the hub, or folder
    text: str  # which text of a paper is embedded: one of `paper.RECIPES`
    dim: int
    weights: str | None = None  # sha256 of the weight files
    tokenizer: str | None = None  # sha256 of the tokenizer files
    max_tokens: int | None = None
    pooling: str | None = None
    prompt: str | None = None  # what stands before each paper's text
    normalized: bool = True
    long_texts: str = "cut"  # or "chunk": what became of texts longer than the model reads

    def differences(self, other: Fingerprint) -> list[str]:
        """The names of the fields that both know and that differ.

        The same weights are the same model, whatever it is called: the name decides only where a hash is not known.
        """
        both_know_weights = self.weights is not None and other.weights is not None
        return [
            field.name
            for field in fields(self)
            if not (field.name == "model" and both_know_weights)
            and None not in (mine := getattr(self, field.name), theirs := getattr(other, field.name))
            and mine != theirs
        ]

    def require_same(self, other: Fingerprint, *, holder: str = "the index", where: object = "") -> None:
        """Raises FingerprintMismatch, with both values of what differs, unless vectors of `other` may join these.

        `holder`: what has the vectors of this fingerprint, as a message calls it; `where` it is.
        """
        if different := self.differences(other):
            values = "; ".join(
                f"{name}: {_shown(getattr(self, name))} in {holder}, {_shown(getattr(other, name))} now"
                for name in different
            )
            raise FingerprintMismatch(
                f"{holder} was made otherwise ({values})", where=where, hint="use the same, or make another"
            )


def _shown(value: object) -> object:
    """A value of a fingerprint; of a model that is a folder, only its name: where it lies concerns nobody else."""
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
