"""A first run: where it may make an index, and what is left of one that fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from lunacy import build_index, open_index
from lunacy.atomic import is_part
from lunacy.embedding import Embedded, Prepared
from lunacy.errors import LunacyError, ModelError, NoIndex
from lunacy.store import Writer, verify
from tests.conftest import DIM, FakeEmbedder, lines, record, vector_of
from tests.ownership.folder import PAPERS, PLANTS, ROOT, index, planted, put, tree
from tests.test_cli import run
from tests.test_pipeline import BAD, text_of
from tests.test_store import entry, vectors, writing


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

    monkeypatch.setattr("lunacy.pipeline.build_inputs.load_when_needed", no_model)
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


class Failing(FakeEmbedder):
    """It fails with its second texts, or `at` others."""

    def __init__(self, error: BaseException, at: int = 2) -> None:
        super().__init__()
        self._error, self._n, self._at = error, 0, at

    def run(self, prepared: Prepared) -> Embedded:
        self._n += 1
        if self._n >= self._at:
            raise self._error
        return super().run(prepared)


FAILURES: dict[str, Callable[..., Any]] = {
    "an error of ours": lambda into: build_index("many.jsonl", into=into, embedder=Failing(LunacyError("no"))),
    "a disk's": lambda into: build_index("many.jsonl", into=into, embedder=Failing(OSError(5, "no"))),
    "Ctrl-C": lambda into: build_index("many.jsonl", into=into, embedder=Failing(KeyboardInterrupt(), 1)),
    "SIGTERM": lambda into: build_index("many.jsonl", into=into, embedder=Failing(SystemExit(143), 1)),
    "a bug": lambda into: build_index("many.jsonl", into=into, embedder=Failing(ZeroDivisionError())),
    "no line": lambda into: build_index("empty.jsonl", into=into, embedder=FakeEmbedder()),
    "no paper": lambda into: build_index("bad.jsonl", into=into, embedder=FakeEmbedder()),
    "strict": lambda into: build_index("bad.jsonl", into=into, embedder=FakeEmbedder(), strict=True),
    "no snapshot": lambda into: build_index("nowhere.jsonl", into=into, embedder=FakeEmbedder()),
    "no model": lambda into: build_index("many.jsonl", into=into),
    "no vectors": lambda into: build_index("many.jsonl", into=into, vectors="nowhere.npy", model="m"),
    "too few vectors": lambda into: build_index("many.jsonl", into=into, vectors="few.npy", model="m"),
    "vectors without direction": lambda into: build_index("many.jsonl", into=into, vectors="zero.npy", model="m"),
    "a cut snapshot": lambda into: build_index("cut.gz", into=into, embedder=FakeEmbedder()),
    "a full disk": lambda into: build_index("many.jsonl", into=into, embedder=FakeEmbedder()),
}


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a first run leaves that is killed."""
    folder = tmp_path_factory.mktemp("killed") / "index"
    code = "import os; from tests.test_store import *\n"
    code += f"w = writing(Path({str(folder)!r})); w.append([entry('a')], vectors('a')); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert len(list(folder.iterdir())) > 3
    return folder


def no_model(*_arguments: object, **_options: object) -> None:
    raise ModelError("there is none")


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("there", ["nothing", "an empty folder", "what a killed run left"])
def test_a_first_run_that_fails_leaves_what_was_there(
    tmp_path: Path, left: Path, failure: str, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "many.jsonl", lines(record(f"1802.{n:05}") for n in range(40)))
    put(tmp_path / "empty.jsonl", b"\n")
    put(tmp_path / "bad.jsonl", BAD * 3)
    put(tmp_path / "cut.gz", b"\x1f\x8b\x08\0")
    np.save(tmp_path / "few.npy", np.ones((3, DIM), np.float32))
    np.save(tmp_path / "zero.npy", np.zeros((40, DIM), np.float32))
    monkeypatch.setattr(FakeEmbedder, "window", 8)
    monkeypatch.setattr("lunacy.pipeline.build_inputs.load_when_needed", no_model)
    if failure == "a full disk":
        monkeypatch.setattr("lunacy.store.files.shutil.disk_usage", lambda _folder: shutil._ntuple_diskusage(10, 10, 0))
    folder = tmp_path / "new" / "below" / "index"
    if there != "nothing":
        folder.mkdir(parents=True)
    if there == "what a killed run left":
        shutil.copytree(left, folder, dirs_exist_ok=True)
    before = tree(tmp_path)
    with pytest.raises((LunacyError, OSError, KeyboardInterrupt, SystemExit, ZeroDivisionError)):
        FAILURES[failure](folder)
    after = tree(tmp_path)
    if there == "what a killed run left":
        without = {name: what for name, what in before.items() if not name.startswith("new/below/index/")}
        assert after in (before, without)  # as it was, where the run did not come so far
    else:
        assert after == before


