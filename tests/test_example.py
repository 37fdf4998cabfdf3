"""The published example, with the real model and vectors computed on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lunacy
from lunacy.paper import embedded_text
from lunacy.snapshot import Snapshot, parse

pytestmark = pytest.mark.slow  # CI runs them
FOUR = ["1802.05130", "1802.05121", "1801.06294", "1709.01687"]


def four_papers(folder: Path) -> Path:
    """A snapshot of the four papers of the blog post, out of the sample."""
    with Snapshot() as sample:
        chosen = [line.raw for line in sample.lines() if parse(line).id in FOUR]
    path = folder / "four.jsonl"
    path.write_bytes(b"\n".join(chosen) + b"\n")
    return path


def test_published_neighbours_and_scores_come_true(tmp_path: Path) -> None:
    lunacy.build_index(four_papers(tmp_path), into=tmp_path / "index", text="abstract", device="cpu")
    with lunacy.open_index(tmp_path / "index") as ix:
        hits = ix.similar(FOUR[0], include_self=True)
    assert [hit.id for hit in hits] == FOUR
    np.testing.assert_allclose(
        [hit.score for hit in hits], [1.0, 0.916, 0.865, 0.831], atol=1e-3
    )  # bfloat16 moves a score by up to 5e-4


def test_a_papers_own_text_finds_the_paper(tmp_path: Path) -> None:
    snapshot = four_papers(tmp_path)
    lunacy.build_index(snapshot, into=tmp_path / "index", device="cpu")
    with Snapshot(snapshot) as opened:
        papers = [parse(line) for line in opened.lines()]
    with lunacy.open_index(tmp_path / "index") as ix:
        for paper in papers:
            best = ix.similar_to_text(embedded_text(paper, "title+abstract"), top=1)[0]
            assert (best.id, round(best.score, 4)) == (paper.id, 1.0)
