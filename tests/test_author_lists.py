"""Lists of authors that are folded all at once are those that are folded one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunacy.author_lists import folded_lists
from lunacy.names import authors_of, folded
from lunacy.snapshot import Snapshot
from lunacy.snapshot.parse import parse
from tests.test_names import FOUND, NOT_FOUND, accented

WORDS = [
    *("Ann", "de", "G.", "GE", "G.E.", "O'Brien", "Li-Na", "Jr.", "MacDuff", "x", "St.J.", "J.-P.", "-B.", "III", "dE"),
    *(
        "Müller",
        "Åse-Ø",
        "Éa",
        "ÉB",
        "e.g",
        "A.Bob",
        ".",
        "..",
        "-",
        "--",
        "a-b-c-d",
        "'",
        "`",
        "´",
        "Aref'eva",
        "D'",
        "x_1",
    ),
    *(
        "2",
        "H2O",
        "Манин",
        "王",
        "ﬁ",
        "，",
        "¨",
        "\u200b",
        "\x07",
        "\x01",
        "\x1f",
        "\n",
        "\xa0",
        "CMS",
        "LHCb",
        "(CERN)",
    ),
    *("{\\'e}", "\\O", "$^1$", "~", "for", "and", "et", "al.", "team", "J", "AND", "Sr", "a" * 200, "a-" * 12),
]
word = st.sampled_from(WORDS) | st.text(accented + "aZ-.'", min_size=1, max_size=6)
authors = st.builds(
    lambda words, separators: "".join(f"{one}{separator}" for one, separator in zip(words, separators, strict=False)),
    st.lists(word, max_size=12),
    st.lists(
        st.sampled_from([" ", " ", " ", ", ", ", ", " and ", ", and ", ",", "; ", ": "]), min_size=12, max_size=12
    ),
)
parsed = st.just("") | st.lists(st.lists(word, min_size=1, max_size=3).map(", ".join), max_size=3).map("; ".join)


def assert_folded(lists: list[str], parsed: list[str]) -> None:
    """Each name once; an empty one says nothing."""
    lists = [" ".join(one.split()) for one in lists]  # as a snapshot is read
    text, ends = folded_lists(lists, parsed)
    assert len(ends) == len(lists)
    begin = 0
    for one, names, end in zip(lists, parsed, ends.tolist(), strict=True):
        lines = text[begin:end].decode()
        assert lines.endswith("\n")
        wanted = filter(None, (folded(name) for name in authors_of(one, names)))
        assert list(dict.fromkeys(line for line in lines[:-1].split("\n") if line.strip())) == list(
            dict.fromkeys(wanted)
        )
        begin = end
    assert begin == len(text)


@given(st.lists(st.tuples(authors, parsed), max_size=5))
def test_any_lists_are_folded_as_one_by_one(papers: list[tuple[str, str]]) -> None:
    assert_folded([one for one, _names in papers], [names for _one, names in papers])


def test_a_line_feed_in_a_list_is_a_space() -> None:
    text, ends = folded_lists(["Ada\nLovelace, Alan\x1fTuring", "É. Galois"], ["", "Galois,\nÉ."])
    assert text.decode() == " ada, lovelace\n alan, turing\n e., galois\n e., galois\n"
    assert ends.tolist() == [29, len(text)]


def test_the_lists_of_the_sample_and_of_all_cases_are_folded_as_one_by_one() -> None:
    with Snapshot(None) as opened:
        papers = [parse(line) for line in opened.lines()]
    cases = [authors for _asked, authors in FOUND + NOT_FOUND]
    assert len(papers) == 2000
    assert_folded([*(one.authors for one in papers), *cases], [*(one.names for one in papers), *("" for _ in cases)])


@pytest.mark.parametrize("empty", [[], [""], ["", "", "Ada Lovelace", ""]])
def test_a_paper_without_authors_has_no_name(empty: list[str]) -> None:
    text, ends = folded_lists(empty, [""] * len(empty))
    assert text.decode().split() == (["ada,", "lovelace"] if "Ada Lovelace" in empty else [])
    assert len(ends) == len(empty)
