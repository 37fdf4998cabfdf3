"""Verifying: a healthy index has no faults, and whatever is wrong with another is named."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lunacy
from lunacy.errors import IndexDamaged, NoIndex
from lunacy.store import Store, verify
from lunacy.store.records import read_paper
from tests.conftest import FakeEmbedder, record, vector_of
from tests.test_store import DIM, all_ids, database, entry, fill, names, vectors, writing

HEADER_BYTES = 45
ROW_BYTES = 4 * DIM
BIG, SMALL = "segment-00000001.faiss", "segment-00000002.faiss"  # the files of `index`: rows 0 to 19 and 20 to 21


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Two segments, a dead row, categories and dates."""
    folder = tmp_path / "index"
    for ids in (names(20), names(2, first=20)):
        with writing(folder) as writer:
            papers = [entry(one, categories=("cs.CL", "math.AG")[: 1 + place % 2]) for place, one in enumerate(ids)]
            writer.append(papers, vectors(ids))
            writer.commit()
    with writing(folder) as writer:
        writer.remove(names(1, first=7))
        writer.commit()
    assert {path.name for path in folder.glob("segment-*")} == {BIG, SMALL}
    return folder


def sql(statement: str) -> Callable[[Path], None]:
    """A change behind lunacy's back."""

    def change(folder: Path) -> None:
        with database(folder) as connection:
            connection.execute(statement)

    return change


def flip_byte(name: str, offset: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / name).open("rb+") as file:
            file.seek(offset)
            [byte] = file.read(1)
            file.seek(offset)
            file.write(bytes([byte ^ 1]))

    return change


def rewrite_rows(change_rows: Callable[[np.ndarray], None]) -> Callable[[Path], None]:
    """Other vectors under a hash that agrees: as if a bug had written them."""

    def change(folder: Path) -> None:
        path = folder / BIG
        content = bytearray(path.read_bytes())
        change_rows(np.frombuffer(content, np.float32, offset=HEADER_BYTES).reshape(-1, DIM))
        path.write_bytes(content)
        sql(f"UPDATE segments SET sha256 = '{hashlib.sha256(content).hexdigest()}' WHERE number = 1")(folder)

    return change


def swap_rows_in_the_file(folder: Path) -> None:
    content = (folder / BIG).read_bytes()
    first, second = HEADER_BYTES + ROW_BYTES, HEADER_BYTES + 2 * ROW_BYTES
    swapped = content[:HEADER_BYTES] + content[first:second] + content[HEADER_BYTES:first] + content[second:]
    (folder / BIG).write_bytes(swapped)


def swap_rows_in_the_database(folder: Path) -> None:
    for old, new in ((3, -1), (4, 3), (-1, 4)):
        sql(f"UPDATE papers SET row = {new} WHERE row = {old}")(folder)


def scale(rows: np.ndarray) -> None:
    rows[[4, 9]] *= 2


def put_nan(rows: np.ndarray) -> None:
    rows[5, 3] = np.nan


def put_zeros(rows: np.ndarray) -> None:
    rows[19] = 0


FAULTS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "a flipped bit in a vector": (flip_byte(BIG, HEADER_BYTES + 3), [f"{BIG}: its content has changed"]),
    "a flipped bit in a header": (flip_byte(SMALL, 8), [f"{SMALL}: ", "header does not match papers.db"]),
    "a truncated segment": (lambda folder: os.truncate(folder / BIG, 100), [f"{BIG}: ", "100 bytes, should be 685"]),
    "a missing segment": (lambda folder: (folder / SMALL).unlink(), [f"{SMALL}: missing"]),
    "swapped vectors": (swap_rows_in_the_file, [f"{BIG}: its content has changed"]),
    "vectors that are not unit": (rewrite_rows(scale), [f"{BIG}: 2 vectors from row 4 on are not unit (norm 2)"]),
    "NaN in a vector": (rewrite_rows(put_nan), [f"{BIG}: 1 vectors from row 5 on are not unit (norm nan)"]),
    "a vector of zeros": (rewrite_rows(put_zeros), [f"{BIG}: 1 vectors from row 19 on are not unit (norm 0)"]),
    "a changed title": (
        sql("UPDATE papers SET title = 'Another' WHERE row = 3"),
        ["papers.db: row 3, paper '2401.00003', is not as it was written"],
    ),
    "a changed date": (sql("UPDATE papers SET updated = '2030-01-01' WHERE row = 3"), ["row 3", "counts by category"]),
    "changed counts": (sql("UPDATE counts SET n_papers = 1 WHERE value = 'cs.CL'"), ["papers.db: its counts by"]),
    "a lost count": (sql("DELETE FROM counts WHERE kind = 'updated'"), ["papers.db: its counts by"]),
    "swapped papers": (swap_rows_in_the_database, ["is not the vector of paper"]),
    "a lost paper": (sql("DELETE FROM papers WHERE row = 3"), [f"{BIG}: 20 rows, but papers.db knows 19 of them"]),
    "a dead row that came back": (sql("DELETE FROM dead"), [f"{BIG}: 20 rows, but papers.db knows 19 of them"]),
    "a live row called dead": (sql("INSERT INTO dead VALUES (3)"), [f"{BIG}: 20 rows, but papers.db knows"]),
    "a paper in no segment": (sql("UPDATE papers SET row = 99 WHERE row = 3"), ["papers.db: 1 rows are in no segment"]),
    "overlapping segments": (
        sql("UPDATE segments SET first_row = 19 WHERE number = 2"),
        ["papers.db names a segment that cannot be: (2, 19, "],
    ),
}


def test_a_healthy_index_has_no_faults(index: Path) -> None:
    assert verify(index) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_named(index: Path, fault: str) -> None:
    damage, said = FAULTS[fault]
    damage(index)
    found = "\n".join(verify(index))
    assert found
    for part in said:
        assert part in found


