"""Every command in odd surroundings (no home, other encodings, closed streams, ...): one line, and no traceback."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from lunacy import build_index
from tests.conftest import lines, record

ROOT = Path(__file__).parents[1]
IDS = [f"1802.{n:05}" for n in range(1, 41)]
TITLES = ["On $\\ell$-adic 東京", "Schrödinger's 😀", "Łojasiewicz “quoted” — dashed", "Plain words"]
RECORDS = [
    record(one, title=f"{TITLES[place % 4]} {one}", authors="É. Galois, Łukasz Kaiser and 王伟")
    for place, one in enumerate(IDS)
]

# What is done before the command; {tmp} is an empty folder.
SURROUNDINGS = {
    "nothing": "",
    "no home": "unset HOME",
    "a home that is not there": "export HOME=/nowhere/at/all",
    "a home that is a file": "touch {tmp}/file; export HOME={tmp}/file",
    "an empty home": "export HOME=",
    "latin 1": "export PYTHONIOENCODING=iso-8859-1",
    "cp1252": "export PYTHONIOENCODING=cp1252",
    "ascii": "export PYTHONIOENCODING=ascii",
    "strict ascii": "export PYTHONIOENCODING=ascii:strict PYTHONUTF8=0",
    "shift jis": "export PYTHONIOENCODING=shift_jis",
    "the C locale": "export LC_ALL=C LANG=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0",
    "POSIX": "export LC_ALL=POSIX",
    "a locale that is not there": "export LC_ALL=xx_YY.UTF-8",
    "a dumb terminal": "export TERM=dumb",
    "no terminal": "unset TERM COLUMNS LINES",
    "a narrow terminal": "export COLUMNS=5 LINES=2",
    "a strange width": "export COLUMNS=wide",
    "no colours": "export NO_COLOR=1",
    "asserts taken out": "export PYTHONOPTIMIZE=2",
    "warnings as errors": "export PYTHONWARNINGS=error",
    "a program that talks at its start": (
        "mkdir {tmp}/site; echo 'print(\"hello\")' > {tmp}/site/sitecustomize.py; "
        "export PYTHONPATH=$PYTHONPATH:{tmp}/site"
    ),
    "a module named as one of the standard library": "cd {tmp}; echo 'raise SystemExit(9)' > json.py",
    "standard input closed": "exec 0<&-",
    "standard error closed": "exec 2>&-",
    "a folder that is gone": "mkdir {tmp}/gone; cd {tmp}/gone; rmdir {tmp}/gone",
    "no folder for temporary files": "export TMPDIR=/nowhere/at/all",
    "few files": "ulimit -n 24",
    "no core and little stack": "ulimit -c 0 -s 1024",
    "strange threads": "export OMP_NUM_THREADS=many OPENBLAS_NUM_THREADS=0 MKL_NUM_THREADS=-1",
    "one thread": "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1",
    "an empty LUNACY_INDEX": "export LUNACY_INDEX=",
    "nobody may read what is made": "umask 777",
    "a time zone that is not there": "export TZ=Nowhere/Land",
}
COMMANDS = {
    "query": "query 1802.00001 --index {index}",
    "several": "query 1802.00001 9999.99999 nonsense --index {index} --format table",
    "batch": "query --batch {ids} --index {index} --format jsonl",
    "csv": "query --batch {ids} --index {index} --format csv",
    "filters": "query 1802.00002 --index {index} --author galois --category cs.* --since 2001 --not-ids {ids}",
    "show": "show 1802.00001 9999.99999 --index {index}",
    "a file": "query --batch {ids} --index {index} -o {tmp}/out.bib",
    "info": "info --index {index}",
    "info as JSON": "info --index {index} --format json",
    "verify": "verify --index {index}",
    "diff": "diff {snapshot} --index {index}",
    "update": "index {snapshot} --into {index} --vectors {vectors} --model fake/model",
    "first run": "index {snapshot} --into {tmp}/new --vectors {vectors} --model fake/model",
    "remove": "remove 1802.00003 --index {index}",
    "compact": "compact --index {index}",
    "lexical": "lexical --index {index}",
    "repair": "repair --index {index}",
    "nothing there": "query 1802.00001 --index {tmp}/nothing",
    "a wrong option": "query --no-such-option",
    "help": "query --help",
}
IN_THE_QUICK_RUN = (  # each with a batch
    *("nothing", "strict ascii", "warnings as errors", "a program that talks at its start", "a folder that is gone"),
)
DEVELOPERS = ("Traceback", "Warning:", "Exception ignored", 'File "')


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("things")
    rows = np.random.default_rng(0).standard_normal((len(IDS), 16)).astype(np.float32)
    np.save(base / "vectors.npy", rows)
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    (base / "ids").write_text("\n".join(IDS[:5]))
    build_index(base / "snapshot.jsonl", into=base / "index", vectors=base / "vectors.npy", model="fake/model")
    return {
        "index": base / "index",
        "vectors": base / "vectors.npy",
        "snapshot": base / "snapshot.jsonl",
        "ids": base / "ids",
    }


CASES = [
    pytest.param(around, command, marks=[] if command == "batch" and around in IN_THE_QUICK_RUN else [pytest.mark.slow])
    for around, command in product(SURROUNDINGS, COMMANDS)
]


@pytest.mark.parametrize(("around", "command"), CASES)
def test_a_command_ends_well_or_with_one_line(
    things: dict[str, Path], tmp_path: Path, around: str, command: str
) -> None:
    index = Path(shutil.copytree(things["index"], tmp_path / "index"))
    (tmp_path / "odd").mkdir()
    places = {
        name: shlex.quote(str(path)) for name, path in {**things, "index": index, "tmp": tmp_path / "odd"}.items()
    }
    script = f"{SURROUNDINGS[around]}\nexec {shlex.quote(sys.executable)} -P -m lunacy {COMMANDS[command]}"
    for name, path in places.items():
        script = script.replace(f"{{{name}}}", path)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path / "odd",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    told = done.stderr.decode(errors="replace")
    assert not any(word in told for word in DEVELOPERS), told
    assert done.returncode in (0, 1, 2), told
    if done.returncode and around != "standard error closed":
        assert told.strip(), "it failed without a word"


def test_a_deleted_folder_says_so_for_a_relative_index(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = f"cd gone; rmdir ../gone; exec {shlex.quote(sys.executable)} -P -m lunacy query 1802.00001"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("lunacy: ")
