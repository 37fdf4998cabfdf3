"""Links, and what stands where SQLite keeps files of its own: read where that is safe, and never written through."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from lunacy import open_index
from lunacy.store import Store, inventory, verify
from tests.ownership.folder import COMMANDS, MORE, ROOT, index, put, tree
from tests.test_cli import run
from tests.test_store import database


@pytest.mark.parametrize("name", ["writer.lock", "papers.db"])
def test_nothing_is_written_through_a_link(home: Path, name: str) -> None:
    """As DVC and the caches of model hubs leave them."""
    folder, shared = home / "index", home / "shared"
    shared.mkdir()
    (folder / name).rename(shared / name)
    (folder / name).symlink_to(shared / name)
    run("query", "1802.00005", "--index", folder, "--rank", "lexical")  # tantivy makes a lock in its folder
    before = tree(home)
    for command in ("index", "index --prune", "remove", "compact", "repair", "lexical", "ivf"):
        done = COMMANDS[command](home)
        assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), command
        assert f"{folder}: {name} is a symbolic link" in done.stderr
        assert tree(home) == before
    for command in ("verify", "info", "query", "diff"):
        assert COMMANDS[command](home).exit_code == 0, command
        assert tree(home) == before, command


def test_segments_that_are_links_are_read_and_merged_away_and_what_they_point_to_stays(home: Path) -> None:
    folder, shared = home / "index", home / "shared"
    shared.mkdir()
    for path in folder.glob("segment-*"):
        shutil.move(path, shared / path.name)
        path.symlink_to(shared / path.name)
    before = tree(shared)
    assert index(home, "more", "--prune").exit_code == 0
    assert tree(shared) == before
    assert verify(folder) == []
    assert inventory(folder).foreign == ()
    with open_index(folder) as ix:
        assert len(ix) == len(MORE)


def test_an_index_whose_files_are_all_links_answers(home: Path) -> None:
    answers = run("query", "1802.00005", "--index", home / "index", "--ivf").stdout
    for path in [one for one in (home / "index").rglob("*") if one.is_file()]:
        hidden = home / "store" / path.relative_to(home / "index")
        hidden.parent.mkdir(parents=True, exist_ok=True)
        path.rename(hidden)
        path.symlink_to(hidden)
    before = tree(home)
    assert run("query", "1802.00005", "--index", home / "index", "--ivf").stdout == answers
    assert verify(home / "index") == []
    assert tree(home) == before


@pytest.mark.parametrize("name", ["papers.db-wal", "papers.db-shm", "papers.db-journal"])
@pytest.mark.parametrize("kind", ["a file", "a link", "a folder"])
def test_what_stands_where_sqlite_keeps_its_own_is_named_and_left(home: Path, name: str, kind: str) -> None:
    put(home / "outside")
    path = home / "index" / name
    if kind == "a file":
        put(path)
    elif kind == "a link":
        path.symlink_to(home / "outside")
    else:
        put(path / "notes.txt")
    before = tree(home)
    for name, command in COMMANDS.items():
        if name not in ("repair of a damaged one", "index with bad lines"):
            done = command(home)
            assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), name
            assert f"{path.parent}: {path.name} is " in done.stderr
            assert tree(home) == before, name


def test_to_open_an_index_twice_takes_no_lock_away(home: Path) -> None:
    """To close any descriptor of a file drops all locks that this process has on it; then others take the log away."""
    folder = home / "index"
    with database(folder) as theirs, Store(folder) as first, first.view():
        theirs.execute("BEGIN")
        theirs.execute("SELECT count(*) FROM papers").fetchone()
        for _ in range(2):
            with Store(folder) as second, second.view():
                pass
            assert inventory(folder).foreign == ()
        code = (
            f"from tests.test_store import *\nwith Writer({str(folder)!r}) as w: w.remove(['1802.00001']); w.commit()"
        )
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        assert (folder / "papers.db-wal").stat().st_size > 0  # the last to close it would have taken it away
        theirs.execute("COMMIT")
    with closing(sqlite3.connect(folder / "papers.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
