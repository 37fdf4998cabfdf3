"""What Python shells and notebooks show of an index and its answers, and what may be done with these objects."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import lunacy
from tests.conftest import FakeEmbedder, lines, record

IDS = [f"1802.{n:05}" for n in range(1, 41)]
HOSTILE = "<script>alert('x')</script> & \"q\" \x1b[31m $\\href{javascript:alert(1)}{y}$ \u202etxt"


class Elements(HTMLParser):
    """Names, attributes and text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        assert not any(name.startswith("on") for name, _value in attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of IDS, and of a paper that means ill."""
    base = tmp_path_factory.mktemp("display")
    records = [record(one) for one in IDS]
    ill = record("1803.00001", title=HOSTILE, authors=HOSTILE, categories="cs.CL <b>x</b>", abstract="ill")
    (base / "snapshot.jsonl").write_bytes(lines([*records, ill]))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    return base / "index"


@pytest.fixture
def ix(folder: Path) -> lunacy.Index:
    return lunacy.open_index(folder, embedder=FakeEmbedder())


def test_an_index_shows_its_name_and_size(ix: lunacy.Index, folder: Path) -> None:
    assert repr(ix) == f"<Index '{folder}': 41 papers>"
    ix.close()
    assert repr(ix) == f"<Index '{folder}': the index is closed; open it again>"
    assert ix._repr_html_() is None


def test_a_hit_is_a_line(ix: lunacy.Index) -> None:
    [hit] = ix.similar(IDS[0], top=1, only_ids=IDS[1])
    assert repr(hit) == f"<Hit 1  {hit.score:6.3f}  {IDS[1]}  On paper {IDS[1]}>"
    assert f"{[hit]}" == f"[{hit!r}]"


def test_an_answer_is_a_heading_and_a_line_a_hit(ix: lunacy.Index) -> None:
    answer = ix.similar(IDS[0], top=30)
    head, *shown = repr(answer).splitlines()
    assert head == f"<Answer to '{IDS[0]}': 30 hits, dense, exact>"
    assert [line.split()[0:3:2] for line in shown[:-1]] == [[str(hit.rank), hit.id] for hit in answer[:20]]
    assert shown[-1] == "     and 10 more"
    told = replace(answer, hits=answer.hits[:1], recall=0.98, ranking="hybrid", notes=("It is so.",))
    first, _hit, note = repr(told).splitlines()
    assert first.endswith(": 1 hit, hybrid, approximate, recall 0.980>")
    assert note == "It is so."
    filtered = repr(replace(answer, n_qualified=4000)).splitlines()[0]
    assert filtered == f"<Answer to '{IDS[0]}': 30 hits, dense, exact, of 4,000 papers that the filters admit>"
    long = repr(ix.similar_to_text("word " * 100, top=1)).splitlines()[0]
    assert long == f"<Answer to '{('word ' * 12)}...': 1 hit, dense, exact>"


def test_an_index_in_figures_is_short(ix: lunacy.Index, folder: Path) -> None:
    shown = repr(ix.info())
    assert shown.startswith(f"<Info of {folder}>\npapers      41, 0 of them withdrawn\n")
    assert "categories  cs.CL 41, cs.LG 40" in shown
    assert "fake/model" in shown
    assert "by_month" not in repr(ix.info().summary)


def test_html_has_the_hits_with_links(ix: lunacy.Index) -> None:
    answer = ix.similar(IDS[0], top=3)
    page = Elements(answer._repr_html_())
    assert page.links == [f"https://arxiv.org/abs/{hit.id}" for hit in answer]
    assert page.tags.count("tr") == 1 + 3
    assert {f"On paper {hit.id}" for hit in answer} <= set(page.texts)
    assert Elements(answer[0]._repr_html_()).links == page.links[:1]
    assert "no hits" in Elements(replace(answer, hits=[])._repr_html_()).texts
    assert "41, 0 of them withdrawn" in Elements(ix._repr_html_() or "").texts


def test_a_long_list_of_authors_is_cut(ix: lunacy.Index) -> None:
    [hit] = ix.similar(IDS[0], top=1)
    many = replace(hit, paper=replace(hit.paper, authors=", ".join(f"Jane Doe{n}" for n in range(3000))))
    assert "Doe0 et al." in Elements(many._repr_html_()).texts


def test_what_a_paper_says_is_text_and_nothing_else(ix: lunacy.Index) -> None:
    by_text = ix.similar_to_text("<img src=x onerror=alert(1)>", only_ids="1803.00001")
    by_paper = ix.similar("1803.00001", top=1, include_self=True, only_ids="1803.00001")
    noted = replace(by_paper, notes=("<script>1</script>",))
    plain = {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "a", "br", "small"}
    for shown in (by_text, by_paper, by_paper[0], noted, ix.info()):
        html = shown._repr_html_()
        page = Elements(html)
        assert set(page.tags) <= plain
        assert not any(mark in html + repr(shown) for mark in "\x1b\u202e")
        assert "tex2jax_ignore mathjax_ignore" in html  # or MathJax would run what stands between two $
    text = "".join(Elements(by_paper._repr_html_()).texts)
    assert text.count("<script>alert('x')</script> & \"q\" \N{REPLACEMENT CHARACTER}[31m") == 3  # title, title, authors
    assert "<b>x</b>" in text


def test_an_answer_is_a_sequence_of_its_hits(ix: lunacy.Index) -> None:
    answer = ix.similar(IDS[0], top=5)
    assert isinstance(answer, Sequence)
    assert (len(answer), list(answer), answer[0], answer[1:3]) == (5, answer.hits, answer.hits[0], answer.hits[1:3])
    assert answer[-1] in answer
    assert [hit.rank for hit in reversed(answer)] == [5, 4, 3, 2, 1]
    assert not ix.similar(IDS[0], min_score=1)


def test_equal_questions_have_equal_answers(ix: lunacy.Index) -> None:
    one, other = ix.similar(IDS[0]), ix.similar(f"https://arxiv.org/abs/{IDS[0]}v2")
    assert one == other
    assert one != ix.similar(IDS[1])
    assert len({*one, *other}) == 10
    assert one[0] != replace(one[0], rank=2)


def test_answers_may_be_copied_and_sent_to_other_processes(ix: lunacy.Index) -> None:
    for one in (ix.similar(IDS[0]), ix.similar(IDS[0])[0], ix.paper(IDS[0]), ix.info()):
        assert pickle.loads(pickle.dumps(one)) == one == copy.copy(one) == copy.deepcopy(one)


@pytest.mark.parametrize("asked", [IDS[3], f"arXiv:{IDS[3]}v7", f"https://arxiv.org/pdf/{IDS[3]}", f" {IDS[3]}\n"])
def test_in_asks_whether_the_index_has_a_paper_by_its_id_in_any_form(ix: lunacy.Index, asked: str) -> None:
    assert asked in ix
    assert "1802.99999" not in ix
    assert "no id" not in ix


def test_one_paper_is_asked_for_at_a_time(ix: lunacy.Index) -> None:
    wanted = "paper is of type list; give one id as text, or a list of ids to similar_many or similar_to_all"
    with pytest.raises(lunacy.UsageError) as caught:
        ix.similar(IDS[:2])  # type: ignore[arg-type]
    assert str(caught.value) == wanted


def test_the_records_of_hits_are_rows_of_a_table(ix: lunacy.Index) -> None:
    """As `pandas.DataFrame(answer.as_record()["hits"])` takes them."""
    answer = ix.similar(IDS[0], top=4)
    rows = answer.as_record()["hits"]
    assert isinstance(rows, list)
    assert [row["id"] for row in rows] == [hit.id for hit in answer]
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert {"rank", "score", "title", "authors", "categories", "url"} <= set(rows[0])
