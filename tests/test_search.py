"""Search, against brute force: each score summed exactly (`math.fsum`), ties by lower row."""

from __future__ import annotations

import math
import operator
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from lunacy.derived.faiss_threads import one_thread_each
from lunacy.fingerprint import Fingerprint
from lunacy.search import Found, search
from lunacy.search.products import best_products
from lunacy.store import Store as OpenStore
from lunacy.store import View, Writer
from tests.test_store import entry, names

DIM = 8


def unit(rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_units(n: int, seed: int = 0, dim: int = DIM) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def make_store(folder: Path, parts: Sequence[np.ndarray], dead: Sequence[int] = ()) -> dict[str, np.ndarray]:
    """A store with a segment for each part (sizes must shrink, else they merge), less the papers at `dead`."""
    rows = np.concatenate(parts)
    ids = names(len(rows))
    start = 0
    with Writer(folder, Fingerprint("fake", "abstract", rows.shape[1]), "fake") as writer:
        for part in parts:
            mine = ids[start : start + len(part)]
            writer.append([entry(identifier) for identifier in mine], part)
            writer.commit()
            start += len(part)
        writer.remove([ids[place] for place in dead])
        writer.commit()
    return {identifier: row for place, (identifier, row) in enumerate(zip(ids, rows, strict=True)) if place not in dead}


@contextmanager
def opened(
    folder: Path, parts: Sequence[np.ndarray], dead: Sequence[int] = ()
) -> Iterator[tuple[View, dict[int, np.ndarray]]]:
    """A view of such a store, and what it must hold: row -> vector."""
    held = make_store(folder, parts, dead)
    with OpenStore(folder) as store, store.view() as view:
        rows = view.rows(list(held))
        yield view, {rows[identifier]: vector for identifier, vector in held.items()}


def brute_force(held: dict[int, np.ndarray], query: np.ndarray, k: int, without: int = -1) -> list[tuple[int, float]]:
    asked = query.tolist()
    scored = [
        (row, math.fsum(map(operator.mul, vector.tolist(), asked))) for row, vector in held.items() if row != without
    ]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:k]


def assert_found(found: Found, wanted: list[tuple[int, float]]) -> None:
    assert found.rows.tolist() == [row for row, _score in wanted]
    np.testing.assert_allclose(found.scores, [score for _row, score in wanted], atol=1e-12, rtol=0)


@pytest.mark.parametrize("k", [1, 2, 10, 150, 199, 200, 201, 10**6])
def test_search_equals_brute_force(tmp_path: Path, k: int) -> None:
    with opened(tmp_path, [random_units(200)]) as (view, held):
        queries = random_units(5, seed=1)
        for found, query in zip(search(view, queries, k), queries, strict=True):
            assert len(found.rows) == min(k, 200)
            assert_found(found, brute_force(held, query, k))


def test_search_equals_brute_force_in_many_dimensions(tmp_path: Path) -> None:
    with opened(tmp_path, [random_units(100, dim=384)]) as (view, held):
        queries = random_units(3, seed=1, dim=384)
        for found, query in zip(search(view, queries, 20), queries, strict=True):
            assert_found(found, brute_force(held, query, 20))


def test_search_over_several_segments_equals_brute_force(tmp_path: Path) -> None:
    parts = np.split(random_units(100), [64, 90, 99])
    with opened(tmp_path, parts) as (view, held):
        assert len(view.segments) == 4
        for query in random_units(5, seed=1):
            [found] = search(view, query[None], 20)
            assert_found(found, brute_force(held, query, 20))


def test_dead_rows_are_no_hits(tmp_path: Path) -> None:
    rows = random_units(60)
    [query] = random_units(1, seed=1)
    best = [row for row, _score in brute_force(dict(enumerate(rows)), query, 12)]
    with opened(tmp_path, [rows], dead=best) as (view, held):
        assert len(view.segments[0].dead) == 12
        [found] = search(view, query[None], 5)
        assert not set(found.rows.tolist()) & set(best)
        assert_found(found, brute_force(held, query, 5))


@pytest.mark.parametrize("k", [1, 3, 8, 50, 299])
def test_duplicates_come_in_row_order_however_many(tmp_path: Path, k: int) -> None:
    rows = np.repeat(random_units(3), 100, axis=0)[np.random.default_rng(0).permutation(300)]
    with opened(tmp_path, np.split(rows, [200, 280])) as (view, held):
        queries, left_out = random_units(3), [-1, 5, 299]
        for found, query, without in zip(search(view, queries, k, without=left_out), queries, left_out, strict=True):
            assert_found(found, brute_force(held, query, k, without))


def test_rows_closer_than_float32_can_tell_are_ordered_by_their_true_score(tmp_path: Path) -> None:
    [base] = random_units(1)
    noise = np.random.default_rng(1).integers(-2, 3, (100, DIM))
    rows = (base.view(np.int32) + noise).astype(np.int32).view(np.float32)  # some units in the last place away
    with opened(tmp_path, [rows]) as (view, held):
        wanted = brute_force(held, base, 30)
        assert 0 < wanted[0][1] - wanted[-1][1] < 1e-6
        [found] = search(view, base[None], 30)
        assert_found(found, wanted)


