"""What is printed, whatever standard output and standard error are: their encodings, closed, full, a dumb terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest

import lunacy
from lunacy.keywords import encodable
from tests.conftest import DIM, few_quick, lines, record, vector_of

IDS = [f"1802.{number:05}" for number in range(1, 6)]
TITLE = "Schrödinger's α–β 量子 🎉"
LUNACY = [sys.executable, "-m", "lunacy"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of IDS, whose titles no encoding but Unicode's has."""
    base = tmp_path_factory.mktemp("output")
    (base / "snapshot.jsonl").write_bytes(lines(record(one, title=f"{TITLE} {one}") for one in IDS))
    np.save(base / "v.npy", np.array([vector_of(one, DIM) for one in IDS]))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", vectors=base / "v.npy", model="fake/model")
    (base / "ids.txt").write_text("\n".join([*IDS, "2999.99999", IDS[0]]))
    return base


def start(index: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LUNACY_INDEX": str(index / "index"), **options.pop("env", {})}  # type: ignore[dict-item]
    return subprocess.run(
        [*LUNACY, *arguments],
        env=environment,
        cwd=index,
        check=False,
        timeout=60,
        **options,  # type: ignore[call-overload]
    )


ENCODINGS = {
    "iso-8859-1": {"PYTHONIOENCODING": "iso-8859-1"},
    "cp1252": {"PYTHONIOENCODING": "cp1252:strict"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "utf-8": {"PYTHONIOENCODING": "utf-8:strict"},
    "utf-16": {"PYTHONIOENCODING": "utf-16"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX": {"LC_ALL": "POSIX"},
}


@pytest.mark.parametrize(
    ("encoding", "form"),
    few_quick(
        [
            *((encoding, form) for encoding in ENCODINGS for form in ("jsonl", "csv")),
            *(("iso-8859-1", form) for form in ("json", "table", "ids")),
        ],
        ("ascii", "jsonl"),
        *(("iso-8859-1", form) for form in ("csv", "table")),
    ),
)
def test_a_batch_is_answered_whole_in_any_encoding(index: Path, encoding: str, form: str) -> None:
    done = start(
        index,
        "query",
        "--batch",
        "ids.txt",
        "--format",
        form,
        "--top",
        "2",
        env=ENCODINGS[encoding],
        capture_output=True,
    )
    written = {"C": "ascii", "POSIX": "utf-8"}.get(encoding, encoding)
    text = done.stdout.decode(written)
    assert (done.returncode, done.stderr.decode(written).count("\n")) == (1, 1)  # 2999.99999
    assert b"Traceback" not in done.stderr
    if form.startswith("json"):
        answers = [json.loads(line) for line in text.splitlines()] if form == "jsonl" else json.loads(text)
        assert [answer["query"]["titles"] for answer in answers] == [[f"{TITLE} {one}"] for one in [*IDS, IDS[0]]]
        assert written == "utf-8" or text.isascii()
        return
    assert text.count(IDS[0]) >= 1
    if form == "csv":
        shown = f"{TITLE} ".encode(written, "replace").decode(written)
        assert {row["title"][: len(shown)] for row in csv.DictReader(io.StringIO(text))} == {shown}


def test_json_redirected_to_a_file_is_utf8(index: Path, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        start(index, "query", IDS[0], "--format", "json", env={"LC_ALL": "C"}, stdout=file)
    [answer] = orjson.loads((tmp_path / "out").read_bytes())
    assert answer["query"]["titles"] == [f"{TITLE} {IDS[0]}"]


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(one, marks=pytest.mark.slow) for one in ("cp1252", "utf-8"))]
)
def test_a_folder_whose_name_this_encoding_lacks_is_shown(index: Path, tmp_path: Path, encoding: str) -> None:
    shutil.copytree(index / "index", tmp_path / TITLE)
    for command in (["info", "--format", "json"], ["verify"], ["remove", IDS[0]]):
        done = start(index, *command, "--index", str(tmp_path / TITLE), env=ENCODINGS[encoding], capture_output=True)
        assert (done.returncode, done.stderr) == (0, b""), command


def test_a_text_of_the_c_locale_keeps_its_letters() -> None:
    text = TITLE.encode().decode("ascii", "surrogateescape")
    assert encodable(text) == TITLE
    assert encodable("a\ud800b\udcff") == "a?b?"
    assert encodable(TITLE) == TITLE


@pytest.mark.parametrize(
    "encoding", ["ascii", "C", *(pytest.param(one, marks=pytest.mark.slow) for one in ("iso-8859-1", "utf-8"))]
)
def test_arguments_that_are_not_text_give_one_line(index: Path, encoding: str) -> None:
    strange = os.fsdecode(b"\xff\xfe")
    for command in (["query", strange], ["query", IDS[0], "--not-ids", strange], ["info", "--index", strange]):
        done = start(index, *command, env=ENCODINGS[encoding], capture_output=True)
        assert (done.returncode in (1, 2), done.stdout) == (True, b""), command
        assert done.stderr.startswith((b"lunacy: ", b"Usage: ")), command
        assert done.stderr.count(b"\n") == 1 or b"the name of the folder is not in UTF-8" in done.stderr


@pytest.mark.parametrize(
    "command",
    few_quick(
        ["query 1802.00001", "query --batch ids.txt", "info", "info --format json", "--help"],
        "query --batch ids.txt",
        "info",
        "--help",
    ),
)
def test_a_full_disk_is_one_line(index: Path, command: str) -> None:
    with open("/dev/full", "wb") as full:
        done = start(index, *command.split(), stdout=full, stderr=subprocess.PIPE)
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, last) == (1, b"lunacy: standard output: No space left on device; make room and run again")
    assert len(done.stderr.splitlines()) == 1 or "--batch" in command


