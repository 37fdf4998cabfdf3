"""A record becomes the line that Kaggle's dataset has of the paper, as far as its format knows the facts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from lunacy.entry import Entry
from lunacy.harvest import set_of, to_line
from lunacy.harvest.protocol import read_page
from lunacy.harvest.subjects import categories_of
from lunacy.snapshot.lines import Line
from lunacy.snapshot.parse import BadLine, parse
from tests.harvest.archive import kaggle, list_reply, paper, record, reply

# A paper as Kaggle's dataset has it, and as arXiv's server gives it (the abstract cut).
KAGGLE = {
    "id": "0704.0001",
    "submitter": "Pavel Nadolsky",
    "authors": "C. Bal\\'azs, E. L. Berger, P. M. Nadolsky, C.-P. Yuan",
    "title": "Calculation of prompt diphoton production cross sections at Tevatron and\n  LHC energies",
    "comments": "37 pages, 15 figures; published version",
    "journal-ref": "Phys.Rev.D76:013009,2007",
    "doi": "10.1103/PhysRevD.76.013009",
    "report-no": "ANL-HEP-PR-07-12",
    "categories": "hep-ph",
    "license": None,
    "abstract": "  A fully differential calculation in perturbative quantum chromodynamics is\n"
    "presented for the production of massive photon pairs at hadron colliders.\n",
    "versions": [
        {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
        {"version": "v2", "created": "Tue, 24 Jul 2007 20:10:27 GMT"},
    ],
    "update_date": "2008-11-26",
    "authors_parsed": [
        ["Balázs", "C.", ""],
        ["Berger", "E. L.", ""],
        ["Nadolsky", "P. M.", ""],
        ["Yuan", "C. -P.", ""],
    ],
}
HEADER = """<header>
 <identifier>oai:arXiv.org:0704.0001</identifier>
 <datestamp>2008-11-26</datestamp>
 <setSpec>physics:hep-ph</setSpec>
</header>"""
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
RAW = f"""<record>{HEADER}
<metadata>
 <arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/" {XSI} xsi:schemaLocation="http://arxiv.org/OAI/arXivRaw/ http://arxiv.org/OAI/arXivRaw.xsd">
 <id>0704.0001</id><submitter>Pavel Nadolsky</submitter><version version="v1"><date>Mon, 2 Apr 2007 19:18:42 GMT</date>
<size>182kb</size><source_type>D</source_type></version><version version="v2"><date>Tue, 24 Jul 2007 20:10:27 GMT</date>
<size>228kb</size></version><title>Calculation of prompt diphoton production cross sections at Tevatron and
  LHC energies</title><authors>C. Bal\\'azs, E. L. Berger, P. M. Nadolsky, C.-P. Yuan</authors>
<categories>hep-ph</categories><comments>37 pages, 15 figures; published version</comments>
<report-no>ANL-HEP-PR-07-12</report-no><journal-ref>Phys.Rev.D76:013009,2007</journal-ref>
<doi>10.1103/PhysRevD.76.013009</doi>
<abstract>  A fully differential calculation in perturbative quantum chromodynamics is
presented for the production of massive photon pairs at hadron colliders.
</abstract></arXivRaw>
</metadata></record>"""
ARXIV = f"""<record>{HEADER}
<metadata>
 <arXiv xmlns="http://arxiv.org/OAI/arXiv/" {XSI} xsi:schemaLocation="http://arxiv.org/OAI/arXiv/ http://arxiv.org/OAI/arXiv.xsd">
 <id>0704.0001</id><created>2007-04-02</created><updated>2007-07-24</updated><authors><author><keyname>Balázs</keyname>
<forenames>C.</forenames></author><author><keyname>Berger</keyname><forenames>E. L.</forenames></author><author>
<keyname>Nadolsky</keyname><forenames>P. M.</forenames></author><author><keyname>Yuan</keyname>
<forenames>C. -P.</forenames></author></authors>
<title>Calculation of prompt diphoton production cross sections at Tevatron and
  LHC energies</title><categories>hep-ph</categories><comments>37 pages, 15 figures; published version</comments>
<report-no>ANL-HEP-PR-07-12</report-no><journal-ref>Phys.Rev.D76:013009,2007</journal-ref>
<doi>10.1103/PhysRevD.76.013009</doi>
<abstract>  A fully differential calculation in perturbative quantum chromodynamics is
presented for the production of massive photon pairs at hadron colliders.
</abstract></arXiv>
</metadata></record>"""
DC = f"""<record>{HEADER}
<metadata>
 <oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" {XSI}>
 <dc:title>Calculation of prompt diphoton production cross sections at Tevatron and
  LHC energies</dc:title><dc:creator>Balázs, C.</dc:creator><dc:creator>Berger, E. L.</dc:creator>
 <dc:creator>Nadolsky, P. M.</dc:creator><dc:creator>Yuan, C. -P.</dc:creator>
 <dc:subject>High Energy Physics - Phenomenology</dc:subject>
 <dc:description>  A fully differential calculation in perturbative quantum chromodynamics is
