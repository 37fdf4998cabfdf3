"""`lunacy index` as a process, killed at any moment: nothing is lost, nothing doubled, and the next run goes on."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lunacy import open_index
from lunacy.errors import IndexLocked
from lunacy.fingerprint import Fingerprint
from lunacy.store import Writer, verify
from tests.conftest import DIM, few_quick, lines, record, vector_of
from tests.reliability.children import ENVIRONMENT, ROOT
from tests.reliability.counts import DONE
from tests.reliability.scenario import NOTHING, TOP, State, assert_best, state

N_PAPERS = 600
IDS = [f"2402.{number:05}" for number in range(N_PAPERS)]


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The command that indexes a snapshot with vectors into `tmp_path`/index: some 50 commits."""
    (tmp_path / "snapshot.jsonl").write_bytes(lines(record(identifier) for identifier in IDS))
    np.save(tmp_path / "vectors.npy", np.array([vector_of(identifier) for identifier in IDS], np.float32))
    files = [tmp_path / "snapshot.jsonl", "--into", tmp_path / "index", "--vectors", tmp_path / "vectors.npy"]
    return [sys.executable, "-m", "tests.reliability.small_index", "index", *map(str, files), "--model", "fake/model"]


def start(command: list[str]) -> subprocess.Popen[str]:
    """The process, in a group of its own, at its first papers."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, text=True, process_group=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "working\n"
    return process


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, list[str]]:
    """Send the group a signal: the exit status, and what the process said."""
    os.killpg(process.pid, number)
    _out, said = process.communicate(timeout=60)
    return process.returncode, [line for line in said.splitlines() if line != "working"]


def left_in(folder: Path) -> State:
    """What is committed: right, and a part of the whole."""
    left = state(folder)
    ids = [identifier for identifier, *_ in left]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(IDS)
    for identifier, title, _categories, vector in left:
        assert title == f"On paper {identifier}"
        assert np.allclose(np.frombuffer(vector, np.float32), vector_of(identifier), atol=1e-6)
    if left:
        assert verify(folder) == []
    return left


def finish(command: list[str], folder: Path) -> None:
    """Run to the end: no paper lost, none doubled, each with its own vector, and every answer right."""
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(left_in(folder)) == N_PAPERS
    with open_index(folder) as index:
        answers = index.similar_many(IDS, top=TOP)
    vectors = np.array([vector_of(identifier) for identifier in IDS], np.float64)  # (n, dim)
    cosines = vectors @ vectors.T  # (n, n)
    np.fill_diagonal(cosines, -np.inf)
    assert_best(IDS, cosines, answers)
    DONE["answers checked against brute force"] += len(IDS)


@pytest.mark.slow
def test_after_kills_at_random_moments_the_next_run_finishes(command: list[str], tmp_path: Path) -> None:
    """Kill at seeded moments; each run goes on from what the one before had committed."""
    folder, rng = tmp_path / "index", random.Random(50)
    before = NOTHING
    for _ in range(50):
        process = start(command)
        time.sleep(rng.uniform(0, 0.25))
        assert end(process, signal.SIGKILL)[0] in (-signal.SIGKILL, 0)
        left = left_in(folder)
        assert before <= left
        before = left
        DONE["runs of `lunacy index` killed by SIGKILL"] += 1
        if len(left) == N_PAPERS:
            shutil.rmtree(folder)
            before = NOTHING
    finish(command, folder)


@pytest.mark.parametrize(
    ("number", "status"), few_quick([(signal.SIGINT, 130), (signal.SIGTERM, 143)], (signal.SIGINT, 130))
)
def test_a_run_that_is_stopped_says_what_it_keeps_and_the_next_one_goes_on(
    command: list[str], tmp_path: Path, number: signal.Signals, status: int
) -> None:
    process = start(command)
    given_up = time.monotonic() + 60
    while not left_in(tmp_path / "index") and time.monotonic() < given_up:
        time.sleep(0.01)
    asked = time.monotonic()
    ended, said = end(process, number)
    assert ended == status
    assert time.monotonic() - asked < 10  # a fraction of a second, on a machine with time
    left = left_in(tmp_path / "index")
    assert f"lunacy: {tmp_path / 'index'} keeps {len(left)} papers; the same command goes on from there" in said
    assert not [line for line in said if "Traceback" in line]
    assert 0 < len(left) < N_PAPERS
    finish(command, tmp_path / "index")
    DONE["runs of `lunacy index` stopped by SIGINT or SIGTERM"] += 1


STUCK = """
import sys, time
from unittest.mock import patch
from lunacy.store import Writer
from tests.reliability.slow_index import Slow
from lunacy.cli import run
commit = Writer.commit
def slowly(writer):
    print("committing", file=sys.stderr, flush=True)
    time.sleep(60)
slow = Slow(sys.argv.pop())
with (
    patch("lunacy.pipeline.build_inputs.load_when_needed", lambda *_a, **_k: slow),
    patch("lunacy.pipeline.stages._FIRST_TEXTS", 1),
    patch.object(Writer, "commit", slowly),
):
    print("working", file=sys.stderr, flush=True)
    run()
"""


@pytest.mark.parametrize("number", few_quick([signal.SIGINT, signal.SIGTERM], signal.SIGINT))
def test_a_second_signal_ends_a_stopped_run_at_once(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "snapshot.jsonl").write_bytes(lines(record(identifier) for identifier in IDS))
    arguments = ["index", tmp_path / "snapshot.jsonl", "--into", tmp_path / "index", tmp_path / "trace"]
    process = start([sys.executable, "-c", STUCK, *map(str, arguments)])
    while not (tmp_path / "trace").exists() or (tmp_path / "trace").stat().st_size < 2:  # the first is embedded
        time.sleep(0.01)
    process.send_signal(number)
    assert process.stderr is not None
    while process.stderr.readline() != "committing\n":  # the rest is progress
        assert process.poll() is None
    asked = time.monotonic()
    assert end(process, number)[0] == -number
    assert time.monotonic() - asked < 10  # a fraction of a second, on a machine with time


def test_the_lock_of_a_killed_run_holds_nobody_up(command: list[str], tmp_path: Path) -> None:
    process = start(command)
    with pytest.raises(IndexLocked, match=f"process {process.pid} on "):
        Writer(tmp_path / "index")
    end(process, signal.SIGKILL)
    Writer(tmp_path / "index", Fingerprint(model="fake/model", text="title+abstract", dim=DIM)).close()
