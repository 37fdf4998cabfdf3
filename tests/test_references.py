"""References are read from the files that people have, also where these are not quite in order."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

import bibtexparser
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunacy.errors import ListError
from lunacy.paper import Paper
from lunacy.references import Draft, Reference, read_draft
from lunacy.references.bibtex import references_of_bibtex
from lunacy.references.latex import date_in, references_of_bbl
from lunacy.references.mentions import ids_in, year_in
from lunacy.render import papers as rendered

ODD = Path(__file__).parent / "cases" / "odd.bib"


def read(folder: Path, name: str, content: str | bytes) -> Draft:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_draft(folder / name)


def test_mentions_of_ids_are_found_and_other_numbers_are_not() -> None:
    text = (
        "arXiv:1802.05130v2, arXiv preprint arXiv:1801.06294 [cs.CL], see https://arxiv.org/abs/hep-th/9108006v1 and "
        "http://arxiv.org/pdf/1709.01687.pdf; [math.AG/0601001], doi:10.48550/arXiv.1706.03762. Phys. Rev. 1234.5678, "
        "p. 1802.05121, arXiv:1813.05130, 10.1103/1802.05121, cond-mat/9304018x"
    )
    assert ids_in(text) == ["1802.05130", "1801.06294", "hep-th/9108006", "1709.01687", "math/0601001", "1706.03762"]
    assert [year_in(text) for text in ("(1998)", "98", "12005", "May 2020, 1999", "")] == [1998, None, None, 2020, None]


def test_entries_are_read_as_another_parser_reads_them() -> None:
    """Where that one can: of the others it has no entry."""
    judged = bibtexparser.parse_string(ODD.read_text(encoding="utf-8"))
    ours = {one.key: one for one in reversed(read_draft(ODD).references)}
    compared = 0
    for entry in judged.entries:
        fields = {name.lower(): field.value for name, field in entry.fields_dict.items()}
        title = " ".join(str(fields.get("title", "")).split())
        if "#" in title or "subtitle" in fields or entry.key.startswith("n74"):  # joined by us alone; lacks a comma
            continue
        assert re.sub('[{}"]', "", ours[entry.key].title) == re.sub('[{}"]', "", title), entry.key
        compared += 1
    assert compared > 80
    assert len(read_draft(ODD).references) > len(judged.entries)


def test_a_field_joins_macros_and_takes_over_what_its_parent_has() -> None:
    text = """