presented for the production of massive photon pairs at hadron colliders.
</dc:description><dc:description>Comment: 37 pages, 15 figures; published version</dc:description>
 <dc:date>2007-04-02</dc:date><dc:date>2007-07-24</dc:date><dc:type>text</dc:type>
 <dc:identifier>http://arxiv.org/abs/0704.0001</dc:identifier><dc:identifier>Phys.Rev.D76:013009,2007</dc:identifier>
 <dc:identifier>doi:10.1103/PhysRevD.76.013009</dc:identifier></oai_dc:dc>
</metadata></record>"""


def lines_of(body: bytes) -> list[dict[str, Any]]:
    return [to_line(one) for one in read_page(body, "ListRecords").records]


def line_of(xml: str) -> dict[str, Any]:
    [line] = lines_of(reply(f"<ListRecords>{xml}</ListRecords>"))
    return line


def stored(line: dict[str, Any]) -> Entry:
    """What an index stores of the line."""
    return Entry.of(parse(Line(1, 0, orjson.dumps(line))), "title+abstract")


def test_arxivraw_has_all_that_kaggles_line_has() -> None:
    line = line_of(RAW)
    assert line == {name: value for name, value in KAGGLE.items() if name != "authors_parsed"}
    assert stored(line) == stored(KAGGLE)


@pytest.mark.parametrize("xml", [ARXIV, DC])
def test_the_other_formats_have_what_they_know(xml: str) -> None:
    fields = "id title abstract authors categories submitted updated doi comments names journal_ref n_versions".split()
    known = dict(zip(fields, stored(KAGGLE).columns, strict=True))
    found = dict(zip(fields, stored(line_of(xml)).columns, strict=True))
    unknown = {"n_versions": 0} | ({"journal_ref": ""} if xml == DC else {})
    letters = {"authors": "C. Balázs, E. L. Berger, P. M. Nadolsky, C. -P. Yuan"}
    assert found == known | letters | unknown
    assert stored(line_of(xml)).text_hash == stored(KAGGLE).text_hash


@pytest.mark.parametrize("is_new", [True, False])
def test_a_made_paper_is_stored_the_same_from_either_source(is_new: bool) -> None:
    papers = [
        paper(1),
        paper(2, versions=("Mon, 2 Nov 2026 19:18:42 GMT", "Tue, 3 Nov 2026 00:00:01 GMT"), comments="5 pages, $a<b$"),
        paper(3, authors=(("Émilie", "du Châtelet"),), doi="10.1/x<y>", journal_ref="J. & K. 3"),
        paper(4, id="math/0601001", categories=("math.AG", "hep-th")),
    ]
    found = lines_of(list_reply(papers, is_new=is_new))
    assert [stored(one) for one in found] == [stored(kaggle(one)) for one in papers]
    for form in ("arXiv", "oai_dc"):
        for one, line in zip(papers, lines_of(list_reply(papers, form=form, is_new=is_new)), strict=True):
            same, other = stored(kaggle(one)), stored(line)
            assert (other.id, other.text_hash, other.updated) == (same.id, same.text_hash, same.updated)
            assert other.paper.categories == one.categories
            assert other.paper.comments == one.comments
            assert other.paper.doi == one.doi


def test_versions_are_put_in_order() -> None:
    eleven = tuple(f"Mon, {n} Nov 2026 00:00:00 GMT" for n in range(1, 12))
    xml = record(paper(1, versions=eleven))
    mixed = xml.replace('"v10"', '"v99"').replace('"v2"', '"v10"').replace('"v99"', '"v2"')  # as text sorts them
    assert [one["version"] for one in line_of(mixed)["versions"]] == [f"v{n}" for n in range(1, 12)]


@pytest.mark.parametrize(
    ("comments", "after"),
    [
        ("", "This paper has been withdrawn."),
        ("error in Lemma 3", "This paper has been withdrawn. error in Lemma 3"),
        ("withdrawn by the author due to an error", "withdrawn by the author due to an error"),
    ],
)
def test_a_last_version_that_is_a_withdrawal_is_noticed(comments: str, after: str) -> None:
    line = line_of(record(paper(1, comments=comments, source_type="I", versions=("Mon, 2 Nov 2026 0:0:0 GMT",) * 2)))
    assert line["comments"] == after
    assert stored(line).is_withdrawn


def test_a_paper_that_came_back_after_a_withdrawal_is_none() -> None:
    xml = record(paper(1, versions=("Mon, 2 Nov 2026 0:0:0 GMT",) * 2)).replace("<source_type>D", "<source_type>I", 1)
    assert not stored(line_of(xml)).is_withdrawn


@pytest.mark.parametrize("form", ["arXiv", "oai_dc"])
def test_the_day_of_a_later_version_is_not_taken_for_that_of_the_first(form: str) -> None:
    """Since 2025 the format `arXiv` has the last version's day in `created`."""
    late = paper(1, versions=("Mon, 2 Nov 2026 0:0:0 GMT", "Tue, 1 Dec 2026 0:0:0 GMT"))
    first_day = {"arXiv": "", "oai_dc": "2026-11-02"}[form]
    assert stored(line_of(record(late, form))).paper.submitted == first_day
    assert stored(line_of(record(late, form, is_new=False))).paper.submitted == "2026-11-02"


