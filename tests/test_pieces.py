"""A snapshot in pieces: read each by itself and put together again, they are the snapshot."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lunacy.errors import SnapshotError
from lunacy.snapshot import Batch, Line, Snapshot, cut, read_piece
from lunacy.snapshot import lines as module
from lunacy.snapshot import pieces as pieces_module
from lunacy.snapshot.batches import batches
from tests.conftest import lines, record

TEXT = "title+abstract"
MIXED = (
    b"\xef\xbb\xbf"
    + lines([record("1802.00001")])
    + b"\n \r\n"
    + b'{"id": 7}\n'
    + lines([record("1802.00002", categories="hep-th"), record("1802.00003")])
    + b"[]\r\n\n"
    + lines([record("1802.00004")])[:-1]
)


def is_kept(categories: tuple[str, ...]) -> bool:
    return "hep-th" not in categories


def whole(path: Path) -> Batch:
    """All lines of a snapshot as one batch."""
    with Snapshot(path) as snapshot:
        return next(batches(snapshot, is_kept, recipe=TEXT, size=10**9), Batch())


def together(path: Path, size: int) -> Batch:
    """The pieces of a snapshot, each read on its own, as one batch."""
    found, n_met = Batch(), 0
    with Snapshot(path) as snapshot:
        pieces = list(cut(snapshot, size))
        assert [piece.is_last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        read = {}
        for piece in reversed(pieces):  # in any order
            with Snapshot(path) as again:
                read[piece.number] = read_piece(again, piece, is_kept, recipe=TEXT)
    for number in range(len(pieces)):
        batch, n_lines = read[number]
        found.kept += batch.kept
        found.places += [place + found.n_lines for place in batch.places]
        found.filtered += batch.filtered
        found.bad += [(line._replace(number=line.number + n_met), reason) for line, reason in batch.bad]
        found.n_lines += batch.n_lines
        n_met += n_lines
        found.position_bytes, found.broken = batch.position_bytes, batch.broken
    return found


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Path]:
    """A function that writes a snapshot, of which each byte counts as a line where it is cut."""
    monkeypatch.setattr(pieces_module, "LINE_BYTES", 1)

    def write(content: bytes) -> Path:
        path = tmp_path / "snapshot"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("size", [*range(1, 40), 100, 301, 302, 303, 10_000])
def test_the_ranges_of_a_file_are_its_lines_whatever_their_size(write: Callable[[bytes], Path], size: int) -> None:
    path = write(MIXED)
    assert together(path, size) == whole(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(
    parts=st.lists(st.sampled_from([b"\n", b"\r\n", b"x\n", b"[]\n", b"\xff\n", b"  {}\n", b"\xef\xbb\xbf\n", b"yy"])),
    size=st.integers(1, 30),
)
def test_lines_of_any_kind_are_read_once_by_ranges(
    write: Callable[[bytes], Path], parts: list[bytes], size: int
) -> None:
    path = write(b"".join(parts))
    found, wanted = together(path, size), whole(path)
    wanted.position_bytes = found.position_bytes  # blank lines at the end are read too
    assert found == wanted


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("snapshot.json", content)
    return file.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, zipped], ids=["gzip", "zip"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_pieces_of_a_packed_file_are_its_lines(
    write: Callable[[bytes], Path], pack: Callable[[bytes], bytes], size: int
) -> None:
    path = write(pack(MIXED))
    with Snapshot(path) as snapshot:
        assert [len(piece.lines) for piece in cut(snapshot, size)][:-1] == [size] * ((6 - 1) // size)
    found, wanted = together(path, size), whole(path)
    assert (found.kept, found.places, found.bad) == (wanted.kept, wanted.places, wanted.bad)
    assert (found.n_lines, found.filtered, found.broken) == (6, ["1802.00002"], None)


@pytest.mark.parametrize("size", [1, 10, 60, 100, 1000])
def test_a_line_that_is_too_long_is_one_bad_line(
    write: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 50)
    path = write(b"{}\n" + b"x" * 200 + b"\n\n[]\n")
    found = together(path, size)
    assert [(line.number, line.offset) for line, _reason in found.bad] == [(1, 0), (2, 3), (4, 205)]
    assert "longer than 50 bytes" in found.bad[1][1]
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert together(path, size).bad == found.bad


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")])
def test_an_empty_snapshot_has_one_empty_piece(write: Callable[[bytes], Path], content: bytes) -> None:
    with Snapshot(write(content)) as snapshot:
        [piece] = cut(snapshot, 5)
        assert piece.is_last
        assert read_piece(snapshot, piece, is_kept, recipe=TEXT)[0].n_lines == 0


def test_a_packed_file_that_breaks_off_says_so_with_its_last_piece(write: Callable[[bytes], Path]) -> None:
    many = lines(record(f"1802.{number:05}") for number in range(400))
    path = write(gzip.compress(many)[:-2000])
    found, wanted = together(path, 16), whole(path)
    assert found.kept == wanted.kept
    assert 0 < len(found.kept) < 400
    assert str(found.broken) == str(wanted.broken)
    assert isinstance(found.broken, SnapshotError)


def test_a_bad_line_keeps_its_begin_and_its_place_in_the_whole(write: Callable[[bytes], Path]) -> None:
    path = write(b"{}\n" * 3 + b"\n" + b"[1]\n")
    with Snapshot(path) as snapshot:
        piece = list(cut(snapshot, 5))[2]  # the bytes 10 to 14
        batch, n_met = read_piece(snapshot, piece, is_kept, recipe=TEXT)
    assert (batch.bad[0][0], n_met) == (Line(1, 10, b"[1]"), 1)
