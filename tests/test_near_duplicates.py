"""Which papers `--fold` takes for one work: pairs of the kinds that arXiv has, and merging one by one."""

from __future__ import annotations

import numpy as np
import pytest

from lunacy.paper import Paper
from lunacy.search.near_duplicates import Work, merged


def paper(title: str, authors: str = "Ada Lovelace") -> Paper:
    return Paper("2101.00001", title, "x", authors)


@pytest.mark.parametrize(
    ("one", "other", "cosine", "is_same"),
    [
        (paper("MDS Array Codes"), paper("Zigzag Codes: MDS Array Codes"), 0.95, True),
        (paper("MDS Array Codes"), paper("Zigzag Codes: MDS Array Codes"), 0.94, False),
        (paper("Sharp $L^p$ inequalities"), paper("Sharp L^p Inequalities"), 0.7, True),
        (paper("The Physics of Eight Flavours"), paper("The physics of eight flavours"), 0.69, False),
        (paper("Linear Quasigroups. I"), paper("Linear quasigroups. II"), 0.99, False),
        (paper("Caps in PG(4,3)"), paper("Caps in PG(4,2)"), 0.99, False),
        (paper("Top mass with 8.7 fb^{-1}"), paper("Top mass with 9.7 fb$^{-1}$"), 0.99, False),
        (paper("Comment on Article by Berger", "A. Levy"), paper("Comment on Article by Berger", "B. Sun"), 1.0, False),
        (paper("Codes", "Aharon Levy, Y. Li"), paper("On codes", "X. Wang and A. Levy"), 0.96, True),
        (paper("Codes", "Aharon Levy"), paper("On codes", "Moshe Levy"), 0.96, False),
        (paper("Codes", r"J\^erome M\"uller"), paper("On codes", "J. Mueller"), 0.96, True),
        (paper("Spectrum", "CDF Collaboration"), paper("A spectrum", "The D0 Collaboration"), 0.99, False),
        (paper("Codes", ""), paper("Codes", ""), 1.0, False),
    ],
)
def test_a_pair_is_one_work_or_two(one: Paper, other: Paper, cosine: float, is_same: bool) -> None:
    assert Work.of(one).is_same(Work.of(other), cosine) is is_same
    assert Work.of(other).is_same(Work.of(one), cosine) is is_same


def test_merging_in_blocks_is_merging_one_by_one() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 150, 700)  # several blocks; some groups are dense, and their copies merge
    vectors = rng.standard_normal((150, 16))[groups] + 0.1 * rng.standard_normal((700, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    order = rng.permutation(700)
    for k in (5, 90, 700):
        kept: list[int] = []
        copies: dict[int, list[int]] = {}
        for index in order.tolist():
            alike = sorted((-float(vectors[one] @ vectors[index]), place) for place, one in enumerate(kept))
            if alike and -alike[0][0] >= 0.95:
                copies.setdefault(kept[alike[0][1]], []).append(index)
            elif len(kept) < k:
                kept.append(index)
        found, found_copies = merged(order, vectors, k, lambda indexes: [paper(f"{letters(n)} x") for n in indexes])
        assert found.tolist() == kept
        assert found_copies == copies
        assert copies


def test_copies_are_not_sought_in_all_of_a_long_list() -> None:
    vectors = np.eye(2, dtype=np.float32)[np.ones(1_500, np.int64)]
    vectors[[0, 900, 1_400]] = [1, 0]  # copies of the first, near and far; the second fills the list
    found, copies = merged(np.arange(1_500), vectors, 2, lambda indexes: [paper(f"{letters(n)} x") for n in indexes])
    assert found.tolist() == [0, 1]
    assert 900 in copies[0]
    assert 1_400 not in copies[0]


def letters(n: int) -> str:
    """A title of its own without a number."""
    return "".join("abcdefghjk"[int(digit)] for digit in str(n))
