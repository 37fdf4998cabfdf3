"""The store: what is committed is seen, all of it and nothing else, and it stays right through every change."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from lunacy.atomic import put_file
from lunacy.entry import Entry
from lunacy.errors import (
    FingerprintMismatch,
    IndexDamaged,
    IndexLocked,
    LunacyError,
    NoIndex,
    StoreError,
    VectorsError,
)
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.store import Store, View, Writer, repair, verify
from tests.conftest import vector_of

DIM = 8
FINGERPRINT = Fingerprint(model="fake/model", text="abstract", dim=DIM, weights="0" * 64)


def entry(identifier: str, **fields: Any) -> Entry:
    """A paper to store; its vector is `vectors([identifier])`."""
    paper = Paper(identifier, **{"title": f"On {identifier}", "abstract": f"We study {identifier}.", **fields})
    return Entry.of(paper, FINGERPRINT.text)


def vectors(ids: Iterable[str]) -> np.ndarray:
    return np.array([vector_of(identifier, DIM) for identifier in ids], np.float32).reshape(-1, DIM)


def names(n: int, first: int = 0) -> list[str]:
    return [f"2401.{number:05d}" for number in range(first, first + n)]


def writing(folder: Path, fingerprint: Fingerprint = FINGERPRINT, arithmetic: str = "fake") -> Writer:
    return Writer(folder, fingerprint, arithmetic)


def fill(folder: Path, *commits: list[str]) -> Path:
    """An index with these ids, list by list."""
    for ids in commits:
        with writing(folder) as writer:
            writer.append([entry(identifier) for identifier in ids], vectors(ids))
            writer.commit()
    return folder


def database(folder: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(folder / "papers.db", isolation_level=None))


def all_ids(folder: Path) -> set[str]:
    with database(folder) as connection:
        return {identifier for [identifier] in connection.execute("SELECT id FROM papers")}


def assert_holds(view: View, ids: list[str]) -> None:
    """Exactly `ids`, each with its own paper and vector."""
    rows = view.rows(ids)
    assert set(rows) == set(ids)
    assert view.n_papers == len(ids)
    places = np.array([rows[identifier] for identifier in ids], np.int64)
    np.testing.assert_array_equal(view.vectors(places), vectors(ids))
    assert [paper.title for paper in view.papers(places)] == [f"On {identifier}" for identifier in ids]


def assert_index(folder: Path, ids: list[str]) -> None:
    """The last commit holds exactly `ids`, and nothing is wrong with the index."""
    with Store(folder) as store, store.view() as view:
        assert_holds(view, ids)
    assert verify(folder) == []


def segment_files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("segment-*")}


@contextmanager
def another_process_writing(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has appended papers and holds the lock."""
    code = f"""
import sys
from pathlib import Path
from tests.test_store import entry, vectors, writing
writer = writing(Path({str(folder)!r}))
writer.append([entry("killed")], vectors(["killed"]))
print("ready", flush=True)
sys.stdin.read()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, text=True, **pipes) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_papers_are_seen_only_after_their_commit(tmp_path: Path) -> None:
    fill(tmp_path, ["a"])
    with writing(tmp_path) as writer, Store(tmp_path) as store:
        writer.append([entry("b")], vectors("b"))
        with store.view() as view:
            assert_holds(view, ["a"])
        writer.commit()
        with store.view() as view:
            assert_holds(view, ["a", "b"])


def test_a_writer_closed_without_commit_leaves_nothing(tmp_path: Path) -> None:
    fill(tmp_path, ["a"])
    before = segment_files(tmp_path)
    with writing(tmp_path) as writer:
        writer.append([entry("b")], vectors("b"))
        writer.remove(["a"])
    assert segment_files(tmp_path) == before
    assert_index(tmp_path, ["a"])


def test_an_index_without_its_first_commit_is_no_index_yet(tmp_path: Path) -> None:
    with writing(tmp_path / "new") as writer:
        writer.append([entry("a")], vectors("a"))
    with pytest.raises(NoIndex, match="holds no paper yet\nrun again"):
        Store(tmp_path / "new")
    fill(tmp_path / "new", ["b"])
    assert_index(tmp_path / "new", ["b"])


def test_a_commit_without_changes_is_none(tmp_path: Path) -> None:
    fill(tmp_path, ["a"])
    with writing(tmp_path) as writer:
        writer.amend([])
        writer.remove([])
        writer.append([], vectors([]))
        writer.commit()
    with Store(tmp_path) as store, store.view() as view:
        assert_holds(view, ["a"])
        assert [segment.segment.n_rows for segment in view.segments] == [1]


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with another_process_writing(tmp_path / "index") as process:
        with pytest.raises(IndexLocked) as caught:
            writing(tmp_path / "index")
        assert f"process {process.pid} on {socket.gethostname()}" in str(caught.value)
        assert "run again" in str(caught.value)


def test_the_next_writer_works_after_a_kill_and_removes_the_garbage(tmp_path: Path) -> None:
    fill(tmp_path, ["a"])
    with another_process_writing(tmp_path) as process:
        assert len(list(tmp_path.glob("segment*"))) == 2
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with writing(tmp_path) as writer:
        assert len(list(tmp_path.glob("segment*"))) == 1
        writer.append([entry("b")], vectors("b"))
        writer.commit()
    assert_index(tmp_path, ["a", "b"])


def test_known_tells_what_this_writer_was_told_of_or_has_added(tmp_path: Path) -> None:
    fill(tmp_path, names(1200))
    with writing(tmp_path) as writer:
        for _ in range(2):  # to ask changes nothing
            first = writer.known(names(1100))  # more than SQLite takes in one statement
            assert sorted(first) == names(1100)
            assert {known.is_seen for known in first.values()} == {False}
        assert first["2401.00007"].text_hash == blake2b(b"We study 2401.00007.", digest_size=16).digest()
        rows = [known.row for known in first.values()]
        assert sorted(rows) == list(range(1100))
        assert writer.mark_seen([*rows, rows[0]]) == 1
        assert writer.known(["2401.00007"])["2401.00007"].is_seen
        writer.append([entry("new")], vectors(["new"]))
        found = writer.known(["new", "2401.01199", "lacking"])
        assert {one: known.is_seen for one, known in found.items()} == {"new": True, "2401.01199": False}
        assert writer.unseen() == names(100, first=1100)


def test_text_keys_are_of_each_paper_and_its_text(tmp_path: Path) -> None:
    fill(tmp_path, names(20))
    with writing(tmp_path) as writer:
        writer.remove(names(3))
        writer.append([entry("new")], vectors(["new"]))
        found = writer.text_keys()
    entries = map(entry, [*names(17, 3), "new"])
    keys = [blake2b(one.text_hash + one.id.encode(), digest_size=8).digest() for one in entries]
    assert found.tobytes() == np.sort(np.frombuffer(b"".join(keys), np.uint64)).tobytes()


def test_a_file_is_put_whole_or_not_at_all(tmp_path: Path) -> None:
    put_file(tmp_path / "shard", b"first")
    put_file(tmp_path / "shard", b"second")
    assert (tmp_path / "shard").read_bytes() == b"second"
    with pytest.raises(IsADirectoryError) as raised:
        put_file(tmp_path, b"third")
    assert raised.value.filename == str(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]
    assert not list(tmp_path.parent.glob("*.part"))


def test_a_paper_that_this_writer_added_is_seen_also_after_a_rewrite(tmp_path: Path) -> None:
    fill(tmp_path, names(8))
    with writing(tmp_path) as writer:
        writer.remove(names(2))
        writer.commit()  # two of eight rows are dead: rows move down
        writer.append([entry("a"), entry("b")], vectors("ab"))
        seen = {identifier: known.is_seen for identifier, known in writer.known(["a", "b", *names(6, first=2)]).items()}
    assert seen == {"a": True, "b": True, **dict.fromkeys(names(6, first=2), False)}


def test_a_doi_is_found_by_an_index_however_it_is_capitalised(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.append([entry("a", doi="10.1103/PhysRevD.76"), entry("b"), entry("c")], vectors("abc"))
        writer.commit()
    sql = "SELECT id FROM papers WHERE doi = ? COLLATE NOCASE AND doi != ''"  # as indexes/README.md has it
    with database(tmp_path) as connection:
        assert connection.execute(sql, ["10.1103/physrevd.76"]).fetchall() == [("a",)]
        [(*_ids, plan)] = connection.execute(f"EXPLAIN QUERY PLAN {sql}", ["x"]).fetchall()
    assert "papers_by_doi" in plan


def test_a_paper_comes_back_as_it_was_given(tmp_path: Path) -> None:
    categories = ("cs.CL", "hep-th")
    others: Any = ("1997-11-27", "", "10.1/x", "5 pages; Überarbeitet", "Ö, Ä., Jr.", "J. Ö. 5", 3)
    paper = Paper("hep-th/9711200", "L'été à 東京 🚀", "$E=mc^2$ %_'\"", "Ä. Ö", categories, *others)
    with writing(tmp_path / "an index #1?%20 ü") as writer:
        writer.append([Entry.of(paper, FINGERPRINT.text)], vectors("a"))
        writer.commit()
    with Store(tmp_path / "an index #1?%20 ü") as store, store.view() as view:
        assert view.papers(np.array([0])) == [paper]


def test_another_fingerprint_is_refused_with_both_values(tmp_path: Path) -> None:
    fill(tmp_path, ["a"])
    other = Fingerprint(model="fake/model", text="title+abstract", dim=DIM + 1, weights="1" * 64)
    with pytest.raises(FingerprintMismatch) as caught:
        writing(tmp_path, other)
    for both in ("abstract in the index, title+abstract now", "8 in the index, 9 now", f"{'0' * 64} in the index"):
        assert both in str(caught.value)


def test_another_arithmetic_is_recorded_and_not_refused(tmp_path: Path) -> None:
    fill(tmp_path, ["a"])
    with writing(tmp_path, arithmetic="cuda float16") as writer:
        writer.append([entry("b")], vectors("b"))
        writer.commit()
    with Store(tmp_path) as store, store.view() as view:
        assert view.arithmetic == "cuda float16"


@pytest.mark.parametrize(
    ("version", "what_to_do"),
    [(99, "upgrade lunacy"), (1, "build the index again"), (3, "build the index again"), (0, "again")],
)
def test_another_format_than_ours_is_refused(tmp_path: Path, version: int, what_to_do: str) -> None:
    fill(tmp_path, ["a"])
    with database(tmp_path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    for opening in (Store, writing, verify, repair):
        with pytest.raises(StoreError, match=rf"format {version}, and this lunacy reads format 4\n.*{what_to_do}"):
            opening(tmp_path)


def make_strange(folder: Path, kind: str) -> Path:
    target = folder / "target"
    if kind == "file":
        target.write_text("not a folder")
    elif kind != "missing":
        target.mkdir()
    if kind == "foreign":
        (target / "thesis.tex").write_text("years of work")
    elif kind == "other database":
        with database(target) as connection:
            connection.execute("CREATE TABLE theirs (x)")
    elif kind == "no database":
        (target / "papers.db").write_bytes(b"this is no SQLite file, " * 100)
    return target


DATABASE = "papers.db was not made by lunacy; choose another folder"
NO_INDEX = "holds no lunacy index; make one with: lunacy index SNAPSHOT --into"


@pytest.mark.parametrize(
    ("opening", "kind", "error", "said"),
    [
        (Store, "missing", NoIndex, "does not exist; make one with: lunacy index SNAPSHOT --into"),
        (Store, "empty", NoIndex, NO_INDEX),
        (Store, "foreign", NoIndex, NO_INDEX),
        (Store, "file", NoIndex, "is a file"),
        (Store, "other database", NoIndex, DATABASE),
        (Store, "no database", IndexDamaged, "file is not a database"),
        (writing, "foreign", NoIndex, "is not empty and holds no index (thesis.tex, ...); give a new folder"),
        (writing, "file", NoIndex, "is a file; give a folder for the index"),
        (writing, "other database", NoIndex, DATABASE),
        (writing, "no database", IndexDamaged, "file is not a database"),
    ],
)
def test_a_strange_folder_is_refused_and_left_alone(
    tmp_path: Path, opening: Any, kind: str, error: type[LunacyError], said: str
) -> None:
    target = make_strange(tmp_path, kind)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(error) as caught:
        opening(target)
    assert str(target) in caught.value.full_message
    assert said in caught.value.full_message
    assert {path: path.read_bytes() for path in before} == before


def test_a_reader_of_a_few_lines_needs_only_sqlite3_and_faiss(tmp_path: Path) -> None:
    ids = [*names(40), "math/0601001"]
    folder = fill(tmp_path, ids[:30], ids[30:38], ids[38:])

    def vector(identifier: str) -> np.ndarray:
        with closing(sqlite3.connect(folder / "papers.db")) as db:
            [row] = db.execute("SELECT row FROM papers WHERE id = ?", (identifier,)).fetchone()
            number, first_row = db.execute(
                "SELECT number, first_row FROM segments WHERE first_row <= ? ORDER BY first_row DESC LIMIT 1", (row,)
            ).fetchone()
        index = faiss.read_index(f"{folder}/segment-{number:08d}.faiss")
        return index.reconstruct(row - first_row)

    assert len(segment_files(folder)) > 1
    for identifier in ids:
        np.testing.assert_array_equal(vector(identifier), vector_of(identifier, DIM))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda rows: rows[:1], r"float32 \(1, 8\) came .*; float32 \(2, 8\) is needed"),
        (lambda rows: rows[:, :7], r"float32 \(2, 7\) came"),
        (lambda rows: rows[0], r"float32 \(8,\) came"),
        (lambda rows: rows.astype(np.float16), r"float16 \(2, 8\) came"),
        (lambda rows: rows.astype(np.float64), r"float64 \(2, 8\) came"),
        (lambda rows: rows * np.float32([[1], [1.01]]), "the vector of c has the length 1.01, and 1 is needed"),
        (lambda rows: rows * np.float32([[1], [0]]), "the vector of c has the length 0"),
        (lambda rows: rows * np.float32([[1], [np.nan]]), "the vector of c has the length nan"),
        (lambda rows: rows * np.float32([[1e30], [1]]), "the vector of b has the length inf"),
    ],
)
def test_vectors_that_are_none_are_refused_and_nothing_of_them_is_stored(
    tmp_path: Path, wrong: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    folder = fill(tmp_path / "ix", ["a"])
    with pytest.raises(VectorsError, match=said), writing(folder) as writer:
        writer.append([entry("b"), entry("c")], wrong(vectors("bc")))
    with Store(folder) as store, store.view() as view:
        assert view.n_papers == 1
    assert verify(folder) == []


def test_no_assert_of_the_library_is_needed_for_data(tmp_path: Path) -> None:
    """`python -O` leaves asserts out, and must change nothing."""
    code = f"""
import numpy as np
from lunacy.embedding.token_arrays import Frame, cut, from_rows
from lunacy.errors import VectorsError
from tests.test_store import entry, vectors, writing
assert False, "asserts are out"
with writing({str(tmp_path / "ix")!r}) as writer:
    for wrong in (vectors("bc"), 2 * vectors("b"), vectors("b").astype(np.float64)):
        try:
            writer.append([entry("b")], wrong)
        except VectorsError as error:
            print(error)
try:
    cut(from_rows([[1] * 9]), 4, Frame((1,), (2,)))
except ValueError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-O", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    assert len(done.stdout.splitlines()) == 4, done.stderr
    assert done.returncode == 0
