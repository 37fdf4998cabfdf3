"""Fresh processes: what the program imports (start-up is time), how it behaves in a shell, what the package offers."""

from __future__ import annotations

import importlib
import os
import select
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import orjson
import pytest

import lunacy
from lunacy.errors import LunacyError
from tests.conftest import DIM, lines, record, vector_of

IDS = [f"1802.{number:05}" for number in range(1, 31)]
MODELS = {"torch", "sentence_transformers", "transformers", "tokenizers", "openvino", "huggingface_hub"}
HEAVY = MODELS | {"ray", "pyarrow"}
ARRAYS = {"numpy", "faiss"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An index of IDS."""
    base = tmp_path_factory.mktemp("process")
    (base / "snapshot.jsonl").write_bytes(lines(map(record, IDS)))
    np.save(base / "v.npy", np.array([vector_of(one, DIM) for one in IDS]))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", vectors=base / "v.npy", model="fake/model")
    return str(base / "index")


def imported_by(code: str) -> set[str]:
    """The top-level modules that a fresh Python has imported after `code`."""
    tell = "import sys; sys.stderr.write('modules: ' + ' '.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{tell}"], capture_output=True, text=True, check=True)
    before, said, modules = done.stderr.partition("modules: ")
    progress = [line for line in before.splitlines() if line.startswith("lunacy: ")]  # of a busy machine
    assert (before.splitlines(), said) == (progress, "modules: ")
    return set(modules.split())


def program(*calls: list[str]) -> str:
    """Python that runs the program with these arguments, call by call."""
    return f"""
from lunacy.cli import main
for arguments in {list(calls)!r}:
    try:
        main(arguments)
    except SystemExit as end:
        assert not end.code, (arguments, end.code)
"""


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell, where `lunacy` is the installed program."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, **environment}
    return subprocess.run(["/bin/sh", "-c", command], env=variables, capture_output=True, text=True, check=False)


def test_help_imports_neither_arrays_nor_models() -> None:
    commands = ["index", "query", "info", "verify"]
    modules = imported_by(program(["--help"], ["--version"], *([command, "--help"] for command in commands)))
    assert "click" in modules
    assert not modules & (HEAVY | ARRAYS)


def test_a_query_by_id_imports_no_model(index: str) -> None:
    ways = [
        ["query", IDS[0], "--index", index, "--category", "cs.*", "--since", "2000"],
        ["info", "--index", index],
        ["verify", "--index", index],
    ]
    modules = imported_by(program(*ways))
    assert modules >= ARRAYS
    assert not modules & HEAVY


def test_a_text_asked_for_by_words_imports_no_model(index: str, tmp_path: Path) -> None:
    shutil.copytree(index, tmp_path / "ix")
    into = ["--index", str(tmp_path / "ix")]
    modules = imported_by(program(["lexical", *into], ["query", "--text", "find it good", "--rank", "lexical", *into]))
    assert "tantivy" in modules
    assert not modules & HEAVY


def test_a_map_is_written_as_a_file_without_what_a_server_needs() -> None:
    assert not {"starlette", "uvicorn", "jinja2", "latex2mathml", "mcp"} & imported_by("import lunacy.serve.map.alone")


def test_an_index_is_built_without_ray(index: str, tmp_path: Path) -> None:
    base, into = Path(index).parent, str(tmp_path / "ix")
    options = {"vectors": str(base / "v.npy"), "model": "fake/model", "into": into}
    code = f"import lunacy; lunacy.build_index({str(base / 'snapshot.jsonl')!r}, **{options!r})"
    assert not imported_by(code) & HEAVY


def test_import_lunacy_imports_no_arrays() -> None:
    modules = imported_by("import lunacy; lunacy.__version__; dir(lunacy)")
    assert "lunacy" in modules
    assert not modules & (HEAVY | ARRAYS)


PUBLIC = {
    "answer": "Answer Hit Info Summary",
    "copies": "Copies",
    "errors": "Busy DiskFull FingerprintMismatch HarvestError IndexDamaged IndexLocked ListError LunacyError "
    "MissingExtra ModelError NoIndex NotAnId PruneRefused ServerError SnapshotError StoreError UnknownCategory "
    "UnknownPaper UsageError VectorsError",
    "harvest": "DownloadReport download",
    "paper": "Paper",
    "pipeline": "BuildReport CompactReport Counts DiffReport GraphReport IvfReport LexicalReport MapReport PruneReport "
    "PublishReport RemoveReport VerifyReport build_graph build_index build_ivf build_lexical build_map compact diff "
    "duplicates prune publish remove verify",
    "pipeline.exports": "ExportReport RebuildReport export rebuild",
    "pipeline.fetch": "FetchReport fetch",
    "pipeline.update": "UpdateReport preview_update update",
    "progress": "Progress",
    "query": "Index open_index",
    "query.standing": "standings",
    "question": "Question",
    "region": "Region Standing",
    "store": "RepairReport repair",
    "why": "SentencePair Term Why",
}


def test_the_public_names_are_these_and_no_others() -> None:
    named = sorted(" ".join(PUBLIC.values()).split())
    assert lunacy.__all__ == named
    assert dir(lunacy) == named


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_name_is_what_its_module_has(module: str) -> None:
    for name in PUBLIC[module].split():
        assert getattr(lunacy, name) is getattr(importlib.import_module(f"lunacy.{module}"), name)
        assert getattr(lunacy, name).__doc__


def test_every_error_is_public() -> None:
    tree = [LunacyError]
    for error in tree:
        tree += error.__subclasses__()
    assert {error.__name__ for error in tree if error.__module__ == "lunacy.errors"} == set(PUBLIC["errors"].split())


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'lunacy' has no attribute 'search_index'"):
        getattr(lunacy, "search_index")  # noqa: B009 (mypy knows that it is not there)


def test_the_package_says_that_it_is_typed() -> None:
    assert (files("lunacy") / "py.typed").is_file()


def test_a_closed_pipe_gives_no_traceback(index: str, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("\n".join(IDS * 40))  # more than a pipe holds
    found = shell(f"lunacy query --batch {tmp_path}/ids.txt --index {index} | head -n 1")
    assert (len(found.stdout.splitlines()), found.stderr) == (1, "")


def test_an_id_from_a_slow_pipe_is_answered_before_the_next_comes(index: str) -> None:
    command = [sys.executable, "-m", "lunacy", "query", "--batch", "-", "--index", index, "--format", "jsonl"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for one in IDS[:2]:
            process.stdin.write(f"{one}\n".encode())
            assert select.select([process.stdout], [], [], 30)[0], "no answer while the pipe is open"
            assert orjson.loads(process.stdout.readline())["query"]["ids"] == [one]
        process.stdin.close()
        assert process.wait(30) == 0


def test_python_m_lunacy_is_the_same_program(index: str) -> None:
    asked = f"query {IDS[0]} --index {index} --top 3"
    script, module = shell(f"lunacy {asked}"), shell(f"{sys.executable} -m lunacy {asked}")
    assert module.stdout == script.stdout
    assert orjson.loads(module.stdout)["query"]["ids"] == [IDS[0]]


def test_an_error_of_the_program_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    failed = shell(f"{sys.executable} -m lunacy query 1802.05130 --index {tmp_path}/none")
    assert (failed.returncode, failed.stdout, len(failed.stderr.splitlines())) == (1, "", 1)
    assert failed.stderr.startswith(
        f"lunacy: {tmp_path}/none: the folder does not exist; make one with: python -m lunacy"
    )


def test_the_shell_completes_commands() -> None:
    assert "complete -o nosort -F _lunacy_completion lunacy" in shell("lunacy", _LUNACY_COMPLETE="bash_source").stdout
    asked = {"_LUNACY_COMPLETE": "bash_complete", "COMP_WORDS": "lunacy qu", "COMP_CWORD": "1"}
    assert shell("lunacy", **asked).stdout == "plain,query\n"


def test_on_a_terminal_the_answer_is_a_table(index: str) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "lunacy", "query", IDS[0], "--index", index, "--top", "1"]
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    subprocess.run(command, stdout=theirs, env=environment, check=True)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    url = f"https://arxiv.org/abs/{IDS[0]}"
    assert shown.startswith(f"\x1b[1m\x1b]8;;{url}\x1b\\{IDS[0]}\x1b]8;;\x1b\\  On paper {IDS[0]}")
    assert len(shown.splitlines()) == 4  # the last tells the ranking


def test_a_real_pipe_is_indexed(tmp_path: Path) -> None:
    (tmp_path / "few.jsonl").write_bytes(lines([record("1802.05130"), record("1802.05121")]))
    (tmp_path / "build.py").write_text(
        "import sys, lunacy\n"
        "from tests.conftest import FakeEmbedder\n"
        "lunacy.build_index('-', into=sys.argv[1], embedder=FakeEmbedder())\n"
    )
    build = f"PYTHONPATH={Path(__file__).parent.parent} {sys.executable} {tmp_path}/build.py {tmp_path}/ix"
    found = shell(f"cat {tmp_path}/few.jsonl | {build} && lunacy info --index {tmp_path}/ix")
    assert "papers      2, 0 of them withdrawn" in found.stdout, found.stderr
