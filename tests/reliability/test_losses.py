"""What is lost of slow embedding: at most a minute by a kill, and seconds by Ctrl-C."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lunacy.store import verify
from tests.conftest import lines, record
from tests.reliability.children import ENVIRONMENT, ROOT
from tests.reliability.counts import DONE
from tests.reliability.scenario import state

N_KILLS, N_STOPS = 20, 4
LOSS_S = 60
EARLIEST_S, LATEST_S = 20, 150


def start(base: Path, n: int) -> subprocess.Popen[str]:
    files = [base / "snapshot.jsonl", "--into", base / f"index-{n}", base / f"trace-{n}"]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.slow_index", "index", *map(str, files)],
        cwd=ROOT,
        env=ENVIRONMENT,
        text=True,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
def test_of_slow_embedding_at_most_a_minute_is_lost(tmp_path: Path) -> None:
    """All at once, as they sleep most of the time; each dies at a moment of its own."""
    (tmp_path / "snapshot.jsonl").write_bytes(lines(record(f"2402.{number:05}") for number in range(1000)))
    rng = random.Random(0)
    signals = [signal.SIGKILL] * N_KILLS + [signal.SIGINT, signal.SIGTERM] * (N_STOPS // 2)
    processes = [start(tmp_path, n) for n in range(len(signals))]
    given_up = time.monotonic() + 300
    while not all((tmp_path / f"trace-{n}").exists() for n in range(len(signals))) and time.monotonic() < given_up:
        time.sleep(0.1)
    began = time.monotonic()
    moments = sorted((rng.uniform(EARLIEST_S, LATEST_S), n) for n in range(len(signals)))
    for moment, n in moments:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        processes[n].send_signal(signals[n])
    lost = {}
    for n, process in enumerate(processes):
        _out, said = process.communicate(timeout=30)
        assert "Traceback" not in said
        kept = len(state(tmp_path / f"index-{n}"))
        lost[n] = (tmp_path / f"trace-{n}").stat().st_size - kept  # texts, and seconds
        if kept:
            assert verify(tmp_path / f"index-{n}") == []
        if signals[n] != signal.SIGKILL:
            assert f"index-{n} keeps {kept} papers" in said
    kills = [lost[n] for n in range(N_KILLS)]
    stops = [lost[n] for n in range(N_KILLS, len(signals))]
    print(f"seconds of embedding lost by SIGKILL: {sorted(kills)}; by SIGINT and SIGTERM: {sorted(stops)}")
    assert max(kills) <= LOSS_S
    assert max(stops) <= 10  # the texts of the call in work
    DONE["runs of slow embedding killed by SIGKILL"] += N_KILLS
    DONE["seconds of embedding lost by the worst of them"] = max(kills)
