"""Repair: what is whole stays, what is broken goes and is named, and the next build makes the index whole again."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lunacy import build_index, open_index
from lunacy.atomic import part_name
from lunacy.errors import IndexDamaged, IndexLocked, LunacyError, NoIndex
from lunacy.store import RepairReport, Writer, repair, verify
from tests.conftest import DIM, FakeEmbedder, few_quick, lines, record
from tests.test_cli import run
from tests.test_pipeline import added, contents, text_of
from tests.test_store import another_process_writing, database, fill, segment_files

N_FIRST, N_SECOND = 40, 15
RECORDS = [record(f"1802.{n:05}", categories="cs.CL hep-th" if n % 3 else "math.AG") for n in range(1, 57)]
IDS = [one["id"] for one in RECORDS if one["id"] != "1802.00008"]  # the eighth is removed: a dead row
FIRST, SECOND = IDS[: N_FIRST - 1], IDS[N_FIRST - 1 :]
BIG, SMALL = "segment-00000001.faiss", "segment-00000002.faiss"
HEADER_BYTES, ROW_BYTES = 45, 4 * DIM
Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two segments, of 40 and 16 rows, one of them dead."""
    base = tmp_path_factory.mktemp("repair")
    for n in (N_FIRST, len(RECORDS)):
        write(base / "snapshot", RECORDS[:n])
        build_index(base / "snapshot", into=base / "index", embedder=FakeEmbedder())
    assert run("remove", "1802.00008", "--index", base / "index").exit_code == 0
    assert segment_files(base / "index") == {BIG, SMALL}
    return base / "index"


@pytest.fixture
def index(whole: Path, tmp_path: Path) -> Path:
    """A copy of `whole` to break."""
    return Path(shutil.copytree(whole, tmp_path / "index"))


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_bytes(lines(records))
    return path


def answers(folder: Path) -> dict[str, list[tuple[str, float]]]:
    """For each paper all others with their scores, and for a text: what a repair must not change."""
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        found = {one: [(hit.id, hit.score) for hit in ix.similar(one, top=100)] for one in IDS}
        return {**found, "text": [(hit.id, hit.score) for hit in ix.similar_to_text("a text", top=100)]}


def columns_by_id(folder: Path) -> dict[str, tuple[Any, ...]]:
    return {row[1]: row[2:] for row in contents(folder)}


def sql(*statements: str) -> Damage:
    def change(folder: Path) -> None:
        with database(folder) as connection:
            for statement in statements:
                connection.execute(statement)

    return change


def flip(name: str, offset: int) -> Damage:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[offset] ^= 4
        (folder / name).write_bytes(content)

    return change


def double_a_vector(folder: Path) -> None:
    """A vector that is not unit, under a hash that agrees."""
    content = bytearray((folder / SMALL).read_bytes())
    np.frombuffer(content, np.float32, offset=HEADER_BYTES)[:DIM] *= 2
    (folder / SMALL).write_bytes(content)
    sql(f"UPDATE segments SET sha256 = '{hashlib.sha256(content).hexdigest()}' WHERE number = 2")(folder)


def swap_two_papers(folder: Path) -> None:
    sql(*(f"UPDATE papers SET row = {new} WHERE row = {old}" for old, new in ((3, -1), (4, 3), (-1, 4))))(folder)


DAMAGES: dict[str, tuple[Damage, list[str]]] = {
    "a flipped bit in a vector": (flip(BIG, HEADER_BYTES + 5 * ROW_BYTES), FIRST),
    "a flipped bit in a header": (flip(SMALL, 4), SECOND),
    "a segment cut off": (lambda folder: (folder / SMALL).write_bytes((folder / SMALL).read_bytes()[:-7]), SECOND),
    "an empty segment": (lambda folder: (folder / BIG).write_bytes(b""), FIRST),
    "a missing segment": (lambda folder: (folder / BIG).unlink(), FIRST),
    "both segments missing": (lambda folder: [(folder / name).unlink() for name in (BIG, SMALL)], IDS),
    "a folder for a segment": (lambda folder: ((folder / SMALL).unlink(), (folder / SMALL).mkdir()), SECOND),
    "a vector that is not unit": (double_a_vector, SECOND),
    "a changed title": (sql("UPDATE papers SET title = 'Another' WHERE row = 3"), [IDS[3]]),
    "a changed date": (sql("UPDATE papers SET updated = '2030-01-01' WHERE row = 45"), [RECORDS[45]["id"]]),
    "a changed text hash": (sql("UPDATE papers SET text_hash = x'00' WHERE row = 0"), []),  # the text tells what it was
    "a changed vector hash": (sql("UPDATE papers SET vector_hash = x'00' WHERE row = 0"), [IDS[0]]),
    "a changed generation": (sql("UPDATE papers SET added = 7 WHERE row = 2"), []),
    "a generation of text": (sql("UPDATE papers SET added = 'x' WHERE row = 2"), []),
    "a paper called withdrawn": (sql("UPDATE papers SET withdrawn = 1 WHERE row = 2"), []),
    "swapped papers": (swap_two_papers, [IDS[3], IDS[4]]),
    "changed counts": (sql("UPDATE counts SET n_papers = 1 WHERE value = 'cs.CL'"), []),
    "no counts": (sql("DELETE FROM counts"), []),
    "a dead row forgotten": (sql("DELETE FROM dead"), []),
    "a live row called dead": (sql("INSERT INTO dead VALUES (3)"), []),
    "a paper in no segment": (sql("UPDATE papers SET row = 999 WHERE row = 3"), [IDS[3]]),
    "a lost index of ids": (sql("DROP INDEX papers_by_id"), []),
    "everything at once": (
        lambda folder: [DAMAGES[one][0](folder) for one in ("a missing segment", "changed counts", "a changed date")],
        [*FIRST, RECORDS[45]["id"]],
    ),
}


