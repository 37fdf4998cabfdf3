"""Snapshots, ids and titles from somebody who means harm: bounded memory, one line, and nothing a terminal obeys."""

from __future__ import annotations

import csv
import gzip
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest

from lunacy import build_index
from tests.conftest import DIM, FakeEmbedder, lines, record
from tests.test_cli import run

ROOT = Path(__file__).parents[1]
GOOD = lines([record("1802.00001")])
BOMB_BYTES = 2**27
EVIL = "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x9b1m\u202eback\r\x00\x7f"
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def blocks(block: bytes) -> list[bytes]:
    return [block] * (BOMB_BYTES // len(block))


def write_bomb(path: Path, kind: str, content: list[bytes]) -> Path:
    """A file that unpacks to an eighth of a gigabyte between two good lines."""
    if kind == "zip":
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("snapshot.json", "w", force_zip64=True) as member,
        ):
            for block in [GOOD, *content, b"\n", GOOD]:
                member.write(block)
    else:
        with gzip.open(path, "wb", compresslevel=1) as file:
            for block in [GOOD, *content, b"\n", GOOD]:
                file.write(block)
    assert path.stat().st_size < BOMB_BYTES // 40
    return path


READ = """
import resource, sys
from lunacy.snapshot import BadLine, Snapshot, parse
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
n_good = n_bad = 0
with Snapshot(sys.argv[1]) as snapshot:
    for line in snapshot.lines():
        try:
            parse(line)
            n_good += 1
        except BadLine:
            n_bad += 1
print(n_good, n_bad, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    ("kind", "content", "n_bad"),
    [
        ("gzip", blocks(b"x" * 2**20), 1),
        ("zip", blocks(b"x" * 2**20), 1),
        pytest.param("zip", blocks((b" " * 1023 + b"\n") * 2**10), 0, marks=pytest.mark.slow),
        pytest.param("gzip", blocks(b" " * 2**20), 1, marks=pytest.mark.slow),
        ("gzip", blocks(b'{"id": "' + b"[" * 2**18 + b"\n"), BOMB_BYTES // (2**18 + 9)),
    ],
    ids=["an endless line", "an endless line in a zip", "blank lines", "an endless blank line", "deep nesting"],
)
def test_a_bomb_is_read_in_bounded_memory(tmp_path: Path, kind: str, content: list[bytes], n_bad: int) -> None:
    path = write_bomb(tmp_path / "bomb", kind, content)
    done = subprocess.run([sys.executable, "-c", READ, path], cwd=ROOT, capture_output=True, text=True, check=True)
    n_good, found_bad, grown_mib = map(int, done.stdout.split())
    assert (n_good, found_bad) == (2, n_bad)
    assert grown_mib < 80


def test_an_endless_line_of_ids_is_answered_in_bounded_memory(tmp_path: Path) -> None:
    build_index(write(tmp_path / "s", GOOD), into=tmp_path / "ix", embedder=FakeEmbedder())
    limited = "import resource, sys, lunacy.cli, lunacy.query, faiss, lunacy.render\n"
    limited += "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nsys.argv[0] = 'lunacy'\n"
    limited += "try:\n    lunacy.cli.main()\nfinally:\n"
    limited += "    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, file=sys.stderr)\n"
    (tmp_path / "ids").write_bytes(b"1" * 2**26 + b"\n1802.00001\n")
    command = [
        sys.executable,
        "-c",
        limited,
        "query",
        "--batch",
        str(tmp_path / "ids"),
        "--index",
        str(tmp_path / "ix"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    refused, grown_mib = done.stderr.splitlines()
    assert len(refused) < 500
    assert (done.returncode, orjson.loads(done.stdout)["query"]["ids"]) == (1, ["1802.00001"])
    assert int(grown_mib) < 60


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """An index whose papers try to write on the terminal and in a spreadsheet."""
    evils = [
        record("1802.00001", title=f"Asked {EVIL}", authors=EVIL, categories=f"cs.CL {EVIL.split()[0]}"),
        record("1802.00002", title=f"{EVIL} Found", authors="=cmd|' /C calc'!A0", doi=EVIL),
        record("1802.00003", title="=HYPERLINK(1)", authors="+1+1", categories="@SUM(A1)"),
        record("1802.00004", title="-2+3", authors="\t=1+1"),
        record("1802.00005", title=" =1+1", authors=', "=1+1", '),
        record("=cmd!A1", title="An id"),
    ]
    build_index(write(tmp_path / "s", lines(evils)), into=tmp_path / "ix", embedder=FakeEmbedder())
    return tmp_path / "ix"


@pytest.mark.parametrize(
    "command",
    [
        ["query", "1802.00001", "--format", "table"],
        ["info"],
        ["query", f"1802.99999{EVIL}"],
        ["query", "1802.99999"],
        ["verify"],
        ["remove", f"x{EVIL}"],
        ["query", "--text", f"{EVIL}", "--format", "table", "--model", "m"],
    ],
)
def test_nothing_that_a_terminal_obeys_is_printed(
    evil: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunacy.embedding.load", lambda *_model, **_options: FakeEmbedder())
    result = run(*command, "--index", evil)
    assert CONTROLS.findall(result.stdout + result.stderr) == []


def test_the_ids_of_a_diff_hold_nothing_that_a_terminal_obeys(evil: Path, tmp_path: Path) -> None:
    snapshot = write(tmp_path / "new", lines([record("a\u202eb"), record("=x")]))
    assert CONTROLS.findall(run("diff", snapshot, "--index", evil, "--ids").stdout.replace("\t", " ")) == []


def test_no_cell_of_a_csv_begins_like_a_formula(evil: Path) -> None:
    for one in ("1802.00001", "=cmd!A1"):
        rows = list(csv.reader(io.StringIO(run("query", one, "--index", evil, "--format", "csv").stdout)))
        assert len(rows) == 6
        cells = [cell for row in rows[1:] for place, cell in enumerate(row) if place != 3]  # 3: the score
        assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))] == []
        assert [cell for cell in cells if cell.startswith(("\t", "\r"))] == []
        assert all(re.fullmatch(r"-?\d\.\d{6}", row[3]) for row in rows[1:])


def archive_of(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, a=array)
    return file.getvalue()


def npy(shape: str) -> bytes:
    """A header, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, and no data."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00v\x00" + header


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: np.save(path, np.array([{"a": 1}], object), allow_pickle=True),
        lambda path: path.write_bytes(archive_of(np.ones((1, DIM), np.float32))),
        lambda path: path.write_bytes(b"PK\x03\x04" + bytes(99)),
        lambda path: path.write_bytes(npy("(1, 9e9)")),
        lambda path: path.write_bytes(npy(f"(1, {2**61})")),
        lambda path: path.write_bytes(npy(f"(1, {2**62})")),
        lambda path: path.write_bytes(npy("(3037000500, 3037000500)")),
        lambda path: path.write_bytes(b"\x80\x04c__builtin__\nexec\n(V1\ntR."),
        lambda path: path.mkdir(),
    ],
    ids=[
        "pickled objects",
        "an archive",
        "half an archive",
        "floats",
        "huge",
        "zero bytes",
        "negative bytes",
        "a pickle",
        "a folder",
    ],
)
def test_a_hostile_file_of_vectors_is_one_line(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    spoil(tmp_path / "v.npy")
    options = ["--vectors", tmp_path / "v.npy", "--model", "m", "--into", tmp_path / "ix"]
    result = run("index", write(tmp_path / "s", GOOD), *options)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert result.stderr.startswith(f"lunacy: {tmp_path}/v.npy")
    assert not (tmp_path / "ix").exists()
