"""Answers as text, in every format, compared letter by letter."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lunacy.answer import Answer, Hit
from lunacy.formats import FORMATS, WITHOUT_NOTES
from lunacy.paper import Paper
from lunacy.render import CSV_COLUMNS, answers, harmless, pairs, papers, size

TWEETS = Paper("1802.05130", "Adverse Drug Reactions", "")
FIRST = Hit(
    1,
    Paper("1802.05121", "Emotions in Tweets", "", "Ada Lovelace", categories=("cs.IR", "cs.CL"), updated="2018-02-14"),
    0.9163654,
)
SECOND = Hit(
    2,
    Paper("hep-th/9711200", 'The "large N", limit', "", "J. M., et al.", categories=("hep-th",)),
    -0.1234567,
)
HITS = [FIRST, SECOND]


def tweets(hits: list[Hit], recall: float | None = None) -> Answer:
    """The answer for the paper."""
    return Answer(hits, papers=(TWEETS,), recall=recall)


def words(hits: list[Hit], asked: str = "a free text") -> Answer:
    """The answer for a text."""
    return Answer(hits, text=asked)


def text(*found: Answer, form: str, width: int = 80, styled: bool = False) -> str:
    return "".join(answers(found, form, width=width, styled=styled))


def query_of(*papers: Paper, text: str | None = None) -> dict[str, object]:
    """As JSON has it."""
    return {"ids": [paper.id for paper in papers], "titles": [paper.title for paper in papers], "text": text}


def titled(title: str, categories: tuple[str, ...] = ("cs.CL",), updated: str = "2018-02-14") -> Hit:
    return Hit(1, Paper("0704.0001", title, "", "A", categories=categories, updated=updated), 0.5)


JSON_OF_ONE = """\
[
  {
    "query": {
      "ids": [
        "1802.05130"
      ],
      "titles": [
        "Adverse Drug Reactions"
      ],
      "text": null
    },
    "ranking": "dense",
    "exact": true,
    "qualified": null,
    "notes": [],
    "hits": [
      {
        "rank": 1,
        "id": "1802.05121",
        "score": 0.916365,
        "title": "Emotions in Tweets",
        "authors": "Ada Lovelace",
        "categories": [
          "cs.IR",
          "cs.CL"
        ],
        "posted": "2018-02",
        "updated": "2018-02-14",
        "withdrawn": false,
        "url": "https://arxiv.org/abs/1802.05121"
      }
    ]
  }
]
"""
RECORD_OF_ONE = (
    '{"query":{"ids":["1802.05130"],"titles":["Adverse Drug Reactions"],"text":null},"ranking":"dense","exact":true,'
    '"qualified":null,"notes":[],"hits":[{"rank":1,"id":"1802.05121","score":0.916365,"title":"Emotions in Tweets",'
    '"authors":"Ada Lovelace","categories":["cs.IR","cs.CL"],"posted":"2018-02","updated":"2018-02-14",'
    '"withdrawn":false,"url":"https://arxiv.org/abs/1802.05121"}]}'
)
RECORD_OF_NONE = (
    '{"query":{"ids":[],"titles":[],"text":"a free text"},"ranking":"dense","exact":true,"qualified":null,"notes":[],'
    '"hits":[]}'
)
CSV_HEAD = (
    "query,rank,id,score,cosine,lexical,title,authors,categories,posted,updated,withdrawn,doi,journal_ref,url,ranking\n"
)
CSV_OF_TWO = f"""\
{CSV_HEAD}\
1802.05130,1,1802.05121,0.916365,,,Emotions in Tweets,Ada Lovelace,cs.IR cs.CL,2018-02,2018-02-14,false,,,https://arxiv.org/abs/1802.05121,dense
1802.05130,2,hep-th/9711200,-0.123457,,,"The ""large N"", limit","J. M., et al.",hep-th,1997-11,,false,,,https://arxiv.org/abs/hep-th/9711200,dense
"""
TABLE_OF_TWO = """\
1802.05130  Adverse Drug Reactions
  1   0.916  1802.05121      Emotions in Tweets
                             Lovelace, 2018  cs.IR cs.CL
                             https://arxiv.org/abs/1802.05121
  2  -0.123  hep-th/9711200  The "large N", limit
                             M., 1997  hep-th
                             https://arxiv.org/abs/hep-th/9711200
     ranked by vectors (dense)
