"""How often words that say nothing of a paper mislead: python -m tests.bench.misleading INDEX [N]

Up to N papers of a kind are drawn (300): surveys, those with next to no abstract, and those of which nothing is left
but the notice of their withdrawal. It prints what share of their ten hits is like them in nothing but that, with half
of its 95 % interval. INDEX needs a word index.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import numpy as np

import lunacy
from lunacy.paper import Paper
from lunacy.store import Store
from lunacy.withdrawn import is_withdrawn, says_only_so

RANKS = ("dense", "lexical", "hybrid")
_SHORT = 100  # characters of an abstract
_SURVEY = re.compile(r"\b(surveys?|reviews?|lectures?)\b", re.IGNORECASE)

Misleads = Callable[[Paper, Paper], bool]  # whether a hit, the second, is like the first only so


def is_survey(paper: Paper) -> bool:
    """Whether its title says so."""
    return bool(_SURVEY.search(paper.title)) and not is_withdrawn(paper)


def is_short(paper: Paper) -> bool:
    """Whether it has next to no abstract, though it stands."""
    return len(paper.abstract) < _SHORT and not is_withdrawn(paper)


def is_stub(paper: Paper) -> bool:
    """Whether it was withdrawn, and its abstract says only so."""
    return is_withdrawn(paper) and says_only_so(paper)


def archive(paper: Paper) -> str:
    """Of its first category, as "math"."""
    return paper.categories[0].partition(".")[0] if paper.categories else ""


KINDS: dict[str, tuple[Callable[[Paper], bool], Misleads]] = {
    "surveys: those of another archive": (is_survey, lambda one, hit: is_survey(hit) and archive(one) != archive(hit)),
    "short abstracts: such hits": (is_short, lambda _one, hit: is_short(hit)),
    "withdrawn: hits with short abstracts": (is_stub, lambda _one, hit: len(hit.abstract) < _SHORT),
}


def main() -> None:
    """Print a line a kind: the share of the hits that mislead, by ranking."""
    folder, n = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300
    with Store(folder) as store, store.view() as view:
        papers = {paper.id: paper for paper in view.papers(view.live_rows())}
    with lunacy.open_index(folder) as ix:
        for name, (is_kind, misleads) in KINDS.items():
            ids = sorted(one.id for one in papers.values() if is_kind(one))
            drawn = np.random.default_rng(0).permutation(ids)[:n].tolist()
            shares = []
            for rank in RANKS:
                answers = ix.similar_many(drawn, rank=rank, top=10)
                each = np.array(
                    [
                        np.mean([misleads(papers[one], papers[hit.id]) for hit in hits])
                        for one, hits in zip(drawn, answers, strict=True)
                    ]
                )
                shares.append(f"{rank} {each.mean():.4f} ± {1.96 * each.std() / len(each) ** 0.5:.4f}")
            print(f"{name}, {len(drawn)} of {len(ids):,}: {', '.join(shares)}", flush=True)


if __name__ == "__main__":
    main()
