"""One bit flipped anywhere in an index: verify names it, or it cannot change an answer; and nothing ever crashes."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lunacy import build_index, open_index
from lunacy.errors import LunacyError
from lunacy.pipeline import remove
from lunacy.store import Store, verify
from tests.conftest import FakeEmbedder, lines, record
from tests.reliability.counts import DONE
from tests.test_pipeline import BAD
from tests.test_store import database

ROOT = Path(__file__).parents[1]
PAGE_BYTES = 2**14
DATABASE_HEADER_BYTES, PAGE_HEADER_BYTES, SEGMENT_HEADER_BYTES = 100, 12, 45
PATIENCE_S = 30
Place = tuple[str, int, int]  # file, byte, bit


def make_index(folder: Path) -> Path:
    """Two segments, a dead row, withdrawn papers, non-ASCII texts, bad lines; SQLite's log folded in."""
    papers = [
        record(
            f"1802.{n:05}",
            title=f"Über Nr. {n} 東京",
            abstract="This paper has been withdrawn." if n % 10 == 9 else f"We study {n}. " + "x" * 2000,
            categories="cs.CL hep-th" if n % 3 else "math.AG",
            update_date=f"2020-01-{n:02}",
        )
        for n in range(1, 25)
    ]
    for n, bad in ((18, b""), (24, BAD)):
        snapshot = folder.parent / "snapshot"
        snapshot.write_bytes(lines(papers[:n]) + bad)
        build_index(snapshot, into=folder, embedder=FakeEmbedder())
    remove(folder, ["1802.00003"])
    with database(folder) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        assert connection.execute("PRAGMA page_size").fetchone() == (PAGE_BYTES,)
    return folder


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_index(tmp_path_factory.mktemp("flips") / "index")
    assert len(list(folder.glob("segment-*"))) == 2
    assert not (folder / "papers.db-wal").exists()
    return folder


def header_bytes(content: dict[str, bytes]) -> Iterator[tuple[str, int]]:
    """Every byte of each segment's header, of SQLite's header, and of the header of each of its pages."""
    for name, data in content.items():
        if name.startswith("segment-"):
            yield from ((name, offset) for offset in range(SEGMENT_HEADER_BYTES))
        elif name == "papers.db":
            yield from ((name, offset) for offset in range(DATABASE_HEADER_BYTES + PAGE_HEADER_BYTES))
            for page in range(PAGE_BYTES, len(data), PAGE_BYTES):
                yield from ((name, page + offset) for offset in range(PAGE_HEADER_BYTES))


def read_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def put_back(folder: Path, content: dict[str, bytes]) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and str(path.relative_to(folder)) not in content:
            path.unlink()
    for name, data in content.items():
        if (folder / name).read_bytes() != data:
            (folder / name).write_bytes(data)


def answers(folder: Path) -> Any:
    """Every id and title, the hits of every paper and of a text, and the figures."""
    with Store(folder) as store, store.view() as view:
        rows = view.live_rows()
        papers = view.papers(rows)
        vectors = view.vectors(rows).tobytes()
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        ids = [paper.id for paper in papers]
        hits = [ix.similar_many(ids, top=5), ix.similar_many(ids, top=30, include_withdrawn=True)]
        return [rows.tolist(), papers, vectors, hits, ix.similar_to_text("a text", top=30), ix.info().summary]


def outcome(question: Callable[[], Any]) -> tuple[Any, str]:
    """What came of it: an answer, or a LunacyError's line; and what should not have come."""
    signal.alarm(PATIENCE_S)
    try:
        return question(), ""
    except LunacyError as error:
        return f"LunacyError {error}", "more than a line" if "\n" in str(error) else ""
    except Exception:  # noqa: BLE001 (any other is what we look for)
        return "another error", traceback.format_exc(limit=-2)
    finally:
        signal.alarm(0)


def no_end(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"no end after {PATIENCE_S} s")


def check(folder: Path, places: list[Place]) -> None:
    """Run in a process of its own: flip each bit alone; print a line before each, and one for what is wrong."""
    signal.signal(signal.SIGALRM, no_end)
    content, right = read_files(folder), answers(folder)
    assert verify(folder) == []
    found = 0
    for name, offset, bit in places:
        print(json.dumps([name, offset, bit]), flush=True)
        flipped = bytearray(content[name])
        flipped[offset] ^= 1 << bit
        (folder / name).write_bytes(flipped)
        faults, wrong_verify = outcome(lambda: verify(folder))
        given, wrong_answers = outcome(lambda: answers(folder))
        found += bool(faults)
        problems = [wrong_verify, wrong_answers]
        if not faults and given != right:
            problems.append("verify says that all is well, but the answers are others")
        for problem in filter(None, problems):
            print(json.dumps(f"{name}, byte {offset}, bit {bit}: {problem}"), flush=True)
        put_back(folder, content)
    print(json.dumps({"flips": len(places), "named by verify": found}), flush=True)


def flip_all(folder: Path, places: list[Place]) -> list[str]:
    """The problems that the flips showed; a crash is one."""
    code = "import json, pathlib, sys; from tests.test_bit_flips import check; check(pathlib.Path(sys.argv[1]), "
    code += "json.load(sys.stdin))"
    command = [sys.executable, "-W", "error", "-c", code, str(folder)]
    done = subprocess.run(command, input=json.dumps(places), cwd=ROOT, capture_output=True, text=True, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    problems = [one for one in told if isinstance(one, str)]
    if done.returncode:
        problems.append(
            f"exit {done.returncode} at {[one for one in told if isinstance(one, list)][-1:]}: {done.stderr}"
        )
    DONE["bits flipped in the files of an index"] += sum(isinstance(one, list) for one in told)
    return problems


def in_headers(index: Path, n: int, part: str) -> list[Place]:
    bits = random.Random(7)
    places = [(name, byte, bits.randrange(8)) for name, byte in header_bytes(read_files(index)) if part in name]
    return bits.sample(places, n)


def anywhere(index: Path, n: int, seed: int) -> list[Place]:
    """As many places in each file as it is a share of `n`; small files are not forgotten."""
    bits = random.Random(seed)
    content = read_files(index)
    names = sorted(content, key=lambda name: -len(content[name]))
    per_file = {name: max(6, n * len(content[name]) // sum(map(len, content.values()))) for name in names}
    return [
        (name, bits.randrange(len(content[name])), bits.randrange(8)) for name in names for _ in range(per_file[name])
    ]


def test_a_bit_flipped_in_a_header_or_anywhere_is_named_or_changes_no_answer(index: Path) -> None:
    headers = [*in_headers(index, 20, "segment"), *in_headers(index, 20, "papers")]
    assert flip_all(index, [*headers, *anywhere(index, 20, seed=1)]) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_thousands_of_bits_flipped_anywhere_are_named_or_change_no_answer(index: Path, seed: int) -> None:
    assert flip_all(index, anywhere(index, 1000, seed=seed)) == []


@pytest.mark.slow
def test_each_bit_of_each_header_is_named_or_changes_no_answer(index: Path) -> None:
    places = [(name, byte, bit) for name, byte in header_bytes(read_files(index)) for bit in range(8)]
    assert flip_all(index, places) == []
