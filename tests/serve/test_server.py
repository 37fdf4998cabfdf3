"""The server at a real port: clients that are slow, vanish or never end, and the command itself."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import orjson
import pytest
import uvicorn

from lunacy.query.service import Service
from lunacy.serve import bounds, connection
from lunacy.serve.app import create_app
from lunacy.serve.connection import settings
from lunacy.serve.listen import bind
from tests.serve.conftest import IDS
from tests.test_cli import run


@pytest.fixture
def waiting_for_nobody(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, uvicorn.Server]]:
    """A server that looks at its connections all the time, and its port; a test says of which thing it is impatient."""
    monkeypatch.setattr(connection, "_LOOK_S", 0.02)
    with bind("127.0.0.1", 0) as listening:
        port = int(listening.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(create_app(service), **settings()))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield port, server
        server.should_exit = True
        thread.join()
        assert not server.server_state.connections


@pytest.fixture
def hasty(waiting_for_nobody: tuple[int, uvicorn.Server]) -> int:
    """Its port."""
    return waiting_for_nobody[0]


def connected(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port))
    opened.settimeout(60)
    return opened


def received(opened: socket.socket) -> bytes:
    """All until the server ends the connection."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := opened.recv(2**16):
            found += piece
    return found


HEAD = b"POST /api/similar HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize("begun", [b"", b"GET /api/hea", HEAD, HEAD + b"Content-Type: application/json\r\nX-"])
def test_a_request_that_never_comes_whole_is_given_up(
    hasty: int, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "HEADER_S", 0.2)
    with connected(hasty) as slow:
        slow.sendall(begun)
        assert received(slow) == b""


