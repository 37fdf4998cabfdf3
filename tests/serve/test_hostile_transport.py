"""A real server against clients that forge, flood, dawdle and die: each is let go in time, and nothing stays behind."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

import lunacy
from lunacy.serve import bounds
from tests.conftest import FakeEmbedder, lines, record
from tests.serve.raw_requests import REQUESTS

pytestmark = pytest.mark.slow
N_PAPERS = 3_000
QUESTION = b"GET /api/similar?id=1802.00001 HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = b"GET /api/similar?id=1802.00001&top=500 HTTP/1.1\r\nHost: localhost\r\n\r\n"
BATCH = b'{"id": [' + b", ".join(b'"1802.%05d"' % n for n in range(1, N_PAPERS)) + b'], "top": 100}'
POST_BATCH = b"POST /api/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BATCH) + BATCH
RESET = struct.pack("ii", 1, 0)  # linger for no time: close by a reset


class Answered(NamedTuple):
    statuses: list[int]
    is_closed: bool
    seconds: float


class Server:
    """`lunacy serve`, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "lunacy", "serve", "--index", str(folder), "--port", "0"]
        self.said = folder / "stderr"
        with self.said.open("wb") as stderr:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
        assert self.process.stdout is not None
        found = re.search(r":(\d+)/", self.process.stdout.readline())
        assert found is not None
        self.port = int(found[1])

    def connect(self, timeout_s: float = 60) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)

    def ask(self, request: bytes, *, wait_s: float = 60) -> Answered:
        """What comes back until the connection is closed, or nothing more comes."""
        started_s = time.monotonic()
        with self.connect(wait_s) as connection:
            with suppress(ConnectionError):
                connection.sendall(request)
            answer, is_closed = read(connection)
        statuses = [int(one) for one in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
        return Answered(statuses, is_closed, time.monotonic() - started_s)

    def held(self) -> tuple[int, int, float]:
        """Open files, threads, and memory in MB."""
        proc = Path("/proc", str(self.process.pid))
        [pages] = re.findall(r"VmRSS:\s+(\d+)", (proc / "status").read_text())
        return len([*(proc / "fd").iterdir()]), len([*(proc / "task").iterdir()]), int(pages) / 1024

    def wait_for(self, happens: Callable[[], bool], most_s: float) -> None:
        deadline_s = time.monotonic() + most_s
        while not happens():
            assert time.monotonic() < deadline_s
            time.sleep(0.1)

    def stop(self) -> str:
        """What it said on standard error until it was ended."""
        self.process.terminate()
        self.process.communicate(timeout=20)
        return self.said.read_text()


def read(connection: socket.socket) -> tuple[bytes, bool]:
    """All that comes, and whether the other side closed."""
    parts: list[bytes] = []
    try:
        while part := connection.recv(1 << 20):
            parts.append(part)
    except TimeoutError:
        return b"".join(parts), False
    except ConnectionError:
        pass
    return b"".join(parts), True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("transport")
    (folder / "snapshot.jsonl").write_bytes(lines(record(f"1802.{n:05}") for n in range(1, N_PAPERS)))
    lunacy.build_index(folder / "snapshot.jsonl", into=folder / "papers", embedder=FakeEmbedder())
    one = Server(folder / "papers")
    for _ in range(50):
        one.ask(QUESTION, wait_s=0.2)
    yield one
    assert one.stop() == ""


@pytest.fixture(autouse=True)
def nothing_stays_behind(server: Server) -> Iterator[None]:
    """After each test the next question is answered at once, and files, threads and memory are as before."""
    n_files, n_threads, memory_mb = server.held()
    yield
    answered = server.ask(QUESTION.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), wait_s=10)
    assert answered.statuses == [200]
    assert answered.seconds < 2
    server.wait_for(lambda: server.held()[0] <= n_files, 20)
    _n_files, n_threads_now, memory_mb_now = server.held()
    assert n_threads_now <= n_threads + 1
    assert memory_mb_now < memory_mb + 30


@pytest.mark.parametrize("name", REQUESTS)
def test_a_forged_request_is_refused_at_once(server: Server, name: str) -> None:
    request, statuses = REQUESTS[name]
    answered = server.ask(request, wait_s=1 if "terabyte" in name else 10)
    if answered.statuses == [] and "terabyte" in name:  # the body is awaited
        return
    assert len(answered.statuses) <= 1
    assert statuses.issuperset(answered.statuses)
    assert answered.statuses or answered.is_closed


