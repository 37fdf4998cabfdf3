"""With too few threads or too little memory the program says so in one line, and what to raise."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lunacy import build_index, open_index
from lunacy.cli import main
from lunacy.embedding import load
from lunacy.errors import NO_THREADS, LunacyError, one_line
from lunacy.limits import can_start_threads, require
from lunacy.pipeline import build_lexical
from lunacy.store import verify
from tests.conftest import FakeEmbedder, lines, record
from tests.test_cli import run

PLENTY = 2**40


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that has the system tell of other limits, and start only so many more threads."""

    def limit(*, address_space: int = resource.RLIM_INFINITY, processes: int = 50_000, n_threads: int = PLENTY) -> None:
        limits = {resource.RLIMIT_AS: address_space, resource.RLIMIT_NPROC: processes}
        start, most = threading.Thread.start, threading.active_count() + n_threads

        def start_some(thread: threading.Thread) -> None:
            if threading.active_count() >= most:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr("resource.getrlimit", lambda kind: (limits[kind], resource.RLIM_INFINITY))
        monkeypatch.setattr(threading.Thread, "start", start_some)

    return limit


@pytest.mark.parametrize("n", [0, 1, 5])
def test_so_many_threads_at_once_can_be_started_or_not(limited: Callable[..., None], n: int) -> None:
    before = threading.active_count()
    limited(n_threads=n)
    assert can_start_threads(n)
    assert not can_start_threads(n + 1)
    assert threading.active_count() == before


def test_what_is_needed_is_told_with_the_command_that_raises_it(limited: Callable[..., None]) -> None:
    limited(address_space=10**9, processes=20, n_threads=3)
    require(n_threads=3, address_space_bytes=10**9)
    with pytest.raises(LunacyError, match=r"limited to 1.0 GB, and this takes some 1.5 GB; raise the limit: ulimit -v"):
        require(n_threads=1, address_space_bytes=15 * 10**8)
    with pytest.raises(LunacyError, match=r"cannot start a thread: .*; raise the limit: ulimit -u"):
        require(n_threads=4, address_space_bytes=1)


def test_no_thread_is_tried_where_no_limit_is_low(limited: Callable[..., None]) -> None:
    """Each would take address space for good."""
    limited(processes=resource.RLIM_INFINITY, n_threads=0)
    require(n_threads=1, address_space_bytes=1)


@pytest.mark.parametrize("options", [{"address_space": 10**8}, {"processes": 2, "n_threads": 0}])
@pytest.mark.parametrize("command", [["info"], ["verify"], ["query", "1802.05130"], ["index"]])
def test_every_command_says_what_it_lacks(limited: Callable[..., None], options: Any, command: list[str]) -> None:
    limited(**options)
    result = run(*command)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert "raise the limit: ulimit -" in result.stderr


@pytest.mark.parametrize("options", [{"address_space": 10**9}, {"processes": 9, "n_threads": 4}])
@pytest.mark.parametrize("n_texts", [1, None])
def test_a_model_is_not_loaded_with_too_little(limited: Callable[..., None], options: Any, n_texts: int | None) -> None:
    limited(**options)
    with pytest.raises(LunacyError, match="raise the limit: ulimit -"):
        load("no such model", n_texts=n_texts)


@pytest.mark.parametrize("n_texts", [1, None])
def test_a_model_is_not_loaded_where_the_working_folder_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, n_texts: int | None
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(LunacyError, match="the working folder was deleted; change to another: cd"):
        load("no such model", n_texts=n_texts)


def test_words_are_not_indexed_or_asked_with_too_few_threads(limited: Callable[..., None], tmp_path: Path) -> None:
    """tantivy would panic, and print a page of its own."""
    (tmp_path / "snapshot").write_bytes(lines([record(one) for one in ("1802.00001", "1802.00002")]))
    build_index(tmp_path / "snapshot", into=tmp_path / "ix", embedder=FakeEmbedder())
    build_lexical(tmp_path / "ix")
    limited(processes=20, n_threads=1)
    with open_index(tmp_path / "ix") as ix:
        assert len(ix.similar("1802.00001")) == 1
        with pytest.raises(LunacyError, match="raise the limit: ulimit -u"):
            ix.similar("1802.00001", rank="lexical")
    with pytest.raises(LunacyError, match="raise the limit: ulimit -u"):
        build_lexical(tmp_path / "ix")
    assert verify(tmp_path / "ix") == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("can't start new thread"), NO_THREADS),
        (BlockingIOError(11, "Resource temporarily unavailable"), "cannot start a process: .*ulimit -u"),
        (MemoryError(), "out of memory"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "libtorch_cpu.so: failed to map"),
        (KeyboardInterrupt(), NO_THREADS),  # OpenBLAS cannot start its threads
    ],
)
def test_what_comes_of_a_full_machine_is_one_line(
    limited: Callable[..., None], monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    limited(n_threads=0)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("lunacy.query.open_index", fail)
    result = run("info", "--index", "ix")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert result.stderr.startswith("lunacy: ")
    assert re.search(said, result.stderr)


def test_ctrl_c_is_still_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lunacy.query.open_index", stop)
    result = run("info", "--index", "ix")
    assert (result.exit_code, result.stderr) == (130, "lunacy: stopped\n")


def test_a_slip_of_ours_is_no_full_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def slip(*_: object, **__: object) -> None:
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr("lunacy.query.open_index", slip)
    with pytest.raises(RuntimeError, match="dictionary changed"):
        main(["info", "--index", "ix"], standalone_mode=False)


def test_advice_by_the_page_is_left_out() -> None:
    """NumPy's import says what is wrong in its cause."""
    error = ImportError("\n\nIMPORTANT: PLEASE READ THIS\n" * 30)
    error.__cause__ = ImportError("libopenblas.so: cannot be mapped")
    assert one_line(error) == "libopenblas.so: cannot be mapped"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else, whose limits bind")
@pytest.mark.parametrize(
    ("kind", "limit", "said"),
    [("RLIMIT_AS", 300_000_000, "ulimit -v"), ("RLIMIT_NPROC", 1, "ulimit -u")],
)
def test_a_real_limit_is_one_line_too(kind: str, limit: int, said: str) -> None:
    code = (
        "import os, resource, sys, lunacy.render; from lunacy.cli import run; "  # root alone may read the libraries
        f"resource.setrlimit(resource.{kind}, ({limit}, {limit})); os.setuid(54_321); "
        "sys.argv[1:] = ['info', '--index', 'ix']; run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path.home())
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
    assert said in done.stderr


def test_a_python_without_docstrings_is_told_what_to_leave_out() -> None:
    """transformers reads its own docstrings, and prints a page about each that is not there."""
    code = "from lunacy.embedding import load; load()"
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert "leave out -OO and PYTHONOPTIMIZE=2" in done.stderr
