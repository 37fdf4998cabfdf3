"""The documents are current: what is written from the code, and where their links lead."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

import lunacy

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "indexes/README.md"]


@pytest.mark.usefixtures("word_index")
@pytest.mark.parametrize(
    "name", [pytest.param("agents.md", marks=pytest.mark.slow), "cli.md", "python.md", "terminal.svg"]
)
def test_what_is_written_from_the_code_is_current(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    written = import_module("reference").WRITTEN
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == written[name](), "run: make docs"


def test_the_picture_shows_the_answer_of_the_readme() -> None:
    shown = [element.text for element in ElementTree.parse(ROOT / "docs/terminal.svg").iter() if "text" in element.tag]
    block = "\n".join(shown[:1])
    answer = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"{block}\n")[2].partition("```")[0]
    assert shown[1:] == [line.strip() for line in answer.splitlines()]


def anchors(document: Path) -> set[str]:
    """The names under which GitHub shows the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if "://" not in link:
            target = document.parent / path if path else document
            assert target.is_file(), link
            assert not anchor or anchor in anchors(target), link


def test_every_document_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in ROOT.glob("docs/*.md") if f"(docs/{path.name})" not in readme] == []


def test_where_to_look_names_modules_and_tests_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Where to look")[2].partition("\n## ")[0]
    rows = [row.split("|")[1:4] for row in text.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 15
    for what, where, tests in rows:
        for name in re.findall(r"`([\w/.]+)`", where):
            assert (ROOT / name).exists() or any(Path(lunacy.__file__).parent.glob(f"**/{name}")), (what, name)
        for name in re.findall(r"`([\w/]+)`", tests):
            assert (ROOT / f"tests/{name}.py").exists() or (ROOT / "tests" / name).is_dir(), (what, name)
