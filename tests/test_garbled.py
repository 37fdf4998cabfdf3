"""Files cut and garbled at random, with fixed seeds: an answer, or one line that says why not. Never a traceback."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import sys
from pathlib import Path

import pytest

from tests.conftest import few_quick
from tests.test_cli import run
from tests.test_idlist import FORMS
from tests.test_packing import in_tar, zipped

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CASES = Path(__file__).parent / "cases"
SNAPSHOT = (CASES / "good.jsonl").read_bytes()
SNAPSHOTS = {
    "plain": SNAPSHOT,
    "gzip": gzip.compress(SNAPSHOT, mtime=0),
    "zstd": zstd.compress(SNAPSHOT),
    "bzip2": bz2.compress(SNAPSHOT),
    "xz": lzma.compress(SNAPSHOT),
    "lzma": lzma.compress(SNAPSHOT, lzma.FORMAT_ALONE),
    "zip": zipped({"good.jsonl": SNAPSHOT}),
    "tar": in_tar(SNAPSHOT),
    "tar.gz": (CASES / "good.tar.gz").read_bytes(),
    "zip of a Mac": (CASES / "mac.zip").read_bytes(),
    "zstd, long": (CASES / "stream31.zst").read_bytes(),
    "of OAI": (CASES / "oai.jsonl").read_bytes(),
    "categories": (CASES / "cats.jsonl").read_bytes(),
}
LISTS = {case: text.encode("utf-16" if place % 7 == 0 else "utf-8") for place, (case, text) in enumerate(FORMS.items())}


def garbled(whole: bytes, seed: int) -> bytes:
    """`whole` cut, or with some bytes changed, taken out, put in, or another place twice."""
    chance = random.Random(seed)
    data = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        place, length = chance.randrange(len(data) + 1), chance.choice([1, 1, 2, 8, 200])
        kind = chance.choice(["cut", "change", "take", "put", "twice", "zero"])
        if kind == "cut":
            del data[place:]
        elif kind == "change":
            data[place : place + length] = chance.randbytes(length)
        elif kind == "take":
            del data[place : place + length]
        elif kind == "put":
            data[place:place] = chance.choice([chance.randbytes(length), b"\n", b'"', b"{", b"\r", b"\xff", b"#"])
        elif kind == "twice":
            data[place:place] = data[:length]
        else:
            data[place : place + length] = bytes(length)
    return bytes(data)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("garbled") / "index"
    given = ["--vectors", CASES / "v8.npy", "--model", "m"]
    assert run("index", CASES / "good.jsonl", "--into", folder, *given).exit_code == 0
    return folder


@pytest.mark.parametrize("seeds", few_quick([range(15), range(15, 200)], range(15)), ids=["few", "many"])
@pytest.mark.parametrize("case", SNAPSHOTS)
def test_a_garbled_snapshot_is_read_or_refused_in_one_line(
    index: Path, tmp_path: Path, case: str, seeds: range
) -> None:
    for seed in seeds:
        (tmp_path / "snapshot").write_bytes(garbled(SNAPSHOTS[case], seed))
        result = run("diff", tmp_path / "snapshot", "--index", index)
        if result.exit_code:
            assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), (seed, result.stderr)
            assert result.stderr.startswith(f"lunacy: {tmp_path / 'snapshot'}"), seed
        assert result.exit_code == 0 or len(result.stderr) < 700


@pytest.mark.parametrize("times", few_quick([range(2), range(2, 20)], range(2)), ids=["few", "many"])
@pytest.mark.parametrize("option", ["--not-ids", "--only-ids"])
@pytest.mark.parametrize("kind", ["plain", "table", "JSON", "BibTeX"])
def test_a_garbled_list_is_read_or_refused_in_one_line(
    index: Path, tmp_path: Path, kind: str, option: str, times: range
) -> None:
    for seed, (case, whole) in enumerate((case, whole) for case, whole in LISTS.items() if case.startswith(kind)):
        for again in times:
            (tmp_path / "ids").write_bytes(garbled(whole, 100 * again + seed))
            result = run("query", "2101.00001", "--index", index, option, tmp_path / "ids")
            assert result.exit_code in (0, 1), (case, again, result.stderr)
            assert result.exit_code == 0 or (result.stdout, result.stderr.count("\n")) in (("", 1), ("", 2)), (
                case,
                again,
            )
            assert all(line.startswith("lunacy: ") for line in result.stderr.splitlines()), (case, again)
