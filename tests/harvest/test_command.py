"""The command `lunacy update`, and that no other command speaks to the network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lunacy.cli import main
from lunacy.harvest import client
from tests.conftest import lines, vector_of
from tests.harvest.archive import kaggle, paper
from tests.harvest.server import Server
from tests.harvest.test_update import AMENDED, DAY, OLD
from tests.test_cli import run
from tests.test_pipeline import text_of


@pytest.fixture
def server() -> Iterator[Server]:
    with Server([*AMENDED, *OLD[9:]], day=DAY).running() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of OLD whose model cannot be loaded: what changes are metadata alone."""
    import numpy as np

    monkeypatch.setattr(client, "PACE_S", 0.0)
    (tmp_path / "old.jsonl").write_bytes(lines(map(kaggle, OLD)))
    np.save(tmp_path / "old.npy", np.array([vector_of(text_of(kaggle(one))) for one in OLD]))
    files = tmp_path / "old.jsonl", "--vectors", tmp_path / "old.npy", "--model", "fake/model"
    assert run("index", *files, "--into", tmp_path / "index").exit_code == 0
    return tmp_path / "index"


def test_an_update_tells_what_became_of_each_record(folder: Path, server: Server) -> None:
    result = run("update", "--index", folder, "--endpoint", server.url, "--since", "2026-10-01")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        "read 17 = added 0 + updated 6 + unchanged 11 + older 0 + filtered 0 + quarantined 0",
        "6 updated in metadata only",
    ]
    assert result.stdout.splitlines()[2].startswith(f"{folder} has all changes until {DAY}, after ")
    again = run("update", "--index", folder, "--endpoint", server.url)
    assert again.stdout.startswith(
        "read 0 = added 0 + updated 0 + unchanged 0 + older 0 + filtered 0 + quarantined 0\n"
    )


def test_quiet_prints_one_line(folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUNACY_OAI", server.url)
    monkeypatch.setenv("LUNACY_CONTACT", "me@example.org")
    result = run("update", "--index", folder, "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{folder}: 0 new, 6 updated, 0 older, 0 unchanged; it has all changes until {DAY}\n"
    assert [one.endswith("(me@example.org)") for one in server.agents] == [True]
    server.entries = []
    result = run("update", "--index", folder, "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{folder}: 0 new, 0 updated, 0 older, 0 unchanged; it has all changes until {DAY}\n"


def test_a_dry_run_changes_nothing(folder: Path, server: Server) -> None:
    before = (folder / "papers.db").read_bytes()
    stale = replace(OLD[0], datestamp="2026-10-31", title="Old")
    server.entries = [*AMENDED, paper(90, datestamp="2026-11-20"), stale]
    result = run("update", "--index", folder, "--endpoint", server.url, "--dry-run")
    assert result.exit_code == 0, result.output
    said = dict(line.rsplit(maxsplit=1) for line in result.stdout.splitlines())
    assert said == {"new": "1", "changed": "0", "metadata only": "6", "older": "1", "unchanged": "0"}
    assert (folder / "papers.db").read_bytes() == before


def test_a_mistake_is_one_line(folder: Path) -> None:
    for options, code, said in (
        (
            ("--endpoint", "arxiv.org"),
            2,
            "'arxiv.org' is no endpoint; give an address like https://oaipmh.arxiv.org/oai",
        ),
        (("--since", "soon"), 2, "since is 'soon'; give a day, such as 2026-11-01"),
    ):
        result = run("update", "--index", folder, *options)
        assert (result.exit_code, result.stderr) == (code, f"lunacy: {said}\n")


OFFLINE = """
import sys

def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind", "socket.sendto"):
        raise AssertionError(f"{event} {arguments}")

sys.addaudithook(hook)
from lunacy.cli import main

for command in sys.stdin.read().splitlines():
    try:
        main(command.split())
    except SystemExit as end:
        assert not end.code, (command, end.code)
"""
COMMANDS = """
index {home}/old.jsonl --into {home}/index --vectors {home}/old.npy --model fake/model
index {home}/old.jsonl --into {home}/index --prune
diff {home}/old.jsonl --index {home}/index
query 2611.00001 --index {home}/index
show 2611.00001 --index {home}/index
info --index {home}/index
lexical --index {home}/index
query 2611.00001 --index {home}/index --rank hybrid
graph --index {home}/index
duplicates --index {home}/index
export {home}/papers.parquet --index {home}/index
list add thesis 2611.00001 2611.00003 --index {home}/index
digest thesis --since 2020 --index {home}/index
gaps {home}/draft.txt --index {home}/index
ivf --index {home}/index --recall 0.5
query 2611.00001 --index {home}/index --ivf
remove 2611.00002 --index {home}/index
compact --index {home}/index
verify --index {home}/index
repair --index {home}/index
index {home}/old.jsonl --into {home}/real --limit 3
query --text photons --index {home}/real
"""


def offline(commands: str, home: Path) -> None:
    """Run the commands in a process that fails when it asks for an address or connects to one."""
    (home / "draft.txt").write_text("2611.00001\n2611.00003\n")
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        input=commands,
        env={**os.environ, "LUNACY_LISTS": str(home / "lists.jsonl")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "AssertionError" not in done.stderr


def test_everyday_commands_open_no_socket(folder: Path) -> None:
    offline("\n".join(COMMANDS.format(home=folder.parent).strip().splitlines()[:6]), folder.parent)


@pytest.mark.slow
def test_no_command_but_update_opens_a_socket(folder: Path) -> None:
    commands = COMMANDS.format(home=folder.parent).strip()
    named = {line.split()[0] for line in commands.splitlines()}
    with_a_network = {"download", "update", "fetch", "bench", "publish", "serve", "mcp"}
    assert named == main.commands.keys() - with_a_network
    offline(commands, folder.parent)


@pytest.mark.slow
def test_the_hook_of_that_test_is_not_blind(folder: Path, server: Server) -> None:
    command = f"update --index {folder} --endpoint {server.url}"
    done = subprocess.run([sys.executable, "-c", OFFLINE], input=command, capture_output=True, text=True, check=False)
    assert "AssertionError: socket." in done.stderr