"""


def test_json_of_one_query_is_a_list_too() -> None:
    assert text(tweets([FIRST]), form="json") == JSON_OF_ONE


TOGETHER = Answer([FIRST], papers=(TWEETS, SECOND.paper), text="a free text")


def test_several_papers_and_a_text_have_the_same_form() -> None:
    [record] = json.loads(text(TOGETHER, form="json"))
    assert record["query"] == query_of(TWEETS, SECOND.paper, text="a free text")
    assert {**record, "query": None} == {**json.loads(text(tweets([FIRST]), form="jsonl")), "query": None}
    [record] = json.loads(text(Answer([], papers=(TWEETS,), text="a free text"), form="json"))
    assert record["query"] == query_of(TWEETS, text="a free text")
    [record] = json.loads(text(Answer([], papers=(TWEETS, SECOND.paper)), form="json"))
    assert record["query"] == query_of(TWEETS, SECOND.paper)
    asked = "1802.05130 + hep-th/9711200 + a free text"
    assert text(TOGETHER, form="table").splitlines()[0] == asked
    assert next(csv.DictReader(io.StringIO(text(TOGETHER, form="csv"))))["query"] == asked


NOTED = Answer([], (TWEETS,), ranking="hybrid", n_qualified=1_234, notes=("It was \x1b withdrawn.", "No hit."))


def test_notes_are_in_a_table_and_in_json() -> None:
    assert text(NOTED, form="table").splitlines()[1:] == [
        "     no hits",
        "     It was \ufffd withdrawn.",
        "     No hit.",
    ]
    assert "\x1b[2m     No hit.\x1b[0m\n" in text(NOTED, form="table", styled=True)
    record = json.loads(text(NOTED, form="jsonl"))
    assert record["notes"] == ["It was \x1b withdrawn.", "No hit."]
    assert (record["ranking"], record["qualified"]) == ("hybrid", 1234)
    for form in WITHOUT_NOTES:  # for them they are for standard error
        assert "No hit" not in text(NOTED, form=form)


def test_json_has_what_else_is_known_of_a_hit() -> None:
    paper = replace(
        FIRST.paper,
        title='Schr\\"odinger',
        authors="J. Gar\\c{c}on",
        submitted="2018-01-31",
        doi="10.1/x",
        journal_ref="J. 1",
    )
    hit = Hit(1, paper, 0.5, cosine=0.4, lexical=12.3456789).as_record()
    assert list(hit.items())[:5] == [
        ("rank", 1), ("id", paper.id), ("score", 0.5), ("cosine", 0.4), ("lexical", 12.345679),
    ]  # fmt: skip
    assert (hit["title"], hit["title_unicode"]) == ('Schr\\"odinger', "Schrödinger")
    assert (hit["authors"], hit["authors_unicode"]) == ("J. Gar\\c{c}on", "J. Garçon")
    assert (hit["posted"], hit["doi"], hit["journal_ref"]) == ("2018-02-01", "10.1/x", "J. 1")


def test_a_hit_says_whether_it_is_withdrawn() -> None:
    gone = Hit(1, replace(FIRST.paper, comments="This paper has been withdrawn by the author"), 0.5)
    [record] = json.loads(text(words([gone]), form="json"))
    assert [hit["withdrawn"] for hit in record["hits"]] == [True]


@pytest.mark.parametrize("identifier", ["local:7", "9999.99999x", "math.AG/0601001", "a b"])
def test_a_paper_that_is_not_of_arxiv_has_no_link(identifier: str) -> None:
    hit = Hit(1, Paper(identifier, "T", "", "A"), 0.5)
    assert hit.url == ""
    assert json.loads(text(words([hit]), form="jsonl"))["hits"][0]["url"] is None
    assert next(csv.DictReader(io.StringIO(text(words([hit]), form="csv"))))["url"] == ""
    assert "arxiv.org" not in text(words([hit]), form="table")


@pytest.mark.parametrize("n_queries", [0, 1, 2, 3])
def test_json_of_many_parses_whatever_their_number(n_queries: int) -> None:
    found = [words(HITS, str(number)) for number in range(n_queries)]
    parsed = json.loads(text(*found, form="json"))
    assert [answer["query"] for answer in parsed] == [query_of(text=str(number)) for number in range(n_queries)]
    assert all([hit["rank"] for hit in answer["hits"]] == [1, 2] for answer in parsed)


def test_jsonl_is_an_object_a_line() -> None:
    assert text(tweets([FIRST]), words([]), form="jsonl") == f"{RECORD_OF_ONE}\n{RECORD_OF_NONE}\n"


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_has_null_for_an_unknown_date_and_six_digits(form: str) -> None:
    record = json.loads(text(words([SECOND]), form=form))
    [hit] = (record[0] if form == "json" else record)["hits"]
    assert hit == {
        "rank": 2,
        "id": "hep-th/9711200",
        "score": -0.123457,
        "title": 'The "large N", limit',
        "authors": "J. M., et al.",
        "categories": ["hep-th"],
        "posted": "1997-11",
        "updated": None,
        "withdrawn": False,
        "url": "https://arxiv.org/abs/hep-th/9711200",
    }


def test_csv_is_a_row_a_hit_with_the_query_first() -> None:
    assert text(tweets(HITS), form="csv") == CSV_OF_TWO


def test_csv_of_several_queries_has_one_head() -> None:
    rows = list(csv.reader(io.StringIO(text(tweets(HITS), words([FIRST]), form="csv"))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row[:3] for row in rows[1:]] == [
        ["1802.05130", "1", "1802.05121"],
        ["1802.05130", "2", "hep-th/9711200"],
        ["a free text", "1", "1802.05121"],
    ]


def test_ids_are_one_a_line() -> None:
    assert text(tweets(HITS), words([FIRST]), form="ids") == "1802.05121\nhep-th/9711200\n1802.05121\n"


def test_csv_has_every_score_and_what_else_is_known() -> None:
    paper = replace(FIRST.paper, comments="withdrawn", doi="10.1/x", journal_ref="J. 1")
    hit = Hit(1, paper, 4.5, cosine=0.25, lexical=12.5)
    [row] = csv.DictReader(io.StringIO(text(words([hit]), form="csv")))
    assert (row["score"], row["cosine"], row["lexical"]) == ("4.500000", "0.250000", "12.500000")
    assert (row["withdrawn"], row["doi"], row["journal_ref"]) == ("true", "10.1/x", "J. 1")


def test_csv_of_papers_is_a_row_a_paper_and_each_once() -> None:
    assert "".join(papers([FIRST.paper, FIRST.paper], "csv")) == (
        "id,title,authors,categories,posted,updated,withdrawn,doi,journal_ref,url\n"
        "1802.05121,Emotions in Tweets,Ada Lovelace,cs.IR cs.CL,2018-02,2018-02-14,false,,,"
        "https://arxiv.org/abs/1802.05121\n"
    )


@pytest.mark.parametrize(
    ("ranking", "told"),
    [
        ("dense", "ranked by vectors (dense)"),
        ("hybrid", "ranked by vectors and words (hybrid)"),
        ("lexical", "ranked by words (lexical)"),
    ],
)
def test_each_form_for_people_and_tables_says_by_what_the_hits_are_ranked(ranking: str, told: str) -> None:
    answer = Answer([FIRST], (TWEETS,), ranking=ranking)
    assert text(answer, form="table").endswith(f"\n     {told}\n")
    assert text(answer, form="md").endswith(f"\n\n*{told}*\n")
    assert text(answer, form="csv").endswith(f",{ranking}\n")
    assert json.loads(text(answer, form="jsonl"))["ranking"] == ranking
    assert f"1 hit, {ranking}, exact" in repr(answer)


def test_a_table_says_who_wrote_a_hit_when_and_where_it_is() -> None:
    assert text(tweets(HITS), form="table") == TABLE_OF_TWO


def test_tables_of_several_queries_have_a_blank_line_between() -> None:
    expected = f"{TABLE_OF_TWO}\na free text\n     no hits\n"
    assert text(tweets(HITS), words([]), form="table") == expected


def link(identifier: str) -> str:
    """As terminals know it: OSC 8."""
    return f"\x1b]8;;https://arxiv.org/abs/{identifier}\x1b\\{identifier}\x1b]8;;\x1b\\"


def test_on_a_terminal_the_ids_are_links_and_no_url_is_printed() -> None:
    assert text(tweets([FIRST]), form="table", styled=True).splitlines() == [
        f"\x1b[1m{link('1802.05130')}  Adverse Drug Reactions\x1b[0m",
        f"  1   0.916  {link('1802.05121')}  Emotions in Tweets",
        "\x1b[2m                         Lovelace, 2018  cs.IR cs.CL\x1b[0m",
        "\x1b[2m     ranked by vectors (dense)\x1b[0m",
    ]
    local = Hit(1, Paper("local:7", "T", ""), 0.5)
    assert text(words([local]), form="table", styled=True).splitlines()[1] == "  1   0.500  local:7  T"


LONG = Paper("1802.00001", "Semi-Supervised Recurrent Neural Network for Adverse Drug Reaction Mention Extraction", "")
WRAPPED = """\
1802.00001  Semi-Supervised Recurrent
            Neural Network for Adverse
            Drug Reaction Mention
            Extraction
  1   0.500  1802.00001  Semi-Supervised
                         Recurrent Neural
                         Network for Adverse
                         Drug Reaction
                         Mention Extraction
                         2018
                         https://arxiv.org/abs/1802.00001
     It is withdrawn, and was asked by
     its title.
     ranked by vectors (dense)
