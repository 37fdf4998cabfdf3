"""`lunacy diff` against what the update then really does; and it touches nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lunacy import build_index
from lunacy.errors import NoIndex, PruneRefused, SnapshotError, UnknownCategory
from lunacy.pipeline import DiffReport, diff, prune
from tests.conftest import FakeEmbedder, lines, record
from tests.test_cli import run
from tests.test_pipeline import BAD, contents

BEFORE = [record(f"1802.{n:05}", categories="hep-th" if n % 5 == 0 else "cs.CL") for n in range(1, 41)]
NEW = [record(f"1803.{n:05}") for n in range(1, 4)]
CHANGED = [{**BEFORE[2], "abstract": "Another."}, {**BEFORE[6], "title": "Another"}]
AMENDED = [
    {**BEFORE[10], "doi": "10.1/x"},
    {**BEFORE[13], "comments": "5 pages"},
    {**BEFORE[11], "update_date": "2024-01-01"},
    {**BEFORE[12], "authors": "B"},
]
GONE = {"1802.00020", "1802.00021"}


def newer() -> list[dict[str, Any]]:
    """BEFORE with some new, changed and gone papers, in another order."""
    replaced = {one["id"]: one for one in [*CHANGED, *AMENDED]}
    left = [replaced.get(one["id"], one) for one in BEFORE if one["id"] not in GONE]
    mixed = [*left, *NEW]
    random.Random(1).shuffle(mixed)
    return mixed


@pytest.fixture
def folder(tmp_path: Path, write_snapshot: Callable[..., Path]) -> Path:
    """An index of BEFORE."""
    build_index(write_snapshot(BEFORE, "before"), into=tmp_path / "index", embedder=FakeEmbedder())
    return tmp_path / "index"


@pytest.fixture
def snapshot(write_snapshot: Callable[..., Path]) -> Path:
    return write_snapshot(newer())


def every_file(folder: Path) -> dict[Path, tuple[bytes, int]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def records_of(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Of each paper by its id: text hash and vector, then the hash of all columns; read without lunacy."""
    return {row[1]: (row[2], row[-1], row[3]) for row in contents(folder)}


def what_an_update_does(folder: Path, path: Path, **options: Any) -> dict[str, set[str]]:
    """Update with prune, and compare the index before with the index after."""
    before = records_of(folder)
    build_index(path, into=folder, embedder=FakeEmbedder(), prune=True, prune_limit=1.0, **options)
    after = records_of(folder)
    both = before.keys() & after.keys()
    changed = {one for one in both if before[one][:2] != after[one][:2]}
    return {
        "new": after.keys() - before.keys(),
        "changed": changed,
        "metadata only": {one for one in both - changed if before[one] != after[one]},
        "gone": before.keys() - after.keys(),
        "unchanged": {one for one in both if before[one] == after[one]},
    }


def assert_told(told: DiffReport, done: dict[str, set[str]]) -> None:
    assert sorted(told.new) == sorted(done["new"])
    assert sorted(told.changed) == sorted(done["changed"])
    assert sorted(told.metadata_only) == sorted(done["metadata only"])
    assert sorted(told.gone) == sorted(done["gone"])


def test_diff_tells_what_the_update_then_does(folder: Path, snapshot: Path) -> None:
    told = diff(folder, snapshot)
    done = what_an_update_does(folder, snapshot)
    assert_told(told, done)
    assert told.n_unchanged == len(done["unchanged"])
    assert (len(told.new), len(told.changed), len(told.metadata_only), set(told.gone)) == (3, 2, 4, GONE)
    assert (told.n_filtered, told.n_bad) == (0, 0)


def test_after_the_update_nothing_is_left_to_do(folder: Path, snapshot: Path) -> None:
    what_an_update_does(folder, snapshot)
    assert diff(folder, snapshot) == DiffReport([], [], [], [], [], 41, 0, 0)


