"""Reading beside the rest of a run: a process gives what a thread gives, and nothing is lost when it dies."""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lunacy import build_index
from lunacy.errors import SnapshotError
from lunacy.snapshot import Batch, Line, Snapshot, Stopped, read_batches, reading
from tests.conftest import FakeEmbedder, few_quick, lines, record
from tests.test_pipeline import BAD, contents
from tests.test_snapshot import CONTAINERS, TWO

ROOT = Path(__file__).parents[1]
PAPERS = [record(f"1802.{n:05}", categories="hep-th" if n % 5 == 0 else "cs.CL", title=f"Nº {n}") for n in range(1, 41)]
DATA = lines(PAPERS[:20]) + BAD + b"\n[]\n" + lines(PAPERS[20:])


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Files are read in a process, however small; the processes that were started."""
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def starting(*arguments: Any, **more: Any) -> subprocess.Popen[bytes]:
        started.append(start(*arguments, **more))
        return started[-1]

    monkeypatch.setattr(reading, "PROCESS_FROM_BYTES", 0)
    monkeypatch.setattr(subprocess, "Popen", starting)
    return started


def read(path: Path, **options: Any) -> list[Batch]:
    with Snapshot(path) as snapshot:
        return list(read_batches(snapshot, recipe="title+abstract", **options))


def told(batches: list[Batch]) -> list[tuple[Any, ...]]:
    """All that batches say; of what ended the reading, the words."""
    return [(one.n_lines, one.kept, one.places, one.filtered, one.bad, str(one.broken or "")) for one in batches]


OPTIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "small batches": {"size": 3},
    "a category": {"category": ["hep-*"], "size": 7},
    "a limit": {"limit": 25, "size": 10},
    "strict": {"strict": True, "size": 8},
}


@pytest.mark.parametrize(
    ("options", "n"),
    few_quick(
        [(name, n) for name in OPTIONS for n in (1, 2, 3)],
        ("all", 2),
        ("small batches", 3),
        *((name, 1) for name in ("a category", "a limit", "strict")),
    ),
)
def test_processes_read_what_a_thread_reads(
    write_snapshot: Callable[..., Path],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    options: str,
    n: int,
) -> None:
    monkeypatch.setattr(reading, "n_processes", lambda: n)
    path, given = write_snapshot(DATA), OPTIONS[options]
    by_thread = read(path, **given)
    assert [entry.id for batch in by_thread for entry in batch.kept][:1] == [
        "1802.00005" if "category" in given else "1802.00001"
    ]
    started = request.getfixturevalue("in_process")
    assert told(read(path, **given)) == told(by_thread)
    assert len(started) == (1 if "limit" in given or "strict" in given else n)


@pytest.mark.parametrize(
    ("size", "cut"),
    few_quick([(size, cut) for size in (1, 4, 64) for cut in (0.2, 0.5, 0.9, 1.0)], (1, 0.5), (64, 0.9), (4, 1.0)),
)
def test_processes_stop_where_a_cut_file_stops(
    write_snapshot: Callable[..., Path],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    cut: float,
    size: int,
) -> None:
    content = gzip.compress(random.Random(1).randbytes(100).hex().encode() + b"\n" + DATA)
    path = write_snapshot(content[: int(cut * len(content))])
    by_thread = read(path, size=size)
    assert bool(by_thread[-1].broken) == (cut < 1)
    monkeypatch.setattr(reading, "n_processes", lambda: 3)
    request.getfixturevalue("in_process")
    assert told(read(path, size=size)) == told(by_thread)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("container", few_quick(CONTAINERS, *list(CONTAINERS)[::4]))
def test_a_process_reads_every_container(write_snapshot: Callable[..., Path], container: str) -> None:
    [batch] = read(write_snapshot(CONTAINERS[container], "a name with a space and ü"))
    assert batch.n_lines == TWO.count(b"\n")


@pytest.mark.usefixtures("in_process")
def test_lines_are_bad_for_the_same_reasons(write_snapshot: Callable[..., Path]) -> None:
    [batch] = read(write_snapshot(DATA))
    assert [line for line, _reason in batch.bad] == [
        Line(21, len(lines(PAPERS[:20])), BAD.strip()),
        Line(23, len(lines(PAPERS[:20])) + len(BAD) + 1, b"[]"),
    ]


def test_an_index_is_the_same_whoever_reads(
    write_snapshot: Callable[..., Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = write_snapshot(DATA)
    one = build_index(path, into=tmp_path / "one", embedder=FakeEmbedder())
    started = request.getfixturevalue("in_process")
    other = build_index(path, into=tmp_path / "other", embedder=FakeEmbedder())
    assert contents(tmp_path / "other") == contents(tmp_path / "one")
    assert other.counts == one.counts
    assert [process.returncode in (0, -signal.SIGKILL) for process in started] == [True]  # it is gone


def test_when_the_reader_is_killed_what_came_is_kept_and_a_rerun_finishes(
    write_snapshot: Callable[..., Path], tmp_path: Path, in_process: list[Any]
) -> None:
    many = [record(f"1802.{n:05}", abstract="x" * 20_000) for n in range(1, 1001)]  # more than a pipe holds
    path, embedder = write_snapshot(many), FakeEmbedder()
    embedder.window = 8

    def kill(_progress: object) -> None:
        if in_process[-1].returncode is None and len(in_process) == 1:
            os.kill(in_process[-1].pid, signal.SIGKILL)

    with pytest.raises(SnapshotError, match=r"snapshot.jsonl: .* ended early \(killed by SIGKILL\); run again"):
        build_index(path, into=tmp_path / "index", embedder=embedder, progress=kill)
    kept = [row[1] for row in contents(tmp_path / "index")]
    assert 8 <= len(kept) < 1000
    assert kept == [one["id"] for one in many[: len(kept)]]
    report = build_index(path, into=tmp_path / "index", embedder=FakeEmbedder())
    assert (report.counts.unchanged, report.counts.added) == (len(kept), 1000 - len(kept))
    assert [row[1] for row in contents(tmp_path / "index")] == [one["id"] for one in many]


def test_the_process_ends_with_the_run(write_snapshot: Callable[..., Path], in_process: list[Any]) -> None:
    path = write_snapshot([record(f"1802.{n:05}", abstract="x" * 20_000) for n in range(1, 1001)])
    is_wanted = True
    with Snapshot(path) as snapshot:
        found = read_batches(snapshot, recipe="abstract", size=8, is_wanted=lambda: is_wanted)
        next(found)
        is_wanted = False
        with pytest.raises(Stopped):
            next(found)
    assert in_process[0].returncode == -signal.SIGKILL


@pytest.mark.usefixtures("in_process")
def test_the_folder_one_stands_in_does_not_matter(
    write_snapshot: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    (tmp_path / "lunacy.py").write_text("raise SystemExit('the wrong lunacy')")
    write_snapshot(TWO)
    monkeypatch.chdir(tmp_path)
    assert read(Path("snapshot.jsonl"))[0].n_lines == 2


def test_a_pipe_is_read_in_a_thread(in_process: list[Any]) -> None:
    end, other = os.pipe()
    with open(other, "wb") as file:
        file.write(TWO)
    with Snapshot(f"/dev/fd/{end}") as snapshot:
        [batch] = read_batches(snapshot, recipe="abstract")
    os.close(end)
    assert (batch.n_lines, in_process) == (2, [])


def test_a_file_that_only_this_process_has_is_read_here(
    write_snapshot: Callable[..., Path], in_process: list[Any]
) -> None:
    with write_snapshot(DATA).open("rb") as file, Snapshot(f"/dev/fd/{file.fileno()}") as snapshot:
        [batch] = read_batches(snapshot, recipe="abstract")
    assert (batch.n_lines, in_process) == (42, [])


STRANGE: dict[str, tuple[str, dict[str, str]]] = {  # code that runs before, and variables
    "a path that is no text": ("import sys, pathlib; sys.path += [pathlib.Path('/a'), b'/b', '', 7]", {}),
    "a site that prints": ("", {"PYTHONPATH": "site:ROOT"}),
    "a user's site that prints": ("", {"PYTHONUSERBASE": "user"}),
    "variables": (
        "",
        {"PYTHONSTARTUP": "x.py", "PYTHONVERBOSE": "1", "PYTHONWARNINGS": "error", "PYTHONSAFEPATH": "1"},
    ),
    "tracing": ("", {"PYTHONPROFILEIMPORTTIME": "1", "PYTHONDUMPREFS": "1", "PYTHONDEVMODE": "1"}),
    "no executable": ("import sys; sys.executable = None", {}),
    "an empty executable": ("import sys; sys.executable = ''", {}),
    "an executable that is gone": ("import sys; sys.executable = '/nowhere/python3'", {}),
    "another program": ("import sys; sys.executable = '/bin/sh'", {}),
    "another program of that name": ("import sys; sys.executable = 'python-echo'", {}),
    "a frozen program": ("import sys; sys.frozen = True", {}),
    "no more processes": (
        "import subprocess; subprocess.Popen = lambda *_, **__: (_ for _ in ()).throw(OSError(11))",
        {},
    ),
    "no temporary files": ("import tempfile; tempfile.tempdir = '/nowhere'", {}),
    "closed streams": ("import os; [os.close(n) for n in (0, 1, 2)]", {}),
    "names in Latin-1": ("", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "UTF-8 by a variable": ("", {"LC_ALL": "C", "PYTHONUTF8": "1"}),
}
READ_ALL = """
from lunacy.snapshot import Snapshot, read_batches, reading
import sys
reading.PROCESS_FROM_BYTES = 0
here, read_ahead = [], reading.read_ahead
reading.read_ahead = lambda *arguments: here.append(1) or read_ahead(*arguments)
with Snapshot(sys.argv[1]) as snapshot, open(sys.argv[2], "w") as told:
    for batch in read_batches(snapshot, recipe="abstract"):
        print([entry.id for entry in batch.kept], len(batch.bad), batch.broken, len(here), file=told)
