"""An index, a snapshot or a file of ids from somebody who means harm: one line, no traceback, no crash, no way out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lunacy import build_index
from tests.conftest import FakeEmbedder, few_quick, lines, record
from tests.test_cli import run
from tests.test_store import database

ROOT = Path(__file__).parents[1]
SEGMENT = "segment-00000001.faiss"
IDS = [f"1802.{n:05}" for n in range(1, 21)]
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("hostile")
    (base / "snapshot").write_bytes(lines([record(one) for one in IDS]))
    build_index(base / "snapshot", into=base / "index", embedder=FakeEmbedder())
    return base / "index"


@pytest.fixture
def index(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "index"))


def sql(*statements: str) -> Change:
    def change(folder: Path) -> None:
        with database(folder) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            for statement in statements:
                connection.execute(statement)

    return change


def retyped(table: str, assignment: str) -> Change:
    """A table without its types and keys, so that a column can hold anything."""
    return sql(
        f"CREATE TABLE forged AS SELECT * FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE forged RENAME TO {table}",
        f"UPDATE {table} SET {assignment}",
    )


def fingerprint(**changed: Any) -> Change:
    def change(folder: Path) -> None:
        with database(folder) as connection:
            [old] = connection.execute("SELECT value FROM meta WHERE key = 'fingerprint'").fetchone()
            new = json.dumps({**json.loads(old), **changed})
            connection.execute("UPDATE meta SET value = ? WHERE key = 'fingerprint'", (new,))

    return change


def segment_header(offset: int, value: bytes) -> Change:
    def change(folder: Path) -> None:
        content = bytearray((folder / SEGMENT).read_bytes())
        content[offset : offset + len(value)] = value
        (folder / SEGMENT).write_bytes(content)

    return change


def linked(name: str, target: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return change


def fifo(name: str) -> Change:
    return lambda folder: ((folder / name).unlink(), os.mkfifo(folder / name))


def in_its_place(name: str) -> Change:
    return lambda folder: ((folder / name).unlink(), (folder / name).mkdir())


HUGE = 2**62
FORGED: dict[str, Change] = {
    "a segment number of text": retyped("segments", "number = '../../x'"),
    "a segment number that is a blob": retyped("segments", "number = x'2e2e2f'"),
    "a segment number of NULL": retyped("segments", "number = NULL"),
    "a segment number of a half": retyped("segments", "number = 1.5"),
    "a negative segment number": sql("UPDATE segments SET number = -1"),
    "a huge segment number": sql(f"UPDATE segments SET number = {HUGE}"),
    "rows of text": retyped("segments", "n_rows = '../../x'"),
    "negative rows": sql("UPDATE segments SET n_rows = -20"),
    "no rows": sql("UPDATE segments SET n_rows = 0"),
    "huge rows": sql(f"UPDATE segments SET n_rows = {HUGE}, size_bytes = {HUGE}"),
    "huge first row": sql(f"UPDATE segments SET first_row = {2**63 - 5}"),
    "a negative first row": sql("UPDATE segments SET first_row = -5"),
    "overlapping segments": sql("INSERT INTO segments SELECT 2, 5, n_rows, size_bytes, sha256 FROM segments"),
    "the same file twice": sql("INSERT INTO segments SELECT 2, 20, n_rows, size_bytes, sha256 FROM segments"),
    "a size of text": retyped("segments", "size_bytes = 'x'"),
    "a fingerprint that is no JSON": sql("UPDATE meta SET value = '{' WHERE key = 'fingerprint'"),
    "a fingerprint that is a list": sql("UPDATE meta SET value = '[1]' WHERE key = 'fingerprint'"),
    "a fingerprint that is a number": sql("UPDATE meta SET value = '7' WHERE key = 'fingerprint'"),
    "a fingerprint that is null": sql("UPDATE meta SET value = 'null' WHERE key = 'fingerprint'"),
    "a fingerprint with another field": fingerprint(evil=1),
    "a fingerprint as a blob": sql("UPDATE meta SET value = x'ff' WHERE key = 'fingerprint'"),
    "a dimension of text": fingerprint(dim="../../x"),
    "a dimension that is true": fingerprint(dim=True),
    "a dimension of a half": fingerprint(dim=1.5),
    "a negative dimension": fingerprint(dim=-1),
    "a huge dimension": fingerprint(dim=2**40),
    "a model that is a list": fingerprint(model=["../../x"]),
    "a recipe that is a number": fingerprint(text=7),
    "weights that are an object": fingerprint(weights={"a": 1}),
    "a generation of text": sql("UPDATE meta SET value = '../../x' WHERE key = 'generation'"),
    "a generation of thousands of digits": sql(f"UPDATE meta SET value = '{'9' * 5000}' WHERE key = 'generation'"),
    "no generation": sql("DELETE FROM meta WHERE key = 'generation'"),
    "no arithmetic": sql("DELETE FROM meta WHERE key = 'arithmetic'"),
    "a meta table of blobs": sql("UPDATE meta SET value = x'00ff'"),
    "a title that is a blob": sql("UPDATE papers SET title = x'00ff'"),
    "an id that is a number": retyped("papers", "id = 7"),
    "an abstract that is NULL": retyped("papers", "abstract = NULL"),
    "a title that is not UTF-8": sql("UPDATE papers SET title = CAST(x'fffe' AS TEXT)"),
    "categories that are a number": retyped("papers", "categories = 7"),
    "a row of text": retyped("papers", "row = '../../x'"),
    "a row that is negative": sql("UPDATE papers SET row = row - 1000"),
    "a row beyond the segments": sql("UPDATE papers SET row = row + 1000"),
    "a huge row": retyped("papers", f"row = {2**63 - 1}"),
    "all ids the same": retyped("papers", "id = '1802.00001'"),
    "a hash of text": sql("UPDATE papers SET text_hash = 'x'"),
    "dead rows of text": sql("DROP TABLE dead", "CREATE TABLE dead (row)", "INSERT INTO dead VALUES ('../../x')"),
    "dead rows that are not there": sql("INSERT INTO dead VALUES (-5), (999999)"),
    "counts of text": retyped("counts", "n_papers = '../../x'"),
    "papers as a view": sql("ALTER TABLE papers RENAME TO p", "CREATE VIEW papers AS SELECT * FROM p LIMIT 3"),
    "papers as a view without end": sql(
        "DROP TABLE papers",
        "CREATE VIEW papers AS WITH RECURSIVE n(row) AS (SELECT 1 UNION ALL SELECT 1 + row FROM n) "
        "SELECT row, '1802.00001' AS id, 1 AS withdrawn FROM n",
    ),
    "no papers": sql("DROP TABLE papers"),
    "no segments": sql("DROP TABLE segments"),
    "a header of another kind": segment_header(0, b"IxPQ"),
    "a header of an inverted file": segment_header(0, b"IwFl"),
    "a header with a huge dimension": segment_header(4, b"\xff\xff\xff\x7f"),
    "a header with a negative dimension": segment_header(4, b"\xff\xff\xff\xff"),
    "a header with huge rows": segment_header(8, b"\xff" * 7 + b"\x7f"),
    "a header with another metric": segment_header(33, b"\x17\x00\x00\x00"),
    "a header with a huge array": segment_header(37, b"\xff" * 7 + b"\x3f"),
    "a link to nothing": linked(SEGMENT, "/nowhere/at/all"),
    "a link to itself": linked(SEGMENT, SEGMENT),
    "a link to a device": linked(SEGMENT, "/dev/zero"),
    "a database that is a link to itself": linked("papers.db", "papers.db"),
    "a database that is a device": linked("papers.db", "/dev/zero"),
    "a segment that is a pipe": fifo(SEGMENT),
    "a database that is a pipe": fifo("papers.db"),
    "a database that is a folder": in_its_place("papers.db"),
    "a lock that is a folder": in_its_place("writer.lock"),
    "a lock that is a pipe": fifo("writer.lock"),
}
COMMANDS = ["verify", "query 1802.00001", "info", "diff {snapshot}", "compact", "remove 1802.00002", "repair", "verify"]
PATIENCE_S = 20
CODE = """
import json, os, pathlib, resource, signal, sys, time
from click.testing import CliRunner
from lunacy.cli import main
import lunacy.pipeline, lunacy.query, lunacy.render

