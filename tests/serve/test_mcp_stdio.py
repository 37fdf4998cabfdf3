"""`lunacy mcp`: a program that a client starts somewhere, and to whom its standard output belongs."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from mcp import Client, StdioServerParameters

import lunacy
from lunacy.question import Question
from tests.conftest import FakeEmbedder
from tests.serve.conftest import IDS
from tests.test_cli import run

_ROOT = Path(__file__).parents[2]
_HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "a client of last year", "version": "1"},
}
_NOISY = """
import os, sys, warnings
from lunacy.cli import run
from lunacy.query.service import Service

def noise(where):
    os.write(1, b"native noise\\n")
    print("noise", where)
    warnings.warn("noise")

class Noisy(Service):
    def __init__(self, *indexes):
        noise("at the start")
        super().__init__(*indexes)
    def ask(self, *question):
        noise("in a question")
        return super().ask(*question)

import lunacy.query.service
lunacy.query.service.Service = Noisy
sys.argv = ["lunacy", "mcp", "--index", sys.argv[1]]
run()
"""


class Process:
    """The program, asked line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.n_asked = 0

    def send(self, method: str, **params: Any) -> int:
        """A request; its number."""
        self.n_asked += 1
        message = {"jsonrpc": "2.0", "id": self.n_asked, "method": method, "params": params}
        assert self.process.stdin is not None
        self.process.stdin.write(orjson.dumps(message) + b"\n")
        self.process.stdin.flush()
        return self.n_asked

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a request, which must be the next line."""
        number = self.send(method, **params)
        assert self.process.stdout is not None
        answer = orjson.loads(self.process.stdout.readline())
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", number)
        return answer["result"]


@contextmanager
def started(*arguments: object, **options: Any) -> Iterator[Process]:
    """Python with `arguments`, ended at last."""
    variables = {**os.environ, "PYTHONPATH": str(_ROOT), **options.pop("env", {})}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, *map(str, arguments)], env=variables, **pipes, **options)
    with process:
        try:
            yield Process(process)
        finally:
            process.kill()


def test_stdout_is_the_protocols_alone_and_the_program_ends_with_its_client(small_index: Path, tmp_path: Path) -> None:
    with started("-W", "always", "-c", _NOISY, small_index, cwd=tmp_path) as program:
        hello = program.ask("initialize", **_HELLO)
        assert (hello["protocolVersion"], hello["serverInfo"]["name"]) == ("2025-06-18", "lunacy")
        assert "41 papers" in hello["instructions"]
        called = program.ask("tools/call", name="similar_papers", arguments={"ids": IDS[:1], "top": 3})
        with lunacy.open_index(small_index, embedder=FakeEmbedder()) as ix:
            expected = [hit.id for hit in ix.ask(Question(papers=IDS[:1], top=3, rank="hybrid"))]
        assert [hit["id"] for hit in called["structuredContent"]["hits"]] == expected
        refused = program.ask("tools/call", name="search_text", arguments={"text": "a topic"})
        assert refused["isError"]
        assert "still answer for ids" in refused["content"][0]["text"]
        closed = time.monotonic()
        rest, told = program.process.communicate(timeout=30)
        assert (program.process.returncode, rest) == (0, b"")
        assert time.monotonic() - closed < 10  # a fraction of a second, on a machine with time
    for noise in (b"native noise", b"noise at the start", b"noise in a question", b"UserWarning: noise"):
        assert noise in told
    assert b"Traceback" not in told


@pytest.mark.slow
def test_the_sdk_starts_it_anywhere(small_index: Path, tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "lunacy", "mcp"],
        env={"PYTHONPATH": str(_ROOT), "LUNACY_INDEX": str(small_index)},
        cwd=tmp_path,
    )

    async def asked(mode: str) -> tuple[int, list[str]]:
        async with Client(server, mode=mode) as client:
            tools = (await client.list_tools()).tools
            [paper] = (await client.call_tool("get_paper", {"ids": IDS[:1]})).structured_content["papers"]  # type: ignore[index]
            [content] = (await client.read_resource(f"paper://{IDS[0]}")).contents
            return len(tools), [paper["id"], content.text.splitlines()[0]]  # type: ignore[union-attr]

    for mode in ("auto", "legacy"):
        assert asyncio.run(asked(mode)) == (5, [IDS[0], f"## [On {IDS[0]}](https://arxiv.org/abs/{IDS[0]})"])


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_at_once(small_index: Path, number: signal.Signals, status: int) -> None:
    with started("-m", "lunacy", "mcp", "--index", small_index) as program:
        program.ask("initialize", **_HELLO)
        sent = time.monotonic()
        program.process.send_signal(number)
        assert program.process.wait(30) == status
        assert time.monotonic() - sent < 10


@pytest.mark.slow
def test_a_client_that_vanishes_leaves_neither_a_process_nor_a_traceback(small_index: Path) -> None:
    with started("-m", "lunacy", "mcp", "--index", small_index) as program:
        program.ask("initialize", **_HELLO)
        assert program.process.stdout is not None
        assert program.process.stdin is not None
        program.process.stdout.close()
        program.send("tools/list")
        program.process.stdin.close()
        assert program.process.wait(30) == 0
        assert program.process.stderr is not None
        assert program.process.stderr.read() == b""


@pytest.mark.slow
def test_damage_while_it_runs_is_told_without_a_path(small_index: Path, tmp_path: Path) -> None:
    shutil.copytree(small_index, tmp_path / "ix")
    with started("-m", "lunacy", "mcp", "--index", tmp_path / "ix") as program:
        program.ask("initialize", **_HELLO)
        with sqlite3.connect(tmp_path / "ix" / "papers.db") as database:
            database.execute("ALTER TABLE papers RENAME TO gone")
        database.close()
        for _ in range(2):
            told = program.ask("tools/call", name="similar_papers", arguments={"ids": IDS[:1]})
            assert told["isError"]
            said = told["content"][0]["text"]
            assert said.startswith("papers.db: no such table: papers; the index must be mended")
            assert str(tmp_path) not in said


def test_without_an_index_it_says_what_the_clients_configuration_lacks(
    small_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LUNACY_INDEX", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "made" / ".venv"))
    monkeypatch.setattr(
        sys.modules["lunacy.cli.mcp"], "__file__", str(tmp_path / "elsewhere" / "lunacy" / "cli" / "mcp.py")
    )
    failed = run("mcp")
    assert (failed.exit_code, failed.stdout, failed.stderr.count("\n")) == (2, "", 1)
    assert "there is no index in indexes/; clients start it in a folder of their own" in failed.stderr
    assert '"args": ["mcp", "--index", "/the/path/of/an/index"]' in failed.stderr
    shutil.copytree(small_index, tmp_path / "made" / "indexes" / "ours")
    assert f'"args": ["mcp", "--index", "{tmp_path}/made/indexes/ours"]' in run("mcp").stderr


def test_a_variable_names_one_index_whatever_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUNACY_INDEX", "/none: not even/this")
    assert run("mcp").stderr.startswith("lunacy: /none: not even/this: the folder does not exist")


def test_a_damaged_index_is_one_line_on_standard_error(small_index: Path, tmp_path: Path) -> None:
    shutil.copytree(small_index, tmp_path / "ix")
    (tmp_path / "ix" / "papers.db").write_bytes(b"no database" * 1000)
    failed = run("mcp", "--index", tmp_path / "ix")
    assert (failed.exit_code, failed.stdout, failed.stderr.count("\n")) == (1, "", 1)
    assert failed.stderr.startswith(f"lunacy: {tmp_path}/ix")


def test_without_the_sdk_it_says_how_to_install_it(small_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["lunacy.cli.mcp"], "find_spec", lambda _name: None)
    failed = run("mcp", "--index", small_index)
    assert (failed.exit_code, failed.stdout) == (2, "")
    assert failed.stderr.startswith("lunacy: the SDK of the Model Context Protocol is not installed; install it with: ")
    assert "'mcp>=2.3'" in failed.stderr
