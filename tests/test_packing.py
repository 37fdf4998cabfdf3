"""Every packing, whole, cut, joined and with something behind it; files of another kind, told by their beginning."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import sqlite3
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import orjson
import pytest

from lunacy import build_index
from lunacy.errors import SnapshotError
from lunacy.pipeline import diff
from lunacy.snapshot import Snapshot
from tests.conftest import FakeEmbedder, lines, record

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases"
CHANCE = random.Random(1)
TEXT = lines([record(f"1802.{n:05}", abstract=CHANCE.randbytes(40).hex()) for n in range(1, 40)])
RAW = TEXT.splitlines()


def tar(members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def in_tar(text: bytes) -> bytes:
    return tar({"README": b"hello", "folder/snapshot.json": text})


STREAMS: dict[str, Callable[[bytes], bytes]] = {  # members of which may be joined
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "lzma": lambda text: lzma.compress(text, lzma.FORMAT_ALONE),
}
ARCHIVES: dict[str, Callable[[bytes], bytes]] = {
    "zip": lambda text: zipped({"snapshot.json": text}),
    "tar": in_tar,
    "tar, old": lambda text: tar({"snapshot": text}, tarfile.USTAR_FORMAT).replace(b"ustar\x0000", bytes(8), 1),
    **{f"tar in {name}": lambda text, pack=pack: pack(in_tar(text)) for name, pack in STREAMS.items()},  # type: ignore[misc]
}
ARCHIVES["tar, old"] = lambda text: tar({"snapshot": text}, tarfile.GNU_FORMAT)
PACKINGS = {**STREAMS, **ARCHIVES, "gzip in gzip": lambda text: gzip.compress(gzip.compress(text))}


def read(source: str | Path) -> tuple[list[bytes], str]:
    """The lines that come, and the message of the SnapshotError that ends them, "" without one."""
    found: list[bytes] = []
    try:
        with Snapshot(source) as snapshot:
            found.extend(line.raw for line in snapshot.lines())
    except SnapshotError as error:
        return found, str(error)
    return found, ""


@contextmanager
def pipe(data: bytes, piece: int = 2**16) -> Iterator[str]:
    """The name of a pipe into which `data` goes, `piece` bytes at a time."""
    ours, theirs = os.pipe()

    def write() -> None:
        with suppress(BrokenPipeError), open(theirs, "wb", buffering=0) as file:
            for start in range(0, len(data), piece):
                file.write(data[start : start + piece])

    writer = threading.Thread(target=write)
    writer.start()
    yield f"/dev/fd/{ours}"
    os.close(ours)
    writer.join()


@pytest.mark.parametrize("packing", PACKINGS)
def test_what_is_packed_is_read_whole(packing: str, write_snapshot: Callable[..., Path]) -> None:
    path = write_snapshot(PACKINGS[packing](TEXT), "no-suffix")
    assert read(path) == (RAW, "")
    with Snapshot(path) as snapshot:
        snapshot.check()
        assert [line.raw for line in snapshot.lines()] == RAW


@pytest.mark.parametrize("piece", [1, 2**16])
@pytest.mark.parametrize("packing", [*STREAMS, "gzip in gzip"])
def test_what_is_packed_is_read_from_a_pipe_however_slow(packing: str, piece: int) -> None:
    with pipe(PACKINGS[packing](TEXT), piece) as name:
        assert read(name) == (RAW, "")
    with pipe(PACKINGS[packing](TEXT), piece) as name, Snapshot(name) as snapshot:
        snapshot.check()
        assert [line.raw for line in snapshot.lines()] == RAW


@pytest.mark.parametrize("packing", ARCHIVES)
def test_an_archive_from_a_pipe_is_refused_with_the_way_out(packing: str) -> None:
    with pipe(PACKINGS[packing](TEXT)) as name:
        found, message = read(name)
    assert found == []
    assert "cannot be read from a pipe; unpack it first (" in message


@pytest.mark.parametrize("packing", [*STREAMS, *ARCHIVES])
def test_a_cut_file_is_told_as_cut_wherever_that_is(packing: str, write_snapshot: Callable[..., Path]) -> None:
    whole = PACKINGS[packing](TEXT)
    if packing.startswith("tar") and " in " not in packing:
        whole = whole[: len(whole.rstrip(b"\0")) // 512 * 512 + 512]  # without the zeros that end it
    places = {*range(1, len(whole), max(1, len(whole) // 60)), *range(len(whole) - 30, len(whole))}
    for place in sorted(places):
        found, message = read(write_snapshot(whole[:place]))
        if place > 5 and whole[:place][:1] != b"]" and (place >= 512 or "tar" not in packing or " in " in packing):
            assert message, place
            assert found == RAW[: len(found)], place


@pytest.mark.parametrize("packing", STREAMS)
def test_joined_members_are_read_whole(packing: str, write_snapshot: Callable[..., Path]) -> None:
    pack = STREAMS[packing]
    for between in (b"", bytes(512)):
        joined = pack(TEXT[:500]) + between + pack(b"") + pack(TEXT[500:]) + between
        assert read(write_snapshot(joined)) == (RAW, "")


@pytest.mark.parametrize("packing", ARCHIVES)
def test_joined_archives_are_damage(packing: str, write_snapshot: Callable[..., Path]) -> None:
    found, message = read(write_snapshot(PACKINGS[packing](TEXT) * 2))
    assert found == []
    assert "damaged or cut off" in message


@pytest.mark.parametrize("packing", PACKINGS)
def test_zeros_behind_the_end_are_passed_over(packing: str, write_snapshot: Callable[..., Path]) -> None:
    assert read(write_snapshot(PACKINGS[packing](TEXT) + bytes(700))) == (RAW, "")


def test_a_file_without_a_name_in_a_zip_is_a_file(write_snapshot: Callable[..., Path]) -> None:
    """A name ends at its first zero, so this one is empty."""
    archive = zipped({"QQ": TEXT}).replace(b"QQ", b"\0Q")
    assert read(write_snapshot(archive)) == (RAW, "")


@pytest.mark.parametrize("garbage", [b"x", b"garbage\n", b"\0\0\0garbage", TEXT])
@pytest.mark.parametrize("packing", PACKINGS)
def test_anything_else_behind_the_end_is_damage(
    packing: str, garbage: bytes, write_snapshot: Callable[..., Path]
) -> None:
    found, message = read(write_snapshot(PACKINGS[packing](TEXT) + garbage))
    assert "damaged or cut off" in message
    assert found == (RAW if packing in STREAMS else [])


def test_a_window_of_two_gigabytes_is_read() -> None:
    [found, message] = read(CASES / "stream31.zst")
    assert ([orjson.loads(raw)["id"] for raw in found][-1], message) == ("2101.00007", "")


def test_too_little_memory_for_a_window_is_not_told_as_damage() -> None:
    code = "import sys; from lunacy.snapshot import Snapshot; Snapshot(sys.argv[1]).check()"
    command = f"ulimit -v 1000000; exec {sys.executable} -c '{code}' {CASES / 'stream31.zst'}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "stream31.zst: there is too little memory to unpack it here; unpack it first" in done.stderr


MEMBERS: dict[str, tuple[dict[str, bytes], str]] = {
    "of a Mac": ({"__MACOSX/._a.json": b"\0\5\x16", "a.json": TEXT, ".DS_Store": b"\0\0\0\1", "._a.json": b"x"}, ""),
    "of Windows": ({"a": TEXT, "Thumbs.db": b"x", "x/desktop.ini": b"x"}, ""),
    "beside a note": ({"LICENSE": b"x", "x/a.JSONL": TEXT, "a.txt": b"x"}, ""),
    "packed again": ({"LICENSE": b"x", "a.jsonl.gz": gzip.compress(TEXT)}, ""),
    "two": ({"a.json": TEXT, "b/b.jsonl": TEXT}, "holds 2 snapshots (a.json, b/b.jsonl); unpack the one you want"),
    "none": ({".DS_Store": b"x"}, "holds 0 snapshots (none)"),
}


@pytest.mark.parametrize("pack", [tar, zipped, lambda members: gzip.compress(tar(members))])
@pytest.mark.parametrize("case", MEMBERS)
def test_the_one_snapshot_of_an_archive_is_found(
    case: str, pack: Callable[[dict[str, bytes]], bytes], write_snapshot: Callable[..., Path]
) -> None:
    members, said = MEMBERS[case]
    found, message = read(write_snapshot(pack(members)))
    assert found == ([] if said else RAW)
    assert said in message
    assert bool(said) == bool(message)


def sqlite(folder: Path) -> bytes:
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("CREATE TABLE a (b)")
    connection.close()
    return (folder / "x.db").read_bytes()


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones((3, 4), np.float32))
    return file.getvalue()


OBJECTS = [orjson.loads(raw) for raw in RAW[:3]]
OTHERS: dict[str, tuple[bytes, str]] = {
    "a web page": ((CASES / "html.zip").read_bytes(), "is a web page; the download may have wanted a login"),
    "a page with a comment": (b"<!-- saved -->\n<HTML>\n<p>x", "is a web page"),
    "XML": (b"<?xml version='1.0'?>\n<OAI-PMH/>", "is an XML or HTML document; give a snapshot in JSON Lines"),
    "a PDF": (b"%PDF-1.5\n%\xd0\xd4\xc5\xd8\n", "is a PDF document; give a snapshot"),
    "an LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n",
        "is a Git LFS pointer; get the file itself with: git lfs pull",
    ),
    "an annex pointer": (b"/annex/objects/SHA256E-s3--00\n", "is a git-annex pointer"),
    ".npy": (npy(), "is a NumPy array (.npy); give the snapshot itself, and this as its vectors"),
    "Parquet": (b"PAR1\x15\x04\x15", "is a Parquet file; give a snapshot"),
    "a JSON list": (orjson.dumps(OBJECTS), "is one JSON list, not a line for each paper; make lines of it with: jq -c"),
    "a JSON list over lines": (orjson.dumps(OBJECTS, option=orjson.OPT_INDENT_2), "is one JSON list"),
    "a list with a line each": (b"[\n" + b",\n".join(RAW) + b"\n]\n", "is one JSON list"),
    "JSON over lines": (orjson.dumps(OBJECTS[0], option=orjson.OPT_INDENT_2), "is JSON over several lines"),
    "noise": (np.random.default_rng(1).bytes(200_000), "is binary data of an unknown kind"),
    "zeros": (bytes(5000), "is binary data of an unknown kind"),
    "CSV": (b"id,title\n1802.05130,T\n", "is not in JSON Lines: it begins with 'id,title'"),
    "UTF-16": (TEXT.decode().encode("utf-16"), "is text in UTF-16; turn it into UTF-8 with: iconv -f UTF-16 -t UTF-8"),
    "UTF-32": (TEXT.decode().encode("utf-32"), "is text in UTF-32"),
    "UTF-16 without a mark": (TEXT.decode().encode("utf-16-le"), "is binary data of an unknown kind"),
    "nothing": (b"", "holds no line; is it the right file?"),
    "white space": (b" \n\r\n\t", "holds no line; is it the right file?"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "is a 7z archive; unpack it first with: 7z x"),
    "an empty zip": (zipped({}), "is an empty zip archive"),
    "a zip in a zip": (zipped({"a.json.zip": zipped({"a": TEXT})}), "is a zip archive; unpack it first with: unzip"),
}


@pytest.mark.parametrize("pack", [bytes, *STREAMS.values()], ids=["plain", *STREAMS])
@pytest.mark.parametrize("case", OTHERS)
def test_a_file_of_another_kind_is_told_before_anything_is_made(
    case: str, pack: Callable[[bytes], bytes], write_snapshot: Callable[..., Path], tmp_path: Path
) -> None:
    content, said = OTHERS[case]
    path = write_snapshot(pack(content))
    with pytest.raises(SnapshotError) as caught:
        build_index(path, into=tmp_path / "ix", embedder=FakeEmbedder())
    assert str(caught.value).startswith(f"{path}: {said}")
    assert not (tmp_path / "ix").exists()


def test_a_database_is_told(write_snapshot: Callable[..., Path], tmp_path: Path) -> None:
    build_index(write_snapshot(TEXT), into=tmp_path / "ix", embedder=FakeEmbedder())
    with pytest.raises(SnapshotError, match="is an SQLite database; give a snapshot in JSON Lines"):
        diff(tmp_path / "ix", write_snapshot(sqlite(tmp_path), "x"))


@pytest.mark.parametrize("case", [case for case in OTHERS if case != "a zip in a zip"])
def test_a_pipe_of_another_kind_is_told_too(case: str, tmp_path: Path) -> None:
    content, said = OTHERS[case]
    with pipe(content) as name, pytest.raises(SnapshotError) as caught:
        build_index(name, into=tmp_path / "ix", embedder=FakeEmbedder())
    assert str(caught.value).startswith(f"{name}: {said}")
    assert not (tmp_path / "ix").exists()


GOOD = {
    "a mark and CRLF": b"\xef\xbb\xbf" + TEXT.replace(b"\n", b"\r\n"),
    "blank lines first": b"\n\n \n" + TEXT,
    "a bad line first": b"\xff\n{\n[]\n\0\n" + TEXT,
    "white space in the objects": TEXT.replace(b'{"id"', b'{ "id"'),
    "one paper without its line end": RAW[0],
}


@pytest.mark.parametrize("case", GOOD)
def test_a_snapshot_is_taken_for_one(case: str, write_snapshot: Callable[..., Path]) -> None:
    for content in (GOOD[case], gzip.compress(GOOD[case])):
        with Snapshot(write_snapshot(content)) as snapshot:
            snapshot.check()
    with pipe(GOOD[case]) as name, Snapshot(name) as snapshot:
        snapshot.check()
        assert sum(1 for _ in snapshot.lines()) >= 1
