"""Where the vectors of a build come from: a model, or a file of the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from lunacy.embedding import Embedded, Embedder, LazyEmbedder, canonical_name
from lunacy.entry import Entry
from lunacy.errors import UsageError, VectorsError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import embedded_text
from lunacy.pipeline.given_vectors import GivenVectors
from lunacy.snapshot import Batch, Snapshot

_GIVEN_WINDOW = 512  # papers per batch if their vectors are given


class VectorSource(Protocol):
    """Makes vectors in two steps; the first may run ahead in another thread."""

    @property
    def doing(self) -> str:
        """What it does, as a person is told."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the vectors, including the text recipe. Where nobody has recorded it, the model is loaded."""

    @property
    def window(self) -> int:
        """Preferred number of papers per call."""

    @property
    def arithmetic(self) -> str:
        """Device, library and number format of the vectors made last."""

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know about how they are made, one line each; usually nothing."""

    def load(self) -> None:
        """Load what the second steps need, if it is not loaded: that may take half a minute."""

    def prepare(self, batch: Batch, papers: Sequence[tuple[Entry, int]]) -> Callable[[], Embedded]:
        """The first step, for `papers` of the batch, each with its place. Returns the second step.

        Second steps are called one at a time, in order, and return one vector per paper.
        """


class ModelVectors:
    """Embeds the papers' texts with a model."""

    doing = "embedding"

    def __init__(self, embedder: Embedder, recipe: str) -> None:
        """`recipe`: which text of a paper is embedded."""
        self._embedder = embedder
        self._recipe = recipe

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the embedder, with the recipe."""
        return replace(self._embedder.fingerprint, text=self._recipe)

    @property
    def window(self) -> int:
        """As of the embedder."""
        return self._embedder.window

    @property
    def arithmetic(self) -> str:
        """As of the embedder."""
        return self._embedder.arithmetic

    @property
    def notes(self) -> Sequence[str]:
        """As of the embedder."""
        return self._embedder.notes

    def load(self) -> None:
        """Load the model."""
        if isinstance(self._embedder, LazyEmbedder):
            self._embedder.load()

    def prepare(self, _batch: Batch, papers: Sequence[tuple[Entry, int]]) -> Callable[[], Embedded]:
        """Tokenise the texts now; the second step runs the model."""
        texts = [embedded_text(entry.paper, self._recipe) for entry, _place in papers]
        return partial(self._embedder.run, self._embedder.prepare(texts))


class FileVectors:
    """Takes vectors from a .npy file, one row for each line of the snapshot that is not blank."""

    doing = "storing vectors"
    arithmetic = "given vectors"
    notes = ()

    def __init__(self, snapshots: Sequence[Snapshot], path: str | Path, model: str | None, recipe: str) -> None:
        """`model`: what made the vectors. Raises UsageError, and VectorsError if the file does not fit the snapshot."""
        if model is None:
            raise UsageError(
                "vectors need the name of the model that made them, for later text queries", hint="add --model NAME"
            )
        if len(snapshots) > 1:
            raise UsageError("vectors belong to the lines of one snapshot", hint="index the snapshots one by one")
        [snapshot] = snapshots
        if snapshot.is_stream:
            raise UsageError("vectors need a snapshot that is a file: its lines are counted before anything is written")
        self._given = GivenVectors(path)
        n_lines = sum(1 for _ in snapshot.lines())
        if n_lines != self._given.n_rows:
            raise VectorsError(
                f"{path} has {self._given.n_rows:,} rows, but {snapshot.name} has {n_lines:,} lines; "
                "nothing was written"
            )
        self.fingerprint = Fingerprint(model=canonical_name(model), text=recipe, dim=self._given.dim)
        self.window = _GIVEN_WINDOW

    def load(self) -> None:
        """There is nothing to load."""

    def prepare(self, _batch: Batch, papers: Sequence[tuple[Entry, int]]) -> Callable[[], Embedded]:
        """Read the papers' rows."""
        return partial(Embedded, self._given.unit_rows([place for _entry, place in papers]), 0)
