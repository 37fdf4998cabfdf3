"""Damaged, mixed and random snapshots: every line is accounted for, and nothing breaks but with a SnapshotError."""

from __future__ import annotations

import gzip
import io
import os
import random
import re
import sys
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lunacy.errors import SnapshotError
from lunacy.pipeline import build_index
from lunacy.snapshot import BadLine, Line, Quarantine, Snapshot, parse
from tests.conftest import FakeEmbedder, record

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def zipped(data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("snapshot.json", data)
    return file.getvalue()


RANDOM = random.Random(7)
NOISE = b"".join(RANDOM.randbytes(50 + n % 200).hex().encode() + b"\n" for n in range(3000))  # 0.9 MB
GZIPPED, ZSTANDARD = gzip.compress(NOISE), zstd.compress(NOISE)
HALF_OF_GZIPPED, HALF_OF_ZSTANDARD = GZIPPED[: len(GZIPPED) // 2], ZSTANDARD[: len(ZSTANDARD) // 2]


def lines_and_error(path: Path) -> tuple[list[bytes], str]:
    """The lines that come, and the message of the SnapshotError that ends them, "" without one."""
    found = []
    with Snapshot(path) as snapshot:
        try:
            for line in snapshot.lines():
                found.append(line.raw)  # noqa: PERF401 (kept when the next line fails)
        except SnapshotError as error:
            return found, str(error)
    return found, ""


@pytest.mark.parametrize(
    ("data", "readable"),
    [
        (HALF_OF_GZIPPED, zlib.decompressobj(31).decompress(HALF_OF_GZIPPED)),
        (HALF_OF_ZSTANDARD, zstd.ZstdDecompressor().decompress(HALF_OF_ZSTANDARD)),
        (GZIPPED[:-8], NOISE),
        (GZIPPED[:-8] + bytes(8), NOISE),
        (GZIPPED + b"noise", NOISE),
    ],
    ids=["half of a gzip", "half of a zstd", "no checksum", "wrong checksum", "noise behind"],
)
def test_whole_lines_before_the_damage_come_and_then_the_error(
    data: bytes, readable: bytes, write_snapshot: Callable[..., Path]
) -> None:
    found, message = lines_and_error(write_snapshot(data))
    assert found == readable.split(b"\n")[:-1]
    assert re.search(r"snapshot\.jsonl: damaged or cut off after byte [\d,]+ of its text", message)


def with_method(method: int) -> bytes:
    """A zip that says it is compressed by another method; 9 is what Windows uses for files above 2 GB."""
    data = bytearray(zipped(b"{}\n"))
    data[8], data[data.index(b"PK\x01\x02") + 10] = method, method
    return bytes(data)


def with_flags(flags: int, data: bytes) -> bytes:
    """A zip whose member has these flags (16 bits) besides, in both headers."""
    changed, central = bytearray(data), data.index(b"PK\x01\x02")
    for place in (6, central + 8):
        changed[place] |= flags & 0xFF
        changed[place + 1] |= flags >> 8
    return bytes(changed)


def flipped(data: bytes, place: int) -> bytes:
    """`data` with another byte at `place`."""
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


BROKEN_ZIPS = {
    "cut off": zipped(NOISE)[:-100],
    "only a beginning": b"PK\x03\x04",
    "deflate64": with_method(9),
    "unheard of method": with_method(77),
    "patch data": with_flags(0x20, zipped(b"{}\n")),
    "strong encryption": with_flags(0x40, zipped(b"{}\n")),
    "another name in the member": flipped(zipped(b"{}\n"), 30),
    "name that is not UTF-8": with_flags(0x800, flipped(zipped(b"{}\n"), 33)),
    "damaged deflate": flipped(zipped(NOISE), 5000),
    "damaged bzip2": flipped(zipped(NOISE, zipfile.ZIP_BZIP2), 5000),
    "damaged lzma": flipped(zipped(NOISE, zipfile.ZIP_LZMA), 5000),
    "damaged text": flipped(zipped(NOISE, zipfile.ZIP_STORED), 5000),
}


@pytest.mark.parametrize("data", BROKEN_ZIPS.values(), ids=BROKEN_ZIPS)
def test_a_broken_zip_is_a_snapshot_error_of_one_line(data: bytes, write_snapshot: Callable[..., Path]) -> None:
    path = write_snapshot(data)
    _found, message = lines_and_error(path)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


def entries(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_the_quarantine_says_where_and_why(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    with Quarantine(path) as bad:
        bad.add("snapshot.jsonl", Line(3, 700, b"\xff" + b"x" * 300), "invalid UTF-8 at byte 0 of the line")
        bad.add("snapshot.jsonl", Line(9, 5000, "{é".encode()), "not JSON: this and that")
    assert bad.n_lines == 2
    assert entries(path) == [
        {
            "snapshot": "snapshot.jsonl",
            "line": 3,
            "offset": 700,
            "reason": "invalid UTF-8 at byte 0 of the line",
            "begins": "\ufffd" + "x" * 199,
        },
        {"snapshot": "snapshot.jsonl", "line": 9, "offset": 5000, "reason": "not JSON: this and that", "begins": "{é"},
    ]


def test_a_quarantine_never_takes_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "quarantine.jsonl").write_bytes(b"mine")
    with pytest.raises(FileExistsError), Quarantine(tmp_path / "quarantine.jsonl") as bad:
        bad.add("snapshot.jsonl", Line(1, 0, b"x"), "not JSON")
    assert (tmp_path / "quarantine.jsonl").read_bytes() == b"mine"


def test_without_a_bad_line_there_is_no_quarantine(tmp_path: Path) -> None:
    with Quarantine(tmp_path / "quarantine.jsonl") as bad:
        pass
    assert bad.n_lines == 0
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_whose_name_is_not_utf8_has_a_quarantine(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    with Quarantine(path) as bad:
        bad.add(os.fsdecode(b"caf\xe9.jsonl"), Line(1, 0, b"x"), "not JSON")
    assert [entry["reason"] for entry in entries(path)] == ["not JSON"]


CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, 1),
    "zstd": zstd.compress,
    "zip": zipped,
    "zip with lzma": lambda data: zipped(data, zipfile.ZIP_LZMA),
}
MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"]\x00\x00")
MAGIC += tuple(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60))  # frames to skip, of zstd


