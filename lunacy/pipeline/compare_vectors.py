"""Compare stored vectors with new ones of the same texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lunacy.embedding import Embedder, load_again
from lunacy.paper import embedded_text
from lunacy.progress import Report, no_report, reported
from lunacy.store import Store

LEAST_COSINE = 0.999  # between a stored vector and one of another device or number format
_AT_A_TIME = 64  # texts: seconds on a slow processor


def compare_vectors(
    index: str | Path,
    n_papers: int,
    *,
    model: str | None = None,
    device: str = "auto",
    embedder: Embedder | None = None,
    progress: Report = no_report,
) -> list[str]:
    """Embed `n_papers` random papers of an index again; one line for each whose stored vector differs.

    Raises ModelError if the recorded model is not available, FingerprintMismatch if `model` is a different one.
    """
    with Store(index) as store:
        with store.view() as view:
            ours, live = view.fingerprint, view.live_rows()
            chosen = np.sort(np.random.default_rng().choice(live, min(n_papers, len(live)), replace=False))
            papers, stored = view.papers(chosen), view.vectors(chosen)
        embedder = embedder or load_again(ours, model=model, device=device, n_texts=len(papers), progress=progress)
        ours.require_same(replace(embedder.fingerprint, text=ours.text), where=store.folder)
        texts = [embedded_text(paper, ours.text) for paper in papers]
        groups = [texts[start : start + _AT_A_TIME] for start in range(0, max(len(texts), 1), _AT_A_TIME)]
        sizes = [len(group) for group in groups]
        again = np.concatenate(
            [
                embedder.embed(group).vectors
                for group in reported("embedding again", groups, sizes, progress, unit="texts")
            ]
        )  # (n, dim)
    cosines = np.einsum("ij,ij->i", stored, again, dtype=np.float64)  # (n,)
    return [
        f"paper {paper.id}: its vector is another one now (cosine {cosine:.4f})"
        for paper, cosine in zip(papers, cosines, strict=True)
        if not cosine >= LEAST_COSINE
    ]
