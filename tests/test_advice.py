"""Every command that a message, a help text or a document advises parses as it is written, and the main ones run."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import numpy as np
import pytest

import lunacy
from lunacy import errors
from lunacy.advice import command, install
from lunacy.cli import main
from tests.conftest import DIM, lines, record, vector_of
from tests.test_cli import run

ROOT = Path(__file__).parents[1]
PACKAGE = Path(lunacy.__file__).parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "indexes/README.md", *sorted(ROOT.glob("docs/*.md"))]
NAMES = "|".join(main.commands)
PLACEHOLDERS = {"N": "3", "X": "0.5", "SHARE": "0.9", "DATE": "2024", "NAME.npy": "v.npy"}
OTHERS = {"--long", "--head", "--help", "--version", "--no-deps", "--folds"}  # of zstd and ray; click's; of tests.bench
TREE = [errors.LunacyError]
for _error in TREE:
    TREE += _error.__subclasses__()
ERRORS = {error.__name__ for error in TREE}


def parse(words: list[str]) -> None:
    """Let click parse a command, as if it were to run. Raises click's errors, and SystemExit for --help."""
    named: click.Command = main
    while isinstance(named, click.Group) and words:
        if words[0].startswith("-"):
            return
        assert words[0] in named.commands, words
        named, words = named.commands[words[0]], words[1:]
    if not isinstance(named, click.Group):
        words = [PLACEHOLDERS.get(word, word) for word in words]
        named.make_context(str(named.name), words, **main.context_settings)  # click keeps what it first made of --help


@cache
def sources() -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_bytes())) for path in sorted(PACKAGE.rglob("*.py"))]


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Every string; an f-string as one, with VALUE for what is put in."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "VALUE" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def advised(text: str) -> Iterator[str]:
    """What follows `lunacy` in the commands that stand in a text: between backticks, or to the end of the clause."""
    yield from re.findall(rf"`lunacy ((?:{NAMES})\b[^`]*)`", text)
    ends = r"(?:[.,:]?$|;| [|>#(] ?)"
    yield from re.findall(rf"(?:^|: |\$ |^  )lunacy ((?:{NAMES})\b[^`\n;|>]*?){ends}", text, re.MULTILINE)


