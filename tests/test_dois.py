"""A DOI in the place of an id finds its paper, however it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lunacy
from lunacy.doi import doi_of, dois_in
from lunacy.errors import NotAnId, UnknownPaper
from tests.conftest import FakeEmbedder, lines, record

FORMS = {
    "10.1103/PhysRevD.48.2714": "10.1103/physrevd.48.2714",
    " doi:10.1103/PhysRevD.48.2714. ": "10.1103/physrevd.48.2714",
    "DOI: 10.1103/PhysRevD.48.2714": "10.1103/physrevd.48.2714",
    "https://doi.org/10.1103/PhysRevD.48.2714": "10.1103/physrevd.48.2714",
    "http://dx.doi.org/10.1103%2FPhysRevD.48.2714": "10.1103/physrevd.48.2714",
    "https://doi.org/doi:10.1103/PhysRevD.48.2714": "10.1103/physrevd.48.2714",
    "https://journals.aps.org/prd/abstract/10.1103/PhysRevD.48.2714": "10.1103/physrevd.48.2714",
    "https://iopscience.iop.org/article/10.1088/1742-6596/12/1/001/meta": "10.1088/1742-6596/12/1/001",
    "https://dl.acm.org/doi/pdf/10.1145/3292500.3330919?download=true": "10.1145/3292500.3330919",
    "(10.1016/0550-3213(91)90555-6)": "10.1016/0550-3213(91)90555-6",
    "10.1002/(SICI)1521-3978(199811)46:6/8<749::AID-PROP749>3.0.CO;2-I": (
        "10.1002/(sici)1521-3978(199811)46:6/8<749::aid-prop749>3.0.co;2-i"
    ),
    "10.1890/0012-9658(2006)87[1132:PAA]2.0.CO;2": "10.1890/0012-9658(2006)87[1132:paa]2.0.co;2",
    "1802.05130": None,
    "Section 10.1103/x of a title": None,
    "10.5 TeV": None,
    "10.1103": None,
    "10.1103/": None,
    "": None,
    "10.1103/a 10.1103/b": None,
    "10.1103/" + "a" * 300: None,
}


@pytest.mark.parametrize("text", FORMS)
def test_a_doi_is_read_in_every_form_that_people_paste(text: str) -> None:
    assert doi_of(text) == FORMS[text]


def test_the_dois_of_a_field_are_found_among_other_words() -> None:
    text = "See 10.1103/PhysRevC.48.2714, https://doi.org/10.1103/PhysRevC.52.439; (10.1103/physrevc.48.2714)."
    assert dois_in(text) == ["10.1103/physrevc.48.2714", "10.1103/physrevc.52.439"]
    assert dois_in("version 10.2/3 of 10.11") == []


RECORDS = [
    record("1401.0001", doi="10.1103/PhysRevD.48.2714"),
    record("1401.0002", doi="10.1103/PhysRevD.48.27145"),
    record("1401.0003", doi="10.1103/PhysRevD.48.2714x"),
    record("1401.0004", doi="10.1016/S0550-3213(01)00304-2 10.1088/0954-3899/27/7/102"),
    record("1401.0005", doi="10.1007/s00020-014-2193-2."),
    record("1401.0006", doi="10.1145/twice"),
    record("1401.0007", doi="10.1145/TWICE"),
    record("1401.0008"),
]


@pytest.fixture(scope="module")
def ix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lunacy.Index]:
    base: Path = tmp_path_factory.mktemp("dois")
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    with lunacy.open_index(base / "index", embedder=FakeEmbedder()) as index:
        yield index


@pytest.mark.parametrize(
    ("asked", "identifier"),
    [
        ("https://doi.org/10.1103/PHYSREVD.48.2714", "1401.0001"),
        ("10.1103/physrevd.48.27145", "1401.0002"),
        ("10.1016/s0550-3213(01)00304-2", "1401.0004"),
        ("doi:10.1007/s00020-014-2193-2", "1401.0005"),
    ],
)
def test_a_doi_finds_its_paper_and_no_other(ix: lunacy.Index, asked: str, identifier: str) -> None:
    assert ix.paper(asked).id == identifier
    assert ix.similar(asked, top=1).papers[0].id == identifier
    assert ix.named([asked, "10.1103/none"]) == {asked}


def test_a_doi_of_no_paper_or_of_several_is_told(ix: lunacy.Index) -> None:
    with pytest.raises(UnknownPaper, match=r"^no paper in the index has the DOI 10\.1103/physrevd\.48\.271$"):
        ix.paper("https://doi.org/10.1103/PhysRevD.48.271")
    with pytest.raises(NotAnId, match=r"10\.1145/twice is the DOI of 2 papers: 1401\.0006, 1401\.0007; give one of"):
        ix.paper("10.1145/twice")
