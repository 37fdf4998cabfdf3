"""The names of all regions: each different from the others of its level, and from those of the regions around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Vectors
from lunacy.pipeline.mapping.choosing import Label, Names, Options, worth
from lunacy.pipeline.mapping.labels import Candidates, Pairs, Weights, added_up, candidates, count_terms, pairs_of
from lunacy.pipeline.mapping.meanings import Means, fits, meanings_of, unit
from lunacy.pipeline.mapping.phrases import terms_of
from lunacy.pipeline.mapping.title_words import read_titles
from lunacy.pipeline.mapping.wording import written
from lunacy.progress import Progress, Report


@dataclass(frozen=True, slots=True)
class Labels:
    """Those of a level."""

    labels: Sequence[Label]
    have: npt.NDArray[np.bool_]  # (n,): whether each paper has the term of its region


def labels_of(
    papers: Sequence[Rows],
    titles: Sequence[str],
    categories: Sequence[str],
    numbers: Rows,
    vectors: Iterable[Vectors],
    progress: Report,
) -> list[Labels]:
    """Of the regions of each level. `papers`: (n,) at each level, the region of each paper; `numbers`: its category."""
    words = read_titles(titles, progress)
    terms = terms_of(words, len(titles), progress)
    progress(Progress("naming the regions of the map"))
    pairs = pairs_of(words, terms, categories, numbers)
    around = [np.zeros(int(papers[0].max()) + 1, np.int64)]  # of each region: that of the level before
    for outer, inner in pairwise(papers):
        around.append(np.zeros(int(inner.max()) + 1, np.int64))
        around[-1][inner] = outer
    best = _best(papers, around, pairs)
    wanted = np.unique(np.concatenate([one.terms for one in best]))
    text_of = dict(enumerate(pairs.names, pairs.n_of_titles))
    text_of |= written(words, terms, wanted[wanted < pairs.n_of_titles])
    texts = [text_of[term] for term in wanted.tolist()]  # from here on terms are numbered as these
    pairs = pairs.of_terms(wanted)
    meanings = meanings_of(vectors, pairs, papers[-1])
    sums = [meanings.regions]
    for level in reversed(range(1, len(papers))):
        sums.append(added_up(sums[-1], around[level], len(around[level - 1])))
    found: list[Labels] = []
    above: list[tuple[str, ...]] = []  # of each region: the labels of those that it lies in
    for of_papers, lies_in, of_level, of_regions in zip(papers, around, best, reversed(sums), strict=True):
        progress(Progress("naming the regions of the map", len(found), len(papers)))
        known = [(*before, one.text) for before, one in zip(above, found[-1].labels, strict=True)] if found else [()]
        above = [known[one] for one in lies_in.tolist()]
        of_level = Candidates(of_level.regions, np.searchsorted(wanted, of_level.terms), of_level.weights)
        suited = fits(unit(of_regions), of_level.regions, meanings.terms, of_level.terms)
        labels = _level(_options(of_level, suited, texts, above), meanings.terms, Names(categories))
        found.append(Labels(labels, _have(labels, of_papers, pairs)))
    return found


def _best(papers: Sequence[Rows], around: Sequence[Rows], pairs: Pairs) -> list[Candidates]:
    """The candidates of each level."""
    counts = [count_terms(pairs, papers[-1])]
    for level in reversed(range(len(papers))):
        counts.append(added_up(counts[-1], around[level], len(around[level - 1]) if level else 1))
    counts.reverse()  # of all papers, then of each level
    return [
        candidates(inner, np.bincount(papers[level]), outer, around[level], pairs, level)
        for level, (outer, inner) in enumerate(pairwise(counts))
    ]


def _options(
    best: Candidates, suited: Weights, texts: Sequence[str], above: Sequence[tuple[str, ...]]
) -> list[Options]:
    """Of each region of a level."""
    order = np.lexsort((best.terms, -worth(best.weights, suited), best.regions))
    bounds = np.searchsorted(best.regions, np.arange(len(above) + 1)).tolist()
    found = []
    for (start, end), around in zip(pairwise(bounds), above, strict=True):
        held = order[start:end]
        terms = best.terms[held]
        found.append(Options(terms, [texts[one] for one in terms.tolist()], best.weights[held], suited[held], around))
    return found


def _level(regions: Sequence[Options], means: Means, names: Names) -> list[Label]:
    """The labels of one level; those regions choose first that know best what they are called."""
    urgency = [worth(one.weights[:1], one.fits[:1]).sum() for one in regions]
    labels = [Label("")] * len(regions)
    taken: set[str] = set()
    for at in sorted(range(len(regions)), key=urgency.__getitem__, reverse=True):
        labels[at] = regions[at].label(means, names, taken)
        taken.add(labels[at].text.casefold())
    return labels


def _have(labels: Sequence[Label], of_papers: Rows, pairs: Pairs) -> npt.NDArray[np.bool_]:
    """As `Labels.have`."""
    have = np.zeros(len(of_papers), np.bool_)
    term_of = np.array([one.term for one in labels])
    have[pairs.papers[pairs.terms == term_of[of_papers[pairs.papers]]]] = True
    return have