def test_a_head_that_comes_letter_by_letter_is_given_up(hasty: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HEADER_S", 0.2)
    with connected(hasty) as slow, contextlib.suppress(ConnectionError):
        until = time.monotonic() + 60
        while time.monotonic() < until and not select.select([slow], [], [], 0.02)[0]:
            slow.sendall(b"G")
        assert slow.recv(1) == b""
        assert time.monotonic() < until


@pytest.mark.parametrize("length", [b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\n"])
def test_a_body_that_never_comes_whole_is_told_so(hasty: int, length: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BODY_S", 0.2)
    with connected(hasty) as slow:
        slow.sendall(HEAD + length + b'{"id"')
        answer = received(slow)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not come within" in answer


def test_a_body_without_end_is_refused_while_it_comes(hasty: int) -> None:
    with connected(hasty) as endless:
        endless.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        n_sent = 0
        with contextlib.suppress(ConnectionError):
            while n_sent < 20 * bounds.BODY_BYTES:
                endless.sendall(b"10000\r\n" + b"a" * 2**16 + b"\r\n")
                n_sent += 2**16
                if select.select([endless], [], [], 0)[0]:
                    break
        assert n_sent < 10 * bounds.BODY_BYTES  # what the kernel held, too
        with contextlib.suppress(ConnectionError):
            assert endless.recv(2**16).startswith(b"HTTP/1.1 413 ")


def ask_for_megabytes(opened: socket.socket) -> None:
    """Send a batch whose answer is 150 MB, and wait until that begins."""
    body = orjson.dumps({"id": IDS[:40] * 250, "top": 40})
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    opened.sendall(b"POST /api/batch HTTP/1.1\r\nHost: localhost\r\n" + length.encode() + body)
    assert select.select([opened], [], [], 60)[0]


def require_nothing_left(server: uvicorn.Server) -> None:
    until = time.monotonic() + 60
    while (server.server_state.connections or server.server_state.tasks) and time.monotonic() < until:
        time.sleep(0.02)
    assert not server.server_state.connections
    assert not server.server_state.tasks


def test_who_does_not_read_is_given_up(
    waiting_for_nobody: tuple[int, uvicorn.Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "SEND_S", 0.2)
    port, server = waiting_for_nobody
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        ask_for_megabytes(deaf)
        require_nothing_left(server)


def test_a_batch_ends_with_its_client(waiting_for_nobody: tuple[int, uvicorn.Server]) -> None:
    port, server = waiting_for_nobody
    with connected(port) as gone:
        ask_for_megabytes(gone)
    require_nothing_left(server)


def test_others_are_served_beside_slow_ones(hasty: int) -> None:
    with contextlib.ExitStack() as slow:
        for _n in range(50):
            slow.enter_context(connected(hasty)).sendall(HEAD)
        answer = httpx2.get(f"http://127.0.0.1:{hasty}/api/similar?id={IDS[0]}")
    assert answer.status_code == 200
    assert not {"server"} & set(answer.headers)


def test_who_asks_nothing_makes_room_for_who_asks(hasty: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "CONNECTIONS", 5)
    monkeypatch.setattr(bounds, "HEADER_S", 20)
    with contextlib.ExitStack() as opened:
        idle = [opened.enter_context(connected(hasty)) for _n in range(4)]
        busy = opened.enter_context(connected(hasty))
        ask_for_megabytes(busy)
        more = [opened.enter_context(connected(hasty)) for _n in range(3)]
        for one in more:
            one.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(2**16).startswith(b"HTTP/1.1 200 ")
        assert [received(one) for one in idle[:3]] == [b"", b"", b""]
        idle[3].sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle[3].recv(2**16).startswith(b"HTTP/1.1 200 ")
        assert busy.recv(2**10)


def test_a_request_that_is_no_http_is_refused(hasty: int) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9\r\n\r\n", b"\r\n" * 10 + b"\0\r\n\r\n"):
        with connected(hasty) as strange:
            strange.sendall(garbage)
            assert received(strange).startswith((b"HTTP/1.1 400 ", b""))
    with connected(hasty) as long:
        with contextlib.suppress(ConnectionError):
            long.sendall(b"GET /" + b"a" * 2 * bounds.HEADER_BYTES + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" not in received(long)


def test_no_piece_of_an_answer_waits_for_the_client_to_acknowledge_the_one_before() -> None:
    with bind("127.0.0.1", 0) as listening, connected(listening.getsockname()[1]):
        accepted, _address = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_told_with_what_to_do(small_index: Path) -> None:
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        result = run("serve", "--index", small_index, "--port", port)
    told = f"lunacy: port {port} is taken; give another with --port, or --port 0 for any that is free\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", told)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "others can reach --host 0.0.0.0; set LUNACY_TOKEN"),
        (["--token", "short"], "the token needs at least 16 letters"),
        (["--token", ""], "the token needs at least 16 letters"),
        (["--token", "t" * 16, "--host", "0.0.0.0"], "name it as others do, with --allow-host"),
        (["--token", "t" * 16, "--host", "::"], "name it as others do, with --allow-host"),
        (["--allow-host", "http://x/"], "is no name of a host"),
        (["--allow-host", "*"], "is no name of a host"),
        (["--index", "milvus:x.db/papers"], "is an address; this command is for an index folder"),
    ],
)
def test_what_would_be_unsafe_is_refused(small_index: Path, options: list[str], said: str) -> None:
    result = run("serve", "--index", small_index, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_without_the_extra_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["lunacy.cli.serve"], "find_spec", lambda name: name != "uvicorn")
    result = run("serve")
    assert result.exit_code == 2
    assert "the web server is not installed; install it with: " in result.stderr
    assert "uvicorn" in result.stderr


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGTERM, 143, ""), pytest.param(signal.SIGINT, 130, "lunacy: stopped\n", marks=pytest.mark.slow)],
)
def test_a_signal_ends_it_at_once_whatever_is_open(small_index: Path, number: int, code: int, said: str) -> None:
    command = [sys.executable, "-m", "lunacy", "serve", "--index", str(small_index), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("serving papers and your reading lists at http://127.0.0.1:")
        assert line.endswith("/ (Ctrl-C stops it)\n")
        port = int(line.partition("127.0.0.1:")[2].partition("/")[0])
        with connected(port) as idle, connected(port) as slow:
            slow.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
            idle.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(2**16).startswith(b"HTTP/1.1 200 ")
            before = time.monotonic()
            process.send_signal(number)
            rest, told = process.communicate(timeout=60)
        assert (process.returncode, rest, told) == (code, "", said)
        assert time.monotonic() - before < 10  # a fraction of a second, on a machine with time
    finally:
        process.kill()
        process.wait()
