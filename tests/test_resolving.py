"""References of the wild find their papers, and no others: by id, DOI, title, or a title with a slip."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

import lunacy
from lunacy.paper import Paper
from lunacy.query.references import Resolved, resolve
from lunacy.references import Reference, read_draft
from lunacy.references.bibtex import references_of_bibtex
from lunacy.references.plain import reference_of_text
from lunacy.snapshot import Snapshot, parse
from tests.bench.references import entry, styled
from tests.conftest import FakeEmbedder, lines, record

ODD = Path(__file__).parent / "cases" / "odd.bib"


@pytest.fixture(scope="module")
def papers() -> list[Paper]:
    """Those of the sample that ODD means, and many others."""
    meant = {one.key.partition(":")[2].replace(".", "/") for one in read_draft(ODD).references}
    with Snapshot() as sample:
        found = [parse(line) for line in sample.lines()]
    return [one for place, one in enumerate(found) if one.id.replace(".", "/") in meant or place % 8 == 0]


@pytest.fixture(scope="module")
def ix(papers: list[Paper], tmp_path_factory: pytest.TempPathFactory) -> Iterator[lunacy.Index]:
    base = tmp_path_factory.mktemp("resolving")
    wanted = {one.id for one in papers}
    with Snapshot() as sample:
        raw = [line.raw for line in sample.lines() if orjson.loads(line.raw)["id"] in wanted]
    (base / "snapshot.jsonl").write_bytes(b"\n".join(raw))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    lunacy.build_lexical(base / "index")
    with lunacy.open_index(base / "index", embedder=FakeEmbedder()) as index:
        yield index


def resolved(ix: lunacy.Index, references: list[Reference]) -> list[Resolved]:
    with ix.view() as view:
        return resolve(view, references)


def test_odd_entries_find_their_papers_and_no_others(ix: lunacy.Index) -> None:
    references = list(read_draft(ODD).references)
    found = resolved(ix, references)
    assert len(found) == len(references) > 100
    for one in found:
        meant = one.reference.key.partition(":")[2]
        assert (one.paper.id.replace("/", ".") if one.paper else "none") == meant, one
        assert bool(one.how) == bool(one.paper) != bool(one.why_not)
    assert {one.how for one in found} == {"id", "DOI", "title", "near title", ""}


def test_titles_in_other_braces_case_and_accents_find_their_papers(ix: lunacy.Index, papers: list[Paper]) -> None:
    chance = random.Random(0)
    entries = [entry(one, styled(one.title, chance), years_later=chance.randrange(3)) for one in papers]
    found = resolved(ix, references_of_bibtex("\n".join(entries)))
    assert [one.paper and one.paper.id for one in found] == [one.id for one in papers]


def test_a_slip_in_a_title_is_forgiven_where_author_and_year_agree(ix: lunacy.Index, papers: list[Paper]) -> None:
    chance = random.Random(0)
    long = [one for one in papers if len(one.title) > 40][:100]
    slips = []
    for one in long:
        place = chance.randrange(1, len(one.title))
        slips.append(entry(one, one.title[:place] + one.title[place + 1 :]))
    found = resolved(ix, references_of_bibtex("\n".join(slips)))
    assert all(one.paper is None or one.paper.id == paper.id for one, paper in zip(found, long, strict=True))
    assert sum(one.paper is not None for one in found) >= 95
    others = [slip.replace("author = {", "author = {Nobody, N. and ").replace("year = ", "year = 18") for slip in slips]
    assert not any(one.paper for one in resolved(ix, references_of_bibtex("\n".join(others))))


def test_a_reference_in_words_finds_the_paper_whose_title_and_author_it_has(ix: lunacy.Index) -> None:
    texts = {
        "H. Ooguri and N. Sasakura, Discrete and continuum approaches to three-dimensional quantum gravity, 1991": True,
        'Baez, J. (1993). "Quantum gravity and the algebra of tangles." Class. Quantum Grav. 10, 673': True,
        "N. Body, Quantum gravity and the algebra of tangles (2020)": False,
        "J. Baez, Quantum gravity and knots, 1993": False,
        # as PDFs have them: without ligatures, and with words that lost their spaces
        "John C. Baez. 1993. Quantum gravity and the algebra of tangle. In Class. Quantum Grav.": True,
        "H.OoguriandN.Sasakura.1991.DiscreteandContinuum approachestothree-dimensional quantumgravity.Mod.Phys.": True,
        "J. Body. 1993. Quantum gravity and the algebra of tangle. In Class. Quantum Grav.": False,
    }
    found = resolved(ix, [reference_of_text("line 1", "", text) for text in texts])
    assert [one.paper is not None for one in found] == list(texts.values())


def test_of_papers_with_one_title_and_author_the_year_tells_which_is_meant(tmp_path: Path) -> None:
    title = "Learning to rank for information retrieval"
    years = {"1001.0690": 2010, "0901.0509": 2009}
    records = [record(one, title=title, authors="Tie-Yan Liu") for one in years]
    (tmp_path / "snapshot.jsonl").write_bytes(lines(records))
    lunacy.build_index(tmp_path / "snapshot.jsonl", into=tmp_path / "ix", embedder=FakeEmbedder())
    with lunacy.open_index(tmp_path / "ix", embedder=FakeEmbedder()) as ix:
        for year in (2008, 2009, 2010):
            text = f"Tie-Yan Liu. {year}. {title}. Foundations and Trends"
            book = f"@book{{a, author={{Liu, Tie-Yan}}, title={{{title}}}, year={year}}}"
            references = [reference_of_text("line 1", "", text), *references_of_bibtex(book)]
            meant = {value: key for key, value in years.items()}.get(year)
            assert [one.paper and one.paper.id for one in resolved(ix, references)] == [meant, meant]


def test_an_index_without_words_finds_exact_titles(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(lines([record("1401.0001", title="A title of more than twenty letters")]))
    lunacy.build_index(tmp_path / "s.jsonl", into=tmp_path / "ix", embedder=FakeEmbedder())
    text = "@a{x, title={{A} Title of more than {T}wenty letters}}\n@b{y, title={A title of more than twenty leters}}"
    with lunacy.open_index(tmp_path / "ix", embedder=FakeEmbedder()) as ix:
        found = resolved(ix, references_of_bibtex(text))
    assert [one.how for one in found] == ["title", ""]
    assert found[1].why_not == "no paper in the index has this title"
