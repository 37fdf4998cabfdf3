"""How many questions the recall of IVF lists is measured on, and that it is what a search finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lunacy.derived.ivf import Ivf, map_lists, write_lists
from lunacy.measured import IvfFacts, Measured, Recall
from lunacy.search import search_ivf
from lunacy.search.recall import N_QUERIES, Queries, _lists_needed, asked, draw, interval, recalls, write_ivf
from lunacy.store import Store
from tests.test_modes import fill
from tests.test_search import random_units

N, BATCH = 3000, 50
NOTHING = Measured(1, Recall(0.0, 0.0, 1.0), (), 0)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Papers in neighbourhoods of 30, as real ones are."""
    folder = tmp_path_factory.mktemp("recall") / "index"
    centres = np.repeat(random_units(N // 30, dim=32), 30, axis=0)
    noisy = centres + 0.15 * np.random.default_rng(5).standard_normal(centres.shape)
    fill(folder, [(noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)])
    return folder


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.search.recall.BATCH", BATCH)


def measured(folder: Path, wanted: float, n: int = N_QUERIES) -> tuple[IvfFacts, list[Queries]]:
    """The facts of new lists, and the batches of papers that were taken for them."""
    taken: list[Queries] = []

    def noted(batches: Iterator[Queries]) -> Iterator[Queries]:
        for batch in batches:
            taken.append(batch)
            yield batch

    with Store(folder) as store, store.view() as view:
        papers = noted(asked(view, draw(view, n), view.vectors, "measuring"))
        _head_bytes, facts = write_ivf(
            view, folder.parent / "lists", wanted=wanted, papers=papers, texts=None, date="2026-01-01"
        )
    return IvfFacts.read(facts), taken


def half(recall: Recall) -> float:
    """Of the interval, whose upper end is cut off at 1."""
    return recall.mean - recall.low


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999])
def test_it_asks_until_the_interval_is_narrow_or_there_are_no_more_questions(index: Path, wanted: float) -> None:
    facts, taken = measured(index, wanted)
    found = facts.papers
    assert found.n_queries == sum(len(batch.vectors) for batch in taken)
    assert found.recall.mean >= wanted
    assert half(found.recall) <= 3 / 8 * (1 - wanted) + 1e-4 or found.n_queries == N_QUERIES
    if wanted in (0.5, 0.999):  # both happen
        assert found.n_queries == (BATCH if wanted == 0.5 else N_QUERIES)


def test_it_asks_no_further_than_it_must(index: Path) -> None:
    _facts, taken = measured(index, 0.95)
    assert 1 < len(taken) < N_QUERIES // BATCH
    with Store(index) as store, store.view() as view:
        _head_bytes, facts = write_ivf(
            view, index.parent / "lists", wanted=0.95, papers=taken[:-1], texts=None, date="2026-01-01"
        )
    assert half(IvfFacts.read(facts).papers.recall) > 3 / 8 * 0.05


def test_where_nothing_was_missed_yet_it_asks_on(tmp_path: Path) -> None:
    """There is one list, so that every answer is found, and the interval of any questions has no width."""
    fill(tmp_path, [random_units(120, dim=8)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lunacy.derived.ivf.n_lists", lambda _n: 1)
        facts, _taken = measured(tmp_path, 0.9)
    assert facts.papers.recall == (1, 1, 1)
    assert facts.papers.n_queries == 109  # all but the withdrawn


def test_the_first_batch_is_of_papers_from_everywhere(index: Path) -> None:
    _facts, [first, *_others] = measured(index, 0.98)
    assert np.histogram(first.left_out, 3, (0, N))[0].min() > BATCH // 6


def test_a_true_answer_is_found_with_as_many_lists_as_it_needs_and_not_with_fewer(index: Path) -> None:
    with Store(index) as store, store.view() as view:
        path = index.parent / "some"
        _head_bytes, nlist, lists = write_lists(view, path)
        covered = frozenset(one.number for one in view.stored_segments)
        ivf = Ivf(map_lists(path), covered, IvfFacts(nlist, 0.9, 10, "2026-01-01", NOTHING, NOTHING))
        queries = next(asked(view, draw(view, BATCH), view.vectors, "measuring"))
        n_far = 0
        for vector, row, true, needed in zip(
            queries.vectors, queries.left_out, queries.truth, _lists_needed(ivf, lists, queries), strict=True
        ):
            for nprobe in {*needed.tolist(), *(needed - 1).tolist()} - {0}:
                [found] = search_ivf(view, ivf, vector[None], 10, query_kind="paper", nprobe=nprobe, without=[row])
                if found.recall is not None:  # None: there were too few, and all rows were searched
                    np.testing.assert_array_equal(np.isin(true.rows, found.rows), needed <= nprobe)
                    n_far += int((needed > nprobe).sum())
    assert n_far > BATCH


def test_the_curve_is_that_of_searching(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.derived.ivf.n_lists", lambda _n: 64)  # in one are enough rows for an answer
    facts, taken = measured(index, 0.9)
    queries = Queries.joined(taken)
    with Store(index) as store, store.view() as view:
        covered = frozenset(one.number for one in view.stored_segments)
        ivf = Ivf(map_lists(index.parent / "lists"), covered, facts)
        assert len(facts.papers.curve) >= 4
        for nprobe, recall in facts.papers.curve:
            found = search_ivf(
                view, ivf, queries.vectors, 10, query_kind="paper", nprobe=nprobe, without=queries.left_out.tolist()
            )
            by_search = interval(recalls(queries.truth, found))
            assert recall.mean == pytest.approx(by_search.mean, abs=0.01)
            assert recall.mean <= by_search.mean + 0.001