def test_diff_touches_nothing(folder: Path, snapshot: Path) -> None:
    before = every_file(folder)
    diff(folder, snapshot)
    run("diff", snapshot, "--index", folder, "--ids")
    assert every_file(folder) == before


def test_diff_of_a_broken_snapshot_touches_nothing_either(folder: Path, write_snapshot: Callable[..., Path]) -> None:
    before = every_file(folder)
    with pytest.raises(SnapshotError, match="damaged or cut off"):
        diff(folder, write_snapshot(b"\x1f\x8b\x08" + bytes(30)))
    assert every_file(folder) == before


REPEATS: dict[str, list[dict[str, Any]]] = {
    "the same line twice": [BEFORE[0], BEFORE[0]],
    "changed, then as before": [{**BEFORE[0], "abstract": "X."}, BEFORE[0]],
    "as before, then changed": [BEFORE[0], {**BEFORE[0], "abstract": "X."}],
    "metadata, then changed": [{**BEFORE[0], "doi": "10.1/x"}, {**BEFORE[0], "abstract": "X."}],
    "changed, then metadata": [{**BEFORE[0], "abstract": "X."}, {**BEFORE[0], "doi": "10.1/x"}],
    "new twice": [NEW[0], NEW[0]],
    "new, then another": [NEW[0], {**NEW[0], "abstract": "X."}],
    "two forms of an id": [record("math/0601001"), record("math.AG/0601001")],
}


@pytest.mark.parametrize("case", REPEATS)
@pytest.mark.parametrize("batch_lines", [1, 512])
def test_of_lines_with_one_id_the_later_decides(
    folder: Path, write_snapshot: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, case: str, batch_lines: int
) -> None:
    monkeypatch.setattr("lunacy.snapshot.reading.BATCH_LINES", batch_lines)
    path = write_snapshot([*BEFORE[1:], *REPEATS[case], *BEFORE[:1] * (REPEATS[case][0]["id"] != BEFORE[0]["id"])])
    told = diff(folder, path)
    done = what_an_update_does(folder, path)
    assert_told(told, done)
    assert told.n_unchanged == len(done["unchanged"])


@pytest.mark.parametrize("category", [["cs.*"], ["hep-th"], ["math.AG"]])
def test_papers_that_the_filter_leaves_out_are_neither_new_nor_gone(
    folder: Path, snapshot: Path, category: list[str]
) -> None:
    told = diff(folder, snapshot, category=category)
    done = what_an_update_does(folder, snapshot, category=category)
    assert_told(told, done)
    wanted = {"cs.*": "cs.", "hep-th": "hep-th", "math.AG": "math.AG"}[category[0]]
    n_kept = sum(one["categories"].startswith(wanted) for one in newer())
    assert told.n_filtered == len(newer()) - n_kept
    assert len(told.new) + len(told.changed) + len(told.metadata_only) + told.n_unchanged == n_kept


def test_a_paper_that_leaves_the_category_is_filtered_and_not_gone(
    folder: Path, write_snapshot: Callable[..., Path]
) -> None:
    path = write_snapshot([{**BEFORE[0], "categories": "hep-th"}, *BEFORE[1:]])
    told = diff(folder, path, category=["cs.CL"])
    assert_told(told, what_an_update_does(folder, path, category=["cs.CL"]))
    assert (told.gone, told.n_filtered) == ([], 9)


def test_bad_lines_are_counted(folder: Path, write_snapshot: Callable[..., Path]) -> None:
    told = diff(folder, write_snapshot(lines(BEFORE) + BAD * 3))
    assert told == DiffReport([], [], [], [], [], 40, 0, 3)