def read_all(path: Path) -> tuple[list[str], int]:
    """The ids of the good papers, and how many lines were bad."""
    good, n_bad = [], 0
    with Snapshot(path) as snapshot:
        for line in snapshot.lines():
            try:
                good.append(parse(line).id)
            except BadLine:
                n_bad += 1
    return good, n_bad


def n_lines_with_text(data: bytes) -> int:
    """What `grep -c .` counts, but for white space and the mark at the beginning."""
    return sum(bool(piece.strip()) for piece in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"))


def as_line(identifier: str, **fields: Any) -> bytes:
    return orjson.dumps(record(identifier, **fields))


identifiers = st.integers(1, 30).map(lambda number: f"0704.{number:04}")
good_lines = st.tuples(identifiers, st.text("aé量", max_size=3)).map(lambda pair: as_line(pair[0], comments=pair[1]))
truncated = st.tuples(good_lines, st.floats(0.01, 0.99)).map(lambda pair: pair[0][: int(len(pair[0]) * pair[1])])
wrong_type = st.sampled_from(["id", "title", "abstract"]).flatmap(
    lambda name: st.sampled_from([None, "", " ", 5, [], {}]).map(lambda value: as_line("0704.0001", **{name: value}))
)
noise = st.binary(min_size=1, max_size=40).map(lambda data: data.replace(b"\n", b"\r"))
bad_lines = st.one_of(truncated, wrong_type, noise).filter(lambda raw: raw.removeprefix(b"\xef\xbb\xbf").strip())
blank_lines = st.sampled_from([b"", b" ", b"\t  ", b"\r"])


def mixture(good: st.SearchStrategy[bytes], max_size: int) -> st.SearchStrategy[list[tuple[str, bytes]]]:
    """Lines and what they are: "good", "bad" or "blank"."""
    lines = {"good": good, "bad": bad_lines, "blank": blank_lines}
    return st.lists(st.one_of(st.tuples(st.just(kind), raw) for kind, raw in lines.items()), max_size=max_size)


@given(mixture(good_lines, 12), st.sampled_from([b"\n", b"\r\n"]), st.booleans(), st.sampled_from(list(CONTAINERS)))
@settings(derandomize=True)
def test_every_line_with_text_is_a_good_or_a_bad_one(
    pieces: list[tuple[str, bytes]], end: bytes, is_ended: bool, container: str
) -> None:
    data = end.join(raw for _kind, raw in pieces) + end * is_ended
    assume(container != "plain" or not data.startswith(MAGIC))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot"
        path.write_bytes(CONTAINERS[container](data))
        good, n_bad = read_all(path)
    assert good == [orjson.loads(raw)["id"] for kind, raw in pieces if kind == "good"]
    assert n_bad == sum(kind == "bad" for kind, _raw in pieces)
    assert len(good) + n_bad == n_lines_with_text(data)


@given(st.binary(max_size=200))
@settings(derandomize=True)
def test_random_bytes_are_so_many_bad_lines(data: bytes) -> None:
    assume(not data.startswith(MAGIC))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot"
        path.write_bytes(data)
        assert read_all(path) == ([], n_lines_with_text(data))


WHOLE = as_line("0704.0001") + b"\n" + as_line("hep-th/9711200") + b"\n"


@given(st.sampled_from(list(CONTAINERS)), st.data())
@settings(derandomize=True)
def test_a_damaged_file_gives_lines_or_a_snapshot_error(container: str, draw: st.DataObject) -> None:
    data = bytearray(CONTAINERS[container](WHOLE))
    for place in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=4), label="places"):
        data[place] = draw.draw(st.integers(0, 255), label="byte")
    cut = draw.draw(st.none() | st.integers(0, len(data)), label="cut")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot"
        path.write_bytes(data[:cut])
        with suppress(SnapshotError):
            read_all(path)


