"""What the documents show works: every `lunacy` command, the Python of the README, and the plain reader."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import lunacy
from lunacy.answer import Answer, Hit
from lunacy.cli import main
from lunacy.render import answers
from lunacy.serve.listen import bind
from lunacy.snapshot import Snapshot, parse
from tests.harvest.server import Server
from tests.test_references import pdf

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SCALING = ROOT / "docs/scaling.md"  # tests/distributed runs it
MODELS = ROOT / "docs" / "models.md"  # of a hub; test_advice looks at the commands


def commands_of(path: Path) -> list[str]:
    """What follows `lunacy` in the blocks of a document, and in its table of "I want ... | type ..."."""
    text = path.read_text()
    tables = "".join(re.findall(r"^\| I want .*\n((?:\|.*\n)+)", text, re.MULTILINE))
    return re.findall(r"^\$ lunacy (.*)$", text, re.MULTILINE) + re.findall(r"`lunacy ([^`]*)`", tables)


RUN = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if path not in (SCALING, MODELS) and commands_of(path)
]


@pytest.fixture(scope="module", autouse=True)
def word_index() -> Iterator[None]:
    """Builds make the word index, as the documents say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lunacy.derived.lexical.LEAST_ROWS", 1)
        yield


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the README's commands name: a snapshot, vectors, ids, and the sample's index."""
    folder = tmp_path_factory.mktemp("readme")
    with Snapshot() as sample:
        lines = [line.raw for line in sample.lines()]
    few = [line for line in lines if b'"1802.05130"' in line] + lines[:5]
    (folder / "snapshot.jsonl").write_bytes(b"\n".join(few))
    rng = np.random.default_rng(0)
    np.save(folder / "vectors.npy", rng.standard_normal((len(few), 384), np.float32))
    np.save(folder / "sample.npy", rng.standard_normal((len(lines), 384), np.float32))
    (folder / "ids.txt").write_text("# a comment\n1802.05130\n2999.99999\n")
    (folder / "refs.bib").write_text("@misc{a, eprint={1802.05130}}\n@misc{b, eprint={1801.06294}}\n")
    (folder / "draft.pdf").write_bytes(pdf("A draft", "Abstract", "We ask.", "References", "[1] arXiv:1802.05130"))
    (folder / "draft.tex").write_text("\\begin{abstract}\nWe study adverse drug reactions.\n\\end{abstract}\n")
    lunacy.build_index(
        into=folder / "indexes/sample", vectors=folder / "sample.npy", model="sentence-transformers/all-MiniLM-L6-v2"
    )
    return folder


@pytest.fixture
def arxiv() -> Iterator[Server]:
    """Stands for arXiv's server; nothing has changed there."""
    with Server([]).running() as running:
        yield running


@pytest.mark.slow  # CI runs it
@pytest.mark.parametrize("document", RUN, ids=lambda path: path.stem)
def test_every_lunacy_command_of_the_documents_runs(
    document: Path, workplace: Path, arxiv: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(workplace, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LUNACY_INDEX", raising=False)
    monkeypatch.setattr("lunacy.pipeline.tune_ivf.N_TITLES", 20)  # the real model embeds them
    monkeypatch.setattr("webbrowser.open", lambda _url: True)
    monkeypatch.setattr("lunacy.serve.listen.serve", lambda _app, _socket: None)  # it goes on until a signal
    monkeypatch.setattr("lunacy.serve.listen.bind", lambda host, _port: bind(host, 0))
    monkeypatch.setenv("LUNACY_OAI", arxiv.url)
    (tmp_path / "lists.jsonl").write_text('{"list": "thesis", "id": "1802.05130"}\n')
    monkeypatch.setenv("LUNACY_LISTS", str(tmp_path / "lists.jsonl"))
    by_ci = (ROOT / ".ci/run").read_text()
    for command in commands_of(document):
        if f"lunacy {command.split('#')[0].strip()}\n" in by_ci:  # it needs the real vectors
            continue
        typed, _, source = command.partition(" < ")
        words = shlex.split(typed, comments=True)
        result = CliRunner().invoke(main, words, input=Path(source).read_bytes() if source else None)
        assert result.exit_code == 0, (command, result.output)
        assert result.output or Path(words[-1]).is_file(), command  # -o FILE


def test_the_answer_of_the_readme_is_what_a_terminal_shows() -> None:
    """But for the links in it, and with the scores that it has; CI compares those."""
    [shown] = re.findall(r"^\$ lunacy query 1802.05130 --top 3\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    wanted = re.findall(r"^ +\d+ +([\d.]+)  (\S+)", shown, re.MULTILINE)
    with Snapshot() as sample:
        papers = {paper.id: paper for paper in map(parse, sample.lines())}
    hits = [Hit(rank, papers[one], float(score)) for rank, (score, one) in enumerate(wanted, 1)]
    [table] = answers([Answer(hits, (papers["1802.05130"],))], "table", width=80, styled=True)
    assert re.sub(r"\x1b(?:\[\d*m|]8;;.*?\x1b\\)", "", table) == shown


def test_the_readme_and_the_guide_show_commands() -> None:
    assert {path.stem for path in RUN} >= {"README", "guide"}
    assert all(len(commands_of(path)) > 15 for path in RUN if path.stem in ("README", "guide"))


@pytest.mark.slow
def test_the_python_of_the_readme_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(code, {})


def test_the_plain_reader_gives_the_same_answer(workplace: Path) -> None:
    [_of_shards, code] = re.findall(r"```python\n(.*?)```", (ROOT / "indexes/README.md").read_text(), re.DOTALL)
    folder = workplace / "indexes/sample"
    plain = subprocess.run(
        [sys.executable, "-c", code, str(folder), "1802.05130"], capture_output=True, text=True, check=True
    )
    with lunacy.open_index(folder) as ix:
        ours = [
            f"{hit.score:.3f}  {hit.id}  {hit.title}" for hit in ix.similar("1802.05130", top=20, include_self=True)
        ]
    assert plain.stdout.splitlines() == ours


def test_the_sample_is_the_one_that_its_note_describes() -> None:
    with Snapshot() as sample:
        content = b"".join(line.raw + b"\n" for line in sample.lines())
    assert sha256(content).hexdigest() in (ROOT / "lunacy/sample/README.md").read_text()


def test_contributing_names_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "CONTRIBUTING.md").read_text()
    extras = project["optional-dependencies"]
    for requirement in [*project["dependencies"], *extras["torch"], *extras["milvus"], *extras["ray"]]:
        [name] = re.findall(r"^[\w.-]+", requirement)
        assert name in text