def holds_a_commit(folder: Path) -> bool:
    """Whether a question would be answered."""
    try:
        open_index(folder).close()
    except NoIndex:
        return False
    return True


def test_a_first_run_that_fails_after_a_commit_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeEmbedder, "window", 4)
    monkeypatch.setattr("lunacy.pipeline.stages.COMMIT_S", 0)
    put(tmp_path / "few.jsonl", lines(PAPERS))

    class AfterTheCommit(Failing):
        def run(self, prepared: Prepared) -> Embedded:
            given_up = time.monotonic() + 60
            while self.texts and not holds_a_commit(tmp_path / "index") and time.monotonic() < given_up:
                time.sleep(0.01)
            return super().run(prepared)

    with pytest.raises(KeyboardInterrupt):
        build_index(tmp_path / "few.jsonl", into=tmp_path / "index", embedder=AfterTheCommit(KeyboardInterrupt()))
    with open_index(tmp_path / "index") as ix:
        assert len(ix) == 4
    assert verify(tmp_path / "index") == []


def test_what_comes_into_the_folder_meanwhile_stays(tmp_path: Path) -> None:
    put(tmp_path / "few.jsonl", lines(PAPERS))
    folder = tmp_path / "new" / "index"

    class Meddling(FakeEmbedder):
        def run(self, _prepared: Prepared) -> Embedded:
            put(folder / "notes.txt")
            put(folder / "segment-00000001.faiss")
            raise LunacyError("no")

    with pytest.raises(LunacyError, match="no"):
        build_index(tmp_path / "few.jsonl", into=folder, embedder=Meddling())
    assert tree(folder) == {"notes.txt": b"mine\n", "segment-00000001.faiss": b"mine\n"}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_first_run_that_is_stopped_leaves_no_folder(tmp_path: Path, number: signal.Signals, status: int) -> None:
    code = """
import sys
from tests.conftest import FakeEmbedder
import lunacy.pipeline.build
from lunacy.cli import main
lunacy.pipeline.build_inputs.load_when_needed = lambda *_arguments, **_options: FakeEmbedder()
main()
"""
    command = [sys.executable, "-c", code, "index", "-", "--into", str(tmp_path / "new" / "index")]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:  # type: ignore[call-overload]
        process.stdin.write(lines(PAPERS))
        process.stdin.flush()
        until = time.monotonic() + 60
        while not (tmp_path / "new/index/papers.db-wal").exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(number)
        said = process.stderr.read().decode()
        assert process.wait() == status
    assert "Traceback" not in said
    assert f"no paper is in {tmp_path / 'new/index'} yet; the same command goes on from there" in said
    assert list(tmp_path.rglob("*")) == []


def test_a_second_first_run_takes_nothing_from_the_one_that_writes(tmp_path: Path) -> None:
    with writing(tmp_path / "new" / "index") as writer:
        writer.append([entry("a")], vectors("a"))
        before = tree(tmp_path)
        code = f"from tests.test_store import *; writing(Path({str(writer.folder)!r}))"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
        assert b"IndexLocked" in done.stderr
        assert tree(tmp_path) == before
        writer.commit()
    assert verify(tmp_path / "new" / "index") == []


def test_a_lock_that_was_taken_away_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first run that fails deletes its lock, which another may have opened just before."""
    import fcntl

    (tmp_path / "index").mkdir()
    take, n = fcntl.flock, 0

    def taken_away(descriptor: int, how: int) -> None:
        nonlocal n
        n += 1
        if n == 1:
            (tmp_path / "index/writer.lock").unlink()
        take(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", taken_away)
    with Writer(tmp_path / "index", FakeEmbedder().fingerprint):
        assert n == 2
        assert b"process " in (tmp_path / "index/writer.lock").read_bytes()


@pytest.mark.parametrize("database", [None, b""])
def test_a_log_whose_database_power_took_is_no_obstacle_beside_our_lock(home: Path, database: bytes | None) -> None:
    folder = home / "begun"
    folder.mkdir()
    (folder / "writer.lock").write_text(f"process {os.getpid()} on here\n")
    (folder / "papers.db-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(100))
    if database is not None:
        (folder / "papers.db").write_bytes(database)
    assert (
        run("index", home / "few.jsonl", "--into", folder, "--vectors", home / "few.npy", "--model", "m").exit_code == 0
    )
    assert verify(folder) == []
