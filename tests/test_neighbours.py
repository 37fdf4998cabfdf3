"""How near papers stand to their neighbours: a sample that is kept, and questions that nothing is close to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy.derived.neighbours import KIND, least_usual
from lunacy.pipeline import refresh_caches
from lunacy.question import Question
from lunacy.store import Cache, Store, caches, verify
from tests.conftest import FakeEmbedder, record, vector_of
from tests.test_pipeline import text_of

IDS = [f"1802.{number:05}" for number in range(1, 101)]
GONE = IDS[::10]
RECORDS = [
    record(one, **({"comments": "Withdrawn by the author."} if one in GONE else {})) for one in IDS
]  # unit vectors at random in 16 dimensions: the nearest neighbours are at 0.5 to 0.8
VECTORS = np.array([vector_of(text_of(one)) for one in RECORDS], np.float64)
LEFT = np.array([one not in GONE for one in IDS])


def nearest_cosines() -> np.ndarray:
    """Of each paper that was not withdrawn and its nearest neighbour, ascending: by brute force."""
    products = VECTORS[LEFT] @ VECTORS[LEFT].T
    np.fill_diagonal(products, -1)
    return np.sort(products.max(axis=1))


Update = Callable[[list[dict[str, Any]]], Path]


@pytest.fixture
def update(write_snapshot: Callable[..., Path], tmp_path: Path) -> Update:
    def run(records: list[dict[str, Any]]) -> Path:
        lunacy.build_index(write_snapshot(records), into=tmp_path / "index", embedder=FakeEmbedder())
        refresh_caches(tmp_path / "index", least_rows=1)
        return tmp_path / "index"

    return run


def sample_of(folder: Path) -> Cache:
    [cache] = [one for one in caches.read(folder) if one.kind == KIND]
    return cache


def least(folder: Path) -> float | None:
    with Store(folder) as store, store.view() as view:
        return least_usual(view)


def test_the_sample_is_that_of_brute_force(update: Update) -> None:
    folder = update(RECORDS)
    cache = sample_of(folder)
    stored = np.fromfile(folder / "cache" / cache.name, "<f4")
    np.testing.assert_allclose(stored, nearest_cosines(), atol=1e-6)
    assert least(folder) == pytest.approx(np.quantile(nearest_cosines(), 0.01), abs=1e-6)
    assert verify(folder) == []


def test_the_sample_is_kept_until_the_index_has_changed_by_half(update: Update) -> None:
    more = [record(f"1803.{number:05}") for number in range(1, 61)]
    first = sample_of(update(RECORDS))
    assert sample_of(update([*RECORDS, *more[:40]])) == first
    second = sample_of(update([*RECORDS, *more]))
    assert second != first
    assert second.facts == {"n_papers": 160}


def test_a_harmed_sample_is_not_used(update: Update) -> None:
    folder = update(RECORDS)
    path = folder / "cache" / sample_of(folder).name
    content = bytearray(path.read_bytes())
    content[7] ^= 64
    path.write_bytes(content)
    assert least(folder) is None
    assert len(verify(folder)) == 1
    refresh_caches(folder, least_rows=1)
    assert least(folder) is not None


def test_an_index_of_one_paper_has_no_sample(update: Update) -> None:
    folder = update(RECORDS[1:2])
    assert [cache.kind for cache in caches.read(folder) if cache.kind == KIND] == []
    assert least(folder) is None


def far_and_near_texts() -> tuple[str, str]:
    """A text whose nearest paper is far, and one whose nearest is near."""
    best = {text: float((VECTORS[LEFT] @ vector_of(text)).max()) for text in map(str, range(3000))}
    return min(best, key=lambda text: best[text]), max(best, key=lambda text: best[text])


def test_a_question_that_nothing_is_close_to_says_so(update: Update) -> None:
    folder = update(RECORDS)
    limit = float(np.quantile(nearest_cosines(), 0.01))
    far, near = far_and_near_texts()
    best = float((VECTORS[LEFT] @ vector_of(far)).max())
    assert best < limit
    said = f"is close: the best score, {best:.2f}, is below that of 99 % of papers' nearest neighbours"
    with lunacy.open_index(folder, embedder=FakeEmbedder()) as ix:
        assert ix.similar_to_text(far).notes == (f"nothing in the index {said}",)
        assert ix.similar_to_text(far, fold=True).notes == (f"nothing in the index {said}",)
        assert ix.similar_to_text(far, category="cs.CL").notes == (f"nothing that qualifies {said}",)
        assert ix.similar_to_text(near).notes == ()
        assert ix.similar_to_text(far, only_ids=GONE).hits == []
        assert not any("close" in note for note in ix.similar_to_text(far, only_ids=GONE).notes)
        assert ix.ask(Question(text=far, papers=[IDS[1]])).notes == ()  # of several the farthest counts
        assert ix.similar(IDS[1], include_self=True, only_ids=IDS[1]).notes == ()
        caches.drop(folder)
        assert ix.similar_to_text(far).notes == ()
