"""A first run: where it may make an index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import orjson
import pytest

from lunacy import build_index
from lunacy.errors import LunacyError, NoIndex
from lunacy.store import Writer, verify
from lunacy.store.files import is_part
from tests.conftest import FakeEmbedder, lines, vector_of
from tests.ownership.folder import PAPERS, PLANTS, ROOT, index, planted, put, tree
from tests.test_cli import run
from tests.test_pipeline import text_of


def killed(folder: Path, *statements: str) -> None:
    """A database of somebody else, as a program leaves it that is killed: its commits are in the log."""
    folder.mkdir(exist_ok=True)
    code = f"import os, sqlite3; c = sqlite3.connect({str(folder / 'papers.db')!r}, isolation_level=None)\n"
    code += "".join(f"c.execute({one!r})\n" for one in statements) + "os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], check=False)


STRANGERS: dict[str, Callable[[Path], object]] = {
    "a database": lambda folder: killed(folder, "CREATE TABLE theirs (x)"),
    "a database with a log": lambda folder: killed(
        folder, "PRAGMA journal_mode = WAL", "CREATE TABLE theirs (x)", "INSERT INTO theirs VALUES (1)"
    ),
    "an empty database": lambda folder: killed(folder, "PRAGMA journal_mode = WAL"),
    "an empty database with pages of our size": lambda folder: killed(
        folder, "PRAGMA page_size = 16384", "PRAGMA journal_mode = WAL", "PRAGMA application_id = 7"
    ),
    "a journal": lambda folder: killed(
        folder,
        "CREATE TABLE theirs (x)",
        "PRAGMA cache_size = 1",
        "BEGIN",
        *["INSERT INTO theirs VALUES (zeroblob(50000))"] * 9,
    ),
    "no database": lambda folder: put(folder / "notes.txt"),
    "a text": lambda folder: put(folder / "papers.db"),
    "a folder": lambda folder: put(folder / "papers.db" / "notes.txt"),
    "a link": lambda folder: (folder.mkdir(), put(folder.parent / "outside"), linked(folder / "papers.db")),
    "a link to nothing": lambda folder: (folder.mkdir(), (folder / "papers.db").symlink_to("nowhere")),
}


def linked(path: Path) -> None:
    path.symlink_to(path.parents[1] / "outside")


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_folder_whose_database_is_not_ours_is_refused_and_not_touched(tmp_path: Path, stranger: str) -> None:
    folder = tmp_path / "theirs"
    STRANGERS[stranger](folder)
    put(tmp_path / "few.jsonl", lines(PAPERS))
    np.save(tmp_path / "few.npy", np.array([vector_of(text_of(one)) for one in PAPERS]))
    before = tree(tmp_path)
    vectors = ["--vectors", tmp_path / "few.npy", "--model", "m"]
    commands: list[Sequence[object]] = [["index", tmp_path / "few.jsonl", *vectors, "--into", folder]]
    commands += [[one, "--index", folder] for one in ("verify", "repair", "compact", "lexical", "ivf", "info")]
    commands += [[*one, "--index", folder] for one in (["query", "1"], ["remove", "1"])]
    commands += [["diff", tmp_path / "few.jsonl", "--index", folder]]
    for command in commands:
        done = run(*command)
        assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), command
        assert str(folder) in done.stderr
        assert tree(tmp_path) == before, command
    with pytest.raises(LunacyError):
        Writer(folder, FakeEmbedder().fingerprint)
    assert tree(tmp_path) == before


ALONE = [name for name in PLANTS if name not in ("a file in a cache", "a copy of the database", "an empty quarantine")]


@pytest.mark.parametrize("plant", [*ALONE, "a lost database", "a lost log"])
def test_a_folder_with_anything_else_is_refused_before_a_byte_is_written(
    home: Path, plant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "index"
    if plant == "a lost log":
        with Writer(folder) as writer:
            writer.remove(["1802.00001"])
            writer.commit()
            log = (folder / "papers.db-wal").read_bytes()
        shutil.rmtree(folder)
        put(folder / "papers.db-wal", log)
    elif plant == "a lost database":
        (folder / "papers.db").unlink()
    else:
        foreign = planted(folder, PLANTS[plant])
        for path in sorted(folder.rglob("*"), reverse=True):
            name = path.relative_to(folder).as_posix()
            if name not in foreign:
                with suppress(OSError):
                    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    before = tree(home)

    def no_model(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("lunacy.pipeline.build.load_when_needed", no_model)
    for arguments in ([home / "few.jsonl"], [home / "few.jsonl", "--vectors", home / "few.npy", "--model", "m"]):
        done = run("index", *arguments, "--into", folder)
        assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
        assert "is not empty and holds no index (" in done.stderr
        assert tree(home) == before
    first = min(os.fsencode(path.relative_to(folder)) for path in folder.rglob("*")).decode(errors="replace")
    assert f"({first.replace(chr(27), chr(0xFFFD))}" in done.stderr


def test_an_empty_quarantine_may_be_of_a_killed_first_run_and_is_left(home: Path) -> None:
    shutil.rmtree(home / "index")
    put(home / "index" / "quarantine.jsonl", b"")
    put(home / "few.jsonl", lines(PAPERS[:24]) + b"{\n")
    assert index(home, "few").exit_code == 0
    assert (home / "index" / "quarantine.jsonl").read_bytes() == b""
    assert orjson.loads((home / "index" / "quarantine-2.jsonl").read_bytes())["line"] == 25


def test_a_first_run_that_was_killed_with_much_to_commit_is_gone_on_with(home: Path) -> None:
    """What does not fit into SQLite's memory is in its log by then, without a commit."""
    folder = home / "index"
    shutil.rmtree(folder)
    code = f"""
import os
from tests.test_store import *
writer = writing(Path({str(folder)!r}))
for n in range(40):
    ids = [f"{{n}}.{{number}}" for number in range(100)]
    writer.append([entry(one, abstract=one * 500) for one in ids], vectors(ids))
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert (folder / "papers.db-wal").stat().st_size > 2**20
    assert run("query", "1802.00001", "--index", folder).exit_code == 1
    assert index(home, "few").exit_code == 0
    assert verify(folder) == []
    assert not [path for path in folder.iterdir() if is_part(path.name)]


def test_a_link_to_nothing_is_no_folder_for_an_index(tmp_path: Path) -> None:
    (tmp_path / "index").symlink_to("nowhere")
    with pytest.raises(NoIndex, match="is a link to nothing"):
        build_index(into=tmp_path / "index", embedder=FakeEmbedder())
    (tmp_path / "nowhere").mkdir()
    build_index(into=tmp_path / "index", embedder=FakeEmbedder())
    assert verify(tmp_path / "nowhere") == []
