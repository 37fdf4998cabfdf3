"""A disk that is full, read-only, forbidden or moved: one clear line, nothing lost, nothing half-made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lunacy import build_index, open_index
from lunacy.errors import DiskFull, LunacyError, StoreError
from lunacy.store import verify
from tests.conftest import DIM, FakeEmbedder, few_quick, lines, record, vector_of
from tests.test_cli import run
from tests.test_pipeline import assert_holds, text_of, vectors_by_id
from tests.test_store import database
from tests.test_updates import assert_answers

ROOT = Path(__file__).parents[1]
PAPERS = [record(f"1802.{n:05}") for n in range(1, 31)]
MORE = [*PAPERS, *(record(f"1803.{n:05}", abstract=f"{n} " + "A long one. " * 900) for n in range(1, 151))]
NOBODY = 65534


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index of PAPERS, and what an update with MORE needs: a snapshot and its vectors."""
    folder = tmp_path_factory.mktemp("disk")
    (folder / "few").write_bytes(lines(PAPERS))
    (folder / "more").write_bytes(lines(MORE))
    np.save(folder / "v.npy", np.array([vector_of(text_of(one)) for one in MORE]))
    build_index(folder / "few", into=folder / "index", embedder=FakeEmbedder())
    return folder


@pytest.fixture
def index(tmp_path: Path, made: Path) -> Path:
    """The index in a copy of that."""
    return Path(shutil.copytree(made, tmp_path, dirs_exist_ok=True), "index")


def program(*arguments: object, before: str = "") -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, which first does `before`, with `os` and `resource` at hand."""
    code = "import mmap, os, resource, sys, faiss, numpy.ma, orjson\n"  # what is imported later, nobody may read
    code += "import lunacy.cli, lunacy.query, lunacy.pipeline, lunacy.embedding\n"
    code += f"import lunacy.render\n{before}\nsys.argv[0] = 'lunacy'\nlunacy.cli.main()"
    command = [sys.executable, "-W", "error", "-W", "ignore:builtin type:DeprecationWarning", "-c", code]
    return subprocess.run(
        [*command, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def update(index: Path, before: str = "", *options: object) -> subprocess.CompletedProcess[str]:
    """`lunacy index` with MORE, whose vectors are given; the model counts as the one that the index knows."""
    source = [index.parent / "more", "--vectors", index.parent / "v.npy", "--model", "fake/model"]
    return program("index", *source, "--into", index, *options, before=before)


def assert_one_line(done: subprocess.CompletedProcess[str], said: str, code: int = 1) -> None:
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (code, "", 1), done.stderr
    assert done.stderr.startswith("lunacy: ")
    assert said in done.stderr


def build(index: Path, snapshot: str) -> Any:
    return build_index(index.parent / snapshot, into=index, embedder=FakeEmbedder())


def test_a_full_disk_is_told_before_anything_is_written(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in index.glob("[ps]*")}
    with monkeypatch.context() as full:
        full.setattr("lunacy.store.files.shutil.disk_usage", lambda _folder: shutil._ntuple_diskusage(10, 10, 0))
        with pytest.raises(DiskFull, match=r"disk is full.*0 are free.*make room and run again"):
            build(index, "more")
    assert {path.name: path.read_bytes() for path in index.glob("[ps]*")} == before
    assert_answers(index, PAPERS)
    build(index, "more")
    assert_holds(index, MORE)


def test_an_update_without_changes_needs_no_space(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.store.files.shutil.disk_usage", lambda _folder: shutil._ntuple_diskusage(10, 10, 0))
    assert build(index, "few").counts.unchanged == len(PAPERS)


@pytest.mark.parametrize("limit_bytes", few_quick([100, 5_000, 20_000, 200_000, 1_000_000], 200_000))
def test_a_file_that_may_not_grow_is_one_line_and_a_rerun_completes(index: Path, limit_bytes: int) -> None:
    """A limit on the size of files stands in for a quota: every write beyond it fails with EFBIG."""
    full = f"import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nlimit = ({limit_bytes},) * 2\n"
    done = update(index, full + "resource.setrlimit(resource.RLIMIT_FSIZE, limit)")
    assert_one_line(done, str(index))
    assert verify(index) == []
    assert_answers(index, PAPERS)
    assert update(index).returncode == 0
    assert verify(index) == []
    found = vectors_by_id(index)
    assert set(found) == {one["id"] for one in MORE}
    for one in MORE:
        np.testing.assert_allclose(found[one["id"]], vector_of(text_of(one)), atol=1e-6)


def test_a_question_that_may_write_nothing_is_told_which_limit_that_can_be(index: Path) -> None:
    """SQLite's shared memory is a file, which a question makes too."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    done = program("query", PAPERS[0]["id"], "--index", index, before=limit)
    assert_one_line(done, "disk I/O error (SQLITE_IOERR_SHMSIZE); look whether the disk is whole and there, and at the")
    assert "ulimit -f" in done.stderr


