"""`lunacy list`: papers are put on lists in any form, and leave in every form."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import bibtexparser
import orjson
import pytest
from click.shell_completion import BashComplete

import lunacy
from lunacy.cli import main
from tests.conftest import FakeEmbedder, lines, record
from tests.test_cli import run

RECORDS = [
    record("1401.0001", title="Graphs", doi="10.1145/1.1"),
    record("1401.0002", title="The {\\sc Gr\\'eat} $\\beta$ decay", authors="Ada B. Cé"),
    record("hep-th/9108006", title="Strings"),
]
LISTED = '{"list": "thesis", "id": "1401.0001", "title": "Graphs"}\n'


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    base = tmp_path_factory.mktemp("list")
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "ix", embedder=FakeEmbedder())
    return str(base / "ix")


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, index: str) -> Path:
    """The file of lists."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LUNACY_LISTS", str(tmp_path / "lists.jsonl"))
    monkeypatch.setenv("LUNACY_INDEX", index)
    return tmp_path / "lists.jsonl"


def test_papers_are_put_down_in_any_form_and_each_problem_is_told(file: Path) -> None:
    given = ["https://arxiv.org/abs/hep-th/9108006v2", "doi:10.1145/1.1", "10.1145/1234.1", "graphs", "2401.00001"]
    done = run("list", "add", "thesis", *given, "1401.000")
    assert (done.exit_code, done.stdout) == (2, "thesis: 3 added\n")
    assert "lunacy: 'graphs' was taken as the title of 1401.0001\n" in done.stderr
    assert "lunacy: 2401.00001 is not in the index; it is put down all the same\n" in done.stderr
    assert "no paper in the index has the DOI 10.1145/1234.1" in done.stderr
    assert "'1401.000' is not an arXiv id: until 2014 the number behind the point has four digits" in done.stderr
    assert [orjson.loads(line)["id"] for line in file.read_text().splitlines()] == [
        "hep-th/9108006",
        "1401.0001",
        "2401.00001",
    ]
    assert run("list", "add", "thesis", "1401.0001", "1401.0002").stdout == ("thesis: 1 added, 1 were there already\n")
    assert run("list").stdout == "thesis  4\n"
    assert run("list", "dismiss", "thesis", "1401.0001").stdout == "thesis: 1 dismissed\n"
    assert run("list").stdout == "thesis  3, 1 dismissed\n"


