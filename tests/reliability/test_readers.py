"""Queries while another process writes: each answer is of one commit, and none fails because a file vanished."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from lunacy import build_index, open_index
from lunacy.store import verify
from tests.conftest import FakeEmbedder, lines, record
from tests.reliability.children import ENVIRONMENT, ROOT, Children
from tests.reliability.counts import DONE
from tests.reliability.courses import Course
from tests.reliability.editions import publish, title
from tests.reliability.scenario import State, state
from tests.reliability.test_faults import check

N_READERS = 3


@pytest.mark.slow
def test_answers_during_writes_are_each_of_one_commit(home: Path) -> None:
    home.mkdir()
    publish(0, home / "index")
    command = [sys.executable, "-m", "tests.reliability.reader", str(home / "index")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    readers = [subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, text=True, **pipes) for _ in range(N_READERS)]
    assert [reader.stdout and reader.stdout.readline() for reader in readers] == ["asking\n"] * N_READERS
    until = time.monotonic() + 60
    n_editions = next(edition for edition in count(1) if publish(edition, home / "index") or time.monotonic() > until)
    ended = [reader.communicate() for reader in readers]
    for reader, (said, failed) in zip(readers, ended, strict=True):
        assert reader.returncode == 0, failed
        n_answers, n_seen = map(int, said.split())
        assert n_seen > min(3, n_editions)  # it did read while the other wrote
        DONE["batches answered while another process wrote"] += n_answers
    assert verify(home / "index") == []
    DONE["updates, prunes, removals and compactions while others read"] += 4 * n_editions


def test_verify_and_info_find_nothing_wrong_while_another_process_writes(home: Path) -> None:
    home.mkdir()
    folder = home / "index"
    publish(0, folder)
    code = f"""
import sys, time
from pathlib import Path
from lunacy import open_index
from lunacy.store import verify
folder, until = Path({str(folder)!r}), time.monotonic() + 1
while time.monotonic() < until:
    assert (faults := verify(folder)) == [], faults
    assert open_index(folder).info().summary.n_papers
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, text=True, stderr=subprocess.PIPE) as reader:
        next(edition for edition in count(1) if publish(edition, folder) or reader.poll() is not None)
        assert reader.stderr is not None
        assert reader.wait() == 0, reader.stderr.read().splitlines()[-1]


def test_a_reader_that_may_not_write_sees_the_commits_of_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    ids = [f"2405.{number:05}" for number in range(600)]

    def update(edition: int) -> None:
        papers = [record(one, title=title(edition), abstract=f"About {one} " + 400 * "x ") for one in ids]
        (home / "snapshot.jsonl").write_bytes(lines(papers))
        build_index(home / "snapshot.jsonl", into=home / "index", embedder=FakeEmbedder())

    update(0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        index = open_index(home / "index")
    with index:
        assert len(index.similar(ids[0])) == 10
        for edition in (1, 2):
            update(edition)
            assert {hit.title for hits in index.similar_many(ids[::7]) for hit in hits} == {title(edition)}


@pytest.mark.slow
def test_a_commit_that_a_kill_cut_short_never_comes_back_without_its_segment(
    course: Callable[[str], Course], home: Path, watched: Children
) -> None:
    """Its frames are in the write-ahead log, and only a reader that stays keeps SQLite from finding them."""
    after = course("update").commits[1]

    def killed(at: int) -> State:
        folder = course("update").begin(home)
        watched.run("update", folder, root=str(folder), syscall=at, how="kill")
        left = state(folder)
        shutil.rmtree(home)
        return left

    flush = next(at for at in range(1, 100) if killed(at) == after)  # of the log: all is written
    for at in range(flush - 3, flush + 1):  # with a reader, whose log is there already, it comes a few calls earlier
        folder = course("update").begin(home)
        with waiting(f"(index := open_index({str(folder)!r}), len(index))"):
            watched.run("update", folder, root=str(folder), syscall=at, how="kill")
            with waiting(f"Writer({str(folder)!r})"):
                pass
        left = state(folder)
        assert left in course("update").commits
        check("update", folder, left, course("update"))
        shutil.rmtree(home)


@contextmanager
def waiting(expression: str) -> Iterator[None]:
    """A process that holds what an expression makes, and is killed in the end."""
    code = f"""
import sys
from lunacy import open_index
from lunacy.store import Writer
held = {expression}
print(flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, text=True, **pipes) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "\n"
            yield
        finally:
            process.kill()
