"""arXiv's categories and the filter over them."""

from __future__ import annotations

import pytest

from lunacy.categories import CATEGORIES, category_filter, matching_categories, split_categories, unlisted
from lunacy.errors import UnknownCategory, UsageError
from lunacy.filter import Filter
from lunacy.scope import Scope
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
        (["cs"], ("cs.CL",), True),
        (["CS"], ("stat.ML", "cs.IR"), True),
        (["cs"], ("physics.comp-ph", "cmp-lg"), False),
        (["astro-ph"], ("astro-ph",), True),
        (["astro-ph"], ("astro-ph.GA",), True),
        (["astro-ph.*"], ("astro-ph",), True),
        (["cond-mat.*,hep-th"], ("cond-mat",), True),
        (["math"], ("math-ph",), False),
        (["math"], ("math.MP",), True),
        (["physics"], ("acc-phys",), False),
        (["hep-th.*"], ("hep-th",), True),
        (["cs.CL.*"], ("cs.CL",), True),
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


@pytest.mark.parametrize("categories", [(), ("cs.CL",)])
def test_no_pattern_keeps_every_paper(categories: tuple[str, ...]) -> None:
    assert category_filter([])(categories) is True


@pytest.mark.parametrize("empty", ["", " , "])
def test_an_empty_pattern_is_refused(empty: str) -> None:
    for ask in (category_filter, matching_categories, unlisted, Scope.of, lambda some: Filter(category=tuple(some))):
        with pytest.raises(UsageError, match=f"category '{empty}' is empty; name one, such as cs.CL, or an archive"):
            ask(["cs.CL", empty])  # type: ignore[operator]


def test_an_archive_is_all_its_classes_by_whichever_spelling() -> None:
    """Against the list of categories itself."""
    archives = {category.partition(".")[0] for category in CATEGORIES if "." in category}
    assert {"astro-ph", "cond-mat", "math", "cs", "physics"} < archives
    assert "hep-th" not in archives
    for archive in archives:
        classes = {category for category in CATEGORIES if category.split(".")[0] == archive}
        for pattern in (archive, f"{archive}.*", archive.upper()):
            assert matching_categories([pattern]) == classes
            assert unlisted([pattern]) == []
            for category in CATEGORIES:
                assert category_filter([pattern])((category,)) is (category in classes)
    assert matching_categories(["math"], ["math", "math.XX", "maths"]) == matching_categories(["math.*"]) | {  # type: ignore[operator]
        "math",
        "math.XX",
    }


def test_a_scope_is_the_same_in_another_spelling() -> None:
    assert Scope.of(["CS,hep-TH", "cs.*"]) == Scope.of(["cs.*", "hep-th"]) == Scope(("cs.*", "hep-th"))
    assert str(Scope.of("astro-ph")) == "astro-ph.*"


def test_patterns_may_come_from_a_generator() -> None:
    keep = category_filter(pattern for pattern in ("cs.CL", "hep-th"))
    assert [keep(("cs.CL",)), keep(("hep-th",)), keep(("cs.LG",))] == [True, True, False]


@pytest.mark.parametrize(
    ("pattern", "suggested"),
    [
        ("cs.CLL", "cs.CL"),
        ("phsics", "physics"),
        ("stat.MML", "stat.ML"),
        ("cs.LLG", "cs.LG"),
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
    with pytest.raises(UnknownCategory, match=r"'cs\.QQQ'"):
        category_filter(["cs.CL,cs.QQQ", "hep-th"])


@pytest.mark.parametrize(
    ("pattern", "category", "kept"),
    [
        ("cs.QC", "cs.QC", True),
        ("cs.qc", "cs.QC", True),
        ("cs.QC", "cs.CL", False),
        ("cs.*", "cs.QC", True),
        ("cs.Q*", "cs.QC", True),
        ("cs.[PQ]C", "cs.QC", True),
        ("*", "biology", True),
        ("math.*", "cs.QC", False),
    ],
)
def test_a_category_that_arxiv_does_not_list_yet_is_found_in_a_snapshot(
    pattern: str, category: str, kept: bool
) -> None:
    assert category_filter([pattern])((category,)) is kept


def test_patterns_that_match_nothing_listed_are_told() -> None:
    assert unlisted(["cs.*; cs.QC", "stat.ML", "eess.Q?"]) == ["cs.QC", "eess.Q?"]


PAIRS = ["math.IT cs.IT", "math.MP math-ph", "cs.NA math.NA", "stat.TH math.ST", "cs.SY eess.SY", "q-fin.EC econ.GN"]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_category_stands_for_its_alias_and_a_wildcard_does_not(pair: str) -> None:
    for one, other in (pair.split(), pair.split()[::-1]):
        assert category_filter([one.upper()])((other,)) is True
        assert matching_categories([one]) == {one, other}
        assert category_filter([f"{one[:-1]}[{one[-1]}]"])((other,)) is False


def test_a_pattern_matches_what_an_index_has() -> None:
    present = ["cs.QC", "cs.CL", "biology", "Math.AG|x"]
    assert matching_categories(["cs.qc"], present) == {"cs.QC"}
    assert matching_categories(["BIO*,math.ag|x"], present) == {"biology", "Math.AG|x"}
    assert matching_categories(["cs.*"], present) == matching_categories(["cs.*"]) | {"cs.QC"}  # type: ignore[operator]
    assert matching_categories(["cs.AI"], present) == {"cs.AI"}  # nobody has it: no hit, and no mistake
    assert matching_categories([], present) is None


@pytest.mark.parametrize(("pattern", "suggested"), [("cs.QD", "cs.QC"), ("biologie", "biology")])
def test_what_neither_arxiv_nor_the_index_has_is_refused(pattern: str, suggested: str) -> None:
    with pytest.raises(UnknownCategory, match=f"'{pattern}', nor has the index; did you mean .*{suggested}"):
        matching_categories([pattern], ["cs.QC", "biology"])


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("cs.LG stat.ML", ("cs.LG", "stat.ML")),
        ("cs.LG, stat.ML", ("cs.LG", "stat.ML")),
        ("cs.LG;cs.CL", ("cs.LG", "cs.CL")),
        ("cs.LG,;\n\tstat.ML,", ("cs.LG", "stat.ML")),
        ("CS.lg", ("cs.LG",)),
        ("HEP-TH cond-mat.MES-HALL", ("hep-th", "cond-mat.mes-hall")),
        ("cs.LG CS.LG", ("cs.LG",)),
        ("['cs.LG', 'stat.ML']", ("cs.LG", "stat.ML")),
        ("cs.QC biology @SUM(A1)", ("cs.QC", "biology", "@SUM(A1)")),
        (" , ;", ()),
        ("", ()),
    ],
)
def test_categories_are_split_and_spelled_as_arxiv_does(text: str, categories: tuple[str, ...]) -> None:
    assert split_categories(text) == categories