def in_documents(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    yield from re.findall(r"^\s*\$ lunacy (.*)$", text, re.MULTILINE)
    yield from re.findall(r"`lunacy ([^`]*)`", text)


def is_a_name(words: list[str]) -> bool:
    """Inside a sentence, `lunacy publish` and `lunacy ivf --recall` name a command and an option."""
    named: click.Command = main
    while isinstance(named, click.Group) and words:
        if words[0] not in named.commands:
            return False
        named, words = named.commands[words[0]], words[1:]
    return not words or (len(words) == 1 and any(words[0] in one.opts for one in named.params))


def test_the_commands_of_hints_parse() -> None:
    found = 0
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "command":
                words = [str(one.value) if isinstance(one, ast.Constant) else "VALUE" for one in node.args]
                if path.name != "advice.py":
                    parse([word for word in words if word != "VALUE" or words[words.index(word) - 1].startswith("-")])
                    found += 1
    assert found > 15


def test_the_commands_of_help_and_messages_parse() -> None:
    found = 0
    for _path, tree in sources():
        for text in texts_of(tree):
            for one in advised(text):
                words = shlex.split(one)
                if not is_a_name(words):
                    parse(words)
                found += 1
    assert found > 30


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_of_documents_parse(path: Path) -> None:
    for one in in_documents(path):
        words = shlex.split(re.split(r" [|<>] ", one)[0], comments=True)
        if words and not is_a_name(words) and "..." not in words[:1]:
            parse(words)


def test_every_option_that_is_named_exists() -> None:
    known = {name for one in commands_of(main) for param in one.params for name in (*param.opts, *param.secondary_opts)}
    for path, tree in sources():
        for text in texts_of(tree):
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text):
                assert option in known | OTHERS, (path, option)
    for path in DOCUMENTS:
        for code in re.findall(
            r"`lunacy [^`]*`|^\$ lunacy .*$|`--[^`]*`", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", code):
                assert option in known | OTHERS, (path, option)


def commands_of(group: click.Group) -> Iterator[click.Command]:
    yield group
    for one in group.commands.values():
        yield from commands_of(one) if isinstance(one, click.Group) else (one,)


def test_make_has_the_targets_that_documents_name() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in DOCUMENTS:
        for one in re.findall(r"(?:^\$ |`)make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert one in targets, (path, one)


def test_a_message_names_neither_commands_nor_options() -> None:
    """It is read in Python too: these belong into the hint."""
    for path, tree in sources():
        if path.is_relative_to(PACKAGE / "cli"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                for text in (text for argument in node.args for text in texts_of(argument)):
                    assert not re.search(rf"(?<![\w-])--[a-z]|\blunacy (?:{NAMES})\b|pip install", text), (path, text)


def test_nothing_asks_pip_for_lunacy_by_its_name() -> None:
    """It is not published: another's package could have the name."""
    files = [*DOCUMENTS, ROOT / "CHANGELOG.md", ROOT / "Makefile", *PACKAGE.rglob("*.py")]
    for path in files:
        found = re.findall(r"pip install[^\n`]*\blunacy\b[^\n`]*", path.read_text(encoding="utf-8"))
        assert [one for one in found if path.name != "advice.py"] == [], path


@pytest.mark.parametrize("extra", ["milvus", "ray", "bench"])
def test_an_extra_is_installed_by_its_packages(extra: str) -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][extra]
    python, *words = shlex.split(install(extra))
    assert words[:3] == ["-m", "pip", "install"]
    assert set(words[3:]) == {one.partition(";")[0].strip() for one in wanted}
    assert Path(shutil.which(python) or python).absolute() == Path(sys.executable)


def test_a_command_is_written_for_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert command("verify", "--index", "my indexes/a") == "lunacy verify --index 'my indexes/a'"
    for name in ("there", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lunacy").touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "there"))
    for started, shown in {"there/lunacy": "lunacy", "elsewhere/lunacy": "elsewhere/lunacy", "x.py": "lunacy"}.items():
        monkeypatch.setattr(sys, "argv", [started])
        assert command("info") == f"{shown} info"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two snapshots and their vectors, and no index."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LUNACY_INDEX", raising=False)
    for name, ids in (("sample", ["1802.05130", "1802.05121"]), ("mine", ["hep-th/9901001", "hep-th/9901002"])):
        (tmp_path / f"{name}.jsonl").write_bytes(lines(map(record, ids)))
        np.save(tmp_path / f"{name}.npy", np.array([vector_of(one, DIM) for one in ids]))
    return tmp_path


def index(name: str, into: str) -> str:
    """What `lunacy index` prints."""
    done = run("index", f"{name}.jsonl", "--into", into, "--vectors", f"{name}.npy", "--model", "fake/model")
    assert done.exit_code == 0, done.stderr
    return done.stdout


def follow(text: str, *, code: int = 0) -> str:
    """Run the command at the end of a message, as it stands there; what it prints."""
    found = re.search(r"\blunacy ([a-z]+ .*)$", text.strip().splitlines()[-1])
    assert found, text
    done = run(*shlex.split(found[1]))
    assert done.exit_code == code, (found[0], done.stderr)
    return done.stdout + done.stderr


def test_what_index_says_to_try_gives_an_answer_wherever_the_index_is(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = index("mine", "indexes/mine")
    assert first.endswith("try: lunacy query hep-th/9901001\n")
    assert "hep-th/9901002" in follow(first)
    second = index("sample", "indexes/my papers")  # beside another, where the first is no longer the only one
    assert second.endswith("try: lunacy query 1802.05130 --index 'indexes/my papers'\n")
    assert "1802.05121" in follow(second)
    assert "1802.05121" in follow(index("sample", str(home / "elsewhere")))
    monkeypatch.setenv("LUNACY_INDEX", "named")
    assert index("sample", "named").endswith("try: lunacy query 1802.05130\n")
    assert "try:" not in index("sample", "named")  # an update


def test_an_index_that_is_not_found_is_made_or_named(home: Path) -> None:
    nothing = run("query", "1802.05130")
    assert "make one of the sample papers with: lunacy index, or" in nothing.stderr
    lost = run("query", "1802.05130", "--index", "no where")
    assert lost.stderr.endswith(f"make one with: lunacy index SNAPSHOT --into '{home}/no where'\n")
    index("mine", "indexes/b")
    index("sample", "indexes/a")
    several = run("query", "1802.05130")
    [option] = re.findall(r"as in (--index \S+), or", several.stderr)
    assert run("query", "1802.05130", *option.split()).exit_code == 0


def test_what_an_index_lacks_or_suffers_is_mended_by_what_is_said(home: Path) -> None:
    index("mine", str(home / "indexes/b"))
    index("sample", "indexes/a")
    lacking = run("query", "1802.05130", "--index", "indexes/a", "--rank", "hybrid")
    assert lacking.exit_code == 2
    follow(lacking.stderr)
    assert run("query", "1802.05130", "--index", "indexes/a", "--rank", "hybrid").exit_code == 0
    [segment] = Path("indexes/a").glob("segment-*.faiss")
    segment.unlink()
    damaged = run("query", "1802.05130", "--index", "indexes/a")
    assert damaged.exit_code == 1
    named = follow(damaged.stderr, code=1)  # verify
    assert "2 lost" in follow(named)  # repair


def test_a_program_that_is_not_on_the_path_names_itself_as_it_was_called(home: Path) -> None:
    (home / "env").symlink_to(Path(sys.executable).parents[1])
    called = ["env/bin/lunacy", "query", "1802.05130"]
    done = subprocess.run(
        called, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert "make one of the sample papers with: env/bin/lunacy index, or" in done.stderr


@pytest.mark.parametrize("name", ["info", "verify", "compact", "repair", "lexical", "ivf"])
def test_an_index_in_the_place_of_an_argument_is_told_its_option(name: str) -> None:
    done = run(name, "indexes/a")
    assert done.exit_code == 2
    assert done.stderr.endswith("Got unexpected extra argument (indexes/a); an index is named with --index DIR\n")