def test_every_fault_of_several_is_named(index: Path) -> None:
    for fault in ("a missing segment", "NaN in a vector", "a changed title", "changed counts"):
        FAULTS[fault][0](index)
    assert [line.split(":")[0] for line in verify(index)] == [
        "papers.db",
        "papers.db",
        BIG,
        SMALL,
    ]


def test_a_damaged_database_is_named(index: Path) -> None:
    with database(index) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray((index / "papers.db").read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)  # all pages but the first
    (index / "papers.db").write_bytes(content)
    try:
        found = "\n".join(verify(index))
    except IndexDamaged as error:
        found = str(error)
    assert "papers.db" in found


def test_a_writer_at_work_is_no_fault(index: Path) -> None:
    with writing(index) as writer:
        writer.append([entry("new")], vectors(["new"]))
        assert verify(index) == []


def test_a_folder_without_index_cannot_be_verified(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="does not exist"):
        verify(tmp_path / "missing")


def test_a_reader_of_an_index_with_a_missing_segment_is_told_to_verify(index: Path) -> None:
    (index / SMALL).unlink()
    with Store(index) as store, pytest.raises(IndexDamaged, match=f"{SMALL} is missing\n.*lunacy verify"), store.view():
        pass


def test_verifying_changes_nothing(index: Path) -> None:
    before = {path.name: path.read_bytes() for path in index.iterdir()}
    verify(index)
    assert {path.name: path.read_bytes() for path in index.iterdir()} == before
    assert all_ids(index) == set(names(22)) - set(names(1, first=7))


def test_an_empty_index_is_healthy(tmp_path: Path) -> None:
    fill(tmp_path, ["a"])
    with writing(tmp_path) as writer:
        writer.remove(["a"])
        writer.commit()
    assert verify(tmp_path) == []


def test_counts_by_category_and_date_are_those_of_the_papers(tmp_path: Path) -> None:
    first = [entry(str(n), categories=("cs.CL", "cs.LG")[: n % 3], updated=f"2020-01-0{n % 4 + 1}") for n in range(9)]
    amended = [entry("1", categories=("math.AG",), updated=""), entry("2", updated="2021-05-05")]
    with writing(tmp_path) as writer:
        writer.append(first, vectors(str(n) for n in range(9)))
        writer.amend(amended[:1])
        writer.commit()
        writer.amend(amended[1:])
        writer.remove(["3", "4"])
        writer.commit()
    papers = [read_paper(one.columns) for one in [first[0], *amended, *first[5:]]]
    with Store(tmp_path) as store, store.view() as view:
        summary = view.summary()
        assert view.papers(np.array(list(view.rows(["1"]).values()))) == [papers[1]]
    assert summary.n_papers == 7
    assert summary.by_category == Counter(category for paper in papers for category in paper.categories)
    assert (summary.n_without_update, summary.last_updated) == (1, "2021-05-05")


def test_the_papers_of_each_month_are_counted_whatever_changes(tmp_path: Path) -> None:
    days = {"1802.00001": "2018-02-14", "1802.00002": "2018-01-31", "1801.00003": "", "hep-th/9711001": "", "x:1": ""}
    with writing(tmp_path) as writer:
        first = [entry(one, submitted=day) for one, day in days.items()]
        writer.append(first, vectors(days))
        writer.commit()
    with Store(tmp_path) as store, store.view() as view:
        before = view.summary()
    assert before.by_month == {"1997-11": 1, "2018-01": 1, "2018-02": 2, "": 1}
    assert (before.first_posted, before.last_posted, before.n_without_day) == ("1997-11", "2018-02-14", 2)
    with writing(tmp_path) as writer:
        writer.amend([entry("1802.00001", submitted=""), entry("1801.00003", submitted="2018-03-01")])
        writer.remove(["hep-th/9711001"])
        writer.commit()
    with Store(tmp_path) as store, store.view() as view:
        after = view.summary()
    assert after.by_month == {"2018-01": 1, "2018-02": 2, "": 1}
    assert (after.first_posted, after.last_posted, after.n_without_day) == ("2018-01-31", "2018-02-01", 1)
    assert verify(tmp_path) == []


def test_reembedding_names_the_paper_with_another_vector(tmp_path: Path, write_snapshot: Callable[..., Path]) -> None:
    records = [record(f"1802.{n:05}") for n in range(1, 21)]
    right = np.array(
        [vector_of(" ".join(f"{one['title']} {one['abstract']}".split()), DIM) for one in records], np.float32
    )
    for name, stored in (("right", right), ("wrong", np.concatenate([right[:4], right[:1], right[5:]]))):
        np.save(tmp_path / f"{name}.npy", stored)
        vectors = tmp_path / f"{name}.npy"
        lunacy.build_index(write_snapshot(records), into=tmp_path / name, vectors=vectors, model="fake/model")
    whole = lunacy.verify(tmp_path / "right", reembed=30, embedder=FakeEmbedder(dim=DIM))
    assert whole == lunacy.VerifyReport(tmp_path / "right", [], (), 20, 20)
    assert lunacy.verify(tmp_path / "wrong").faults == []
    wrong = lunacy.verify(tmp_path / "wrong", reembed=30, embedder=FakeEmbedder(dim=DIM))
    [fault] = wrong.faults
    assert fault.startswith("paper 1802.00005: its vector is another one now (cosine ")
    assert (wrong.n_papers, wrong.n_reembedded) == (0, 0)


def test_verify_tells_what_is_not_ours(index: Path) -> None:
    (index / "notes.txt").write_text("mine")
    assert lunacy.verify(index) == lunacy.VerifyReport(index, [], ("notes.txt",), 21, 0)
