"""Building and updating: every line is counted once, the index ends up as the snapshot says, and a rerun goes on."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from lunacy import BuildReport, build_index
from lunacy.embedding import Embedded, Prepared
from lunacy.errors import (
    FingerprintMismatch,
    LunacyError,
    SnapshotError,
    UnknownCategory,
    UsageError,
    VectorsError,
)
from lunacy.pipeline import stages
from lunacy.progress import Progress
from lunacy.store import verify
from tests.conftest import DIM, FakeEmbedder, lines, record, vector_of
from tests.test_store import database, fill

Build = Callable[..., BuildReport]
BAD = b'{"id": "1802.00099"\n'
IDS = [f"1802.{number:05}" for number in range(1, 8)]


def papers(n: int = 7) -> list[dict[str, Any]]:
    return [record(f"1802.{number:05}") for number in range(1, n + 1)]


def text_of(one: dict[str, Any]) -> str:
    return " ".join(f"{one['title']} {one['abstract']}".split())


def contents(folder: Path) -> list[tuple[Any, ...]]:
    """Each paper, with its vector's bytes, in row order: read without lunacy.

    All columns but `added`, which says when a paper came, and not what it is.
    """
    with database(folder) as connection:
        columns = [name for _n, name, *_ in connection.execute("PRAGMA table_info(papers)") if name != "added"]
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM papers ORDER BY row").fetchall()
        segments = connection.execute("SELECT number, first_row, n_rows FROM segments").fetchall()
    vectors = {}
    for number, first, n in segments:
        block = np.fromfile(folder / f"segment-{number:08}.faiss", np.float32, offset=45).reshape(n, -1)
        vectors.update({first + place: block[place] for place in range(n)})
    return [(*row, vectors[row[0]].tobytes()) for row in rows]


def added(folder: Path) -> dict[str, int]:
    """The generation in which each paper came, by its id: read without lunacy."""
    with database(folder) as connection:
        return dict(connection.execute("SELECT id, added FROM papers"))


def vectors_by_id(folder: Path) -> dict[str, np.ndarray]:
    return {row[1]: np.frombuffer(row[-1], np.float32) for row in contents(folder)}


def assert_holds(folder: Path, records: Sequence[dict[str, Any]]) -> None:
    """Exactly these papers, each with its title, and the vector of its text."""
    assert {row[1]: row[4] for row in contents(folder)} == {one["id"]: one["title"] for one in records}
    found = vectors_by_id(folder)
    for one in records:
        np.testing.assert_array_equal(found[one["id"]], vector_of(text_of(one)))
    assert verify(folder) == []


def assert_counts(report: BuildReport, **wanted: int) -> None:
    """All counts that are not named are 0, and they add up."""
    counts = report.counts
    assert {name: n for name, n in asdict(counts).items() if n} == wanted
    assert counts.read == sum(
        (counts.added, counts.updated, counts.unchanged, counts.older, counts.filtered, counts.quarantined)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def build(write_snapshot: Callable[..., Path], folder: Path) -> Build:
    """Build the index in `folder` from records, or bytes."""

    def run(snapshot: Any, name: str = "snapshot.jsonl", **options: Any) -> BuildReport:
        return build_index(write_snapshot(snapshot, name), **{"into": folder, "embedder": FakeEmbedder(), **options})

    return run


def test_a_first_run_adds_every_paper(build: Build, folder: Path, embedder: FakeEmbedder) -> None:
    report = build(papers(), into=folder / "below", embedder=embedder)
    assert_counts(report, read=7, added=7)
    assert (report.folder, report.quarantine) == (folder / "below", None)
    assert embedder.texts == [text_of(one) for one in papers()]
    assert_holds(folder / "below", papers())


def test_the_same_run_again_embeds_nothing(build: Build, folder: Path, embedder: FakeEmbedder) -> None:
    build(papers())
    before = contents(folder)
    assert_counts(build(papers(), embedder=embedder), read=7, unchanged=7)
    assert embedder.texts == []
    assert contents(folder) == before


def test_a_changed_abstract_gets_a_new_vector(build: Build, folder: Path, embedder: FakeEmbedder) -> None:
    build(papers())
    changed = [*papers(2), record(IDS[2], abstract="Quite another."), *papers()[3:], record("1802.00008")]
    report = build(changed, embedder=embedder)
    assert_counts(report, read=8, updated=1, unchanged=6, added=1)
    assert embedder.texts == [text_of(changed[2]), text_of(changed[7])]
    assert_holds(folder, changed)


def test_new_metadata_is_stored_without_embedding(build: Build, folder: Path, embedder: FakeEmbedder) -> None:
    build(papers())
    changed = [*papers(6), record(IDS[6], categories="math.AG", update_date="2020-02-02", doi="10.1/x")]
    report = build(changed, embedder=embedder)
    assert_counts(report, read=7, updated=1, metadata_only=1, unchanged=6)
    assert embedder.texts == []
    assert_holds(folder, changed)
    assert contents(folder)[6][6:10] == ("math.AG", "2007-04-02", "2020-02-02", "10.1/x")


A, B = record("1802.05130", abstract="One."), record("1802.05130", abstract="Two.")
A_ELSEWHERE = record("1802.05130", abstract="One.", categories="math.AG")


@pytest.mark.parametrize("window", [1, 2, 512])
@pytest.mark.parametrize("commit_s", [0.0, 60.0])
@pytest.mark.parametrize(
    "case",  # the papers of the index, the lines of the snapshot, the counts
    [
        ([], [A, B], {"added": 1, "updated": 1}),
        ([], [A, B, A], {"added": 1, "updated": 2}),
        ([], [A, A, A], {"added": 1, "unchanged": 2}),
        ([A], [A, B, A], {"unchanged": 1, "updated": 2}),
        ([A], [B, A, B], {"updated": 3}),
        ([A], [A_ELSEWHERE, B, A_ELSEWHERE], {"updated": 3, "metadata_only": 1}),
    ],
)
def test_of_lines_with_one_id_the_last_wins(
    build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch, window: int, commit_s: float, case: Any
) -> None:
    before, repeats, wanted = case
    monkeypatch.setattr(FakeEmbedder, "window", window)
    monkeypatch.setattr("lunacy.pipeline.stages.COMMIT_S", commit_s)
    if before:
        build(before)
    report = build(repeats)
    assert_counts(report, read=len(repeats), repeated=len(repeats) - 1, **wanted)
    assert_holds(folder, repeats[-1:])
    assert contents(folder)[0][6] == repeats[-1]["categories"]


def test_one_paper_under_two_forms_of_its_id_is_one(build: Build, folder: Path) -> None:
    forms = [record("math.AG/0601001"), record("math/0601001", abstract="Newer.")]
    report = build(forms)
    assert_counts(report, read=2, added=1, updated=1, repeated=1)
    assert_holds(folder, forms[1:])


def test_the_filter_keeps_papers_with_any_wanted_category(build: Build, folder: Path) -> None:
    mixed = [record(IDS[0], categories="math.AG cs.CL"), record(IDS[1], categories="hep-th"), record(IDS[2])]
    report = build(lines(mixed) + BAD, category=["cs.*"])
    assert_counts(report, read=4, added=2, filtered=1, quarantined=1)
    assert_holds(folder, [mixed[0], mixed[2]])


def test_the_limit_counts_papers_that_pass_the_filter(build: Build, folder: Path) -> None:
    mixed = [record(IDS[0], categories="math.AG"), *papers()[1:]]
    build(mixed, category=["cs.CL"], limit=3)
    assert_holds(folder, mixed[1:4])


def test_strict_refuses_a_bad_line_before_anything_is_embedded(
    build: Build, folder: Path, embedder: FakeEmbedder
) -> None:
    snapshot = b"\n" + lines(papers(2)) + BAD + lines(papers()[2:])
    offset = 1 + len(lines(papers(2)))
    with pytest.raises(SnapshotError, match=rf"snapshot\.jsonl, line 4, byte {offset}: not JSON"):
        build(snapshot, strict=True)
    assert embedder.texts == []
    assert not folder.exists()
    assert_counts(build(snapshot), read=8, added=7, quarantined=1)


def test_bad_lines_are_written_down_and_the_rest_goes_on(build: Build, folder: Path) -> None:
    head = lines(papers(2))
    report = build(head + BAD + b"[]\n" + lines(papers()[2:]))
    assert_counts(report, read=9, added=7, quarantined=2)
    assert_holds(folder, papers())
    assert report.quarantine == folder / "quarantine.jsonl"
    name = str(folder.parent / "snapshot.jsonl")
    first, second = map(orjson.loads, report.quarantine.read_bytes().splitlines())
    assert first.pop("reason").startswith("not JSON")
    assert first == {"snapshot": name, "line": 3, "offset": len(head), "begins": '{"id": "1802.00099"'}
    assert second["line"] == 4
    assert (second["offset"], second["reason"]) == (len(head + BAD), "not a JSON object but a list")


def test_a_run_without_bad_lines_takes_the_old_quarantine_away(build: Build, folder: Path) -> None:
    build(BAD + lines(papers(1)))
    assert (folder / "quarantine.jsonl").exists()
    build(papers(1))
    assert not (folder / "quarantine.jsonl").exists()


def test_a_snapshot_without_one_paper_is_an_error(build: Build, folder: Path) -> None:
    with pytest.raises(SnapshotError, match=r"snapshot\.jsonl: not one line is a paper; line 1, byte 0: not JSON: "):
        build(BAD * 3)
    assert not folder.exists()


@pytest.mark.parametrize("n_before", [0, 999, 1000, 1100, 5000])
@pytest.mark.parametrize("window", [7, 512])
def test_where_nothing_is_a_paper_reading_stops_early(
    write_snapshot: Callable[..., Path], tmp_path: Path, n_before: int, window: int
) -> None:
    path = write_snapshot(b'{"title": "no id"}\n' * n_before + lines(papers(2)))
    embedder = FakeEmbedder()
    embedder.window = window
    n_doubted = -(-1000 // window) * window
    if n_before < n_doubted:
        report = build_index(path, into=tmp_path / "ix", embedder=embedder)
        assert (report.counts.quarantined, report.counts.added) == (n_before, 2)
        return
    told = rf"not one of the first {n_doubted:,} lines is a paper; line 1, byte 0: id is missing"
    with pytest.raises(SnapshotError, match=told):
        build_index(path, into=tmp_path / "ix", embedder=embedder)
    assert not (tmp_path / "ix").exists()


def test_of_several_snapshots_the_one_without_papers_is_named(
    write_snapshot: Callable[..., Path], tmp_path: Path
) -> None:
    good, other = write_snapshot(papers(2), "good"), write_snapshot(BAD, "other")
    with pytest.raises(SnapshotError, match="/other: not one line is a paper"):
        build_index([good, other], into=tmp_path / "ix", embedder=FakeEmbedder())
    assert len(contents(tmp_path / "ix")) == 2


@pytest.mark.parametrize("content", [b"", b"\n\r\n  \n", b"\xef\xbb\xbf"])
def test_an_empty_snapshot_is_refused(build: Build, folder: Path, content: bytes) -> None:
    with pytest.raises(SnapshotError, match="holds no line; is it the right file"):
        build(content)
    assert not folder.exists()


def test_papers_before_the_cut_of_a_file_are_kept_and_a_rerun_completes(build: Build, folder: Path) -> None:
    many = papers(400)
    packed = gzip.compress(lines(many), mtime=0)
    cut = packed[: len(packed) // 2]
    n_whole = zlib.decompressobj(wbits=31).decompress(cut).count(b"\n")
    assert 0 < n_whole < 400
    with pytest.raises(SnapshotError, match=r"cut\.gz: damaged or cut off after byte"):
        build(cut, "cut.gz")
    assert_holds(folder, many[:n_whole])
    report = build(packed, "whole.gz")
    assert_counts(report, read=400, unchanged=n_whole, added=400 - n_whole)
    assert_holds(folder, many)


def test_several_snapshots_are_one_run(
    write_snapshot: Callable[..., Path], folder: Path, embedder: FakeEmbedder
) -> None:
    twice = record(IDS[1], abstract="Newer.")
    first = write_snapshot(lines(papers(3)) + BAD, "a.jsonl")
    second = write_snapshot(gzip.compress(lines([twice, *papers()[3:]]) + b"\n[]\n"), "b.gz")
    seen: list[Progress] = []
    report = build_index([first, second], into=folder, embedder=embedder, progress=seen.append)
    assert_counts(report, read=10, added=7, updated=1, quarantined=2, repeated=1)
    assert_holds(folder, [*papers(1), twice, *papers()[2:]])
    bad = [orjson.loads(line) for line in (folder / "quarantine.jsonl").read_bytes().splitlines()]
    assert [(one["snapshot"], one["line"]) for one in bad] == [(str(first), 4), (str(second), 7)]
    sizes = [path.stat().st_size for path in (first, second)]
    shares = [0, sizes[0] / sum(sizes), 1]
    assert seen == [
        Progress("embedding", n, unit="papers", share=share) for n, share in zip((0, 3, 8), shares, strict=True)
    ]


def test_the_limit_and_the_prune_are_of_all_snapshots(write_snapshot: Callable[..., Path], folder: Path) -> None:
    first, second = write_snapshot(papers(3), "a"), write_snapshot(papers()[3:], "b")
    assert_counts(build_index([first, second], into=folder, embedder=FakeEmbedder(), limit=5), read=5, added=5)
    gone = record("1802.00099")
    build_index(write_snapshot([gone], "c"), into=folder, embedder=FakeEmbedder())
    options: dict[str, Any] = {"into": folder, "embedder": FakeEmbedder(), "prune": True, "prune_limit": 0.2}
    assert_counts(build_index([first, second], **options), read=7, unchanged=5, added=2, pruned=1)
    assert_holds(folder, papers())


def test_a_snapshot_that_breaks_off_ends_the_run_before_the_next(
    write_snapshot: Callable[..., Path], folder: Path
) -> None:
    broken, after = write_snapshot(gzip.compress(lines(papers(3)))[:-9], "a.gz"), write_snapshot(papers()[3:], "b")
    with pytest.raises(SnapshotError, match=r"a\.gz: damaged or cut off"):
        build_index([broken, after], into=folder, embedder=FakeEmbedder())
    assert_holds(folder, papers(3))


def test_no_snapshot_at_all_is_not_the_sample(folder: Path) -> None:
    with pytest.raises(UsageError, match="no snapshot is given"):
        build_index([], into=folder, embedder=FakeEmbedder())


class BreakingEmbedder(FakeEmbedder):
    """Breaks when it is called for the third time."""

    n_calls = 0

    def run(self, prepared: Prepared) -> Embedded:
        self.n_calls += 1
        if self.n_calls == 3:
            raise RuntimeError("CUDA out of memory")
        return super().run(prepared)


@pytest.mark.parametrize(("commit_s", "n_kept"), [(0.0, 4), (60.0, 0)])
def test_after_a_broken_run_a_rerun_ends_as_if_nothing_had_happened(
    build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch, commit_s: float, n_kept: int
) -> None:
    monkeypatch.setattr(FakeEmbedder, "window", 2)
    monkeypatch.setattr("lunacy.pipeline.stages.COMMIT_S", commit_s)
    with pytest.raises(RuntimeError, match="out of memory"):
        build(papers(), embedder=BreakingEmbedder())
    if n_kept:
        assert_holds(folder, papers(n_kept))
    assert build(papers()).counts.unchanged == n_kept
    build(papers(), into=folder.parent / "undisturbed")
    assert contents(folder) == contents(folder.parent / "undisturbed")
    assert_holds(folder, papers())


def test_the_text_recipe_decides_what_is_embedded(build: Build, folder: Path) -> None:
    digests = set()
    for recipe, begin in (("abstract", "We study"), ("title+abstract", "On paper 1802.00001 We study")):
        embedder = FakeEmbedder()
        build(papers(2), into=folder / recipe, text=recipe, embedder=embedder)
        digests |= {row[2] for row in contents(folder / recipe)}
        assert embedder.texts[0].startswith(begin)
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"text": "abstract"}, "text: title+abstract in the index, abstract now"),
        ({"embedder": FakeEmbedder(weights="1" * 64)}, f"weights: {'0' * 64} in the index, {'1' * 64} now"),
    ],
)
def test_another_recipe_or_model_is_refused_and_changes_nothing(
    build: Build, folder: Path, changed: dict[str, Any], said: str
) -> None:
    build(papers(2))
    before = contents(folder)
    with pytest.raises(FingerprintMismatch) as caught:
        build(papers(), **changed)
    assert said in str(caught.value)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"text": "title"}, UsageError),
        ({"category": ["cs.XXX"]}, UnknownCategory),
        ({"vectors": "v.npy"}, UsageError),  # without --model
    ],
)
def test_a_wrong_question_writes_nothing(
    build: Build, folder: Path, options: dict[str, Any], error: type[LunacyError]
) -> None:
    with pytest.raises(error):
        build(papers(), **options)
    assert not folder.exists()


def test_progress_is_of_what_is_stored_not_of_what_is_read(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "_FIRST_TEXTS", 1)
    monkeypatch.setattr(stages, "_GROWTH", 1)

    class Slow(FakeEmbedder):
        """Some parts wait for it, which are read in no time."""

        def run(self, prepared: Prepared) -> Embedded:
            time.sleep(0.02)
            return super().run(prepared)

    embedder = Slow()
    seen: list[tuple[Progress, int]] = []
    build(papers(), embedder=embedder, progress=lambda at: seen.append((at, len(embedder.texts))))
    assert [at for at, _n in seen] == [Progress("embedding", n, unit="papers", share=n / 7) for n in range(8)]
    assert all(n_embedded >= at.done for at, n_embedded in seen)
    seen.clear()
    build([*papers(), {**papers()[0], "id": "2402.00001"}], progress=lambda at: seen.append((at, 0)))
    assert [at.done for at, _n in seen] == [0, 1]


def test_progress_of_what_is_known_counts_lines(build: Build) -> None:
    build(papers())
    seen: list[Progress] = []
    build(papers(), progress=seen.append)
    assert seen == [Progress("reading the snapshot", 7, unit="lines", share=1)]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_vectors_belong_to_the_lines_that_are_not_blank(
    build: Build, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: Any
) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("lunacy.pipeline.build_inputs.load_when_needed", refuse)
    array = (np.random.default_rng(0).standard_normal((6, DIM)) * 7).astype(dtype)
    np.save(tmp_path / "v.npy", array)
    filtered, twice = record("1802.00050", categories="hep-th"), record(IDS[0], abstract="Newer.")
    snapshot = b"\n\n" + lines([*papers(2), filtered]) + BAD + b"\r\n" + lines([twice, record(IDS[6])])
    report = build(snapshot, vectors=tmp_path / "v.npy", model="fake/model", embedder=None, category=["cs.*"])
    assert_counts(report, read=6, added=3, updated=1, filtered=1, quarantined=1, repeated=1)
    found = vectors_by_id(folder)
    assert set(found) == {IDS[0], IDS[1], IDS[6]}
    for identifier, place in ((IDS[0], 4), (IDS[1], 1), (IDS[6], 5)):
        exact = array[place].astype(np.float64)
        np.testing.assert_allclose(found[identifier], exact / np.linalg.norm(exact), atol=1e-6)


def put(row: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: np.where(np.arange(len(array))[:, None] == row, np.float32(value), array)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda array: array[:6], r"has 6 rows, but .*snapshot\.jsonl has 7 lines"),
        (lambda array: np.concatenate([array, array]), "has 14 rows, but"),
        (put(3, np.nan), "row 3 holds NaN"),
        (put(6, np.inf), "row 6 holds NaN, Inf"),
        (put(0, 0), "row 0 is all zeros"),
        (lambda array: array.astype(np.float64), "float64"),
        (lambda array: array[0], r"\(16,\)"),
    ],
)
def test_vectors_that_do_not_fit_are_refused_before_anything_is_written(
    build: Build, folder: Path, tmp_path: Path, spoil: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    np.save(tmp_path / "v.npy", spoil(np.ones((7, DIM), np.float32)))
    with pytest.raises(VectorsError, match=said):
        build(papers(), vectors=tmp_path / "v.npy", model="m", embedder=None)
    assert not folder.exists()


def test_vectors_belong_to_one_snapshot(write_snapshot: Callable[..., Path], folder: Path, tmp_path: Path) -> None:
    two = [write_snapshot(papers(1), name) for name in "ab"]
    with pytest.raises(UsageError, match="belong to the lines of one snapshot"):
        build_index(two, into=folder, vectors=tmp_path / "v.npy", model="m")
    assert not folder.exists()


def test_vectors_of_another_dimension_do_not_join_an_index(build: Build, folder: Path, tmp_path: Path) -> None:
    fill(folder, IDS)  # of dimension 8
    np.save(tmp_path / "v.npy", np.ones((7, DIM), np.float32))
    with pytest.raises(FingerprintMismatch, match="dim: 8 in the index, 16 now"):
        build(papers(), vectors=tmp_path / "v.npy", model="fake/model", embedder=None)