def test_a_request_in_pieces_is_answered(server: Server) -> None:
    with server.connect(1) as connection:
        for n in range(len(QUESTION)):
            connection.sendall(QUESTION[n : n + 1])
        assert read(connection)[0].startswith(b"HTTP/1.1 200 ")


def test_requests_one_after_the_other_are_answered_in_order(server: Server) -> None:
    questions = [b"GET /api/paper/1802.%05d HTTP/1.1\r\nHost: localhost\r\n\r\n" % n for n in range(1, 51)]
    with server.connect(2) as connection:
        connection.sendall(b"".join(questions))
        answer, _ = read(connection)
    assert re.findall(rb'"id":"(1802\.\d{5})"', answer) == [b"1802.%05d" % n for n in range(1, 51)]


def test_a_client_that_sends_no_more_is_answered_or_let_go(server: Server) -> None:
    with server.connect(2) as connection:
        connection.sendall(QUESTION)
        connection.shutdown(socket.SHUT_WR)
        answer, is_closed = read(connection)
    assert is_closed
    assert not answer or answer.startswith(b"HTTP/1.1 200 ")


def test_a_client_of_http_1_0_is_answered_and_let_go(server: Server) -> None:
    answered = server.ask(QUESTION.replace(b"HTTP/1.1", b"HTTP/1.0"), wait_s=5)
    assert answered.statuses == [200]
    assert answered.is_closed
    assert answered.seconds < 2


@pytest.mark.parametrize(
    ("beginning", "most_s"),
    [(b"", bounds.HEADER_S), (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", bounds.HEADER_S),
     (b"POST /api/similar HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", bounds.BODY_S),
     (b"POST /api/similar HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n", bounds.BODY_S)],
    ids=["nothing", "headers", "a body", "a chunk"],
)  # fmt: skip
def test_a_client_that_dawdles_is_let_go(server: Server, beginning: bytes, most_s: float) -> None:
    """A byte each half second."""
    started_s = time.monotonic()
    with server.connect(0.5) as connection:
        connection.sendall(beginning)
        answer, is_closed = b"", False
        while not is_closed:
            with suppress(ConnectionError):
                connection.sendall(b"a" if beginning else b"")
            more, is_closed = read(connection)
            answer += more
            assert time.monotonic() - started_s < most_s + 8
    assert not answer or answer.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 "))


def test_a_client_that_does_not_read_is_let_go(server: Server) -> None:
    """It asks a hundred times for 500 hits, and takes none."""
    n_files = server.held()[0]
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.sendall(LARGE * 100)
        server.wait_for(lambda: server.held()[0] > n_files, 10)
        server.wait_for(lambda: server.held()[0] == n_files, bounds.SEND_S + 15)


def test_idle_connections_keep_nobody_out_for_long(server: Server) -> None:
    """A thousand, of which the server takes as many as it says."""
    with ExitStack() as stack:
        for _ in range(1_000):
            with suppress(OSError):
                stack.enter_context(server.connect(5))
        time.sleep(bounds.HEADER_S + 5)
        answered = server.ask(QUESTION.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), wait_s=10)
        assert answered.statuses == [200]


@pytest.mark.parametrize("request_", [QUESTION, LARGE, POST_BATCH], ids=["a question", "a large answer", "a batch"])
def test_clients_that_die_leave_nothing_behind(server: Server, request_: bytes) -> None:
    for n in range(200):
        with server.connect() as connection:
            connection.sendall(request_[: len(request_) // 2] if n % 4 == 0 else request_)
            if n % 2:
                connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def test_a_hundred_floods_at_once_leave_an_answer_for_the_next(server: Server) -> None:
    with ExitStack() as stack:
        for n in range(100):
            connection = stack.enter_context(server.connect(5))
            with suppress(OSError):
                connection.sendall((QUESTION * 50, b"\0" * 100_000, POST_BATCH, b"GET /" + b"a" * 60_000)[n % 4])
    assert server.ask(QUESTION, wait_s=10).statuses == [200]