"""


def test_a_table_wraps_between_words_and_keeps_links_whole() -> None:
    answer = Answer([Hit(1, LONG, 0.5)], (LONG,), notes=("It is withdrawn, and was asked by its title.",))
    assert text(answer, form="table", width=40) == WRAPPED
    assert max(map(len, text(answer, form="table", width=100).splitlines())) <= 100
    assert len(text(answer, form="table", width=1_000).splitlines()) == 5


def test_wide_characters_count_twice_and_accents_do_not_count() -> None:
    title = "量子計算と機械学習の統計力学" * 3
    shown = text(words([titled(title)]), form="table", width=60).splitlines()
    assert shown[1:4] == [f"  1   0.500  0704.0001  {title[:18]}", f"{'':24}{title[18:36]}", f"{'':24}{title[36:]}"]
    accents = "e\u0301" * 36
    assert text(words([titled(accents)]), form="table", width=60).splitlines()[1].endswith(accents)


def test_tex_is_shown_as_its_characters_and_stays_harmless() -> None:
    hit = Hit(1, Paper("0704.0001", 'Schr\\"odinger on $\\mathbb{R}^2$ \x1b[31m', "", "J. Gar\\c{c}on"), 0.5)
    shown = text(words([hit]), form="table")
    assert "0704.0001  Schrödinger on ℝ² \ufffd[31m\n" in shown
    assert "Garçon, 2007" in shown


def test_a_heading_is_short_whatever_was_asked() -> None:
    many = tuple(Paper(f"1802.{number:05}", "T", "") for number in range(30))
    assert text(Answer([], many), form="table").splitlines()[0] == "30 papers"
    assert text(Answer([], many, text="a\n text"), form="table").splitlines()[0] == "30 papers + a text"
    lines = text(words([], "\\begin{abstract}\nWe  study\n" + "a long text " * 100), form="table", width=40)
    assert lines.splitlines()[0] == "\\begin{abstract} We study a long text..."


def test_scores_stand_in_a_column_whatever_their_size() -> None:
    hits = [Hit(1, FIRST.paper, 1098.25, cosine=0.5, lexical=1098.25), Hit(2, SECOND.paper, 3.5)]
    lines = text(words(hits), form="table").splitlines()
    assert [line[:16] for line in lines if line[:3].strip()] == ["a free text", "  1  1098.250  1", "  2     3.500  h"]
    assert "cosine 0.5  lexical 1098" in text(words(hits), form="table", width=120)


def test_a_hit_that_is_withdrawn_or_has_copies_says_so() -> None:
    gone = Hit(1, replace(FIRST.paper, comments="withdrawn"), 0.5, copies=("0704.0001", "0704.0002"))
    assert "withdrawn  with 0704.0001 0704.0002" in text(words([gone]), form="table", width=200)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("table", "a free text\n     no hits\n"),
        ("jsonl", f"{RECORD_OF_NONE}\n"),
        ("csv", CSV_HEAD),
        ("bibtex", ""),
        ("ris", ""),
        ("csljson", "[]\n"),
        ("md", "## a free text\n\nNo hits.\n"),
        ("ids", ""),
    ],
)
def test_no_hits_are_an_answer_too(form: str, expected: str) -> None:
    assert text(words([]), form=form) == expected


@pytest.mark.parametrize("form", ["jsonl", "table"])
def test_answers_that_are_not_exact_say_how_good_they_are(form: str) -> None:
    shown = text(tweets([FIRST], 0.983), form=form)
    if form == "table":
        assert shown.splitlines()[-1] == "     approximate (--ivf): on average 98.3 % of the true top 10"
    else:
        record = json.loads(shown)
        assert (record["exact"], record["recall"]) == (False, 0.983)


@pytest.mark.parametrize("form", FORMATS)
def test_answers_come_one_by_one(form: str) -> None:
    """The first query's text is there before the second query is asked."""

    def found() -> Iterator[Answer]:
        yield tweets([FIRST])
        raise AssertionError("the second was asked for")

    pieces = answers(found(), form)
    seen = ""
    while "Emotions in Tweets" not in seen and "1802.05121" not in seen:
        seen += next(pieces)


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_unicode_and_latex_stay(form: str) -> None:
    title = "Schrödinger 量子 $\\alpha$ 🎉 naïve"
    shown = text(words([titled(title)]), form=form)
    assert (title.replace("\\", "\\\\") if form.startswith("json") else title) in shown