class Late(BaseException):
    pass

def late(*_):
    raise Late

def ask(told, asked):
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE_S, PATIENCE_S))
    resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
    signal.signal(signal.SIGALRM, late)
    for arguments in asked:
        told.write(json.dumps([arguments[0], None, "", "a crash, or no end"]) + "\\n"), told.flush()
        signal.alarm(PATIENCE_S)
        try:
            result = CliRunner().invoke(main, arguments)
        except Late:
            continue
        signal.alarm(0)
        error = "" if isinstance(result.exception, (SystemExit, type(None))) else repr(result.exception)
        told.write(json.dumps([arguments[0], result.exit_code, result.stderr, error]) + "\\n"), told.flush()

for path, asked in json.load(sys.stdin):  # a process each: it may crash, hang or grow
    pid = os.fork()
    if not pid:
        with open(path, "w") as told:
            ask(told, asked)
        os._exit(0)
    end = time.monotonic() + 4 * PATIENCE_S
    while not os.waitpid(pid, os.WNOHANG)[0]:
        time.sleep(0.01)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def told(whole: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, list[Any]]:
    """What every command said of each forged index that is tested: (command, exit code, stderr, what should not be)."""
    chosen = {
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module.__name__ == __name__ and "told" in item.fixturenames
    }
    cases = {case: change for case, change in FORGED.items() if case in chosen}
    base, asked = tmp_path_factory.mktemp("forged"), []
    for place, change in enumerate(cases.values()):
        folder = Path(shutil.copytree(whole, base / str(place) / "index"))
        change(folder)
        commands = [
            [*one.format(snapshot=whole.parent / "snapshot").split(), "--index", str(folder)] for one in COMMANDS
        ]
        asked.append((str(folder.parent / "told"), commands))
    code = CODE.replace("PATIENCE_S", str(PATIENCE_S))
    subprocess.run([sys.executable, "-c", code], input=json.dumps(asked), cwd=ROOT, text=True, check=True)
    found = {}
    for case, (path, _commands) in zip(cases, asked, strict=True):
        assert {one.name for one in Path(path).parent.iterdir()} == {"index", "told"}, "something was written outside"
        latest: dict[int, Any] = {}
        for line in map(json.loads, Path(path).read_text().splitlines()):
            latest[len(latest) - (line[1] is not None)] = line  # the answer takes the place of the announcement
        found[case] = list(latest.values())
    return found