def expected_counts(pieces: list[tuple[str, bytes]]) -> dict[str, int]:
    """What becomes of the lines, one by one, of an index of cs that was empty."""
    counts = dict.fromkeys(("read", "added", "updated", "unchanged", "older", "filtered", "quarantined"), 0)
    index: dict[str, bytes] = {}
    for kind, raw in pieces:
        counts["read"] += kind != "blank"
        if kind == "bad":
            counts["quarantined"] += 1
        elif kind == "good" and not orjson.loads(raw)["categories"].startswith("cs."):
            counts["filtered"] += 1
        elif kind == "good":
            identifier = orjson.loads(raw)["id"]
            before = index.get(identifier)
            counts["added" if before is None else "unchanged" if before == raw else "updated"] += 1
            index[identifier] = raw
    return counts


papers = st.tuples(
    st.integers(1, 5).map(lambda number: f"0704.{number:04}"),
    st.sampled_from(["One title", "Another title"]),
    st.sampled_from(["cs.CL", "hep-th"]),
).map(lambda fields: as_line(fields[0], title=fields[1], categories=fields[2]))


@given(mixture(papers, 20))
@settings(derandomize=True)
def test_the_counts_of_a_run_add_up(pieces: list[tuple[str, bytes]]) -> None:
    pieces = [("good", as_line("0704.9999", categories="cs.LG")), *pieces]
    with TemporaryDirectory() as folder:
        snapshot = Path(folder) / "snapshot.jsonl"
        snapshot.write_bytes(b"".join(raw + b"\n" for _kind, raw in pieces))
        report = build_index(snapshot, into=Path(folder) / "index", category=["cs.*"], embedder=FakeEmbedder())
    counts = report.counts
    expected = expected_counts(pieces)
    assert counts.read == sum(getattr(counts, name) for name in expected if name != "read")
    assert {name: getattr(counts, name) for name in expected} == expected