ESCAPES = {
    "\x1b[31mred": "\ufffd[31mred",
    "\x1b]0;title\x07": "\ufffd]0;title\ufffd",
    "a\rb": "a\ufffdb",
    "a\x08b": "a\ufffdb",
    "a\nb": "a\ufffdb",
    "a\tb": "a\ufffdb",
    "a\x00b": "a\ufffdb",
    "a\x7fb": "a\ufffdb",
    "a\x9b31mb": "a\ufffd31mb",
}
REORDERING = [  # https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
    *(mark for mark in map(chr, range(0x3000)) if unicodedata.bidirectional(mark) in "LRE RLE LRO RLO PDF".split()),
    *(mark for mark in map(chr, range(0x3000)) if unicodedata.bidirectional(mark) in "LRI RLI FSI PDI".split()),
    *("\u061c", "\u200e", "\u200f"),
]


@pytest.mark.parametrize(("evil", "shown"), [*ESCAPES.items(), *((f"a{mark}b", "a\ufffdb") for mark in REORDERING)])
def test_a_table_writes_nothing_that_a_terminal_obeys(evil: str, shown: str) -> None:
    hit = titled(evil, (evil,), "")
    below = (
        f"  1   0.500  0704.0001  {shown}\n{'':24}A, 2007  {shown}  https://arxiv.org/abs/0704.0001\n"
        "     ranked by vectors (dense)\n"
    )
    assert text(Answer([hit], papers=(Paper("0704.0002", evil, ""),)), form="table") == f"0704.0002  {shown}\n{below}"
    asked = shown if len(evil.split()) == 1 else "a b"  # the lines of a text are one
    assert text(words([hit], evil), form="table") == f"{asked}\n{below}"


