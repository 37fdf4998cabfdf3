"""The arguments of a build, checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from lunacy.embedding import Embedder
from lunacy.errors import UsageError
from lunacy.pipeline.build_settings import Settings, settle
from lunacy.store import require_writable

_RAY_ADDRESS = re.compile(r"auto|local|[\w.-]+:\d+|\[[\da-fA-F:.]+\]:\d+")
_OF_A_MODEL = {"prompt": None, "dims": None, "long_texts": None, "batch_size": None, "device": "auto"}


class ModelOptions(TypedDict):
    """Options of `lunacy.embedding.load`."""

    batch_size: int | None
    prompt: str | None
    dims: int | None
    long_texts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """The arguments of `build_index`, by the same names. Raises UsageError if they contradict each other."""

    snapshot: str | Path | Sequence[str | Path] | None
    into: Path
    category: Iterable[str] | None
    text: str | None
    limit: int | None
    model: str | None
    device: str
    batch_size: int | None
    prompt: str | None
    dims: int | None
    long_texts: str | None
    vectors: str | Path | None
    strict: bool
    prune: bool
    prune_limit: float
    embedder: Embedder | None
    ray: str | None
    up_to: str | None
    lexical: bool

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit is {self.limit}", hint="take at least one paper, or leave it out")
        if self.prune and self.limit is not None:
            raise UsageError("limit and prune contradict each other: papers after the limit are not gone")
        if self.vectors is not None:
            for name, usual in _OF_A_MODEL.items():
                if getattr(self, name) != usual:
                    raise UsageError(f"vectors take the place of a model, so {name} has no effect", hint="leave it out")
        if self.ray and not _RAY_ADDRESS.fullmatch(self.ray):
            raise UsageError(
                f"ray is auto, local or host:port, not {self.ray!r}",
                hint="if it is a snapshot, write it before --ray",
            )

    def settings(self) -> Settings:
        """How the index is made: as requested, else as it was made before, else by default.

        Raises UsageError, FingerprintMismatch, and StoreError if `into` is not an index and cannot become one.
        """
        require_writable(self.into, new=True)
        return settle(
            self.into,
            category=self.category,
            text=self.text,
            model=self.embedder.fingerprint.model if self.embedder and self.vectors is None else self.model,
            prompt=self.prompt,
            dims=self.dims,
            long_texts=self.long_texts,
        )

    def model_options(self, settings: Settings) -> ModelOptions:
        """How the model is loaded, on this machine or by a worker."""
        return {
            "batch_size": self.batch_size,
            "prompt": settings.prompt,
            "dims": settings.dims,
            "long_texts": settings.long_texts,
        }
