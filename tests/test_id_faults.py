"""What is said of a text that was meant for an arXiv id."""

from __future__ import annotations

import pytest

from lunacy.errors import NotAnId
from lunacy.paper import canonical_id, id_fault, parse_id

FAULTS = {
    "2403.1234": "since 2015 the number behind the point has five digits: 2403.01234 or 2403.12340",
    "1802.5130": "since 2015 the number behind the point has five digits: 1802.05130 or 1802.51300",
    "arXiv:1802.0513v2": "(a spreadsheet drops the last zero of 1802.05130)",
    "https://arxiv.org/abs/2403.1234": "2403.01234 or 2403.12340",
    "1802.051301": "five digits, not 6",
    "1802.051": "five digits, not 3",
    "0704.001": "until 2014 the number behind the point has four digits: 0704.0001 or 0704.0010",
    "1813.1234": "there is no month 13 (1813 stands for year and month)",
    "1800.1": "there is no month 00",
    "18020.05130": "18020 has 5 digits; before the point stand four, for year and month",
    "802.05130": "802 has 3 digits",
    "1802-05130": "a point stands between month and number: 1802.05130",
    "1802/05130v2": "a point stands between month and number: 1802.05130",
    "180205130": "a point stands between month and number: 1802.05130",
    "181305130": "there is no month 13",
    "18O2.O513O": "it has letters in the place of digits: 1802.05130",
    "1802.05130v": "'v' stands behind 1802.05130, where only a version such as v2 may stand",
    "1802.05130x2": "'x2' stands behind 1802.05130",
    "0704.0001\u00b2": "'\u00b2' stands behind 0704.0001",
    "hep-th/9711200/1": "'/1' stands behind hep-th/9711200",
    "hepth/9108006": "arXiv has no archive hepth; did you mean hep-th",
    "hpe-th/9711200": "arXiv has no archive hpe-th; did you mean hep-th?",
    "condmat/9108006v2": "arXiv has no archive condmat; did you mean cond-mat?",
    "abc/0601001": "arXiv has no archive abc",
    "pmid9711200": "arXiv has no archive pmid",
    "math/060100": "060100 has 6 digits; old ids have seven: year, month and a number of three digits",
    "math.AG/06010011": "06010011 has 8 digits; old ids have seven",
    "math0000001": "there is no month 00",
    "1802.05130 1802.05121": "these are several ids; give each by itself",
    "10.1145/1802.05130": "this is the DOI of another publisher",
    "https://doi.org/10.1145/3292500.3330919": "this is the DOI of another publisher",
    "https://arxiv.org/list/cs.CL/1802": "this link is not to a paper on arXiv",
    "https://www.nature.com/articles/nature14539": "this link is not to a paper on arXiv",
}
IMPOSSIBLE = {  # written as ids are
    "1813.00001": "there is no month 13 (1813 stands for year and month)",
    "hep-th/9713001": "there is no month 13 (9713 stands for year and month)",
    "0703.0001": "ids like this begin in April 2007, with 0704; older ones are like hep-th/9108006",
    "0704.00012": "until 2014 the number behind the point has four digits",
    "hep-th/0704001": "ids with hep-th/ are from 1991 to March 2007; later ones are like 0704.0001",
    "hep-th/9106001": "ids with hep-th/ are from 1991 to March 2007",
    "1802.00000": "numbers begin at 1",
    "math/0601000": "numbers begin at 1",
}
NO_IDS = (
    "1802, v2, arXiv:, /0601001, oai:1802.05130, attention is all you need, 2023-12-01, nature14539, 1/f noise, "
    "GW170817, COVID-19, 3.14159, TCP/IP, U(1)/Z2, \u91cf\u5b50"
).split(", ")


@pytest.mark.parametrize(("text", "fault"), FAULTS.items())
def test_a_mistyped_id_is_told_which_part_is_wrong(text: str, fault: str) -> None:
    assert canonical_id(text) is None
    assert fault in id_fault(text)
    with pytest.raises(NotAnId) as caught:
        parse_id(text)
    assert fault in str(caught.value)
    assert "write it like" not in str(caught.value)  # one piece of advice is enough


@pytest.mark.parametrize(("text", "fault"), IMPOSSIBLE.items())
def test_an_id_that_no_paper_can_have_is_told_why(text: str, fault: str) -> None:
    assert canonical_id(text) == text
    assert fault in id_fault(text)


@pytest.mark.parametrize("text", ["1802.05130", "0704.0001", "1412.9999v2", "hep-th/9108001", "math.AG/0703999"])
def test_an_id_has_no_fault(text: str) -> None:
    assert id_fault(text) == ""


@pytest.mark.parametrize("text", NO_IDS)
def test_what_was_not_meant_for_an_id_is_shown_examples(text: str) -> None:
    assert id_fault(text) == ""
    with pytest.raises(NotAnId, match=r"is not an arXiv id; write it like 1802\.05130"):
        parse_id(text)