def test_what_is_hidden_leaves_a_mark() -> None:
    assert harmless("a\x1b[31mb\u202ec\u200bd") == "a\ufffd[31mb\ufffdc\ufffdd"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+2", "'=1+2"),
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\ufffd=1"),
        ("\r=1", "\ufffd=1"),
        ("a=1", "a=1"),
        ("$x$-ray", "$x$-ray"),
    ],
)
def test_a_cell_that_looks_like_a_formula_is_text(cell: str, written: str) -> None:
    [_head, row] = csv.reader(io.StringIO(text(words([titled(cell)], cell), form="csv"), newline=""))
    assert (row[0], row[6]) == (written if cell == cell.strip() else "'=1", written)  # the lines of a text are one


def test_a_negative_score_stays_a_number_in_csv() -> None:
    [row] = csv.DictReader(io.StringIO(text(words([SECOND]), form="csv")))
    assert float(row["score"]) == -0.123457


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([], ""),
        ([("papers", "4")], "papers  4\n"),
        ([("papers", "4"), ("up to", "2018-02-14"), ("a", "")], "papers  4\nup to   2018-02-14\na       \n"),
        ([("folder", "a\x1b[2Jb")], "folder  a\ufffd[2Jb\n"),
    ],
)
def test_pairs_are_aligned(rows: list[tuple[str, str]], shown: str) -> None:
    assert pairs(iter(rows)) == shown


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1499, "1.5 kB"),
        (999_900, "999.9 kB"),
        (999_999, "1.0 MB"),
        (1_500_000, "1.5 MB"),
        (2_000_000_000, "2.0 GB"),
        (999_999_999_999, "1.0 TB"),
        (5_400_000_000_000, "5.4 TB"),
        (1_234_000_000_000_000, "1234.0 TB"),
    ],
)
def test_sizes_are_for_people(n_bytes: int, shown: str) -> None:
    assert size(n_bytes) == shown
