"""Every way to search, with every filter, against brute force; caches are used only when they fit."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunacy.atomic import part_name
from lunacy.derived.codes import code, open_codes
from lunacy.derived.columns import admitted, open_columns
from lunacy.derived.ivf import open_ivf
from lunacy.entry import Entry
from lunacy.errors import NoIndex, StoreError, UsageError
from lunacy.filter import Filter
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.pipeline import build_ivf, refresh_derived, remove
from lunacy.progress import no_report
from lunacy.search import exact, search, search_ivf
from lunacy.search.candidates import Candidates
from lunacy.store import Store, View, Writer, repair, verify
from lunacy.store import caches as files
from lunacy.store.database import Database
from tests.test_search import DIM, assert_found, brute_force, random_units, unit
from tests.test_store import names

CATEGORIES = [("cs.CL",), ("cs.CL", "math.AG"), ("hep-th",), ()]
DATES = ["2023-12-31", "2024-01-01", "2024-05-31", "2024-06-01", ""]
SUBMITTED = ["2023-12-31", "2024-01-01", "2024-01-15", "2024-01-31", "2024-02-01", ""]  # the ids are of January 2024
POSTED = [
    ("2024-01-01", "2024-01-01"),
    ("2024-01-01", "2024-01-01"),
    ("2024-01-15", "2024-01-15"),
    ("2024-01-31", "2024-01-31"),
    ("2024-01-31", "2024-01-31"),
    ("2024-01-01", "2024-01-31"),  # no day is known
]  # the first day and the last on which it may have been
AUTHORS = ["Ada Lovelace, Alan Turing", "É. Galois", "", "TURING and Lovelace"]


def paper(place: int) -> Paper:
    """The paper in a place: its fields follow from it."""
    return Paper(
        names(1, first=place)[0],
        f"On {place}",
        "This paper has been withdrawn." if place % 11 == 5 else f"We study {place}.",
        authors=AUTHORS[place % 4],
        categories=CATEGORIES[place % 3 if place % 7 else 3],
        submitted=SUBMITTED[place % 6],
        updated=DATES[place % 5],
    )


def admits(one: Paper, wanted: Filter) -> bool:
    """The filter again, written out by hand for the values above."""
    categories = {"cs.*": {"cs.CL"}, "math.AG": {"math.AG"}, "hep-th": {"hep-th"}}
    if wanted.category and not any(set(one.categories) & categories[pattern] for pattern in wanted.category):
        return False
    first, last = POSTED[SUBMITTED.index(one.submitted)]
    if last < wanted.since or (wanted.until and first[: len(wanted.until)] > wanted.until):
        return False
    if wanted.updated_since and one.updated < wanted.updated_since:
        return False
    plain = one.authors.lower().replace("é", "e")
    if not all({"TURING": "turing", "é. gal": "e. gal"}[part] in plain for part in wanted.author):
        return False
    return (wanted.only_ids is None or one.id in wanted.only_ids) and one.id not in wanted.not_ids


def fill(folder: Path, parts: Sequence[np.ndarray], start: int = 0) -> None:
    with Writer(folder, Fingerprint("fake", "abstract", parts[0].shape[1]), "fake") as writer:
        for part in parts:
            entries = [Entry.of(paper(place), "abstract") for place in range(start, start + len(part))]
            writer.append(entries, part)
            writer.commit()
            start += len(part)


@contextmanager
def viewed(folder: Path) -> Iterator[View]:
    with Store(folder) as store, store.view() as view:
        yield view


def make_caches(folder: Path) -> None:
    """All of them, however small the index is."""
    refresh_derived.refresh_caches(folder, least_rows=1)


def _only_small_ones(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("lunacy.derived.codes.LEAST_SEGMENT", 1)
    patch.setattr("lunacy.embedding.load", _no_model)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    _only_small_ones(monkeypatch)


def _no_model(*_arguments: object, **_options: object) -> None:
    raise NoIndex("no model in tests")


FILTERS = st.builds(
    Filter,
    category=st.sampled_from([(), (), ("cs.*",), ("math.AG", "hep-th")]),
    since=st.sampled_from(["", "", "2024", "2024-01-02", "2024-01-15"]),
    until=st.sampled_from(["", "", "2024", "2024-01", "2024-01-15", "2024-01-30"]),
    updated_since=st.sampled_from(["", "", "2024", "2024-05-31"]),
    author=st.sampled_from([(), (), ("TURING",), ("é. gal",)]),
    only_ids=st.none() | st.frozensets(st.integers(0, 40).map(lambda n: names(1, first=n)[0])),
    not_ids=st.frozensets(st.integers(0, 60).map(lambda n: names(1, first=n)[0]), max_size=8),
)


Case = tuple[list[np.ndarray], list[int], np.ndarray, int, Filter, bool]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    pool = draw(st.sampled_from([np.eye(DIM, dtype=np.float32), random_units(8), random_units(60, seed=3)]))
    chosen = draw(st.lists(st.integers(0, len(pool) - 1), min_size=1, max_size=60))
    cuts = sorted(draw(st.sets(st.integers(1, len(chosen)), max_size=3)))
    parts = [part for part in np.split(pool[chosen], cuts) if len(part)]
    dead = draw(st.lists(st.integers(0, len(chosen) - 1), max_size=6, unique=True))
    query = draw(st.sampled_from([pool[0], random_units(1, seed=9)[0]]))
    return parts, dead, query, draw(st.integers(1, 70)), draw(FILTERS), draw(st.booleans())


MODES = (cases(), st.sampled_from([0.0, 0.03, 1.0]), st.integers(0, 2))


@given(*MODES)
def test_every_mode_and_filter_gives_what_brute_force_gives(case: Case, few: float, cached: int) -> None:
    compare(case, few, cached)


def compare(case: Case, few: float, cached: int) -> None:
    """`few`: how filtered segments are scanned; `cached`: nothing, before an update, after it."""
    parts, dead, query, k, wanted, include_withdrawn = case
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as name:
        patch.setattr("lunacy.search.scan._FEW", few)
        patch.setattr("lunacy.search.scan._FEW_AGAIN", few)
        patch.setattr("lunacy.search.scan._RARE", few)
        patch.setattr("lunacy.search.scan._FEW_CODES", 10 * few)
        patch.setattr("lunacy.search.exact._FIRST_OTHERS", 2)
        folder = Path(name)
        fill(folder, parts[:-1] or parts)
        if cached:
            make_caches(folder)
            build_ivf(folder, recall=0.5)
        if parts[:-1]:
            fill(folder, parts[-1:], start=sum(map(len, parts[:-1])))
        with Writer(folder) as writer:
            writer.remove([paper(place).id for place in dead])
            writer.commit()
        if cached == 2:
            make_caches(folder)
        rows = np.concatenate(parts)
        held = {place: row for place, row in enumerate(rows) if place not in dead}
        with viewed(folder) as view:
            places = view.rows([paper(place).id for place in held])
            assert len(places) == len(held)
            able = {
                places[paper(place).id]: row
                for place, row in held.items()
                if admits(paper(place), wanted) and (include_withdrawn or place % 11 != 5)
            }
            options = {"include_withdrawn": include_withdrawn, "wanted": wanted}
            left_out = min(able, default=-1)
            [alone] = search(view, query[None], k, **options)
            assert_found(alone, brute_force(able, query, k))
            for found in search(view, np.repeat(query[None], 3, axis=0), k, **options, device="cpu"):  # as on a GPU
                assert_found(found, brute_force(able, query, k))
            for found in search(view, np.repeat(query[None], 16, axis=0), k, without=[left_out] * 16, **options):
                assert_found(found, brute_force(able, query, k, without=left_out))
            ivf = open_ivf(view)
            if ivf is not None:
                nlist = ivf.index.nlist
                for found in search_ivf(
                    view, ivf, query[None], k, query_kind="paper", nprobe=nlist, without=[left_out], **options
                ):
                    assert_found(found, brute_force(able, query, k, without=left_out))
        assert verify(folder) == []


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Neighbourhoods of 30, as real papers have them."""
    centres = np.repeat(random_units(100, dim=32), 30, axis=0)
    noisy = centres + 0.15 * np.random.default_rng(5).standard_normal(centres.shape)
    return (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def with_caches(tmp_path_factory: pytest.TempPathFactory, rows: np.ndarray) -> Path:
    """3,000 papers with all caches."""
    folder = tmp_path_factory.mktemp("modes") / "index"
    fill(folder, np.split(rows, [2500]))
    with pytest.MonkeyPatch.context() as patch:
        _only_small_ones(patch)
        make_caches(folder)
        build_ivf(folder, recall=0.9)
    return folder


@pytest.fixture
def index(tmp_path: Path, with_caches: Path) -> Path:
    """A copy of that."""
    return Path(shutil.copytree(with_caches, tmp_path / "index"))


def answers(folder: Path, queries: np.ndarray, k: int = 10) -> list[tuple[list[int], list[float]]]:
    with viewed(folder) as view:
        return [(found.rows.tolist(), found.scores.tolist()) for one in queries for found in search(view, one[None], k)]


def wanted_answers(rows: np.ndarray, queries: np.ndarray, k: int = 10) -> list[list[int]]:
    able = {place: row for place, row in enumerate(rows) if place % 11 != 5}
    return [[row for row, _score in brute_force(able, query, k)] for query in queries]


def test_codes_are_used_and_change_no_answer(index: Path, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[bool] = []
    whole = Candidates.__init__

    def noted(self: Candidates, *arguments: object) -> None:
        whole(self, *arguments)  # type: ignore[arg-type]
        scanned.append(self.codes is not None)

    monkeypatch.setattr(Candidates, "__init__", noted)
    with_codes = answers(index, rows[:5])
    assert scanned
    assert all(scanned)
    assert [found for found, _scores in with_codes] == wanted_answers(rows, rows[:5])
    files.drop(index)
    assert answers(index, rows[:5]) == with_codes


def test_codes_bound_the_score_of_every_row(index: Path, rows: np.ndarray) -> None:
    with viewed(index) as view:
        assert len(open_codes(view)) == len(view.segments)
        above = scores_by_codes(view, rows[::100]) - rows[::100].astype(np.float64) @ rows.T
        assert above.min() > -1e-6
        assert above.max() < 0.05


def scores_by_codes(view: View, queries: np.ndarray) -> np.ndarray:
    """What each row scores at most: (q, n_rows)."""
    uppers = np.full((len(queries), view.end_row), np.nan)
    for segment in view.segments:
        codes = open_codes(view)[segment.segment.number]
        coded = code(queries, codes.axes)
        scores, positions = codes.index.search(coded.coordinates, segment.segment.n_rows)
        places = positions + segment.segment.first_row
        np.put_along_axis(uppers, places, codes.most(coded, scores), axis=1)
    assert not np.isnan(uppers).any()
    return uppers


@st.composite
def clouds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Rows that lie in few directions, or in all, or nearly at one place; queries along these, across and between."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    dim = draw(st.sampled_from([1, 2, 31, 33, 64, 100]))
    lengths = draw(st.sampled_from([0.0, 0.5, 1.0, 2.0]))  # how fast the directions' lengths fall
    turned = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
    cloud = rng.standard_normal((draw(st.integers(1, 80)), dim)) / np.arange(1, dim + 1) ** lengths
    cloud += draw(st.sampled_from([0.0, 100.0])) * rng.standard_normal(dim)
    cloud[:: draw(st.sampled_from([1, 2, 100]))] += draw(st.sampled_from([0.0, 5.0])) * turned[-1]  # as no other row
    rows = unit(cloud @ turned)
    return rows, unit(np.concatenate([rows[:5], -rows[:5], np.eye(dim)[:5], turned[[0, -1]]]))


@given(clouds())
def test_codes_bound_the_score_of_any_row_for_any_query(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    rows, queries = cloud
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr("lunacy.derived.codes.LEAST_SEGMENT", 1)
        fill(Path(name), [rows])
        make_caches(Path(name))
        with viewed(Path(name)) as view:
            above = scores_by_codes(view, queries) - queries.astype(np.float64) @ rows.T
            assert above.min() > -1e-6
            for query in queries:
                able = {place: row for place, row in enumerate(rows) if place % 11 != 5}
                assert_found(search(view, query[None], 10)[0], brute_force(able, query, 10))


def test_what_rounding_takes_from_rows_and_queries_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunacy.derived.codes._rotation", np.eye)
    between = unit([[10.4, 127, *[0] * 14], [127, 0.4, *[0] * 14]])  # steps of a code
    fill(tmp_path, [np.concatenate([np.eye(16, dtype=np.float32), between[:1]])])
    make_caches(tmp_path)
    queries = np.concatenate([np.eye(16, dtype=np.float32)[:1], between[1:]])
    with viewed(tmp_path) as view:
        true = queries.astype(np.float64) @ view.vectors(np.arange(17)).T
        assert (scores_by_codes(view, queries) - true).min() > -1e-6


def test_few_directions_take_few_codes_and_bound_what_lies_across_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((3000, 20)) @ rng.standard_normal((20, 128)) + 1.2 * rng.standard_normal((3000, 128))
    across = np.linalg.svd(rows, full_matrices=False)[2][-1:]  # in the direction in which the rows are shortest
    kinds = {"few": (unit(np.concatenate([rows, across])), 32), "all": (random_units(1000, dim=128), 128)}
    for name, (some, n_codes) in kinds.items():
        fill(tmp_path / name, [some])
        make_caches(tmp_path / name)
        with viewed(tmp_path / name) as view:
            [codes] = open_codes(view).values()
            assert codes.index.d == n_codes
            above = scores_by_codes(view, some[-9:]) - some[-9:].astype(np.float64) @ some.T
            assert above.min() > -1e-6
            assert np.median(above) < 0.1


def cache_paths(folder: Path, kind: str = "") -> list[Path]:
    return sorted((folder / "cache").glob(f"{kind}*-*"))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def forge(path: Path) -> None:
    """Another head, with numbers that would make FAISS read beyond the file."""
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [Path.unlink, truncate, forge], ids=["deleted", "truncated", "forged"])
def test_a_harmed_cache_is_not_used(index: Path, rows: np.ndarray, harm: object) -> None:
    for path in [*cache_paths(index, "codes"), *cache_paths(index, "ivf")]:
        harm(path)  # type: ignore[operator]
    with viewed(index) as view:
        assert open_codes(view) == {}
        assert open_ivf(view) is None
    assert [found for found, _scores in answers(index, rows[:5])] == wanted_answers(rows, rows[:5])
    make_caches(index)
    with viewed(index) as view:
        assert len(open_codes(view)) == len(view.segments)


@pytest.mark.parametrize("harm", [Path.unlink, truncate, forge], ids=["deleted", "truncated", "forged"])
def test_codes_are_not_used_without_their_axes(index: Path, rows: np.ndarray, harm: object) -> None:
    [axes] = cache_paths(index, "axes")
    harm(axes)  # type: ignore[operator]
    with viewed(index) as view:
        assert open_codes(view) == {}
    assert [found for found, _scores in answers(index, rows[:5])] == wanted_answers(rows, rows[:5])
    make_caches(index)
    with viewed(index) as view:
        assert len(open_codes(view)) == len(view.segments)


def test_new_segments_take_the_axes_that_are_there(index: Path) -> None:
    before = cache_paths(index, "axes") + cache_paths(index, "codes")
    fill(index, [random_units(40, dim=32)], start=3000)
    make_caches(index)
    with viewed(index) as view:
        assert len(open_codes(view)) == len(view.segments) == 3
    assert set(before) < set(cache_paths(index, "axes") + cache_paths(index, "codes"))
    assert len(cache_paths(index, "axes")) == 1


MANIFEST = b'{"lunacy":"caches","version":1,"caches":'


def checked(content: bytes) -> bytes:
    """A manifest, with its hash."""
    return content + b"\n" + hashlib.sha256(content).hexdigest().encode() + b"\n"


@pytest.mark.parametrize("content", [MANIFEST, MANIFEST + b"[{}]}\n", MANIFEST + b"[]}\nabc\n", checked(MANIFEST)])
def test_a_harmed_manifest_is_no_manifest_and_a_new_one_takes_its_place(
    index: Path, rows: np.ndarray, content: bytes
) -> None:
    (index / "cache/manifest.json").write_bytes(content)
    with viewed(index) as view:
        assert view.caches == []
    assert [found for found, _scores in answers(index, rows[:5])] == wanted_answers(rows, rows[:5])
    assert any("manifest.json" in fault for fault in verify(index))
    assert repair(index).lost == []
    make_caches(index)
    assert verify(index) == []
    with viewed(index) as view:
        assert {cache.kind for cache in view.caches} == {"codes", "columns", "neighbours", "titles"}


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version":1,"caches":[{"kind":"codes"}]}', b"\xff"])
def test_a_manifest_that_was_never_ours_is_none_even_with_its_hash(index: Path, content: bytes) -> None:
    for manifest in (content, checked(content)):
        (index / "cache/manifest.json").write_bytes(manifest)
        with viewed(index) as view:
            assert view.caches == []
        make_caches(index)
        with pytest.raises(StoreError, match=r"manifest\.json is not lunacy's, or damaged.*move it away"):
            build_ivf(index)
        assert (index / "cache/manifest.json").read_bytes() == manifest
        assert verify(index) == []


def test_a_manifest_of_another_version_is_not_read(index: Path) -> None:
    (index / "cache/manifest.json").write_bytes(checked(b'{"lunacy":"caches","version":99,"caches":"other"}'))
    with viewed(index) as view:
        assert view.caches == []


OF_BEFORE = {
    "generation": 2,
    "end_row": 3000,
    "names_bytes": 8,
    "n_names": 1,
    "n_authors": 1,
    "categories": [],
}  # layout 1


@pytest.mark.parametrize(
    "facts",
    [{}, OF_BEFORE, {"bound": 0.01, "scale": "x", "off": 0.01, "generation": 1, "papers": [], "names_bytes": None}],
)
def test_caches_with_other_facts_are_not_used_and_are_made_anew(index: Path, rows: np.ndarray, facts: object) -> None:
    path = index / "cache/manifest.json"
    manifest = orjson.loads(path.read_bytes().split(b"\n")[0])
    manifest["caches"] = [one | {"facts": facts} for one in manifest["caches"]]
    path.write_bytes(checked(orjson.dumps(manifest)))
    wanted = Filter(since="2024-01-02", updated_since="2024", author=("TURING",))
    with viewed(index) as view:
        assert open_codes(view) == {}
        assert open_ivf(view) is None
        assert open_columns(view) is None
        assert admitted(view, wanted).tolist() == [admits(paper(place), wanted) for place in range(3000)]
    assert [found for found, _scores in answers(index, rows[:5])] == wanted_answers(rows, rows[:5])
    make_caches(index)
    with viewed(index) as view:
        assert len(open_codes(view)) == len(view.segments)
        assert open_columns(view) is not None


def test_caches_of_another_index_are_not_used(index: Path, rows: np.ndarray, tmp_path: Path) -> None:
    other = tmp_path / "other"
    fill(other, np.split(rows[::-1], [2500]))
    (index / "cache").rename(other / "cache")
    with viewed(other) as view:
        assert open_codes(view) == {}
        assert open_ivf(view) is None
        wanted = Filter(category=("cs.*",))
        [found] = search(view, rows[:1], 5, wanted=wanted)
        able = {place: row for place, row in enumerate(rows[::-1]) if place % 11 != 5 and admits(paper(place), wanted)}
        assert_found(found, brute_force(able, rows[0], 5))


def test_harmed_columns_give_an_answer_or_one_line_and_verify_names_them(index: Path) -> None:
    [path] = cache_paths(index, "columns")
    whole, wanted = (
        path.read_bytes(),
        Filter(category=("cs.*",), since="2024-01-02", updated_since="2024", author=("TURING",)),
    )
    rng = np.random.default_rng(0)
    n_named = 0
    for _ in range(60):
        harmed = bytearray(whole)
        harmed[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(harmed)
        with viewed(index) as view:
            try:
                admitted(view, wanted)
            except StoreError as error:
                assert "delete the folder cache/" in error.full_message  # noqa: PT017 (which of them fail is chance)
                n_named += 1
    assert n_named > 0
    assert len(verify(index)) == 1


@pytest.mark.parametrize("kind", ["axes", "codes", "ivf", "columns", "neighbours", "titles"])
def test_verify_finds_a_flipped_bit_in_a_cache_and_repair_drops_the_caches(index: Path, kind: str) -> None:
    assert verify(index) == []
    path = cache_paths(index, kind)[0]
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert verify(index) == [f"cache/{path.name}: its content has changed since it was written (sha256 differs)"]
    assert repair(index).lost == []
    assert verify(index) == []
    assert cache_paths(index) == []


def test_garbage_in_the_folder_goes_with_the_next_change(index: Path) -> None:
    half, digest = index / "cache" / part_name("ivf"), hashlib.sha256(b"whole").hexdigest()
    half.write_bytes(b"left by a killed run")
    whole = index / f"cache/codes-00000099-{digest[:12]}"
    whole.write_bytes(b"whole")
    folder = index / "cache" / part_name("lexical")
    folder.mkdir()
    (folder / "meta.json").write_bytes(b"{")
    assert verify(index) == []
    fill(index, [random_units(100, dim=32)], start=3000)
    make_caches(index)
    assert not any(path.exists() for path in (half, whole, folder))


def test_the_told_recall_is_that_of_other_queries(index: Path, rows: np.ndarray) -> None:
    with viewed(index) as view:
        ivf = open_ivf(view)
        assert ivf is not None
        recall, low, high = ivf.facts.papers.recall
        assert low <= recall <= high
        queries = rows[1::3]
        places = np.arange(len(rows))[1::3].tolist()
        truth = search(view, queries, 10, without=places)
        found = search_ivf(view, ivf, queries, 10, query_kind="paper", without=places)
        shares = [len(set(a.rows) & set(b.rows)) / len(a.rows) for a, b in zip(truth, found, strict=True)]
        assert abs(np.mean(shares) - recall) < 0.03
        assert {one.recall for one in found} <= {recall, None}
        for one, query in zip(found[:50], queries, strict=False):
            np.testing.assert_allclose(one.scores, rows[one.rows].astype(np.float64) @ query, atol=1e-6)


def test_papers_that_came_after_the_lists_are_found(index: Path) -> None:
    fresh = random_units(50, seed=77, dim=32)
    fill(index, [fresh], start=3000)
    with viewed(index) as view:
        ivf = open_ivf(view)
        assert ivf is not None
        for place, found in enumerate(
            search_ivf(view, ivf, fresh, 3, query_kind="paper", nprobe=1, include_withdrawn=True)
        ):
            assert found.rows[0] == 3000 + place


def test_lists_are_made_again_when_a_tenth_is_new(index: Path) -> None:
    [before] = cache_paths(index, "ivf")
    fill(index, [random_units(200, seed=7, dim=32)], start=3000)
    make_caches(index)
    assert cache_paths(index, "ivf") == [before]
    fill(index, [random_units(200, seed=8, dim=32)], start=3200)
    make_caches(index)
    assert cache_paths(index, "ivf") != [before]


def test_the_lists_themselves_find_the_best_when_all_are_looked_into(index: Path, rows: np.ndarray) -> None:
    able = {place: row for place, row in enumerate(rows) if place % 11 != 5}
    with viewed(index) as view:
        ivf = open_ivf(view)
        assert ivf is not None
        found = search_ivf(view, ivf, rows[::250], 10, query_kind="paper", nprobe=ivf.index.nlist)
        assert all(one.recall is not None for one in found)
        for one, query in zip(found, rows[::250], strict=True):
            assert_found(one, brute_force(able, query, 10))


def test_a_longer_list_than_the_lists_give_is_exact(index: Path, rows: np.ndarray) -> None:
    able = {place: row for place, row in enumerate(rows) if place % 11 != 5}
    with viewed(index) as view:
        ivf = open_ivf(view)
        assert ivf is not None
        [found] = search_ivf(view, ivf, rows[:1], 2000, query_kind="paper", nprobe=1)
    assert found.recall is None
    assert_found(found, brute_force(able, rows[0], 2000))


def test_a_filter_around_another_paper_keeps_the_recall(index: Path, rows: np.ndarray) -> None:
    """The answers lie where no list near the query is."""
    far = np.argsort(rows @ rows[0])[:300].tolist()
    wanted = Filter(only_ids=frozenset(paper(place).id for place in far))
    able = {place: rows[place] for place in far if place % 11 != 5}
    with viewed(index) as view:
        ivf = open_ivf(view)
        assert ivf is not None
        [found] = search_ivf(view, ivf, rows[:1], 10, query_kind="paper", wanted=wanted)
    assert_found(found, brute_force(able, rows[0], 10))
    assert found.recall is None


def test_columns_and_sql_admit_the_same(index: Path) -> None:
    wanted = Filter(category=("cs.*",), since="2024", until="2024-01-20", updated_since="2024", author=("TURING",))
    with viewed(index) as view:
        by_columns = admitted(view, wanted)
    files.drop(index)
    with viewed(index) as view:
        by_sql = admitted(view, wanted)
    np.testing.assert_array_equal(by_columns, by_sql)
    assert by_sql.tolist() == [admits(paper(place), wanted) for place in range(3000)]


def test_columns_of_an_older_commit_are_not_used(index: Path) -> None:
    with Writer(index) as writer:
        changed = replace(paper(3), categories=("cs.CV",))
        writer.amend([Entry.of(changed, "abstract")])
        writer.commit()
    with viewed(index) as view:
        assert np.flatnonzero(admitted(view, Filter(category=("cs.CV",)))).tolist() == [3]


@pytest.mark.parametrize("date", ["2024-13-01", "24", "2024-1-1", "yesterday", "2024-01-32"])
def test_a_bad_date_is_refused(date: str) -> None:
    with pytest.raises(UsageError, match=f"since '{date}' is not a date; write it like 2024-05-31, 2024-05 or 2024"):
        Filter(since=date)


def test_a_manifest_names_what_is_there(index: Path) -> None:
    content, check = (index / "cache/manifest.json").read_bytes().splitlines()
    manifest = orjson.loads(content)
    assert {one["name"] for one in manifest["caches"]} == {path.name for path in cache_paths(index)}
    assert {one["kind"] for one in manifest["caches"]} == {"codes", "ivf", "columns", "neighbours", "titles"}
    assert len(check) == 64


def test_a_cache_that_is_older_than_the_papers_is_no_fault_and_goes_with_the_next_change(index: Path) -> None:
    before = cache_paths(index, "columns") + cache_paths(index, "titles")
    with Writer(index) as writer:
        writer.remove([paper(5).id])
        writer.commit()
    assert verify(index) == []  # as after a run that was killed
    with viewed(index) as view:
        assert open_columns(view) is None
    make_caches(index)
    assert verify(index) == []
    assert not set(before) & set(cache_paths(index))


def test_removing_papers_brings_the_caches_up_to_date(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        refresh_derived.refresh_caches, "__kwdefaults__", {"least_rows": 1, "progress": no_report, "note": None}
    )
    remove(index, [paper(5).id])
    assert verify(index) == []
    kinds = {path.name.split("-")[0] for path in cache_paths(index)}
    assert kinds == {"axes", "codes", "columns", "ivf", "neighbours", "titles"}


@given(
    st.integers(1, 40),
    st.lists(st.integers(0, 39), max_size=8, unique=True),
    st.lists(st.integers(0, 39), max_size=8, unique=True),
    st.integers(0, 12),
    st.lists(FILTERS, min_size=1, max_size=4),
    st.booleans(),
)
def test_columns_that_were_brought_up_to_date_are_those_made_anew(
    n: int, removed: list[int], amended: list[int], n_new: int, filters: list[Filter], moved: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, [random_units(n)])
        make_caches(folder)
        with Writer(folder) as writer:
            other = [
                replace(paper(place + 100), id=paper(place).id, abstract=paper(place).abstract) for place in amended
            ]
            writer.amend([Entry.of(one, "abstract") for one, place in zip(other, amended, strict=True) if place < n])
            writer.remove([paper(place).id for place in removed if place < n])
            writer.append([Entry.of(paper(n + place), "abstract") for place in range(n_new)], random_units(60)[:n_new])
            writer.commit()
            if moved:
                writer.compact()
            refresh_derived.refresh_caches(folder, writer.changes, least_rows=1)
        with viewed(folder) as view:
            live = view.live_rows()
            by_cache = [admitted(view, one)[live].tolist() for one in filters]
            assert {cache.kind for cache in view.caches} >= ({"columns"} if len(live) else set())
        for path in cache_paths(folder, "columns"):
            path.unlink()
        with viewed(folder) as view:
            assert [admitted(view, one)[live].tolist() for one in filters] == by_cache


def test_an_update_reads_only_what_changed_for_the_columns(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    stream = Database.stream
    monkeypatch.setattr(Database, "stream", lambda self, sql: (asked.append(sql), stream(self, sql))[1])
    monkeypatch.setattr(
        refresh_derived.refresh_caches, "__kwdefaults__", {"least_rows": 1, "progress": no_report, "note": None}
    )
    remove(index, [paper(5).id, paper(7).id])
    assert [sql for sql in asked if "authors" in sql] == [
        "SELECT row, id, submitted, updated, categories, authors, names FROM papers WHERE row >= 3000 ORDER BY row"
    ]


def test_columns_of_another_index_with_as_many_commits_are_not_used(tmp_path: Path) -> None:
    for name, start in (("one", 0), ("other", 50)):
        fill(tmp_path / name, [random_units(20, seed=start)], start=start)
        make_caches(tmp_path / name)
    shutil.rmtree(tmp_path / "one" / "cache")
    (tmp_path / "other" / "cache").rename(tmp_path / "one" / "cache")
    make_caches(tmp_path / "one")
    assert verify(tmp_path / "one") == []
    with viewed(tmp_path / "one") as view:
        assert admitted(view, Filter(only_ids=frozenset([paper(3).id]))).tolist() == [row == 3 for row in range(20)]
        wanted = [paper(place).updated >= "2024-05-31" for place in range(20)]
        assert admitted(view, Filter(updated_since="2024-05-31")).tolist() == wanted


def test_rows_that_are_freed_and_used_again_are_told(tmp_path: Path) -> None:
    fill(tmp_path, [random_units(10)])
    with Writer(tmp_path) as writer:
        writer.remove([paper(8).id, paper(9).id])
        writer.commit()
    make_caches(tmp_path)
    with Writer(tmp_path) as writer:
        writer.remove([paper(7).id])
        writer.commit()
        writer.append([Entry.of(paper(20 + n), "abstract") for n in range(4)], random_units(60)[:4])
        writer.commit()
        refresh_derived.refresh_caches(tmp_path, writer.changes, least_rows=1)
    with viewed(tmp_path) as view:
        live = view.live_rows()
        wanted = ["TURING" in one.authors.upper() for one in view.papers(live)]
        assert admitted(view, Filter(author=("turing",)))[live].tolist() == wanted


def test_rows_that_codes_cannot_tell_apart_are_scanned_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After two scans of codes; else each would fetch only twice as many of thousands that score nearly the same."""
    middle = random_units(1, dim=64)[0]
    rows = middle + 0.3 * random_units(6000, dim=64, seed=5)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    fill(tmp_path, [rows])
    make_caches(tmp_path)
    turns: list[int] = []
    fetch = exact.fetch

    def counted(*arguments: Any) -> Any:
        turns.append(arguments[3])
        return fetch(*arguments)

    monkeypatch.setattr(exact, "fetch", counted)
    with viewed(tmp_path) as view:
        assert open_codes(view)
        [found] = exact.search(view, middle[None], 5, include_withdrawn=True)
        scores = rows.astype(np.float64) @ middle.astype(np.float64)
        assert found.rows.tolist() == np.argsort(-scores, kind="stable")[:5].tolist()
        np.testing.assert_allclose(found.scores, np.sort(scores)[::-1][:5], rtol=0, atol=1e-12)
    assert turns == [0, 1, 2]