def test_a_segment_that_cannot_be_mapped_is_told_without_the_places_in_faiss(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_arguments: Any) -> None:
        raise RuntimeError(
            "Error in faiss::MmappedFileMappingOwner::PImpl::PImpl(const std::string&) at /project/io.cpp:62:"
            " Error: 'address != MAP_FAILED' failed: could not mmap(): Cannot allocate memory"
        )

    monkeypatch.setattr("lunacy.store.segments.faiss.read_index", no_memory)
    said = r"segment-\d+\.faiss cannot be mapped into memory: could not mmap\(\): Cannot allocate memory\n"
    with open_index(index) as ix, pytest.raises(StoreError, match=said) as found:
        ix.similar(PAPERS[0]["id"])
    assert "ulimit -v" in str(found.value.hint)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("reserve", few_quick([2**24, 0], 0))
def test_a_disk_that_really_fills_is_one_line_and_with_room_a_rerun_completes(index: Path, reserve: int) -> None:
    with small_disk(index.parent / "disk", "1200k"):
        small = Path(shutil.copytree(index, index.parent / "disk" / "index"))
        done = program(
            *[
                "index",
                index.parent / "more",
                "--vectors",
                index.parent / "v.npy",
                "--model",
                "fake/model",
                "--into",
                small,
            ],
            before=f"import lunacy.store.files\nlunacy.store.files._RESERVE_BYTES = {reserve}",
        )
        assert_one_line(done, "full")
        assert verify(small) == []
        assert_answers(small, PAPERS)
        roomy = Path(shutil.copytree(small, index.parent / "roomy"))
    build_index(index.parent / "more", into=roomy, embedder=FakeEmbedder())
    assert_holds(roomy, MORE)


def readable_by_all(index: Path) -> Path:
    """A copy where nobody may write and everybody may read."""
    import tempfile

    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    copy = Path(shutil.copytree(index, folder / "index"))
    for path in [*copy.rglob("*"), copy]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return copy


AS_NOBODY = f"os.setgid({NOBODY}); os.setuid({NOBODY})" if os.getuid() == 0 else "pass"


@pytest.fixture
def read_only(index: Path) -> Iterator[Path]:
    copy = readable_by_all(index)
    yield copy
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(copy.parent)


COMMANDS = [["query", "1802.00001", "--format", "ids"], ["diff", "{few}"], ["verify"]]


@pytest.mark.parametrize("command", few_quick(COMMANDS, COMMANDS[0], COMMANDS[2]))
def test_questions_to_a_read_only_index_are_answered(index: Path, read_only: Path, command: list[str]) -> None:
    few = shutil.copy(index.parent / "few", read_only.parent / "few")
    asked = [part.format(few=few) for part in command]
    done = program(*asked, "--index", read_only, before=AS_NOBODY)
    assert (done.returncode, done.stderr) == (0, "")
    wanted = run(*asked, "--index", index).stdout
    assert done.stdout.replace(str(read_only), str(index)) == wanted


def with_a_log(index: Path, *, shm: bool) -> None:
    """An index as a killed writer leaves it: its last commit is only in SQLite's log."""
    code = "from tests.test_disk import *\nfrom lunacy.store import Writer\nw = Writer(sys.argv[1])\n"
    code += "w.remove(['1802.00030']); w.commit(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(index)], cwd=ROOT, check=False)
    assert (index / "papers.db-wal").stat().st_size > 0
    if not shm:
        (index / "papers.db-shm").unlink()


@pytest.mark.parametrize("shm", [True, False])
def test_a_read_only_index_with_a_log_left_over_answers_of_the_last_commit_or_says_how(index: Path, shm: bool) -> None:
    with_a_log(index, shm=shm)
    copy = readable_by_all(index)
    try:
        done = program("query", "1802.00001", "--index", copy, "--format", "ids", "--top", "99", before=AS_NOBODY)
    finally:
        copy.chmod(0o755)
        shutil.rmtree(copy.parent)
    if shm:
        assert (done.returncode, done.stderr) == (0, "")
        assert set(done.stdout.split()) == {str(one["id"]) for one in PAPERS[1:29]}
    else:  # SQLite reads a log only where it can make its other file; without the log it would be the commit before
        assert_one_line(done, "open it once where it can be written")


