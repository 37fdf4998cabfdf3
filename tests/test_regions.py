"""The regions of the map: papers made up so that it is known where they lie, and what they must be called."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lunacy.categories import CATEGORIES
from lunacy.category_names import CATEGORY_NAMES, short_names
from lunacy.pipeline.mapping import regions
from lunacy.pipeline.mapping.choosing import Names
from lunacy.pipeline.mapping.density import density_of
from lunacy.pipeline.mapping.merging import Hills, levels_of
from lunacy.pipeline.mapping.phrases import terms_of
from lunacy.pipeline.mapping.title_words import read_titles
from lunacy.pipeline.mapping.wording import written
from lunacy.progress import Progress, Report, no_report
from lunacy.region import Region

PHRASES = (
    "black holes", "quantum key distribution", "graph neural networks", "neutron stars", "Lie algebras", "dark matter",
    "random walks", "QCD", "Bose-Einstein condensates", "speech recognition",
)  # fmt: skip
BEFORE = "On, Rotating, Efficient, A survey of, Entropy and, Novel approach to, Towards, Dynamics of, Optimal".split(
    ", "
)
BEHIND = "in two dimensions, using entropy, via sampling, with noise, : a review, for beginners, at low cost".split(
    ", "
)
A_CLUSTER = 60  # papers
APART = (pytest.approx(0, abs=0.05), pytest.approx(1, abs=0.05))  # a share: nearly none, or all
Made = tuple[np.ndarray, list[str], list[str]]


def clusters(seed: int = 0, *, category: str = "") -> Made:
    """A round cluster of papers for each phrase, on a grid of five by two, far from each other."""
    rng = np.random.default_rng(seed)
    positions, titles = [], []
    for at, phrase in enumerate(PHRASES):
        middle = np.array([0.1 + 0.2 * (at % 5), 0.3 + 0.4 * (at // 5)])
        positions.append(middle + 0.03 * rng.standard_normal((A_CLUSTER, 2)))
        titles += [f"{rng.choice(BEFORE)} {phrase} {rng.choice(BEHIND)}" for _ in range(A_CLUSTER)]
    return np.concatenate(positions).astype(np.float32), titles, [category] * len(titles)


def regions_of(
    positions: np.ndarray, titles: list[str], categories: list[str], progress: Report = no_report
) -> tuple[Region, ...]:
    """With places as vectors: papers that are alike lie together."""
    blocks = (positions[start : start + 100] for start in range(0, len(positions), 100))
    return regions.regions_of(positions, titles, categories, blocks, progress=progress)


def cluster_of(region: Region) -> int:
    """The one whose middle is next."""
    return int(np.rint((region.x - 0.1) / 0.2)) + 5 * int(np.rint((region.y - 0.3) / 0.4))


def test_regions_have_the_phrases_of_their_papers_as_labels() -> None:
    positions, titles, categories = clusters()
    found = regions_of(positions, titles, categories)
    assert {(one.level, one.n_papers) for one in found} == {(0, A_CLUSTER)}
    assert {cluster_of(one): one.label for one in found} == {
        at: phrase[0].upper() + phrase[1:] for at, phrase in enumerate(PHRASES)
    }


def test_a_label_stands_where_papers_are() -> None:
    positions, titles, categories = clusters()
    near = np.hypot(*(positions[:, None] - positions).T) < 0.03
    for one in regions_of(positions, titles, categories):
        of_label = np.count_nonzero(np.hypot(*(positions - np.float32([one.x, one.y])).T) < 0.03)
        mine = slice(A_CLUSTER * cluster_of(one), A_CLUSTER * (cluster_of(one) + 1))
        assert of_label >= np.median(near[mine].sum(axis=1))


def test_the_label_of_a_ring_stands_on_it() -> None:
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 200)
    ring = (0.5 + 0.3 * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)
    [one] = regions_of(ring[:59], ["Black holes in space"] * 59, [""] * 59)
    assert abs(np.hypot(one.x - 0.5, one.y - 0.5) - 0.3) < 1e-3


def test_the_order_of_the_papers_changes_nothing() -> None:
    positions, titles, categories = clusters()
    order = np.random.default_rng(1).permutation(len(titles))
    found = regions_of(positions, titles, categories)
    again = regions_of(positions[order], [titles[at] for at in order], [categories[at] for at in order])
    assert found == again == regions_of(positions, titles, categories)


def test_each_level_has_four_times_as_many_regions_with_labels_of_their_own() -> None:
    rng = np.random.default_rng(0)
    positions = rng.random((5_000, 2), np.float32)
    areas = [int(x * 8) * 8 + int(y * 8) for x, y in positions.tolist()]  # each with words of its own
    titles = [f"{rng.choice(BEFORE)} {'abcdefgh'[area // 8]}ubo {'abcdefgh'[area % 8]}ipa theory" for area in areas]
    found = regions_of(positions, titles, [""] * len(titles))
    by_level = [[one for one in found if one.level == level] for level in range(3)]
    assert [len(one) for one in by_level] == [10, 40, 160] or len(by_level[2]) < 160  # what has no label is left out
    for level in by_level:
        labels = [one.label.casefold() for one in level]
        assert len(set(labels)) == len(labels)
    for outer, inner in pairwise(by_level):
        assert {one.n_papers for one in outer}.isdisjoint({0})
        assert sum(one.n_papers for one in inner) <= len(titles)


def test_each_region_lies_within_one_of_the_level_before() -> None:
    positions = np.random.default_rng(0).random((2_000, 2), np.float32)
    density = density_of(positions)
    levels = levels_of(Hills(density, [np.zeros(2_000, np.int64)]), density, [5, 20, 80], no_report)
    assert [len(np.unique(level)) for level in levels] == [5, 20, 80]
    for outer, inner in pairwise(levels):
        assert len({*zip(outer.tolist(), inner.tolist(), strict=True)}) == len(np.unique(inner))


def test_a_border_goes_where_papers_lie_thinly_and_where_categories_differ() -> None:
    rng = np.random.default_rng(0)
    positions = rng.random((2_000, 2), np.float32)
    in_valley = np.abs(positions[:, 0] - 0.3) < 0.06  # it is not in the middle
    positions = positions[~in_valley | (rng.random(2_000) < 0.05)]
    no_categories = np.full(len(positions), -1)
    density = density_of(positions)
    [of_hills] = levels_of(Hills(density, [no_categories]), density, [2], no_report)
    assert np.mean((positions[:, 0] > 0.3) == of_hills[density.of_papers]) in APART
    evenly = rng.random((2_000, 2), np.float32)
    density, categories = density_of(evenly), (evenly[:, 1] > 0.35).astype(np.int64)
    [of_hills] = levels_of(Hills(density, [categories]), density, [2], no_report)
    assert np.mean(categories == of_hills[density.of_papers]) in APART


def test_regions_are_named_by_the_category_where_most_papers_of_it_are() -> None:
    positions, titles, _none = clusters()
    titles = [f"Letter {at}" if at < A_CLUSTER * 3 // 4 else one for at, one in enumerate(titles)]
    categories = ["hep-th" if at < A_CLUSTER else "math.PR" for at in range(len(titles))]
    first = next(one for one in regions_of(positions, titles, categories) if cluster_of(one) == 0)
    assert first.label == "High Energy Theory"
    assert "black holes" in first.terms


def halves() -> np.ndarray:
    """Vectors: those of one half of the first cluster differ from the other, and from all others."""
    vectors = np.zeros((len(PHRASES) * A_CLUSTER, 3), np.float32)
    vectors[: A_CLUSTER // 2, 0] = vectors[A_CLUSTER // 2 : A_CLUSTER, 1] = vectors[A_CLUSTER:, 2] = 1
    return vectors


def test_of_terms_of_as_many_titles_that_is_the_label_which_stands_for_all_of_the_region() -> None:
    positions, titles, categories = clusters()
    for at in range(A_CLUSTER):
        titles[at] = f"Letter {at} on {'quasars' if at < 20 else 'comets' if at < 40 else ''}"
    found = regions.regions_of(positions, titles, categories, [halves()])
    [first] = [one for one in found if cluster_of(one) == 0]
    assert (first.label, first.terms[0]) == ("Comets", "quasars")


def test_a_region_of_two_subjects_has_the_names_of_both() -> None:
    positions, _titles, _none = clusters()
    subjects = ["math.NT"] * (A_CLUSTER // 2) + ["quant-ph"] * (A_CLUSTER // 2)
    categories = subjects + ["gr-qc"] * (len(positions) - A_CLUSTER)
    found = regions.regions_of(positions, [""] * len(positions), categories, [halves()])
    assert {one.label for one in found} == {"Number Theory and Quantum Physics", "General Relativity"}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("Combinatorics", "trees", "Combinatorics and trees"),
        ("Combinatorics", "Number Theory", "Combinatorics and Number Theory"),
        ("Lie algebras", "cluster algebras", "Lie and cluster algebras"),
        ("High Energy Physics", "Nuclear Physics", "High Energy and Nuclear Physics"),
        ("algebras", "Lie algebras", ""),
        ("networks", "Networking", ""),
        ("Mathematics", "Combinatorics", ""),  # it is a part
        ("Mathematics", "trees", ""),
        ("Number Theory", "Graph Theory", ""),
        ("Computation and Language", "trees", ""),
    ],
)
def test_two_terms_are_joined_if_each_says_something(one: str, other: str, both: str) -> None:
    assert Names(["math.CO", "math.NT", "hep-th", "nucl-th", "cs.NI", "cs.CL"]).joined(one, other) == both


def test_what_is_broader_than_a_name_is_no_label_within_it() -> None:
    names = Names(["math.CO", "cs.NI"])
    assert names.is_within("Mathematics", ["Networking", "Combinatorics and trees"])
    assert not names.is_within("Mathematics", ["Networking"])
    assert not names.is_within("Combinatorics", ["Mathematics"])


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_few_papers_have_a_region(n: int) -> None:
    positions = np.random.default_rng(0).random((n, 2), np.float32)
    [one] = regions_of(positions, ["Black holes"] * n, ["gr-qc"] * n)
    assert (one.level, one.n_papers, one.label) == (0, n, "Black holes" if n > 1 else "General Relativity")
    assert [one.x, one.y] in positions.tolist()


def test_no_papers_have_none() -> None:
    assert regions_of(np.zeros((0, 2), np.float32), [], []) == ()


def test_papers_in_one_place_are_one_region() -> None:
    positions = np.full((500, 2), 0.25, np.float32)
    [one] = regions_of(positions, ["On random walks and graphs", "On random walks in trees"] * 250, [""] * 500)
    assert (one.x, one.y, one.n_papers, one.label) == (0.25, 0.25, 500, "Random walks")


def test_without_words_regions_have_the_names_of_categories() -> None:
    positions, titles, _none = clusters()
    categories = [["math.NT", "cs.CL"][at % 2] for at in range(len(titles))]  # half of the papers of each region
    labels = {one.label for one in regions_of(positions, [""] * len(titles), categories)}
    assert labels == {"Number Theory", "Computation and Language", "Mathematics", "Computer Science"}


def test_papers_without_words_and_categories_have_no_region() -> None:
    positions, titles, categories = clusters()
    assert regions_of(positions, [""] * len(titles), categories) == ()


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("Les trous noirs et la relativité", "Trous noirs"),
        ("Die schwarzen Löcher und die Theorie", "Schwarzen Löcher"),
        ("量子力学的研究", "量子力学的研究"),
        (r"A note on Schr\"odinger operators in $L^2(\mathbb{R})$", "Schrödinger operators"),
        ("The anti-de Sitter space", "Anti-de Sitter space"),
        ("Notes on massive MIMO in theory", "Massive MIMO"),
        ("On p-adic groups and their theory", "p-adic groups"),
        ("Notes on mRNA vaccines in theory", "mRNA vaccines"),
        ("ON GAUGE THEORIES", "Gauge theories"),
    ],
)
def test_labels_are_as_people_write_them(title: str, label: str) -> None:
    positions, titles, categories = clusters()
    titles = [title if at < A_CLUSTER else one for at, one in enumerate(titles)]
    first = next(one for one in regions_of(positions, titles, categories) if cluster_of(one) == 0)
    assert first.label == label


@pytest.mark.parametrize("n", [3, 59, 350, 1_200])
def test_odd_titles_and_places_fail_nothing(n: int) -> None:
    rng = np.random.default_rng(n)
    pieces = [*"abc XYZ-/'’{}$\\^_0123456789äßéΩ量子и\u0301\u200b\x00\t,;:()=₂ﬁ", r"\alpha", "$x^2$"]
    pieces += [" of ", "black-hole ", "a" * 300]
    titles = ["".join(rng.choice(pieces, rng.integers(0, 30))) for _ in range(n)]
    positions = np.round(rng.random((n, 2)) * 4).astype(np.float32) / 4  # 25 places, some of them on the edge
    found = regions_of(positions, titles, rng.choice(["", "hep-th", "none", "math.NT"], n).tolist())
    assert all(0 < len(one.label) <= 40 for one in found)
    assert {(one.x, one.y) for one in found} <= {*map(tuple, positions.tolist())}
    labels = [(one.level, one.label.casefold()) for one in found]
    assert len(set(labels)) == len(labels)


def phrases_of(titles: list[str]) -> set[str]:
    words = read_titles(titles, no_report)
    terms = terms_of(words, len(titles), no_report)
    return {*written(words, terms, np.arange(len(terms.n_words))).values()}


def test_phrases_are_whole_and_not_there_by_chance() -> None:
    rng = np.random.default_rng(0)
    nouns = "quasars, trees, glaciers, lasers, enzymes, comets, prices, violins".split(", ")
    titles = [f"Graph neural networks for {rng.choice(nouns)}" for _ in range(40)]
    titles += [f"Internet of things and the {one} of {other}" for one in nouns for other in nouns]
    titles += [f"The {one} {other}" for one in nouns for other in nouns]  # no two stand together more than all others
    found = phrases_of(titles)
    assert {"graph neural networks", "internet of things", *nouns} <= {one.lower() for one in found}
    assert not {"graph neural", "neural networks", "neural", "internet of", "things"} & {one.lower() for one in found}
    assert {one for one in found if len(one.split()) > 1 and one.split()[0].lower() in nouns} == set()


def test_words_that_say_nothing_are_in_no_phrase() -> None:
    found = phrases_of(["A new approach to spin glasses using neural networks via sampling"] * 5)
    assert found == {"spin glasses", "neural networks", "sampling"}


def test_no_phrase_ends_with_a_participle_or_an_adverb() -> None:
    found = phrases_of(["Algebras finitely generated in speed", "Generated trees"] * 5)
    assert {one.lower() for one in found} == {"algebras", "speed", "generated trees"}


def test_terms_are_written_as_most_do_where_they_stand_alone_with_the_capitals_of_sentences() -> None:
    titles = ["A black hole spectrum", "Two Black Holes", "Of black holes", "A Black Hole", "On the Black Hole Mass"]
    titles += ["On black-hole entropy and CMBs", "Lensing of the CMB", "The CMB"] * 2
    found = phrases_of(titles)
    assert {"black holes", "CMB"} <= found
    assert {one.lower() for one in found} == {one.lower() for one in found} - {"black hole", "black-hole", "cmbs"}


def test_each_category_has_a_name_that_fits_the_map() -> None:
    assert {*CATEGORIES} == {*CATEGORY_NAMES}
    for category in CATEGORIES:
        assert short_names(category)
        assert all(0 < len(one) <= 32 for one in short_names(category))
    assert short_names("hep-th") == ("High Energy Theory", "High Energy Physics")
    assert short_names("cs.CV") == ("Computer Vision", "Computer Science")
    assert short_names("cs.XX") == ("Computer Science",)
    assert short_names("none") == short_names("") == ()


def test_progress_is_told() -> None:
    told: list[Progress] = []
    regions_of(*clusters(), progress=told.append)
    assert len({one.doing for one in told}) >= 4
