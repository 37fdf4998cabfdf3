"""Segments: plain FAISS files, written as a stream, checked before FAISS reads one, merged as they grow many."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from lunacy.errors import IndexDamaged
from lunacy.store import Store, verify
from lunacy.store.compact import trailing_run
from lunacy.store.segments import OpenSegment, Segment, SegmentWriter
from tests.test_store import all_ids, assert_holds, assert_index, entry, fill, names, segment_files, vectors, writing

DIM = 8
MARK = b"ourindex"
NONE_DEAD = np.empty(0, np.int64)


def unit_rows(n: int, dim: int = DIM) -> np.ndarray:
    rows = np.random.default_rng(n).standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def write(folder: Path, *parts: np.ndarray, number: int = 1, first_row: int = 0) -> Segment:
    writer = SegmentWriter(folder, number, parts[0].shape[1] if parts else DIM, MARK)
    for part in parts:
        writer.append(part)
    return writer.finish(first_row)


def reopen(folder: Path, segment: Segment, dim: int = DIM) -> OpenSegment:
    return OpenSegment(folder, segment, dim, NONE_DEAD)


@pytest.mark.parametrize("sizes", [[], [0], [1], [5], [3, 1, 0, 4], [1000, 24]])
def test_plain_faiss_reads_the_rows_that_were_appended(tmp_path: Path, sizes: list[int]) -> None:
    rows = unit_rows(sum(sizes))
    segment = write(tmp_path, *np.split(rows, np.cumsum(sizes)[:-1]) if sizes else [])
    index = faiss.read_index(str(tmp_path / segment.name))
    assert (type(index), index.d, index.ntotal) == (faiss.IndexFlatIP, DIM, len(rows))
    assert index.metric_type == faiss.METRIC_INNER_PRODUCT
    if len(rows):
        np.testing.assert_array_equal(index.reconstruct_n(0, len(rows)), rows)


@pytest.mark.parametrize(("n_rows", "dim"), [(0, 8), (1, 1), (1, 384), (777, 13)])
def test_the_file_is_what_faiss_writes_but_for_two_fields_that_it_never_reads(
    tmp_path: Path, n_rows: int, dim: int
) -> None:
    rows = unit_rows(n_rows, dim)
    segment = write(tmp_path, rows[: n_rows // 2], rows[n_rows // 2 :], number=7)
    index = faiss.IndexFlatIP(dim)
    index.add(rows)
    faiss.write_index(index, str(tmp_path / "theirs"))
    ours, theirs = (tmp_path / segment.name).read_bytes(), (tmp_path / "theirs").read_bytes()
    assert ours[:16] + ours[32:] == theirs[:16] + theirs[32:]
    assert ours[16:32] == b"luna" + struct.pack("<I", 7) + MARK
    assert theirs[16:32] == struct.pack("<2q", 2**20, 2**20)


@pytest.mark.parametrize("flags", [0, faiss.IO_FLAG_MMAP, faiss.IO_FLAG_MMAP_IFC])
@pytest.mark.parametrize("fields", [bytes(16), b"\xff" * 16])
def test_faiss_reads_a_segment_whatever_the_two_fields_hold(tmp_path: Path, flags: int, fields: bytes) -> None:
    segment = write(tmp_path, unit_rows(5))
    with (tmp_path / segment.name).open("rb+") as file:
        file.seek(16)
        file.write(fields)
    index = faiss.read_index(str(tmp_path / segment.name), flags)
    np.testing.assert_array_equal(index.reconstruct_n(0, 5), unit_rows(5))


def test_what_the_database_is_told_is_true_of_the_file(tmp_path: Path) -> None:
    segment = write(tmp_path, unit_rows(5), number=42, first_row=100)
    content = (tmp_path / "segment-00000042.faiss").read_bytes()
    assert segment == Segment(42, 100, 5, len(content), hashlib.sha256(content).hexdigest())
    assert (segment.name, segment.end_row) == ("segment-00000042.faiss", 105)


@pytest.mark.parametrize("rows", [unit_rows(10)[::2], np.asfortranarray(unit_rows(6)), unit_rows(9)[::-1]])
def test_rows_in_any_memory_layout_are_written_as_they_read(tmp_path: Path, rows: np.ndarray) -> None:
    opened = reopen(tmp_path, write(tmp_path, rows))
    np.testing.assert_array_equal(opened.vectors(np.arange(len(rows))), rows)


def test_vectors_come_in_the_order_of_the_positions(tmp_path: Path) -> None:
    rows = unit_rows(10)
    opened = reopen(tmp_path, write(tmp_path, rows))
    for positions in ([], [0], [9, 0, 3], [4, 4, 4]):
        found = opened.vectors(np.array(positions, np.int64))
        assert (found.shape, found.dtype) == ((len(positions), DIM), np.float32)
        np.testing.assert_array_equal(found, rows[positions])


@pytest.mark.parametrize(("n_rows", "starts"), [(0, []), (1, [0]), (3, [0]), (4, [0, 3]), (9, [0, 3, 6])])
def test_blocks_are_all_rows_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_rows: int, starts: list[int]
) -> None:
    monkeypatch.setattr("lunacy.store.segments._BLOCK_BYTES", 3 * DIM * 4)
    rows = unit_rows(n_rows)
    blocks = list(reopen(tmp_path, write(tmp_path, rows)).blocks())
    assert [start for start, _block in blocks] == starts
    np.testing.assert_array_equal(np.concatenate([rows[:0], *(block for _start, block in blocks)]), rows)


def test_a_changed_block_does_not_change_the_file(tmp_path: Path) -> None:
    segment = write(tmp_path, unit_rows(4))
    opened = reopen(tmp_path, segment)
    for _start, block in opened.blocks():
        block[:] = 0
    np.testing.assert_array_equal(opened.vectors(np.arange(4)), unit_rows(4))
    assert hashlib.sha256((tmp_path / segment.name).read_bytes()).hexdigest() == segment.sha256


def test_live_rows_are_those_that_are_not_dead(tmp_path: Path) -> None:
    segment = write(tmp_path, unit_rows(5))
    assert OpenSegment(tmp_path, segment, DIM, np.array([1, 4])).n_live == 3


def test_a_mapped_segment_outlives_its_file(tmp_path: Path) -> None:
    segment = write(tmp_path, unit_rows(5))
    opened = reopen(tmp_path, segment)
    (tmp_path / segment.name).unlink()
    np.testing.assert_array_equal(opened.vectors(np.arange(5)), unit_rows(5))


def forbid_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise AssertionError("a damaged file reached FAISS")

    monkeypatch.setattr(faiss, "read_index", refuse)


# The header, field by field: (offset, struct format, a value that a healthy file does not have)
FORGED = {
    "other index type": (0, "4s", b"IxF2"),
    "unknown index type": (0, "4s", b"Evil"),
    "other dimension": (4, "<i", DIM * 2),
    "dimension that wraps round": (4, "<i", -1),
    "too many rows": (8, "<q", 2**40),
    "too few rows": (8, "<q", 4),
    "not lunacy's": (16, "<q", 2**20),
    "another number": (20, "<I", 2),
    "not trained": (32, "<B", 0),
    "other metric": (33, "<i", 1),
    "too many floats": (37, "<Q", 2**61),
}


@pytest.mark.parametrize("field", FORGED)
def test_a_forged_header_never_reaches_faiss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    segment = write(tmp_path, unit_rows(5))
    offset, form, value = FORGED[field]
    with (tmp_path / segment.name).open("rb+") as file:
        file.seek(offset)
        file.write(struct.pack(form, value))
    forbid_faiss(monkeypatch)
    with pytest.raises(IndexDamaged, match=rf"{segment.name}.*header.*\n.*lunacy verify"):
        reopen(tmp_path, segment)


@pytest.mark.parametrize("size", [0, 10, 45, 45 + 4 * DIM * 5 - 1, 45 + 4 * DIM * 5 + 1, 45 + 4 * DIM * 6])
def test_a_file_of_another_size_never_reaches_faiss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    segment = write(tmp_path, unit_rows(5))
    os.truncate(tmp_path / segment.name, size)
    forbid_faiss(monkeypatch)
    with pytest.raises(IndexDamaged, match=f"{size:,} bytes, should be 205"):
        reopen(tmp_path, segment)


def test_a_file_that_grew_with_its_header_never_reaches_faiss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = write(tmp_path, unit_rows(5), number=1)
    other = write(tmp_path, unit_rows(6), number=2)
    os.replace(tmp_path / other.name, tmp_path / named.name)
    forbid_faiss(monkeypatch)
    with pytest.raises(IndexDamaged, match="237 bytes, should be 205"):
        reopen(tmp_path, named)


def test_a_missing_file_is_file_not_found(tmp_path: Path) -> None:
    segment = write(tmp_path, unit_rows(5))
    (tmp_path / segment.name).unlink()
    with pytest.raises(FileNotFoundError):
        reopen(tmp_path, segment)


def test_a_segment_is_never_written_over_and_the_next_gets_the_next_free_number(tmp_path: Path) -> None:
    first = write(tmp_path, unit_rows(5))
    (tmp_path / "segment-00000002.faiss").symlink_to("nowhere")
    (tmp_path / "segment-00000003.faiss").mkdir()
    second = write(tmp_path, unit_rows(6), number=1)
    assert (second.number, second.name) == (4, "segment-00000004.faiss")
    np.testing.assert_array_equal(reopen(tmp_path, first).vectors(np.arange(5)), unit_rows(5))
    np.testing.assert_array_equal(reopen(tmp_path, second).vectors(np.arange(6)), unit_rows(6))


def test_a_discarded_segment_leaves_no_file(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, 1, DIM, MARK)
    writer.append(unit_rows(5))
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_view_stays_still_while_its_segments_are_merged_away(tmp_path: Path) -> None:
    fill(tmp_path, names(4))
    before = segment_files(tmp_path)
    with Store(tmp_path) as reader:
        with reader.view() as view:
            fill(tmp_path, names(4, first=4))
            with writing(tmp_path) as writer:
                writer.remove(names(2))
                writer.commit()
            assert not before & segment_files(tmp_path)
            assert_holds(view, names(4))
        with reader.view() as view:
            assert_holds(view, names(6, first=2))


def test_300_commits_leave_few_segments_and_all_papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.store.compact.SEGMENT_ROWS", 64)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # this is not about power cuts
    sizes = np.random.default_rng(0).integers(1, 4, 300).tolist()
    ids = names(sum(sizes))
    with writing(tmp_path) as writer:
        end = 0
        for size in sizes:
            end += size
            new = ids[end - size : end]
            writer.append([entry(identifier) for identifier in new], vectors(new))
            writer.commit()
    with Store(tmp_path) as store, store.view() as view:
        assert_holds(view, ids)
        assert [view.rows([identifier])[identifier] for identifier in ids[::97]] == list(range(0, len(ids), 97))
        assert len(view.segments) <= 2 * len(ids) / 64 + 6  # full ones at least half full, and log2(64) small ones
        assert max(segment.segment.n_rows for segment in view.segments) <= 64
        assert len(segment_files(tmp_path)) == len(view.segments)
    assert verify(tmp_path) == []


@pytest.mark.parametrize("sizes", [range(1, 366), range(1000, 635, -1), [1] * 365, [1000, 1] * 183])
def test_a_year_of_daily_commits_leaves_few_segments(sizes: Iterable[int]) -> None:
    segments: list[int] = []
    for size in sizes:
        segments.append(size)
        tail = trailing_run(segments)
        segments[-tail:] = [sum(segments[-tail:])]
    assert sum(segments) == sum(sizes)
    assert len(segments) <= 2 * sum(sizes) / 2**16 + 16


def test_dead_rows_never_come_back(tmp_path: Path) -> None:
    fill(tmp_path, names(20))
    removed: set[str] = set()
    for start in range(0, 12, 2):
        with writing(tmp_path) as writer:
            removed |= set(names(2, first=start))
            writer.remove(names(2, first=start))
            writer.append([entry(f"new{start}", title=f"On new{start}")], vectors([f"new{start}"]))
            writer.commit()
        left = [*names(20 - start - 2, first=start + 2), *(f"new{s}" for s in range(0, start + 1, 2))]
        with Store(tmp_path) as store, store.view() as view:
            assert view.rows(sorted(removed)) == {}
            assert_holds(view, left)
        assert verify(tmp_path) == []


def test_a_segment_with_a_quarter_dead_rows_is_rewritten(tmp_path: Path) -> None:
    fill(tmp_path, names(8))
    shapes = []
    for victim in names(2):
        with writing(tmp_path) as writer:
            writer.remove([victim])
            writer.commit()
        with Store(tmp_path) as store, store.view() as view:
            shapes.append([(segment.segment.n_rows, len(segment.dead)) for segment in view.segments])
            assert_holds(view, sorted(all_ids(tmp_path)))
    assert shapes == [[(8, 1)], [(6, 0)]]
    assert len(segment_files(tmp_path)) == 1


def test_an_index_can_lose_all_its_papers_and_begin_again(tmp_path: Path) -> None:
    fill(tmp_path, names(3))
    with writing(tmp_path) as writer:
        writer.remove(names(3))
        writer.commit()
        assert_index(tmp_path, [])
        writer.append([entry("a")], vectors("a"))
        writer.commit()
    assert_index(tmp_path, ["a"])


def test_a_paper_replaced_before_the_commit_has_its_last_vector(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.append([entry("a"), entry("b")], vectors("xb"))
        writer.remove(["a"])
        writer.append([entry("a")], vectors("a"))
        writer.commit()
    assert_index(tmp_path, ["a", "b"])
