"""The map: stored and read, laid out, brought up to date."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lunacy.derived.map import Points, add_map, codes_of, id_keys, open_map, positions_of, tile_code
from lunacy.measured import MapFacts
from lunacy.region import Region
from lunacy.store import caches, verify
from tests.test_modes import fill, viewed
from tests.test_search import random_units

N = 40
REGIONS = (Region(0, 0.5, 0.25, 30, "black holes", ("event horizon",)), Region(1, 0.1, 0.2, 10, "quarks", ()))


def some_points(n: int = N, seed: int = 0) -> Points:
    x, y = np.random.default_rng(seed).random((2, n), np.float32)
    rows = np.arange(n, dtype=np.uint32)
    ids = [f"2401.{row:05}" for row in range(n)]
    months = np.full(n, 12 * 2024, np.uint16)
    return Points(id_keys(ids), codes_of(x, y), rows, x, y, (rows % 3).astype(np.uint16), months)


def test_the_points_of_a_tile_have_the_codes_from_its_own_to_that_of_the_next() -> None:
    points = some_points(500)
    for zoom in (1, 2, 5):
        for tile in np.unique(np.stack([points.x, points.y]) * 2**zoom // 1, axis=1).T.astype(int).tolist():
            first = tile_code(zoom, *tile)
            inside = (points.codes >= first) & (points.codes < first + 4 ** (16 - zoom))
            truth = (np.floor(points.x * 2**zoom) == tile[0]) & (np.floor(points.y * 2**zoom) == tile[1])
            assert inside.tolist() == truth.tolist()


def test_a_map_that_was_stored_is_read_as_it_was(tmp_path: Path) -> None:
    fill(tmp_path, [random_units(N, 8)])
    points = some_points()
    with viewed(tmp_path) as view:
        facts = MapFacts(N, 3, 7, 0.95)
        caches.commit(tmp_path, "map", [add_map(view, facts, points, ["cs.LG", "math.AG", ""], REGIONS)])
    with viewed(tmp_path) as view:
        found = open_map(view)
        assert found is not None
        assert (found.facts, found.categories, found.regions) == (facts, ("cs.LG", "math.AG", ""), REGIONS)
        assert np.all(np.diff(found.points.codes.astype(int)) >= 0)
        by_row = np.argsort(found.points.rows)
        for name in Points.__slots__:
            assert getattr(found.points, name)[by_row].tolist() == getattr(points, name).tolist()
        rows = np.array([7, 0, 99])
        expected = [[points.x[7], points.y[7]], [points.x[0], points.y[0]], [np.nan, np.nan]]
        np.testing.assert_array_equal(positions_of(found.points, rows), np.array(expected, np.float32))


@pytest.mark.parametrize("change", [{"n_papers": N - 1}, {"n_papers": "x"}, {"layout": 2}, {"seed": None}])
def test_a_map_with_other_facts_is_not_used(tmp_path: Path, change: dict[str, object]) -> None:
    fill(tmp_path, [random_units(N, 8)])
    with viewed(tmp_path) as view:
        made = add_map(view, MapFacts(N, 0, 0), some_points(), [""] * 3, REGIONS)
        made.facts.update(change)  # type: ignore[attr-defined]
        caches.commit(tmp_path, "map", [made])
    with viewed(tmp_path) as view:
        assert open_map(view) is None


def test_a_flipped_bit_is_named_and_the_map_not_used(tmp_path: Path) -> None:
    fill(tmp_path, [random_units(N, 8)])
    with viewed(tmp_path) as view:
        made = add_map(view, MapFacts(N, 0, 0), some_points(), [""] * 3, REGIONS)
        caches.commit(tmp_path, "map", [made])
    path = tmp_path / "cache" / made.name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with viewed(tmp_path) as view:
        assert open_map(view) is None
    assert len(verify(tmp_path)) == 1
