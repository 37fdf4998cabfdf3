"""What made the vectors of an index: two sets of vectors may be compared only when this agrees."""

from __future__ import annotations

from dataclasses import dataclass, fields


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
