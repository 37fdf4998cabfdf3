"""arXiv's categories and the filter over them."""

from __future__ import annotations

import pytest

from lunacy.categories import CATEGORIES, category_filter
from lunacy.errors import UnknownCategory
from lunacy.snapshot import Snapshot, parse


@pytest.mark.parametrize(
    ("archive", "n_categories"),
    [
        ("astro-ph", 6),
        ("cond-mat", 9),
        ("cs", 40),
        ("econ", 3),
        ("eess", 4),
        ("math", 32),
        ("nlin", 5),
        ("physics", 22),
        ("q-bio", 10),
        ("q-fin", 9),
        ("stat", 6),
    ],
)
def test_each_archive_has_as_many_categories_as_the_taxonomy(archive: str, n_categories: int) -> None:
    assert sum(category.startswith(f"{archive}.") for category in CATEGORIES) == n_categories


def test_no_category_is_listed_twice() -> None:
    assert len(set(CATEGORIES)) == len(CATEGORIES)


def test_every_category_of_the_sample_is_known() -> None:
    with Snapshot() as sample:
        met = {category for line in sample.lines() for category in parse(line).categories}
    assert met
    assert met <= set(CATEGORIES)


@pytest.mark.parametrize(
    ("patterns", "categories", "kept"),
    [
        (["cs.CL"], ("cs.CL",), True),
        (["cs.CL"], ("cs.IR", "cs.CL"), True),
        (["cs.CL"], ("cs.IR", "cs.LG"), False),
        (["cs.cl"], ("cs.CL",), True),
        (["CS.*"], ("cs.CL",), True),
        (["cs.*"], ("stat.ML", "cs.CL"), True),
        (["cs.*"], ("physics.comp-ph",), False),
        (["cs.*"], (), False),
        (["*"], ("hep-th",), True),
        (["hep-*"], ("hep-th",), True),
        (["hep-th"], ("hep-ph",), False),
        (["math.*"], ("math-ph",), False),
        (["cs.?L"], ("cs.CL",), True),
        (["cs.[AC]L"], ("cs.LG",), False),
        (["stat.*,math.ST"], ("math.ST",), True),
        (["stat.*,math.ST"], ("math.AG",), False),
        (["cs.* stat.ML"], ("stat.ML",), True),
        ([" cs.CL ,\tstat.ML\n"], ("stat.ML",), True),
        (["cs.CL", "hep-th"], ("hep-th",), True),
        (["cond-mat.MES-HALL"], ("cond-mat.mes-hall",), True),
        (["cmp-lg"], ("cmp-lg",), True),
    ],
)
def test_a_paper_is_kept_if_any_category_matches_any_pattern(
    patterns: list[str], categories: tuple[str, ...], kept: bool
) -> None:
    assert category_filter(patterns)(categories) is kept


@pytest.mark.parametrize("patterns", [[], [""], [" , "]])
@pytest.mark.parametrize("categories", [(), ("cs.CL",)])
def test_no_pattern_keeps_every_paper(patterns: list[str], categories: tuple[str, ...]) -> None:
    assert category_filter(patterns)(categories) is True


def test_patterns_may_come_from_a_generator() -> None:
    keep = category_filter(pattern for pattern in ("cs.CL", "hep-th"))
    assert [keep(("cs.CL",)), keep(("hep-th",)), keep(("cs.LG",))] == [True, True, False]


@pytest.mark.parametrize(
    ("pattern", "suggested"),
    [
        ("cs", "cs.*"),
        ("CS", "cs.*"),
        ("math", "math.*"),
        ("q-fin", "q-fin.*"),
        ("physics", "physics.*"),
        ("cs.CLL", "cs.CL"),
        ("stat.MM", "stat.ML"),
        ("hep-tth", "hep-th"),
        ("quantph", "quant-ph"),
        ("physics.optic", "physics.optics"),
    ],
)
def test_an_unknown_category_is_refused_with_near_names(pattern: str, suggested: str) -> None:
    with pytest.raises(UnknownCategory) as caught:
        category_filter([pattern])
    message = str(caught.value)
    assert message.startswith(f"arXiv has no category {pattern!r}; did you mean ")
    assert suggested in message.partition("did you mean ")[2].rstrip("?").split(" or ")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("pattern", ["zzzzzzzzzz", "\u91cf\u5b50", "[", "xx.*"])
def test_an_unknown_category_with_nothing_near_gets_the_taxonomy(pattern: str) -> None:
    with pytest.raises(UnknownCategory, match=r"https://arxiv\.org/category_taxonomy"):
        category_filter([pattern])


def test_one_unknown_among_known_ones_is_refused() -> None:
    with pytest.raises(UnknownCategory, match=r"'cs\.QQ'"):
        category_filter(["cs.CL,cs.QQ", "hep-th"])