QUICK = ("a missing segment", "a vector that is not unit", "a changed title", "swapped papers", "everything at once")


@pytest.mark.parametrize("damage", few_quick(DAMAGES, *QUICK))
def test_after_a_repair_verify_is_clean_and_a_build_makes_it_whole(
    index: Path, whole: Path, tmp_path: Path, damage: str
) -> None:
    break_it, lost = DAMAGES[damage]
    break_it(index)
    assert verify(index) != []

    done = repair(index)
    assert done.faults
    assert (sorted(done.lost), done.n_unreadable, done.n_kept) == (sorted(lost), 0, len(IDS) - len(lost))
    assert verify(index) == []
    undamaged = columns_by_id(whole)
    assert columns_by_id(index) == {one: columns for one, columns in undamaged.items() if one not in lost}
    assert added(index) == {one: generation for one, generation in added(whole).items() if one not in lost}

    embedder = FakeEmbedder()
    wanted = [one for one in RECORDS if one["id"] in IDS]
    report = build_index(write(tmp_path / "again", wanted), into=index, embedder=embedder)
    assert sorted(embedder.texts) == sorted(text_of(one) for one in wanted if one["id"] in lost)
    assert (report.counts.added, report.counts.unchanged) == (len(lost), len(IDS) - len(lost))
    assert verify(index) == []
    assert columns_by_id(index) == undamaged
    assert answers(index) == answers(whole)


def test_a_paper_whose_fields_are_no_text_is_lost_alone(index: Path) -> None:
    sql("UPDATE papers SET abstract = x'ff' WHERE row = 5", "UPDATE papers SET title = x'00' WHERE row = 44")(index)
    done = repair(index)
    assert (done.n_kept, len(done.lost) + done.n_unreadable) == (len(IDS) - 2, 2)
    assert verify(index) == []


def test_a_paper_that_was_swapped_into_a_dead_row_is_lost_alone(index: Path) -> None:
    sql("DELETE FROM dead", "UPDATE papers SET row = 7 WHERE row = 3")(index)
    done = repair(index)
    assert (done.lost, done.n_kept) == ([IDS[3]], len(IDS) - 1)
    assert verify(index) == []


