"""`lunacy show`, and where `show` and `query` put their output: standard output, a file, a browser."""

from __future__ import annotations

import csv
import json
import os
import stat
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bibtexparser
import numpy as np
import pytest
import rispy

import lunacy
from lunacy.formats import OF_SUFFIX
from lunacy.paper import Paper
from lunacy.render import papers
from tests.conftest import DIM, few_quick, lines, record, vector_of
from tests.test_cli import run

IDS = [f"1802.{number:05}" for number in range(1, 6)]
WHOLE = record(
    IDS[0],
    title='Schr\\"odinger in $L^2$',
    abstract="We study {\\it cats} " + "again and again " * 20,
    comments="This paper has been withdrawn",
    doi="10.1/x",
    categories="cs.CL math.AG",
    **{"journal-ref": "J. Cats 1"},
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of IDS."""
    base = tmp_path_factory.mktemp("show")
    (base / "snapshot.jsonl").write_bytes(lines([WHOLE, *(record(one, title=f"On {one}") for one in IDS[1:])]))
    np.save(base / "v.npy", np.array([vector_of(one, DIM) for one in IDS]))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "ix", vectors=base / "v.npy", model="f/m")
    return base / "ix"


@pytest.fixture(autouse=True)
def elsewhere(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, with the index from the environment, and no width."""
    monkeypatch.setenv("LUNACY_INDEX", str(index))
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that a browser was told to open."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    return opened


SHOWN = """\
1802.00001  Schrödinger in L²
authors     Ada Lovelace and Alan Turing
posted      2018-02-01
updated     2018-02-14
versions    1
categories  cs.CL math.AG
journal     J. Cats 1
DOI         10.1/x
comments    This paper has been withdrawn
withdrawn   yes
link        https://arxiv.org/abs/1802.00001

We study cats again and again again and again again and again again and again
again and again again and again again and again again and again again and again
again and again again and again again and again again and again again and again
again and again again and again again and again again and again again and again
again and again
"""


def test_show_prints_the_whole_record_in_the_width() -> None:
    assert run("show", f"https://arxiv.org/abs/{IDS[0]}v2").stdout == SHOWN
    both = run("show", IDS[0], IDS[1]).stdout
    assert both.startswith(f"{SHOWN}\n{IDS[1]}  On {IDS[1]}\n")


def test_show_finds_a_title_too() -> None:
    assert run("show", f"on {IDS[2]}").stdout.startswith(f"{IDS[2]}  On ")


def test_show_as_json_has_the_original_and_the_abstract() -> None:
    [paper] = json.loads(run("show", IDS[0], "--format", "json").stdout)
    assert paper == {
        "id": IDS[0],
        "title": 'Schr\\"odinger in $L^2$',
        "authors": "Ada Lovelace and Alan Turing",
        "title_unicode": "Schrödinger in L²",
        "categories": ["cs.CL", "math.AG"],
        "posted": "2018-02-01",
        "updated": "2018-02-14",
        "withdrawn": True,
        "url": f"https://arxiv.org/abs/{IDS[0]}",
        "doi": "10.1/x",
        "journal_ref": "J. Cats 1",
        "comments": "This paper has been withdrawn",
        "versions": 1,
        "abstract": "We study {\\it cats} " + " ".join(["again and again"] * 20),
    }


def test_show_tells_each_paper_that_is_not_there_and_shows_the_others() -> None:
    result = run("show", "1802.99999", IDS[1], "nonsense", "--format", "jsonl")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [IDS[1]]
    assert [line[:8] for line in result.stderr.splitlines()] == ["lunacy: "] * 2
    assert result.exit_code == 2
    assert run("show").exit_code == 2


def test_a_published_paper_says_what_is_missing() -> None:
    paper = Paper(IDS[0], "T", "", "A", ("cs.CL",), updated="2018-02-14")
    assert "".join(papers([paper], "table")).splitlines()[-3:] == [
        "",
        "A published index holds no abstracts, journal references and numbers of",
        "versions; the index folder does.",
    ]
    assert json.loads("".join(papers([paper], "jsonl")))["abstract"] is None


def is_of_form(path: Path, form: str) -> bool:
    text = path.read_text(encoding="utf-8")
    readers: dict[str, Any] = {
        "json": lambda: len(json.loads(text)[0]["hits"]),
        "jsonl": lambda: len(json.loads(text)["hits"]),
        "csv": lambda: len(list(csv.DictReader(text.splitlines()))),
        "bibtex": lambda: len(bibtexparser.parse_string(text).entries),
        "ris": lambda: len(rispy.loads(text)),
        "md": lambda: text.count("](https://arxiv.org/abs/") - 1,
    }
    return bool(readers[form]() == 3)


@pytest.mark.parametrize("suffix", few_quick([*OF_SUFFIX, ".BIB"], ".bib", ".csv"))
def test_the_suffix_of_the_output_says_its_format(suffix: str) -> None:
    result = run("query", IDS[1], "-n", 3, "-o", f"out{suffix}")
    assert (result.exit_code, result.output) == (0, "")
    assert is_of_form(Path(f"out{suffix}"), OF_SUFFIX[suffix.lower()])


def test_a_given_format_goes_before_the_suffix_and_the_home_folder_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("query", IDS[1], "--top", 3, "--output=~/a.json", "--format", "ris").exit_code == 0
    assert is_of_form(tmp_path / "a.json", "ris")
    assert run("show", IDS[1], "-o", "a.txt").exit_code == 0
    assert Path("a.txt").read_text().startswith(f"{IDS[1]}  On ")
    assert len(run("query", IDS[1], "-o", "-").stdout.splitlines()) == 1


def test_a_file_is_replaced_by_a_whole_answer_only(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.json").write_text("old")
    Path("out.json").chmod(0o640)
    for failing in (["1802.99999"], ["nonsense"], ["--batch", "none.txt"], [IDS[1], "--min-score", "x"]):
        assert run("query", *failing, "-o", "out.json").exit_code != 0
    assert run("show", "1802.99999", "-o", "out.json").exit_code == 1

    def half(*_arguments: object, **_options: object) -> Iterator[str]:
        yield "half"
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("lunacy.render.answers", half)
        assert run("query", IDS[1], "-o", "out.json").exit_code == 130
    assert (Path("out.json").read_text(), os.listdir()) == ("old", ["out.json"])
    result = run("query", IDS[1], "1802.99999", "-o", "out.json")  # one of two is answered, and told
    assert (result.exit_code, len(json.loads(Path("out.json").read_text()))) == (1, 1)
    assert stat.S_IMODE(Path("out.json").stat().st_mode) == 0o640
    assert os.listdir() == ["out.json"]


def test_a_link_stays_one_and_what_is_no_file_is_written_to() -> None:
    Path("real.jsonl").write_text("old")
    Path("link").symlink_to("real.jsonl")
    assert run("query", IDS[1], "-o", "link").exit_code == 0
    assert Path("link").is_symlink()
    assert json.loads(Path("real.jsonl").read_text())["query"]["ids"] == [IDS[1]]
    assert run("query", IDS[1], "-o", "/dev/null").exit_code == 0
    for place, why in (("no/where.json", "No such file or directory"), (".", "Is a directory")):
        result = run("query", IDS[1], "-o", place)
        assert (result.exit_code, result.stderr) == (1, f"lunacy: {place}: {why}\n")


def test_the_page_of_the_first_hit_is_opened(pages: list[str]) -> None:
    first = json.loads(run("query", IDS[1], "--open").stdout)["hits"][0]
    assert pages == [first["url"]]
    assert run("show", IDS[0], IDS[3], "--open").exit_code == 0
    assert pages[1:] == [f"https://arxiv.org/abs/{one}" for one in (IDS[0], IDS[3])]


def test_where_there_is_no_browser_or_no_page_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _url: False)
    result = run("show", IDS[1], "--open")
    said = f"lunacy: no browser was found; the page is https://arxiv.org/abs/{IDS[1]}\n"
    assert (result.exit_code, result.stderr) == (1, said)
    result = run("query", IDS[1], "--open", "--author", "Nobody")
    assert (result.exit_code, result.stderr) == (1, "lunacy: there is no page to open\n")


@pytest.mark.parametrize("form", few_quick(["csv", "ids", "bibtex", "ris", "csljson"], "csv"))
def test_notes_are_told_where_the_format_has_no_place_for_them(form: str) -> None:
    title = f"on {IDS[2]}"
    [note] = json.loads(run("query", title).stdout)["notes"]
    result = run("query", title, "--format", form)
    assert result.stderr == f"lunacy: {IDS[2]}: {note}\n"
    for other in ("table", "json", "md"):
        result = run("query", title, "--format", other)
        assert (result.stderr, result.stdout.count("was taken as the title")) == ("", 1)


@pytest.mark.parametrize("suffix", few_quick([".json", ".jsonl", ".csv", ".bib"], ".bib"))
def test_what_was_written_is_a_list_of_ids_for_the_next_question(suffix: str) -> None:
    first = run("query", IDS[1], "-n", 2, "--format", "ids").stdout.split()
    assert run("query", IDS[1], "-n", 2, "-o", f"known{suffix}").exit_code == 0
    others = run("query", IDS[1], "--format", "ids", "--not-ids", f"known{suffix}").stdout.split()
    assert sorted([*first, *others]) == sorted(run("query", IDS[1], "--format", "ids").stdout.split())
    assert len(first) == 2