@string(who = "Gupta, S." # { and others})
@inproceedings{a, title = "On " # {{T}weets}, author = who, crossref = {B}}
@proceedings{b, title = {Proceedings}, year = "2018", doi = {10.1000/b}, editor = {Ed}}
"""
    assert references_of_bibtex(text) == [
        Reference("line 3", "a", "On {T}weets", year=2018, surname="Gupta"),
        Reference("line 4", "b", "Proceedings", dois=("10.1000/b",), year=2018),
    ]


def test_entries_in_one_line_are_told_from_an_at_sign_in_a_title() -> None:
    text = "@misc{a, title = {{SETI}@home (BOINC) runs}} @book{b,title={Two}}@book{c, title = {Three}}"
    found = references_of_bibtex(text)
    assert [(one.where, one.key, one.title) for one in found] == [
        ("line 1", "a", "{SETI}@home (BOINC) runs"),
        ("line 1", "b", "Two"),
        ("line 1", "c", "Three"),
    ]


def test_our_own_bibliographies_are_read_back(tmp_path: Path) -> None:
    papers = [
        Paper("1802.05130", "On {T}weets & $\\alpha$", "A.", "Ada Lovelace, Alan Turing", ("cs.CL",), "2018-02-14"),
        Paper("hep-th/9108006", "Strings", "B.", "Müller, J.", doi="10.1142/S0217", journal_ref="Phys. 1 (1991)"),
    ]
    for form, name in (("bibtex", "x.bib"), ("ris", "x.ris"), ("csljson", "x.json")):
        found = read(tmp_path, name, "".join(rendered(papers, form))).references
        assert [one.ids for one in found] == [("1802.05130",), ("hep-th/9108006",)], form
        assert [one.year for one in found] == [2018, 1991], form
        assert [one.surname for one in found] == ["Lovelace", "Müller"], form
        assert found[1].title.strip("{}") == "Strings"
        assert found[1].dois == ("10.1142/s0217",)


ZOTERO = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:z="http://www.zotero.org/namespaces/export#"
  xmlns:dcterms="http://purl.org/dc/terms/" xmlns:bib="http://purl.org/net/biblio#"
  xmlns:foaf="http://xmlns.com/foaf/0.1/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:link="http://l/">
  <bib:Article rdf:about="https://doi.org/10.1142/S0217732391004140">
    <z:itemType>journalArticle</z:itemType>
    <dcterms:isPartOf><bib:Journal><dc:title>Modern Physics Letters A</dc:title>
      <dc:identifier>DOI 10.1142/S0217732391004140</dc:identifier></bib:Journal></dcterms:isPartOf>
    <bib:authors><rdf:Seq><rdf:li><foaf:Person><foaf:surname>Ooguri</foaf:surname>
      <foaf:givenName>Hirosi</foaf:givenName></foaf:Person></rdf:li></rdf:Seq></bib:authors>
    <dc:title>Discrete Quantum Gravity</dc:title><dc:date>1991-08-09</dc:date>
  </bib:Article>
  <bib:Document rdf:about="http://arxiv.org/abs/1802.05130">
    <z:itemType>preprint</z:itemType><dc:title>On Tweets</dc:title>
    <dc:identifier><dcterms:URI><rdf:value>http://arxiv.org/abs/1802.05130</rdf:value></dcterms:URI></dc:identifier>
    <link:link rdf:resource="#item_3"/>
  </bib:Document>
  <z:Attachment rdf:about="#item_3"><z:itemType>attachment</z:itemType><dc:title>Full Text PDF</dc:title></z:Attachment>
</rdf:RDF>
"""


def test_zoteros_rdf_is_read_without_its_attachments(tmp_path: Path) -> None:
    assert read(tmp_path, "zotero.rdf", ZOTERO).references == (
        Reference(
            "item 1", "", "Discrete Quantum Gravity", dois=("10.1142/s0217732391004140",), year=1991, surname="Ooguri"
        ),
        Reference("item 2", "", "On Tweets", ids=("1802.05130",)),
    )
    with pytest.raises(ListError, match="not XML"):
        read(tmp_path, "cut.rdf", ZOTERO[:900])
    with pytest.raises(ListError, match="not RDF as Zotero"):
        read(tmp_path, "other.rdf", "<?xml version='1.0'?><a/>")


LATEX = r"""
\documentclass{article} % \title{No}
\title{A {\em Great} Draft\thanks{x}}
\date{31 May 2020}
\begin{document}\begin{abstract} We ask,
and answer. \end{abstract}
As \cite[p.~1]{gupta, b2} and \citep{c3} show. % \cite{d4}
\input{sections/intro}
"""


def test_a_draft_in_latex_names_its_bib_or_has_a_bbl(tmp_path: Path) -> None:
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "intro.tex").write_text("\\citet*{e5} \\input{gone} \\bibliography{refs,more}")
    (tmp_path / "refs.bib").write_text(
        "@a{gupta, title={T}, eprint={1802.05130}}\n@a{d4, title={U}}\n@a{e5, title={V}}\n@a{c3, title={W}}"
    )
    draft = read(tmp_path, "draft.tex", LATEX)
    assert (draft.abstract, draft.date) == ("We ask, and answer.", "2020-05-31")
    assert draft.title.startswith("A Great Draft")
    assert [one.key for one in draft.references] == ["gupta", "e5", "c3"]
    assert draft.notes == (
        "intro.tex takes in gone, which is not there",
        "draft.tex names more.bib, which is not there",
        "1 keys are cited that no .bib has: b2",
    )
    (tmp_path / "draft.bbl").write_text(
        "\\begin{thebibliography}{9}\n\\bibitem[Gupta et~al.(2018)]{gupta}\nGupta, S. \\newblock On tweets. \\newblock "
        "\\emph{arXiv:1802.05130}, 2018.\n\n\\bibitem{b2} A. T{\\\"u}ring, ``Machines'', \\href{http://dx.doi.org/10.1093/"
        "mind/LIX.236.433}{\\textit{Mind} (1950)}.\n\\end{thebibliography}\n"
    )
    first, second = read_draft(tmp_path / "draft.tex").references
    assert (first.key, first.ids, first.year) == ("gupta", ("1802.05130",), 2018)
    assert (second.key, second.dois, second.year) == ("b2", ("10.1093/mind/lix.236.433",), 1950)
    assert second.text == "A. Türing, Machines , http://dx.doi.org/10.1093/mind/LIX.236.433 Mind (1950)."


BIBER = r"""
\entry{gupta}{misc}{}
  \name{author}{2}{}{%
    {{hash=1}{%
       family={Gupta},
       given={Shashank}}}%
  }
  \field{title}{On {T}weets}
  \field{eprinttype}{arXiv}
  \field{year}{2018}
  \verb{eprint}
  \verb 1802.05130
  \endverb
  \verb{doi}
  \verb 10.1000/x_1
  \endverb
\endentry
"""


def test_a_bbl_of_biber_is_read() -> None:
    assert references_of_bbl(BIBER) == [
        Reference("line 2", "gupta", "On {T}weets", ("1802.05130",), ("10.1000/x_1",), 2018, "Gupta")
    ]


MARKDOWN = """\
# A great draft

## Abstract

We ask,
and answer.

## Introduction

As [@gupta] shows (arXiv:1801.06294), and https://doi.org/10.1000/seen.

## References

1. S. Gupta, *On tweets*, arXiv:1802.05130 (2018).
2. A. Turing, Computing machinery and intelli-
   gence, Mind 59 (1950). https://doi.org/10.1093/mind/LIX.236.433
"""


def test_a_draft_in_markdown_has_a_list_and_mentions(tmp_path: Path) -> None:
    draft = read(tmp_path, "draft.md", MARKDOWN)
    assert (draft.title, draft.abstract) == ("A great draft", "We ask, and answer.")
    first, second, third, fourth = draft.references
    assert (first.where, first.key, first.ids, first.year) == ("line 14", "[1]", ("1802.05130",), 2018)
    assert (second.dois, second.year) == (("10.1093/mind/lix.236.433",), 1950)
    assert "intelligence" in second.text
    assert (third.ids, third.where, fourth.dois) == (("1801.06294",), "line 10", ("10.1000/seen",))


def pdf(*shown: str, title: str = "") -> bytes:
    """A PDF of one page with these lines, and with a title in its properties."""
    stream = "BT /F1 9 Tf 12 TL 40 800 Td " + " ".join(f"({line}) Tj T*" for line in shown) + " ET"
    page = "/Type /Page /Parent 2 0 R /MediaBox [0 0 600 820] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >>"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< {page} >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /CreationDate (D:20200531120000Z) /Title ({title}) >>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj\n{one}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{len(content)}\n%%EOF\n"
    return content + head.encode() + trailer.encode()


def test_a_pdf_is_read_by_its_text(tmp_path: Path) -> None:
    shown = ["A great draft", "Abstract", "We ask, and answer.", "", "References"]
    first_entry = "[1] S. Gupta. On tweets. arXiv:1802.05130, 2018."
    listed = [first_entry, "[2] A. Turing. Computing machinery and intelli-", "gence. Mind 1950."]
    draft = read(tmp_path, "draft.pdf", pdf(*shown, *listed))
    assert (draft.title, draft.date) == ("A great draft", "2020-05-31")
    first, second = draft.references
    assert (first.key, first.ids, second.key, second.year) == ("[1]", ("1802.05130",), "[2]", 1950)
    assert "intelligence" in second.text
    printed = ["A draft", "in two lines", "Abstract", "We ask, and an-", "swer.", "CCS CONCEPTS", "Much."]
    draft = read(tmp_path, "printed.pdf", pdf(*printed, title="A draft in two lines"))
    assert (draft.title, draft.abstract) == ("A draft in two lines", "We ask, and answer.")
    for title in ("draft", "a_file_of_mine.dvi", "Another title of it"):  # names of files, and templates
        assert read(tmp_path, "named.pdf", pdf(*shown, title=title)).title == "A great draft"
    with pytest.raises(ListError, match="has no text, only pictures"):
        read(tmp_path, "scan.pdf", pdf())
    for cut in (b"%PDF-1.4\n", pdf(*shown)[:200], b"%PDF-1.4\n" + bytes(100)):
        with pytest.raises(ListError, match=r"damaged, or no PDF|has no text"):
            read(tmp_path, "cut.pdf", cut)


def test_files_in_other_encodings_and_of_other_kinds(tmp_path: Path) -> None:
    text = "@article{a, title = {Schrödinger}, author = {Müller, A.}}\r\n"
    for encoding in ("utf-8", "utf-8-sig", "latin-1", "utf-16"):
        [one] = read(tmp_path, "a.bib", text.encode(encoding)).references
        assert (one.title, one.surname) == ("Schrödinger", "Müller"), encoding
    for name, content, said in (
        ("a.zip", b"PK\x03\x04" + bytes(100), "is a zip"),
        ("a.bin", bytes(range(256)) * 4, "binary data"),
    ):
        with pytest.raises(ListError, match=said):
            read(tmp_path, name, content)
    with pytest.raises(ListError, match="No such file"):
        read_draft(tmp_path / "none.bib")
    assert read(tmp_path, "empty.bib", "").references == ()


def test_dates_of_drafts() -> None:
    dates = {"31 May 2020": "2020-05-31", "May 31st, 2020": "2020-05-31", "May 2020": "2020-05", "2020": "2020"}
    assert {text: date_in(text) for text in dates} == dates
    assert [date_in(text) for text in ("2020-05-31T12:00", r"\today", "", "Draft 3")] == ["2020-05-31", "", "", ""]


def test_ten_thousand_entries_are_read_in_no_time() -> None:
    text = "".join(
        f"@article{{k{n},\n  title = {{On {{P}}aper {n}}},\n  author = {{Doe, J.}},\n  year = {{2001}}\n}}\n"
        for n in range(10_000)
    )
    started = time.process_time()
    assert len(references_of_bibtex(text)) == 10_000
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.bib", "@string{a = a # a}\n" * 60 + "@a{b, title = a}"),  # a macro that doubles itself
        ("b.bib", "@a{x, title = {" + "{" * 50_000),
        ("a.tex", "\\bibitem[" * 5_000 + "{[" * 5_000),
        ("b.tex", "\\begin{abstract}" * 5_000),
        ("c.tex", "\\bibitem{a} b\n" * 5_000),
        ("a.bbl", "\\entry{a}{b}{}\\field{title}{" * 2_000),
        ("a.md", "abstract\n" * 20_000),
        ("b.md", "# References\n" + "[1] " * 20_000),
        ("a.rdf", "<a>" * 20_000),
        ("a.json", "[" * 20_000),
    ],
)
def test_no_shape_of_a_file_takes_more_than_moments(tmp_path: Path, name: str, text: str) -> None:
    started = time.process_time()
    with suppress(ListError):
        read(tmp_path, name, text)
    assert time.process_time() - started < 3


PIECES = st.sampled_from(
    [
        "@article{",
        "@string{",
        "a",
        ",",
        "\n",
        "title",
        " = ",
        "{",
        "}",
        '"',
        "#",
        "\\",
        "eprint",
        "1802.05130",
        "é",
        "@",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_text_breaks_the_reading_of_bibtex(text: str) -> None:
    assert len(references_of_bibtex(text)) <= text.count("@")


def test_csl_json_of_other_programs(tmp_path: Path) -> None:
    items = [
        {"id": "a", "type": "article", "title": "T", "issued": {"date-parts": [["2018", 2]]}, "DOI": "10.1000/X"},
        {"id": 5, "title": "U", "URL": "https://arxiv.org/abs/1802.05130", "author": [{"literal": "CMS"}]},
        {"id": "c", "author": None, "issued": None},
    ]
    found = read(tmp_path, "x.json", orjson.dumps(items)).references
    assert [(one.key, one.year, one.surname) for one in found] == [("a", 2018, ""), ("5", None, "CMS"), ("c", None, "")]
    assert (found[0].dois, found[1].ids) == (("10.1000/x",), ("1802.05130",))
