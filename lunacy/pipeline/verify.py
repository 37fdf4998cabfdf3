"""Checking an index: against itself, and against the model that made it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lunacy.embedding import Embedder
from lunacy.pipeline.compare_vectors import compare_vectors
from lunacy.progress import Report, no_report
from lunacy.store import Store, expanded, inventory
from lunacy.store import verify as find_faults


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a check found."""

    folder: Path
    faults: list[str]  # a line each; empty when all is well
    foreign: tuple[str, ...]  # what is in the folder and not lunacy's
    n_papers: int  # that were checked, when all is well
    n_reembedded: int  # of these, when all is well


def verify(
    index: str | Path,
    *,
    reembed: int = 0,
    model: str | None = None,
    device: str = "auto",
    embedder: Embedder | None = None,
    progress: Report = no_report,
) -> VerifyReport:
    """Check every file, vector and paper of the index in the folder `index`.

    `reembed`: also embed so many random papers again and compare their vectors; by the index's model, or by the same
    one from `model`, or by `embedder`. Reads every byte: some 15 seconds a million papers.

    Raises NoIndex when there is none; with `reembed`, ModelError and FingerprintMismatch.

    >>> found = lunacy.verify("indexes/sample")
    >>> found.n_papers, found.faults
    (2000, [])
    """
    faults = find_faults(index, progress=progress)
    if reembed and not faults:
        faults = compare_vectors(index, reembed, model=model, device=device, embedder=embedder, progress=progress)
    foreign = inventory(index).foreign
    if faults:
        return VerifyReport(expanded(index), faults, foreign, 0, 0)
    with Store(index) as store, store.view() as view:
        n_papers = view.n_papers
    return VerifyReport(expanded(index), faults, foreign, n_papers, min(reembed, n_papers))