def test_the_recipe_of_the_index_decides_what_a_new_title_is(
    tmp_path: Path, write_snapshot: Callable[..., Path]
) -> None:
    build_index(write_snapshot(BEFORE), into=tmp_path / "ix", embedder=FakeEmbedder(), text="abstract")
    path = write_snapshot([*BEFORE[1:], {**BEFORE[0], "title": "Another"}], "after")
    told = diff(tmp_path / "ix", path)
    assert (told.changed, told.metadata_only) == ([], ["1802.00001"])
    assert_told(told, what_an_update_does(tmp_path / "ix", path, text="abstract"))


def test_diff_after_removals_and_rewrites_is_still_true(folder: Path, snapshot: Path) -> None:
    run("remove", *(str(one["id"]) for one in BEFORE[10:25]), "--index", folder)
    told = diff(folder, snapshot)
    done = what_an_update_does(folder, snapshot)
    assert_told(told, done)
    assert told.n_unchanged == len(done["unchanged"])


def test_the_command_prints_a_count_a_line(folder: Path, write_snapshot: Callable[..., Path]) -> None:
    result = run("diff", write_snapshot(lines(newer()) + BAD), "--index", folder, "--category", "cs.*")
    assert result.exit_code == 0
    said = dict(line.rsplit(maxsplit=1) for line in result.stdout.splitlines()[:6])
    assert said == {"new": "3", "changed": "2", "metadata only": "4", "older": "0", "gone": "2", "unchanged": "25"}
    assert result.stdout.splitlines()[6].split() == ["filtered", "7", "lines"]
    assert result.stderr.split() == ["bad", "1", "lines"]


def test_ids_lists_each_paper_with_what_would_happen(folder: Path, snapshot: Path) -> None:
    result = run("diff", snapshot, "--index", folder, "--ids")
    done = what_an_update_does(folder, snapshot)
    wanted = {(kind, one) for kind, ids in done.items() if kind != "unchanged" for one in ids}
    printed = [tuple(line.split("\t")) for line in result.stdout.splitlines()]
    assert (result.exit_code, result.stderr, set(printed), len(printed)) == (0, "", wanted, len(wanted))


def test_diff_reads_a_pipe(folder: Path) -> None:
    result = run("diff", "-", "--index", folder, stdin=lines(newer()))
    assert result.stdout.split()[:2] == ["new", "3"]


def test_diff_without_an_index_says_how_to_make_one(tmp_path: Path, snapshot: Path) -> None:
    with pytest.raises(NoIndex, match="lunacy index SNAPSHOT --into"):
        diff(tmp_path / "none", snapshot)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("arguments", "error"), [({"category": ["cs.XXX"]}, UnknownCategory)])
def test_a_wrong_question_is_refused(folder: Path, snapshot: Path, arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        diff(folder, snapshot, **arguments)


def test_an_empty_snapshot_is_refused_and_not_told_as_all_gone(
    folder: Path, write_snapshot: Callable[..., Path]
) -> None:
    with pytest.raises(SnapshotError, match="holds no line"):
        diff(folder, write_snapshot(b""))


def test_prune_removes_what_the_update_would_and_adds_nothing(folder: Path, snapshot: Path) -> None:
    before = records_of(folder)
    done = prune(folder, snapshot, limit=0.5)
    assert (set(done.ids), done.folder) == (GONE, folder)
    assert records_of(folder) == {one: known for one, known in before.items() if one not in GONE}
    assert prune(folder, snapshot, limit=0).ids == []


def test_prune_refuses_to_remove_many(folder: Path, write_snapshot: Callable[..., Path]) -> None:
    before = records_of(folder)
    with pytest.raises(PruneRefused, match=r"lacks 2 of 40 papers, more than 4%; nothing was pruned"):
        prune(folder, write_snapshot(newer()), limit=0.04)
    with pytest.raises(PruneRefused, match="2 papers seem gone, but 1 lines could not be read"):
        prune(folder, write_snapshot(lines(newer()) + BAD), limit=1)
    with pytest.raises(SnapshotError, match="holds no line"):
        prune(folder, write_snapshot(b""), limit=1)
    assert records_of(folder) == before