def test_papers_on_an_unreadable_page_are_named_from_the_index_of_ids(index: Path, whole: Path) -> None:
    with database(index) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [page_bytes] = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray((index / "papers.db").read_bytes())
    place = content.index(b"On paper " + IDS[3].encode())  # its title, in the page of the papers
    content[place // page_bytes * page_bytes] = 0xFF  # no page of SQLite is of this kind
    (index / "papers.db").write_bytes(content)
    done = repair(index)
    assert IDS[3] in done.lost
    assert done.n_unreadable == 0
    assert set(done.lost) | set(columns_by_id(index)) == set(columns_by_id(whole))


@pytest.mark.parametrize("seed", range(6))
def test_damaged_pages_of_the_database_lose_no_paper_silently(index: Path, whole: Path, seed: int) -> None:
    """Every paper is kept as it was, named as lost, or counted as unreadable; or the repair says that it cannot."""
    random_pages = random.Random(seed)
    with database(index) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [page_bytes] = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray((index / "papers.db").read_bytes())
    for _ in range(2):
        page = random_pages.randrange(1, len(content) // page_bytes)
        content[page * page_bytes : (page + 1) * page_bytes] = random_pages.randbytes(page_bytes)
    (index / "papers.db").write_bytes(content)
    before = {path.name: path.read_bytes() for path in index.glob("segment-*")}
    result = run("verify", "--index", index)
    assert result.exit_code == 1
    try:
        done = repair(index)
    except LunacyError:
        assert (index / "papers.db").read_bytes() == content  # nothing was made worse
        assert {path.name: path.read_bytes() for path in index.glob("segment-*")} == before
        return
    assert verify(index) == []
    kept = columns_by_id(index)
    assert kept.items() <= columns_by_id(whole).items()
    assert len(kept) == done.n_kept
    assert not set(done.lost) & set(kept)
    assert len(done.lost) == len(set(done.lost))
    assert done.n_kept + len(done.lost) + done.n_unreadable >= len(IDS)


NO_WAY_BACK: dict[str, tuple[Damage, type[LunacyError], str]] = {
    "no papers.db": (lambda folder: (folder / "papers.db").unlink(), NoIndex, "holds no lunacy index"),
    "an empty papers.db": (lambda folder: (folder / "papers.db").write_bytes(b""), NoIndex, "holds no paper yet"),
    "no database": (lambda folder: (folder / "papers.db").write_bytes(b"no!" * 999), IndexDamaged, "not a database"),
    "another model": (sql("UPDATE meta SET value = replace(value, 'fake', 'FAKE')"), IndexDamaged, "build the index"),
    "a wrong check": (sql("UPDATE meta SET value = '' WHERE key = 'check'"), IndexDamaged, "build the index"),
    "no fingerprint": (sql("DELETE FROM meta WHERE key = 'fingerprint'"), IndexDamaged, "build the index"),
    "no meta": (sql("DELETE FROM meta"), IndexDamaged, "build the index"),
    "no table": (sql("DROP TABLE segments"), LunacyError, "segments"),
}


@pytest.mark.parametrize("damage", NO_WAY_BACK)
def test_what_cannot_be_repaired_is_a_clear_error_and_left_as_it_is(index: Path, damage: str) -> None:
    break_it, error, said = NO_WAY_BACK[damage]
    break_it(index)
    before = {path.name: path.read_bytes() for path in index.glob("[ps]*") if path.suffix in (".db", ".faiss")}
    with pytest.raises(error, match=said) as caught:
        repair(index)
    assert "\n" not in str(caught.value)
    assert {name: (index / name).read_bytes() for name in before} == before
    result = run("repair", "--index", index)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM meta WHERE key = 'generation'"]
    + [f"UPDATE meta SET value = '{value}' WHERE key = 'generation'" for value in ("ten", "-1", "0", "1")],
)
def test_a_generation_that_cannot_be_is_named_and_mended(index: Path, tmp_path: Path, change: str) -> None:
    """The next segment is named after it: below the number of a segment, it would name one that is there."""
    sql(change)(index)
    assert verify(index) != []
    assert repair(index).n_kept == len(IDS)
    assert verify(index) == []
    after = [*(one for one in RECORDS if one["id"] in IDS), record("1802.00099")]
    build_index(write(tmp_path / "again", after), into=index, embedder=FakeEmbedder())
    assert verify(index) == []


def test_a_reader_that_was_open_sees_the_commits_after_a_repair(index: Path, tmp_path: Path) -> None:
    after = [*(one for one in RECORDS if one["id"] in IDS), record("1802.00099")]
    with open_index(index) as ix:
        assert len(ix) == len(IDS)
        sql("DELETE FROM counts")(index)
        repair(index)
        build_index(write(tmp_path / "again", after), into=index, embedder=FakeEmbedder())
        assert len(ix) == len(after)


def test_a_reader_of_before_a_repair_takes_no_commit_away_when_it_closes(index: Path) -> None:
    """SQLite's last reader removes the log by name, and after a repair the log of that name is another database's."""
    reader = open_index(index)
    assert len(reader) == len(IDS)
    sql("DELETE FROM counts")(index)
    repair(index)
    with Writer(index) as writer:
        writer.remove(IDS[:1])
        writer.commit()  # in the log of the new database
        reader.close()
        with open_index(index) as ix:
            assert len(ix) == len(IDS) - 1
    assert verify(index) == []


def test_a_healthy_index_is_left_as_it_is(index: Path) -> None:
    before = {path.name: path.read_bytes() for path in index.glob("[ps]*")}
    assert repair(index) == RepairReport([], len(IDS), [], 0)
    assert {path.name: path.read_bytes() for path in index.glob("[ps]*")} == before


def test_repair_is_refused_while_another_process_writes(tmp_path: Path) -> None:
    fill(tmp_path, ["a"])
    with another_process_writing(tmp_path) as process, pytest.raises(IndexLocked, match=f"process {process.pid} on"):
        repair(tmp_path)


def test_what_a_stopped_repair_left_is_no_hindrance(index: Path) -> None:
    workshop = index / part_name("repair")
    workshop.mkdir()
    (workshop / "papers.db").write_bytes(b"half")
    (index / BIG).unlink()
    assert repair(index).lost == FIRST
    assert not workshop.exists()
    assert verify(index) == []


def test_the_dropped_segment_goes_with_the_next_writer(index: Path) -> None:
    flip(BIG, 100)(index)
    repair(index)
    with Writer(index):
        pass
    assert segment_files(index) == {SMALL}
    assert verify(index) == []


def test_the_command_prints_the_lost_ids_and_what_was_wrong(index: Path) -> None:
    (index / SMALL).unlink()
    result = run("repair", "--index", index)
    assert (result.exit_code, result.stdout.splitlines()) == (0, SECOND)
    assert f"was: {SMALL}: missing" in result.stderr
    assert f"{len(FIRST)} papers kept, {len(SECOND)} lost" in result.stderr
    again = run("repair", "--index", index)
    assert (again.exit_code, again.stdout) == (0, "")
    assert "nothing was wrong" in again.stderr