@pytest.mark.parametrize(
    "xml",
    [
        record(paper(1)).replace("<title>", "<name>").replace("</title>", "</name>"),
        record(paper(1, abstract="")),
        record(paper(1)).replace("arXivRaw", "arXivNew"),
        record(paper(1, is_deleted=True)).replace(' status="deleted"', ""),
        record(paper(1, title=""), "arXiv"),
        record(paper(1, title=""), "oai_dc"),
        record(paper(1, title="")).replace("<identifier>", "<name>").replace("</identifier>", "</name>"),
    ],
)
def test_a_record_that_says_too_little_becomes_a_bad_line_with_its_id(xml: str) -> None:
    line = line_of(xml)
    assert line["id"] in ("2611.00001", "oai:arXiv.org:2611.00001")
    with pytest.raises(BadLine, match=r"(title|abstract) is missing"):
        parse(Line(1, 0, orjson.dumps(line)))


def test_a_broken_record_holds_up_no_other() -> None:
    whole, other = record(paper(1)), record(paper(2))
    broken = ["<record></record>", "<record><header></header></record>", other.replace("2026-11-20", "soon")]
    lines = lines_of(reply(f"<ListRecords>{''.join(broken)}{whole}</ListRecords>"))
    assert [one["id"] for one in lines] == ["", "", "2611.00002", "2611.00001"]
    assert [one["update_date"] for one in lines] == ["", "", "", "2026-11-20"]
    for one in lines[:2]:
        with pytest.raises(BadLine, match="id is empty"):
            parse(Line(1, 0, orjson.dumps(one)))
    assert stored(lines[2]).updated == ""


@pytest.mark.parametrize(
    ("subjects", "sets", "categories"),
    [
        (["Machine Learning", "68T05"], ["cs:cs:LG", "stat:stat:ML"], ["cs.LG", "stat.ML"]),
        (["Mathematical Physics"], ["physics:math-ph", "math:math:MP"], ["math-ph", "math.MP"]),
        (["High Energy Physics - Theory"], ["physics:hep-th"], ["hep-th"]),
        (["Computer Science - Learning", "Statistics - Machine Learning"], ["cs", "stat"], ["cs.LG", "stat.ML"]),
        (
            ["Physics - Optics", "Quantum Physics"],
            ["physics:physics", "physics:quant-ph"],
            ["physics.optics", "quant-ph"],
        ),
        (["Astrophysics", "Astrophysics"], ["physics:astro-ph"], ["astro-ph"]),
        (["A new subject"], ["physics:gr-qc"], ["gr-qc"]),
        (["A new subject"], ["cs"], []),
        ([], [], []),
    ],
)
def test_categories_come_from_sets_or_subjects(subjects: list[str], sets: list[str], categories: list[str]) -> None:
    assert categories_of(subjects, sets) == categories


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ([], ""),
        (["cs.*"], "cs"),
        (["cs.LG", "cs.CL"], "cs"),
        (["CS.lg"], "cs"),
        (["hep-th"], "physics:hep-th"),
        (["astro-ph.CO"], "physics:astro-ph"),
        (["physics.*"], "physics:physics"),
        (["cs.*", "stat.ML"], ""),
        (["*.LG"], ""),
        (["hep-*"], ""),
        (["math*"], ""),
        (["cmp-lg"], ""),
        (["cs.LG,stat.ML"], ""),
        (["cs.LG, cs.CL"], "cs"),
    ],
)
def test_a_set_is_asked_for_where_it_holds_all_that_the_index_takes_in(patterns: list[str], found: str) -> None:
    assert set_of(patterns) == found
