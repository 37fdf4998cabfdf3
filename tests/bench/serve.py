"""What `lunacy serve` bears: python -m tests.bench.serve INDEX [SECONDS] [--updates] [MODE...]

32 clients of wrk ask a server of its own for random ids of the index, by /api/similar, for so many seconds (60) in each
mode: exact, ivf, hybrid. With --updates, the server has a copy of the index, and a process beside it takes in a few
changed papers every five seconds, by `update` from an archive on this machine and with vectors that cost nothing. At
the end clients are killed in the midst of their questions, and what they leave behind is counted.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np

from lunacy.harvest import Client
from lunacy.pipeline.update import update
from lunacy.store import Store
from tests.conftest import FakeEmbedder
from tests.harvest.archive import paper
from tests.harvest.server import Clock, Server

MODES = {"exact": "", "ivf": "&ivf=true", "hybrid": "&rank=hybrid"}
N_CLIENTS, N_IDS, N_CHANGES, EVERY_S = 32, 5000, 20, 5.0
_KILLED, _REST_S = 5, 2
_LUA = """
local ids = {}
for line in io.lines("IDS") do ids[#ids + 1] = line end
local n_threads = 0
function setup(thread) n_threads = n_threads + 1; thread:set("seed", n_threads) end
function init() math.randomseed(SEED + seed) end
function request() return wrk.format("GET", "/api/similar?id=" .. ids[math.random(#ids)] .. "OPTIONS") end
"""
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure each mode, and print the figures."""
    given = [one for one in sys.argv[1:] if not one.startswith("--")]
    modes = [one for one in given[1:] if one in MODES] or list(MODES)
    seconds = next((int(one) for one in given[1:] if one.isdecimal()), 60)
    if "--updater" in sys.argv:
        keep_updating(Path(given[0]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder, index = Path(name), Path(given[0])
        if "--updates" in sys.argv:
            index = Path(shutil.copytree(index, folder / "index"))
        write_ids(index, folder / "ids")
        print(f"{'':8}{'a second':>10}{'p50':>8}{'p90':>8}{'p99 ms':>8}{'errors':>8}{'CPU ms':>8}   RSS in MB")
        with served(index) as (server, url), updated(index, "--updates" in sys.argv):
            for mode in modes:
                measure(server, url, folder, mode, seconds)
            leave(server, url, folder)


def write_ids(index: Path, into: Path) -> None:
    """Some ids of the index, drawn."""
    with Store(index) as store, store.view() as view:
        rows = view.live_rows()
        drawn = random.Random(0).sample(rows.tolist(), min(N_IDS, len(rows)))
        into.write_text("".join(f"{one.id}\n" for one in view.papers(np.array(drawn, np.int64))))


@contextmanager
def served(index: Path) -> Iterator[tuple[int, str]]:
    """`lunacy serve` on a free port: its process, and its address."""
    command = [sys.executable, "-m", "lunacy", "serve", "--index", str(index), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found, "it does not say where it listens"
        subprocess.run(["curl", "-sf", "-o", os.devnull, f"{found[0]}api/health"], check=True)
        try:
            time.sleep(_REST_S * 3)  # the model is loaded
            yield server.pid, found[0].rstrip("/")
        finally:
            server.terminate()


@contextmanager
def updated(index: Path, is_wanted: bool) -> Iterator[None]:
    """A process that updates the index from time to time, until the block ends."""
    if not is_wanted:
        yield
        return
    command = [sys.executable, "-m", "tests.bench.serve", str(index), "--updater"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as updater:
        try:
            yield
        finally:
            updater.communicate(b"\n")


def keep_updating(index: Path) -> None:
    """Take in N_CHANGES papers, old and new, every EVERY_S, until something can be read from standard input."""
    with Store(index) as store, store.view() as view:
        day = date.fromisoformat(view.source[1]) + timedelta(days=1)
        embedder = FakeEmbedder(dim=view.fingerprint.dim)
        embedder.fingerprint = replace(view.fingerprint, text="")
        known = view.papers(view.live_rows()[: 1000 : 1000 // N_CHANGES])
    server, clock, end, n_commits, begun_s = Server([], day=str(day)), Clock(), threading.Event(), 0, time.monotonic()
    threading.Thread(target=lambda: (sys.stdin.readline(), end.set()), daemon=True).start()
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    taken_s = 0.0
    with server.running():
        for n in count():
            if end.wait(max(0.0, begun_s + n * EVERY_S - time.monotonic())):
                break
            versions = tuple(f"Tue, {k + 1} Nov 2026 10:00:00 GMT" for k in range(1 + n % 28))
            ids = [one.id for one in known[N_CHANGES // 2 :]]
            ids += [f"2611.{n * N_CHANGES + k:05}" for k in range(N_CHANGES // 2)]
            server.entries = [
                paper(k, id=one, abstract=f"  As of {n}.\n", versions=versions, datestamp=str(day))
                for k, one in enumerate(ids)
            ]
            started_s = time.process_time()
            with Client(server.url, sleep=clock.sleep, clock=clock, now=lambda: now) as client:
                update(index, client=client, embedder=embedder)
            taken_s += time.process_time() - started_s
            n_commits += 1
    print(f"{n_commits} updates in {time.monotonic() - begun_s:.0f} s, {taken_s / n_commits:.2f} CPU s each")


def measure(server: int, url: str, folder: Path, mode: str, seconds: int) -> None:
    """Ask for so long in one mode, and print a line."""
    run_wrk(url, folder, mode, 3)
    rss, before_s = [rss_mb(server)], cpu_s(server)
    middle = threading.Timer(seconds / 2, lambda: rss.append(rss_mb(server)))
    middle.start()
    told = run_wrk(url, folder, mode, seconds)
    used_s = cpu_s(server) - before_s
    middle.join()
    rss.append(rss_mb(server))
    times = [in_ms(told, f"{share}%") for share in (50, 90, 99)]
    found = re.search(r"(\d+) requests in", told)
    n_requests = int(found[1]) if found else 0
    n_errors = sum(int(number) for number in re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", told))
    print(
        f"{mode:8}{n_requests / seconds:10.0f}{times[0]:8.0f}{times[1]:8.0f}{times[2]:8.0f}{n_errors:8}"
        f"{1000 * used_s / max(n_requests, 1):8.2f}   {', '.join(f'{one:.0f}' for one in rss)}",
        flush=True,
    )


def wrk(url: str, folder: Path, mode: str, seconds: int, seed: int = 0) -> list[str]:
    """The command for N_CLIENTS."""
    script = folder / f"{mode}.lua"
    text = _LUA.replace("IDS", str(folder / "ids")).replace("OPTIONS", MODES[mode]).replace("SEED", str(seed))
    script.write_text(text)
    return ["wrk", "-t1", f"-c{N_CLIENTS}", f"-d{seconds}", "--timeout", "30s", "--latency", "-s", str(script), url]


def run_wrk(url: str, folder: Path, mode: str, seconds: int) -> str:
    """What wrk says at the end."""
    command = wrk(url, folder, mode, seconds, seed=seconds)
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def in_ms(told: str, name: str) -> float:
    """The time behind `name`, such as "99%  61.20ms"."""
    found = re.search(rf"{name}\s+([\d.]+)(us|ms|s)", told)
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]] if found else float("nan")


def leave(server: int, url: str, folder: Path) -> None:
    """Kill clients in the midst of their questions, and print what they leave behind."""
    before = left(server)
    for _ in range(_KILLED):
        with subprocess.Popen(wrk(url, folder, "hybrid", 60), stdout=subprocess.DEVNULL) as client:
            time.sleep(1)
            client.kill()
    time.sleep(_REST_S)
    after = left(server)
    for name in before:
        print(f"{name} before and after {_KILLED} times {N_CLIENTS} clients were killed: {before[name]}, {after[name]}")


def left(server: int) -> dict[str, int]:
    """How many threads and open files the server has."""
    process = Path(f"/proc/{server}")
    return {name: len(list((process / part).iterdir())) for name, part in (("threads", "task"), ("files", "fd"))}


def rss_mb(process: int) -> float:
    """Resident memory, the pages of the index's files among it."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def cpu_s(process: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    main()