def test_without_an_index_ids_are_put_down_and_titles_are_not(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUNACY_INDEX")
    done = run("list", "add", "thesis", "arXiv:2401.00001v3", "Graphs")
    assert (done.exit_code, done.stdout) == (2, "thesis: 1 added\n")
    assert done.stderr.startswith("lunacy: there is no index in indexes/, so papers are not looked up; make one of")
    assert file.read_text() == '{"list": "thesis", "id": "2401.00001"}\n'
    assert run("list", "show", "thesis", "--format", "ids").stdout == "2401.00001\n"


def test_a_list_is_shown_in_every_form(file: Path) -> None:
    file.write_text(
        LISTED
        + '{"list": "thesis", "id": "1401.0002", "note": "read it", "tags": ["old"]}\n'
        + '{"list": "thesis", "id": "2401.00001", "title": "Of another field"}\n'
        + '{"list": "thesis", "id": "hep-th/9108006", "dismissed": true}\n'
    )
    shown = run("list", "show", "thesis")
    assert shown.stderr == "lunacy: 1 of 3 papers are not in the index: 2401.00001\n"
    assert [line.split("  ")[0] for line in shown.stdout.splitlines() if line[:1] != " "] == [
        "1401.0001",
        "1401.0002",
        "2401.00001",
    ]
    assert "read it #old" in shown.stdout
    records = orjson.loads(run("list", "show", "thesis", "--format", "json").stdout)
    assert [one["title"] for one in records] == ["Graphs", RECORDS[1]["title"], "Of another field"]
    assert run("list", "show", "thesis", "--format", "ids").stdout.split() == ["1401.0001", "1401.0002", "2401.00001"]
    rows = list(csv.DictReader(io.StringIO(run("list", "show", "thesis", "--format", "csv").stdout)))
    assert (rows[0]["id"], rows[0]["doi"], rows[2]["title"]) == ("1401.0001", "10.1145/1.1", "Of another field")
    assert run("list", "show", "thesis", "-o", "thesis.bib").exit_code == 0
    entries = bibtexparser.parse_file("thesis.bib").entries
    assert [one["eprint"] for one in entries] == ["1401.0001", "1401.0002", "2401.00001"]


def test_papers_and_lists_are_removed(file: Path) -> None:
    file.write_text(LISTED + LISTED.replace("thesis", "talk"))
    done = run("list", "remove", "thesis", "1401.0002")
    assert (done.exit_code, done.stdout, done.stderr) == (
        1,
        "thesis: 0 removed\n",
        "lunacy: 1401.0002 is not on thesis\n",
    )
    assert run("list", "remove", "thesis").stdout == "thesis: 1 removed, and the list is no more\n"
    assert file.read_text() == LISTED.replace("thesis", "talk")
    refused = run("list", "show", "thesis")
    assert (refused.exit_code, refused.stderr) == (2, f"lunacy: {file}: there is no list 'thesis'; there are: talk\n")


def test_a_bibliography_is_imported_and_comes_back_with_its_ids_and_titles(file: Path) -> None:
    Path("refs.bib").write_text(
        "@article{a, title={Graphs}, doi={10.1145/1.1}}\n@misc{b, eprint={2401.00001}, title={{O}f another field}}\n"
        "@article{c, title={The Gr{\\'e}at beta decay}, author={C{\\'e}, A. B.}, year={2014}}\n"
        "@book{d, title={A Book}}\n"
    )
    done = run("list", "import", "thesis", "refs.bib")
    assert done.stderr == "lunacy: line 4: d A Book: no paper in the index has this title\n"
    assert (done.exit_code, done.stdout) == (0, "thesis: 3 added of 4 references, 1 were not found\n")
    assert run("list", "show", "thesis", "-o", "again.bib").exit_code == 0
    assert run("list", "import", "again", "again.bib").stdout == "again: 3 added of 3 references\n"
    entries = [orjson.loads(line) for line in file.read_text().splitlines()]
    lists = [[(one["id"], one["title"]) for one in entries if one["list"] == name] for name in ("thesis", "again")]
    assert lists[0] == lists[1]
    assert ("2401.00001", "Of another field") in lists[0]


def test_a_list_of_ids_is_imported(file: Path) -> None:
    Path("ids.txt").write_text("# mine\n1401.0001\narXiv:2401.00001v2\nNothing like it\n")
    done = run("list", "import", "thesis", "ids.txt")
    assert done.stdout == "thesis: 2 added of 3 references, 1 were not found\n"
    assert run("list", "import", "thesis", "-", stdin="id,x\nhep-th/9108006,1\n").stdout.startswith("thesis: 1 added")
    assert run("list", "import", "thesis", "none.bib").stderr.startswith("lunacy: none.bib: No such file")
    assert len(file.read_text().splitlines()) == 3


def test_a_damaged_file_is_one_line(file: Path) -> None:
    file.write_text(LISTED + "{\n")
    for words in (["list"], ["list", "add", "thesis", "1401.0002"], ["list", "show", "thesis"]):
        done = run(*words)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith(f"lunacy: {file}: line 2: not JSON: ")
    assert file.read_text() == LISTED + "{\n"


def test_the_shell_completes_the_names_of_lists(file: Path) -> None:
    file.write_text(LISTED + LISTED.replace("thesis", "talk") + LISTED.replace("thesis", "other"))
    complete = BashComplete(main, {}, "lunacy", "_LUNACY_COMPLETE")
    assert [one.value for one in complete.get_completions(["list", "show"], "t")] == ["thesis", "talk"]
    file.write_text("{")
    assert complete.get_completions(["list", "show"], "t") == []


def test_a_list_is_asked_for_by_its_name() -> None:
    run("list", "add", "my thesis", "1401.0001", "hep-th/9108006", "2401.00001")
    asked = run("query", "list:my thesis", "--together", "--format", "ids")
    assert asked.stdout == run("query", "1401.0001", "hep-th/9108006", "--together", "--format", "ids").stdout != ""
    assert asked.stderr == "lunacy: the index lacks 1 of the 3 papers on the list 'my thesis'\n"
    each = [
        orjson.loads(line)["query"]["ids"] for line in run("query", "1401.0002", "list:my thesis").stdout.splitlines()
    ]
    assert each == [["1401.0002"], ["1401.0001"], ["hep-th/9108006"]]
    run("list", "add", "other", "2401.00001")
    for name, told in (
        ("talk", "there is no list 'talk'; there are: my thesis, other"),
        ("other", "the index has none of the papers on the list 'other'"),
    ):
        asked = run("query", f"list:{name}")
        assert (asked.exit_code, asked.stdout) == (2, "")
        assert told in asked.stderr