def closing(index: Path, command: str, closed: str) -> subprocess.CompletedProcess[bytes]:
    shell = f"exec {' '.join(LUNACY)} {command} {closed}"
    environment = {**os.environ, "LUNACY_INDEX": str(index / "index")}
    return subprocess.run(
        ["/bin/sh", "-c", shell], env=environment, cwd=index, capture_output=True, check=False, timeout=60
    )


def test_a_closed_output_is_one_line_where_it_is_needed(index: Path, tmp_path: Path) -> None:
    done = closing(index, "query 1802.00001", ">&-")
    assert (done.returncode, done.stderr) == (
        1,
        b"lunacy: standard output is closed, so there is nowhere to put the answer\n",
    )
    made = closing(
        index, f"index snapshot.jsonl --vectors v.npy --model fake/model --into {tmp_path / 'ix'}", "<&- >&- 2>&-"
    )
    assert (made.returncode, made.stdout, made.stderr) == (0, b"", b"")
    assert closing(index, f"verify --index {tmp_path / 'ix'}", "").returncode == 0


@pytest.mark.parametrize("where", few_quick(["2>&-", "2>/dev/full", "2>&1 2>/dev/full"], "2>&-", "2>/dev/full"))
def test_where_nothing_can_be_told_the_batch_goes_on(index: Path, where: str) -> None:
    done = closing(index, "query --batch ids.txt --top 1", where)
    assert [orjson.loads(line)["query"]["ids"] for line in done.stdout.splitlines()] == [
        [one] for one in [*IDS, IDS[0]]
    ]
    assert (done.returncode, done.stderr) == (1, b"")
    assert closing(index, "query nonsense", where).returncode == 2


def test_nobody_who_reads_on_is_no_news(index: Path) -> None:
    (index / "many.txt").write_text("\n".join(IDS * 400))
    done = closing(index, "query --batch many.txt", "| head -n 1")
    assert (len(done.stdout.splitlines()), done.stderr) == (1, b"")
    assert closing(index, "query --batch many.txt --format csv", "2>&1 | head -n 1").stderr == b""


def on_a_terminal(index: Path, *command: str, check: bool = True, **environment: str | None) -> bytes:
    """What `command` prints on a terminal, on both of its outputs."""
    ours, theirs = os.openpty()
    variables = {**os.environ, "TERM": "xterm", "NO_COLOR": None, "LUNACY_INDEX": str(index / "index"), **environment}
    given = {name: value for name, value in variables.items() if value is not None}
    subprocess.run([*LUNACY, *command], stdout=theirs, stderr=theirs, env=given, cwd=index, check=check, timeout=60)
    os.close(theirs)

    def pieces() -> Iterator[bytes]:
        try:
            while piece := os.read(ours, 10_000):
                yield piece
        except OSError:  # the end of a terminal
            return

    shown = b"".join(pieces())
    os.close(ours)
    return shown


@pytest.mark.parametrize(
    ("environment", "is_styled"),
    few_quick(
        [
            ({}, True),
            ({"TERM": "dumb"}, False),
            ({"TERM": ""}, False),
            ({"TERM": None}, False),
            ({"NO_COLOR": "1"}, False),
            ({"NO_COLOR": "0"}, False),
            ({"NO_COLOR": ""}, True),
            ({"NO_COLOR": "", "TERM": "dumb"}, False),
        ],
        ({}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1"}, False),
    ),
)
def test_styles_are_for_terminals_that_have_them(index: Path, environment: dict[str, str], is_styled: bool) -> None:
    shown = on_a_terminal(index, "query", IDS[0], "--top", "1", **environment)
    shown = re.sub(rb"(\r[^\r\n]*\x1b\[K)+", b"", shown)  # what a busy machine says meanwhile
    assert TITLE.encode() in shown
    assert (b"\x1b" in shown) is is_styled
    assert shown.startswith(b"\x1b[1m") is is_styled
