"""arXiv ids in every form a person pastes, and the text that is embedded."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lunacy.answer import Hit
from lunacy.errors import NotAnId
from lunacy.paper import Paper, canonical_id, embedded_text, hash_text, month_of, parse_id, squeeze_spaces

PASTED = {
    "1802.05130": [
        "1802.05130",
        "1802.05130v2",
        "1802.05130V12",
        "1802.05130.",
        "1802.05130v2.pdf",
        "arXiv:1802.05130",
        "arxiv:1802.05130v3",
        "ARXIV.1802.05130",
        "arXiv: 1802.05130",
        "arXiv 1802.05130 v2",
        " \t1802.05130\n",
        "\u00a01802.05130\u3000",
        "1802. 05130",
        "<1802.05130>",
        "(arXiv:1802.05130)",
        "'1802.05130',",
        "<https://arxiv.org/abs/1802.05130v1>",
        "https://arxiv.org/abs/1802.05130v1",
        "http://www.arxiv.org/abs/1802.05130",
        "arxiv.org/abs/1802.05130/",
        "https://arxiv.org/abs/1802.05130?context=cs.CL",
        "https://arxiv.org/abs/arXiv:1802.05130",
        "https://arxiv.org/pdf/1802.05130",
        "https://arxiv.org/pdf/1802.05130v2.pdf",
        "https://arxiv.org/pdf/1802.05130.pdf#page=3",
        "https://arxiv.org/html/1802.05130v2#S3.T1",
        "/abs/1802.05130",
        "pdf/1802.05130v1.pdf",
        "html/1802.05130",
        "https://export.arxiv.org/abs/1802.05130",
        "https://www.alphaxiv.org/abs/1802.05130",
        "https://alphaxiv.org/overview/1802.05130v2",
        "https://ar5iv.org/abs/1802.05130",
        "https://ar5iv.labs.arxiv.org/html/1802.05130",
        "10.48550/arXiv.1802.05130",
        "10.48550/ARXIV.1802.05130",
        "doi:10.48550/arXiv.1802.05130",
        "https://doi.org/10.48550/arXiv.1802.05130",
        "https://dx.doi.org/10.48550/arXiv.1802.05130",
        "arXiv:1802.05130v2 [cs.CL] 14 Feb 2018",
        "arXiv:1802.05130v2  [cs.CL]  14 Feb 2018\n",
        "oai:arXiv.org:1802.05130",
        "OAI:arxiv.org:1802.05130v1",
        "info:arxiv/1802.05130",
        "arXiv preprint arXiv:1802.05130",
        "arXiv.org:1802.05130",
        "CoRR, abs/1802.05130",
        "{arXiv:1802.05130}",
        "\u201c1802.05130\u201d",
        "\uff11\uff18\uff10\uff12.05130",
        "arXiv\uff1a1802\uff0e05130v2",
        "18\u200b02.05130\ufeff",
        "https://huggingface.co/papers/1802.05130",
        "https://arxiv.org:443/abs/1802.05130",
        "https%3A%2F%2Farxiv.org%2Fabs%2F1802.05130",
        "10.48550%2FarXiv.1802.05130",
        "https://dl.acm.org/doi/10.48550/arXiv.1802.05130",
    ],
    "0704.0001": ["0704.0001", "arXiv:0704.0001v1 [hep-ph] 2 Apr 2007", "https://arxiv.org/abs/0704.0001"],
    "hep-th/9711200": [
        "hep-th/9711200",
        "hep-th/9711200v3",
        "HEP-TH/9711200",
        "hep-th / 9711200",
        "arXiv:hep-th/9711200v1",
        "https://arxiv.org/abs/hep-th/9711200",
        "https://arxiv.org/pdf/hep-th/9711200v3.pdf",
        "https://ar5iv.labs.arxiv.org/html/hep-th/9711200",
        "10.48550/arXiv.hep-th/9711200",
        "hep-th9711200",
        "arXiv:hep-th9711200v3",
        "hep-th%2F9711200",
        "hep-th%2f9711200v1",
        "https://arxiv.org/abs/hep-th%2F9711200",
        "https://arxiv.org/pdf/hep-th9711200.pdf",
        "hep\u2010th/9711200",
        "hep\u2011th/9711200",
        "hep\u2013th/9711200",
        "hep\u2212th/9711200",
        "hep\u00adth/9711200",
        "hep\uff0dth\uff0f9711200",
        "hep-\nth/9711200",
        "oai:arXiv.org:hep-th/9711200",
    ],
    "math/0601001": [
        "math/0601001",
        "math.AG/0601001",
        "math.AG/0601001v2",
        "arXiv:math.AG/0601001v2",
        "https://arxiv.org/abs/math.AG/0601001v2",
        "https://doi.org/10.48550/arXiv.math/0601001",
        "math.AG0601001v2",
        "oai:arXiv.org:math/0601001",
    ],
    "cond-mat/0601001": ["cond-mat.stat-mech/0601001", "cond-mat/0601001v1"],
}


@pytest.mark.parametrize(("pasted", "identifier"), [(form, one) for one, forms in PASTED.items() for form in forms])
def test_every_form_a_person_pastes_is_the_id(pasted: str, identifier: str) -> None:
    assert canonical_id(pasted) == identifier
    assert parse_id(pasted) == identifier


@pytest.mark.parametrize("pasted", ["arXiv:hep-th/9711200v3 22 Jan 1998", "hep-th/9711200v3  22 Jan 1998"])
def test_margin_of_an_old_papers_pdf_is_its_id(pasted: str) -> None:
    """Before April 2007 the margin had the date, but no [category]."""
    assert canonical_id(pasted) == "hep-th/9711200"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "v2",
        "arXiv:",
        "hello",
        "attention is all you need",
        "1802",
        "1802.051",
        "1802.051301",
        "1802.0513",
        "arXiv:1501.0001",
        "18020.05130",
        "1802-05130",
        "1802.05130v",
        "1802.05130x2",
        "\u0661\u0668\u0660\u0662.05130",
        "0704.0001\u00b2",
        "abc/0601001",
        "hpe-th/9711200",
        "pmid9711200",
        "math0000001",
        "hep-th/9711200/1",
        "oai:1802.05130",
        "oai:example.org:1802.05130",
        "10.1145/1802.05130",
        "https://doi.org/10.1145/1802.05130",
        "https://dl.acm.org/doi/pdf/10.1145/math/0601001",
        "math/060100",
        "math/06010011",
        "/0601001",
        "10.1145/3292500.3330919",
        "https://arxiv.org/list/cs.CL/1802",
        "https://arxiv.org/abs/",
        "https://www.nature.com/articles/nature14539",
        "1802.05130 1802.05121",
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    assert canonical_id(text) is None
    with pytest.raises(NotAnId):
        parse_id(text)


def test_a_number_behind_an_id_does_not_make_another_id() -> None:
    """0704.00012 is not what a line of "id rank" asks for."""
    assert canonical_id("0704.0001 2") is None


@pytest.mark.parametrize("text", ["1802.0513", "arXiv:1802.0513v2", " 1802.0513"])
def test_a_zero_that_a_spreadsheet_dropped_is_told(text: str) -> None:
    """1802.05130 as a number is 1802.0513: numbers have had five digits since 2015, four from 2007 on."""
    with pytest.raises(NotAnId, match=r"a spreadsheet drops the last zero of 1802\.05130"):
        parse_id(text)
    assert [canonical_id(one) for one in ("1412.9999", "1501.00001", "0704.00010")] == [
        "1412.9999",
        "1501.00001",
        "0704.00010",
    ]


def test_the_message_shows_the_text_and_examples() -> None:
    with pytest.raises(NotAnId) as caught:
        parse_id("attention is\nall you need")
    message = str(caught.value)
    assert message.startswith("'attention is all you need' is not an arXiv id")
    for form in ("1802.05130", "arXiv:1802.05130v2", "hep-th/9711200", "https://arxiv.org/abs/1802.05130"):
        assert form in message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("piece", ["1", "a", "a.", "a-", "a/", "a.b/", "1802.05130", "arxiv:", "[", " ", "http://a/"])
def test_a_very_long_text_is_refused_with_a_short_message(piece: str) -> None:
    with pytest.raises(NotAnId) as caught:
        parse_id(piece * 200_000)
    assert len(str(caught.value)) < 250


FRAGMENTS = (
    "1802.05130 0704.0001 v2 hep-th math math.AG /9711200 /0601001 / . arXiv: arXiv. https:// arxiv.org doi.org "
    "10.48550/ /abs/ /pdf/ .pdf [cs.CL] ?context=cs #S1"
).split()


@given(st.text(max_size=30) | st.lists(st.sampled_from([*FRAGMENTS, " "]), max_size=7).map("".join))
@example("arXiv:arXiv math/0601001")
@settings(derandomize=True, deadline=None, max_examples=500)
def test_the_id_of_an_id_is_itself(text: str) -> None:
    found = canonical_id(text)
    if found is not None:
        assert canonical_id(found) == found
        assert canonical_id(f"https://arxiv.org/abs/{found}v7") == found


@pytest.mark.parametrize(
    ("text", "squeezed"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("one", "one"),
        ("  We study\n  the  paper.\n", "We study the paper."),
        ("a\r\nb\x0bc\u00a0d\u2028e\u3000f", "a b c d e f"),
        ("$\\alpha \\leq  \\beta$", "$\\alpha \\leq \\beta$"),
        ("Schr\u00f6dinger \u91cf\u5b50", "Schr\u00f6dinger \u91cf\u5b50"),
    ],
)
def test_white_space_is_squeezed_and_nothing_else(text: str, squeezed: str) -> None:
    assert squeeze_spaces(text) == squeezed


@pytest.mark.parametrize(
    ("identifier", "month"),
    [
        ("0704.0001", "2007-04"),
        ("1412.9999", "2014-12"),
        ("1501.00001", "2015-01"),
        ("2611.01234", "2026-11"),
        ("hep-th/9108006", "1991-08"),
        ("math/0001001", "2000-01"),
        ("cond-mat/0703999", "2007-03"),
        ("1913.00001", ""),
        ("1900.00001", ""),
        ("hep-th/9113006", ""),
        ("local:7", ""),
        ("", ""),
    ],
)
def test_the_month_of_an_id_is_the_one_that_it_names(identifier: str, month: str) -> None:
    assert month_of(identifier) == month


@pytest.mark.parametrize(
    ("identifier", "submitted", "posted"),
    [
        ("2405.01234", "2024-05-17", "2024-05-17"),
        ("2405.01234", "", "2024-05"),
        ("2406.00001", "2024-05-31", "2024-06-01"),  # submitted on the evening before
        ("2402.01234", "2024-03-01", "2024-02-29"),
        ("2302.01234", "2030-01-01", "2023-02-28"),
        ("hep-th/9108006", "1988-11-11", "1991-08-01"),
        ("hep-th/9912001", "", "1999-12"),
        ("math/0001001", "2000-01-01", "2000-01-01"),
        ("1913.00001", "2019-03-04", "2019-03-04"),  # there is no month 13
        ("local:7", "2019-03-04", "2019-03-04"),
        ("local:7", "", ""),
    ],
)
def test_a_paper_is_posted_in_the_month_of_its_id(identifier: str, submitted: str, posted: str) -> None:
    assert Paper(identifier, "T", "A", submitted=submitted).posted == posted


def test_the_embedded_text_is_title_and_abstract_or_the_abstract() -> None:
    paper = Paper("0704.0001", "A title", "An abstract.", authors="Somebody")
    assert embedded_text(paper, "title+abstract") == "A title An abstract."
    assert embedded_text(paper, "abstract") == "An abstract."


@pytest.mark.parametrize(
    ("text", "hexadecimal"),
    [("abc", "cf4ab791c62b8d2b2109c90275287816"), ("Schr\u00f6dinger", "65877761f11dba9a2557c09f4d2a0aab")],
)
def test_the_text_hash_is_what_b2sum_gives(text: str, hexadecimal: str) -> None:
    """As `printf TEXT | b2sum -l 128` prints it."""
    assert hash_text(text).hex() == hexadecimal


@pytest.mark.parametrize("identifier", ["1802.05130", "hep-th/9711200"])
def test_a_hit_links_to_its_page(identifier: str) -> None:
    hit = Hit(1, Paper(identifier, "T", ""), 0.9)
    assert hit.url == f"https://arxiv.org/abs/{identifier}"