@pytest.mark.parametrize(
    "command",
    few_quick(
        [["remove", "1802.00001", "--index"], ["compact", "--index"], ["repair", "--index"], ["index"]],
        ["repair", "--index"],
        ["index"],
    ),
)
def test_writing_to_a_read_only_index_is_one_line(index: Path, read_only: Path, command: list[str]) -> None:
    snapshot = read_only.parent / "more"
    shutil.copy(index.parent / "few", snapshot)
    shutil.copy(index.parent / "v.npy", read_only.parent)
    if command == ["index"]:
        np.save(read_only.parent / "v.npy", np.ones((len(PAPERS), DIM), np.float32))
        options = ["--vectors", read_only.parent / "v.npy", "--model", "fake/model", "--into"]
        command = ["index", str(snapshot), *map(str, options)]
    for path in read_only.parent.glob("*"):
        path.chmod(0o755)
    read_only.chmod(0o555)
    assert_one_line(program(*command, read_only, before=AS_NOBODY), "ermission denied")


def test_an_index_that_may_not_be_read_is_one_line(read_only: Path) -> None:
    read_only.chmod(0o000)
    assert_one_line(program("query", "1802.00001", "--index", read_only, before=AS_NOBODY), str(read_only))
    read_only.chmod(0o755)
    for name in ("papers.db", "segment-00000001.faiss"):
        (read_only / name).chmod(0o000)
        done = program("query", "1802.00001", "--index", read_only, before=AS_NOBODY)
        assert_one_line(done, str(read_only / name))
        (read_only / name).chmod(0o444)


def test_an_index_below_a_folder_that_may_not_be_written_is_one_line(read_only: Path, index: Path) -> None:
    source = ["--vectors", read_only.parent / "v.npy", "--model", "m"]
    np.save(read_only.parent / "v.npy", np.ones((len(PAPERS), DIM), np.float32))
    shutil.copy(index.parent / "few", read_only.parent / "few")
    done = program("index", read_only.parent / "few", *source, "--into", read_only / "new", before=AS_NOBODY)
    assert_one_line(done, "ermission denied")


def test_an_index_that_is_moved_while_open_answers_or_says_so(index: Path) -> None:
    with open_index(index) as ix:
        first = [hit.id for hit in ix.similar("1802.00001")]
        index.rename(index.with_name("moved"))
        try:
            assert [hit.id for hit in ix.similar("1802.00001")] == first
        except LunacyError as error:
            assert str(index) == error.where  # noqa: PT017 (either is right)
    assert_answers(index.with_name("moved"), PAPERS)


def test_an_index_that_is_deleted_while_open_answers_or_says_so(index: Path) -> None:
    with open_index(index) as ix:
        first = [hit.id for hit in ix.similar("1802.00001")]
        shutil.rmtree(index)
        try:
            assert [hit.id for hit in ix.similar("1802.00001")] == first
        except LunacyError as error:
            assert str(index) == error.where  # noqa: PT017 (either is right)


def newer_format(index: Path) -> None:
    with database(index) as connection:
        connection.execute("PRAGMA user_version = 5")


def older_format(index: Path) -> None:
    with database(index) as connection:
        connection.execute("PRAGMA user_version = 3")


NO_INDEX: dict[str, tuple[Callable[[Path], object], str]] = {
    "a newer format": (newer_format, "has format 5, and this lunacy reads format 4; upgrade lunacy"),
    "an older format": (
        older_format,
        "has format 3, and this lunacy reads format 4; "
        "build the index again from its snapshot, in a new folder: lunacy index SNAPSHOT --into NEW",
    ),
    "no papers.db": (lambda index: (index / "papers.db").unlink(), "lunacy index SNAPSHOT --into"),
    "nothing there": (lambda index: shutil.rmtree(index), "does not exist"),
    "a file": (lambda index: (shutil.rmtree(index), index.write_bytes(b"")), "is a file"),
}


@pytest.mark.parametrize("case", NO_INDEX)
@pytest.mark.parametrize(
    "command", ["query 1802.00001", "info", "diff {few}", "remove 1", "compact", "verify", "repair"]
)
def test_what_is_no_index_for_us_is_one_line_in_every_command(index: Path, case: str, command: str) -> None:
    change, said = NO_INDEX[case]
    change(index)
    result = run(*command.format(few=index.parent / "few").split(), "--index", index)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1), result.stderr
    assert result.stderr.startswith(f"lunacy: {index}")
    assert said in result.stderr