def test_a_paper_left_out_is_replaced_by_the_next(tmp_path: Path) -> None:
    rows = random_units(30)
    with opened(tmp_path, [rows]) as (view, held):
        for row, found in enumerate(search(view, rows, 5, without=range(30))):
            assert_found(found, brute_force(held, rows[row], 5, without=row))


def test_without_nothing_each_paper_finds_itself_first(tmp_path: Path) -> None:
    rows = random_units(30)
    with opened(tmp_path, [rows]) as (view, _held):
        found = search(view, rows, 1)
    assert [one.rows.tolist() for one in found] == [[row] for row in range(30)]
    np.testing.assert_allclose([one.scores[0] for one in found], 1, atol=1e-6)


def test_an_empty_store_has_no_hits(tmp_path: Path) -> None:
    with opened(tmp_path, [random_units(1)], dead=[0]) as (view, _held):
        for found in search(view, random_units(20), 3):
            assert (found.rows.tolist(), found.scores.tolist()) == ([], [])


def test_no_query_has_no_answer(tmp_path: Path) -> None:
    with opened(tmp_path, [random_units(5)]) as (view, _held):
        assert search(view, random_units(0), 3) == []


def test_the_only_paper_is_the_only_hit_unless_it_is_left_out(tmp_path: Path) -> None:
    rows = random_units(1)
    with opened(tmp_path, [rows]) as (view, _held):
        [found, lonely] = search(view, np.repeat(rows, 2, axis=0), 10, without=[-1, 0])
    assert (found.rows.tolist(), lonely.rows.tolist()) == ([0], [])


def test_batches_of_any_size_give_what_single_queries_give(tmp_path: Path) -> None:
    rows = np.concatenate([random_units(150), np.repeat(random_units(5, seed=9), 30, axis=0)])
    with opened(tmp_path, np.split(rows, [200, 290])) as (view, _held):
        single = [search(view, rows[row : row + 1], 10, without=[row])[0] for row in range(300)]
        for size in (15, 16, 17, 300):
            for one, many in zip(single, search(view, rows[:size], 10, without=range(size)), strict=False):
                np.testing.assert_array_equal(many.rows, one.rows)
                np.testing.assert_array_equal(many.scores, one.scores)


def test_blocks_of_queries_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.search.exact._BLOCK", 7)
    rows = random_units(30)
    with opened(tmp_path, [rows]) as (view, held):
        found = search(view, rows, 3, without=range(30))
        assert len(found) == 30
        for row in (0, 6, 7, 13, 14, 28, 29):
            assert_found(found[row], brute_force(held, rows[row], 3, without=row))


@st.composite
def small_stores(draw: st.DrawFn) -> tuple[list[np.ndarray], list[int], int, int]:
    """Rows out of a small pool, so that there are many ties; segments; some of them dead; a query; k."""
    pool = draw(st.sampled_from([np.eye(DIM, dtype=np.float32), -np.eye(DIM, dtype=np.float32), random_units(8)]))
    chosen = draw(st.lists(st.integers(0, 7), min_size=1, max_size=60))
    cuts = sorted(draw(st.sets(st.integers(1, len(chosen)), max_size=3)))
    dead = draw(st.lists(st.integers(0, len(chosen) - 1), max_size=6, unique=True))
    return np.split(pool[chosen], cuts), dead, draw(st.integers(0, 7)), draw(st.integers(1, 70))


@given(small_stores())
def test_any_small_store_is_searched_as_by_brute_force(case: tuple[list[np.ndarray], list[int], int, int]) -> None:
    parts, dead, place, k = case
    query = random_units(8)[place]
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), parts, dead) as (view, held):
        assert view.n_papers == len(held)
        [alone] = search(view, query[None], k)
        assert_found(alone, brute_force(held, query, k))
        left_out = min(held, default=-1)
        for found in search(view, np.repeat(query[None], 16, axis=0), k, without=[left_out] * 16):
            assert_found(found, brute_force(held, query, k, without=left_out))


@pytest.mark.parametrize("n_rows", [1, 63, 64, 700, 5000])
@pytest.mark.parametrize("n", [1, 9, 200])
def test_the_best_products_are_those_of_a_full_sort(n_rows: int, n: int) -> None:
    rng = np.random.default_rng(n_rows + n)
    rows = rng.standard_normal((n_rows, 8)).astype(np.float32)
    rows[rng.integers(0, n_rows, n_rows // 3)] = rows[0]  # ties
    queries = rng.standard_normal((5, 8)).astype(np.float32)
    hidden = np.flatnonzero(rng.random(n_rows) < 0.2)
    wanted = rows @ queries.T  # (b, q)
    wanted[hidden] = -np.inf
    with one_thread_each():
        scores, positions = best_products(rows, queries, n, hidden)
    assert scores.shape == positions.shape == (5, min(n, n_rows))
    for query in range(5):
        assert len(set(positions[query].tolist())) == len(positions[query])
        np.testing.assert_allclose(scores[query], wanted[positions[query], query], rtol=1e-5)
        best = np.sort(wanted[:, query])[n_rows - scores.shape[1] :]
        np.testing.assert_allclose(np.sort(scores[query]), best, rtol=1e-5)


def test_products_of_one_thread_leave_the_number_of_threads_as_it_was() -> None:
    def n_threads() -> list[int]:
        return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]

    before = n_threads()
    with one_thread_each():
        assert set(n_threads()) <= {1}
    assert n_threads() == before
