"""Papers whose words mislead: in another language, surveys, with next to no abstract, withdrawn.

`hard_papers.jsonl` has records of arXiv (CC0). Each case has a question, a paper of its field, and papers of
others that it shares only such words with: by words, the first must come before these.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

import lunacy
from lunacy.language import common_words
from lunacy.pipeline import build_lexical
from tests.conftest import FakeEmbedder

RECORDS = Path(__file__).with_name("hard_papers.jsonl")
SURVEYS = ["math/0002020", "math/0011224", "math/0306417", "math/0612724", "1002.1359"]
SHORT = ["astro-ph/9711336", "cs/0509012", "cs/0511018", "cs/0609025", "0709.4655"]
WITHDRAWN = ["physics/9802035", "math/9804078", "astro-ph/9807192", "solv-int/9812018"]
IN_FRENCH = ["math/0501285", "1806.09925", "0806.1156", "1911.11566"]
CASES = [
    ("math/0501285", "1806.09925", IN_FRENCH[2:]),
    ("1806.09925", "math/0501285", IN_FRENCH[2:]),
    ("0806.1156", "cs/0009025", [*IN_FRENCH[:2], IN_FRENCH[3]]),
    ("1911.11566", "1205.4198", IN_FRENCH[:3]),
    ("1610.06095", "1701.02243", SURVEYS),
    ("1912.12378", "2503.17105", SURVEYS),
    ("1101.0921", "math/0312145", SHORT),
    ("1011.3015", "1502.06448", SHORT),
    ("0704.1409", "1503.04269", WITHDRAWN),
]


@pytest.fixture(scope="module")
def ix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lunacy.Index]:
    folder = tmp_path_factory.mktemp("hard") / "index"
    lunacy.build_index(RECORDS, into=folder, embedder=FakeEmbedder())
    build_lexical(folder)
    with lunacy.open_index(folder) as opened:
        yield opened


@pytest.mark.parametrize(("query", "related", "misleading"), CASES)
def test_words_of_a_field_count_more_than_those_of_a_language_or_a_form(
    ix: lunacy.Index, query: str, related: str, misleading: list[str]
) -> None:
    found = [hit.id for hit in ix.similar(query, rank="lexical", top=40, include_withdrawn=True)]
    before = found[: found.index(related)] if related in found else found
    assert related in found
    assert not set(before) & set(misleading)


def test_common_words_are_told_of_other_languages_alone() -> None:
    texts = {
        one["id"]: f"{one['title']} {one['abstract']}" for one in map(orjson.loads, RECORDS.read_bytes().splitlines())
    }
    assert {identifier for identifier, text in texts.items() if common_words(text)} == set(IN_FRENCH)
    assert {"nous", "les", "dans"} <= common_words(texts["math/0501285"])
    assert not common_words("AI on la carte, de Sitter space and the theory of les Houches")