"""
HERE = {case for case in STRANGE if "executable" in case or "program" in case or case.startswith("no more")}
HERE.add("no temporary files")


@pytest.mark.parametrize(
    ("case", "flags"),
    few_quick(
        [*((case, []) for case in STRANGE), ("variables", ["-I"]), ("a site that prints", ["-S"])],
        *((case, []) for case in list(STRANGE)[::3]),
    ),
)
def test_a_strange_python_reads_all_the_same(
    write_snapshot: Callable[..., Path], tmp_path: Path, case: str, flags: list[str]
) -> None:
    code, variables = STRANGE[case]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for folder in (tmp_path / "site", tmp_path / "user/lib" / version / "site-packages"):
        folder.mkdir(parents=True)
        for name in ("sitecustomize", "usercustomize"):
            (folder / f"{name}.py").write_text("print('hello'); import sys; sys.stderr.write('hello')")
        (folder / "chatty.pth").write_text("import sys; print('hello')\n")
    (tmp_path / "python-echo").symlink_to("/bin/echo")
    path = write_snapshot(DATA, "a name with a space and ü")
    before = f"import sys; sys.path[:0] = {[str(ROOT), *filter(None, sys.path)]!r}\n{code}\n"
    done = subprocess.run(
        [sys.executable, *flags, "-c", before + READ_ALL, path, tmp_path / "told"],
        cwd=tmp_path,
        env={**os.environ, **{name: one.replace("ROOT", str(ROOT)) for name, one in variables.items()}},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "told").read_text() == f"{[one['id'] for one in PAPERS]} 2 None {int(case in HERE)}\n"


def test_no_more_processes_are_started_than_cores_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1}, raising=False)
    assert reading.n_processes() == 1


def test_a_process_that_dies_says_its_last_words(
    write_snapshot: Callable[..., Path], in_process: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CODE", "main = lambda send, order: bytes(-1)")
    [batch] = read(write_snapshot(DATA))
    assert "ended early (exit status 1: ValueError: negative count); run again" in str(batch.broken)
    assert len(in_process) == 1


def test_a_file_that_goes_away_is_one_error(write_snapshot: Callable[..., Path], in_process: list[Any]) -> None:
    path = write_snapshot(DATA)
    with Snapshot(path) as snapshot:
        path.unlink()
        [batch] = read_batches(snapshot, recipe="abstract")
    assert "No such file" in str(batch.broken)
    assert len(in_process) == 1