@pytest.mark.parametrize("case", few_quick(FORGED, *list(FORGED)[::4]))
def test_a_forged_index_is_one_line_and_never_a_crash(told: dict[str, list[Any]], case: str) -> None:
    wrong = [f"{command}: exit {code}, {error}" for command, code, _said, error in told[case] if error]
    for command, _code, said, _error in told[case]:
        strange = [line for line in said.splitlines() if not re.match(r"lunacy: |was: |/.*/index: ", line)]
        wrong += [f"{command}: {line}" for line in strange]
    assert wrong == []
    assert len(told[case]) == len(COMMANDS)


@pytest.mark.parametrize("action", ["BEFORE INSERT", "AFTER UPDATE", "AFTER DELETE"])
@pytest.mark.parametrize("table", ["papers", "meta", "counts"])
def test_a_trigger_in_the_database_is_named_and_never_runs(index: Path, action: str, table: str) -> None:
    sql(f"CREATE TRIGGER evil {action} ON {table} BEGIN UPDATE papers SET title = 'owned'; END")(index)
    run("remove", IDS[0], "--index", index)
    with database(index) as connection:
        assert connection.execute("SELECT count(*) FROM papers WHERE title = 'owned'").fetchone() == (0,)
    assert run("verify", "--index", index).exit_code == 1


def test_a_number_that_is_a_path_opens_nothing_outside(index: Path) -> None:
    shutil.copy(index / SEGMENT, index.parent / "segment-x.faiss")
    for path in ("../segment-x", "../segment-x.faiss", str(index.parent / "segment-x.faiss")):
        retyped("segments", f"number = '{path}'")(index)
        result = run("query", IDS[0], "--index", index)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "names a segment that cannot be" in result.stderr
