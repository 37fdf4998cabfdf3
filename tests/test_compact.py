"""Compaction: dead rows and their files go, by hand or by themselves, and every answer stays what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lunacy import open_index
from lunacy.store import Store, Writer, verify
from lunacy.store import files as store_files
from tests.test_cli import run
from tests.test_store import DIM, assert_index, fill, names, segment_files, vectors, writing

HEADER_BYTES = 45
ROW_BYTES = 4 * DIM


def remove(folder: Path, ids: list[str]) -> None:
    with writing(folder) as writer:
        writer.remove(ids)
        writer.commit()


def segment_bytes(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in segment_files(folder))


def answers(folder: Path, ids: list[str]) -> list[list[tuple[str, float]]]:
    with open_index(folder) as ix:
        return [[(hit.id, hit.score) for hit in hits] for hits in ix.similar_many(ids, top=12)]


def expected(ids: list[str]) -> list[list[str]]:
    """By brute force: the twelve most like each."""
    array = vectors(ids).astype(np.float64)
    found = []
    for place in range(len(ids)):
        order = np.argsort(-(array @ array[place]), kind="stable")
        found.append([ids[one] for one in order if one != place][:12])
    return found


def n_dead(folder: Path) -> int:
    with Store(folder) as store, store.view() as view:
        return view.summary().n_dead


def test_below_a_quarter_dead_nothing_is_rewritten_by_itself(tmp_path: Path) -> None:
    fill(tmp_path, names(100))
    before = segment_files(tmp_path)
    remove(tmp_path, names(24))
    assert (segment_files(tmp_path), n_dead(tmp_path)) == (before, 24)
    assert_index(tmp_path, names(76, first=24))


def test_at_a_quarter_dead_a_segment_is_rewritten_by_itself(tmp_path: Path) -> None:
    fill(tmp_path, names(100))
    before = segment_files(tmp_path)
    remove(tmp_path, names(25, first=50))
    assert not segment_files(tmp_path) & before
    assert n_dead(tmp_path) == 0
    assert segment_bytes(tmp_path) == HEADER_BYTES + 75 * ROW_BYTES
    assert_index(tmp_path, [*names(50), *names(25, first=75)])


def test_by_hand_a_single_dead_row_is_freed(tmp_path: Path) -> None:
    fill(tmp_path, names(100))
    before = segment_files(tmp_path)
    remove(tmp_path, names(1, first=40))
    result = run("compact", "--index", tmp_path)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{tmp_path}: freed the space of 1 paper\n", "")
    assert not segment_files(tmp_path) & before
    assert segment_bytes(tmp_path) == HEADER_BYTES + 99 * ROW_BYTES
    assert_index(tmp_path, [*names(40), *names(59, first=41)])


@pytest.mark.parametrize("commits", [[100], [64, 20, 5], [80, 30, 10, 3, 1]])
def test_answers_are_the_same_before_and_after(tmp_path: Path, commits: list[int]) -> None:
    starts = np.cumsum([0, *commits]).tolist()
    fill(tmp_path, *(names(n, first=first) for n, first in zip(commits, starts, strict=False)))
    gone = names(starts[-1])[::9]
    remove(tmp_path, gone)
    left = [one for one in names(starts[-1]) if one not in gone]
    before = answers(tmp_path, left)
    assert [[one for one, _score in hits] for hits in before] == expected(left)
    with Writer(tmp_path) as writer:
        assert writer.compact() == len(gone)
    assert answers(tmp_path, left) == before
    assert segment_bytes(tmp_path) == HEADER_BYTES * len(segment_files(tmp_path)) + len(left) * ROW_BYTES
    assert_index(tmp_path, left)


def test_only_segments_with_dead_rows_are_rewritten(tmp_path: Path) -> None:
    fill(tmp_path, names(100), names(30, first=100), names(7, first=130))
    big, *rest = sorted(segment_files(tmp_path))
    remove(tmp_path, names(2, first=110))
    with Writer(tmp_path) as writer:
        writer.compact()
    assert big in segment_files(tmp_path)
    assert not set(rest[:1]) & segment_files(tmp_path)
    assert_index(tmp_path, [*names(110), *names(25, first=112)])


def test_a_healthy_index_is_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, names(20))
    before = {path.name: path.read_bytes() for path in tmp_path.glob("[ps]*")}
    assert run("compact", "--index", tmp_path).stdout == f"{tmp_path}: freed the space of 0 papers\n"
    assert {path.name: path.read_bytes() for path in tmp_path.glob("[ps]*")} == before


def test_a_segment_without_a_living_row_goes_altogether(tmp_path: Path) -> None:
    fill(tmp_path, names(100), names(20, first=100))
    remove(tmp_path, names(20, first=100))
    assert len(segment_files(tmp_path)) == 1
    assert segment_bytes(tmp_path) == HEADER_BYTES + 100 * ROW_BYTES
    assert_index(tmp_path, names(100))


def test_an_index_takes_papers_after_a_compaction(tmp_path: Path) -> None:
    fill(tmp_path, names(50), names(10, first=50))
    remove(tmp_path, names(30, first=5))
    with writing(tmp_path) as writer:
        writer.compact()
    fill(tmp_path, names(30, first=5), ["new"])
    assert_index(tmp_path, [*names(60), "new"])


def test_a_reader_that_is_open_answers_on_through_a_compaction(tmp_path: Path) -> None:
    fill(tmp_path, names(60))
    with open_index(tmp_path) as ix:
        before = [hit.id for hit in ix.similar(names(60)[50], top=59)]
        remove(tmp_path, names(5))
        with Writer(tmp_path) as writer:
            writer.compact()
        after = [hit.id for hit in ix.similar(names(60)[50], top=59)]
    assert after == [one for one in before if one not in names(5)]


def test_without_space_for_the_copy_the_dead_rows_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, names(100))
    remove(tmp_path, names(10))
    before = segment_files(tmp_path)

    def usage(_folder: Any) -> Any:
        return type("Usage", (), {"free": 2**24 + 100})()

    monkeypatch.setattr(store_files.shutil, "disk_usage", usage)
    result = run("compact", "--index", tmp_path)
    assert (segment_files(tmp_path), n_dead(tmp_path)) == (before, 10)
    assert result.exit_code == 1
    assert "the disk is full" in result.stderr
    assert verify(tmp_path) == []
