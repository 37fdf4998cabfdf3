"""Where the vectors of a run come from: a model, or a file that the user brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lunacy.embedding import Embedded, Embedder, GivenVectors, canonical_name
from lunacy.entry import Entry
from lunacy.errors import UsageError, VectorsError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import embedded_text
from lunacy.snapshot import Snapshot, Window

_GIVEN_WINDOW = 512  # papers at a time when their vectors are brought along


@dataclass(frozen=True, slots=True)
class Source:
    """Where vectors come from: in two halves, the first of which may run ahead in another thread."""

    fingerprint: Fingerprint
    prepare: Callable[[Window, Sequence[tuple[Entry, int]]], Any]  # papers of the window, with their places
    run: Callable[[Any], Embedded]
    arithmetic: Callable[[], str]
    notes: Callable[[], Sequence[str]]  # how the model was run, where that may surprise
    window: int  # how many papers at a time


def from_model(embedder: Embedder, text: str) -> Source:
    """Vectors of the texts, of which `text` is the recipe."""
    return Source(
        fingerprint=replace(embedder.fingerprint, text=text),
        prepare=lambda _window, fresh: embedder.prepare([embedded_text(entry.paper, text) for entry, _place in fresh]),
        run=embedder.run,
        arithmetic=lambda: embedder.arithmetic,
        notes=lambda: embedder.notes,
        window=embedder.window,
    )


def from_file(snapshots: Sequence[Snapshot], path: str | Path, model: str | None, text: str) -> Source:
    """Vectors that the user brings, checked against the snapshot before anything is written."""
    if model is None:
        raise UsageError("vectors need the name of the model that made them, for later text queries: --model NAME")
    if len(snapshots) > 1:
        raise UsageError("vectors belong to the lines of one snapshot; index the snapshots one by one")
    [snapshot] = snapshots
    if snapshot.is_stream:
        raise UsageError("vectors need a snapshot that is a file: its lines are counted before anything is written")
    given = GivenVectors(path)
    n_lines = sum(1 for _ in snapshot.lines())
    if n_lines != given.n_rows:
        raise VectorsError(
            f"{path} has {given.n_rows:,} rows, but {snapshot.name} has {n_lines:,} lines; nothing was written"
        )
    return Source(
        fingerprint=Fingerprint(model=canonical_name(model), text=text, dim=given.dim),
        prepare=lambda _window, fresh: given.unit_rows([place for _entry, place in fresh]),
        run=lambda rows: Embedded(rows, 0),
        arithmetic=lambda: "given vectors",
        notes=lambda: (),
        window=_GIVEN_WINDOW,
    )
