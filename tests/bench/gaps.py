"""How many references that are hidden from a draft `lunacy gaps` finds: python -m tests.bench.gaps INDEX CITATIONS.tsv

Of the references of each citing paper a fifth is hidden; the rest, and title and abstract of the citing paper, are the
draft. With `--folds 5` each fifth is hidden once. `--parts` measures parts of a draft too. INDEX must have titles, by
which near-copies are told, and a word index. Where it has titles alone (as of paperscape-data), "." is each abstract.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from lunacy.bench.judgements import read_qrels
from lunacy.paper import Paper
from lunacy.query import Index, open_index
from lunacy.query.gaps import find_gaps
from lunacy.question import Question
from lunacy.references import Draft, Reference
from tests.bench.readers import Group, by_draft

CUTS = (20, 50)
BASE = "lunacy query --text"
Found = dict[int, list[float]]  # of a draft: how many were found at each of CUTS, and how many were hidden


def main() -> None:
    """Print a line a way to ask."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gaps")
    parser.add_argument("index")
    parser.add_argument("citations", type=Path)
    parser.add_argument("--drafts", type=int, default=300)
    parser.add_argument("--folds", type=int, default=1)
    parser.add_argument("--parts", action="store_true")
    asked = parser.parse_args()
    found = defaultdict[str, Found](lambda: defaultdict(lambda: [0.0] * (len(CUTS) + 1)))
    with open_index(asked.index) as ix:
        with ix.view() as view:
            papers: list[Paper] = view.papers(np.arange(view.n_papers))
        for group in by_draft(papers, read_qrels(asked.citations), asked.drafts, asked.folds):
            [case] = group.cases
            hidden = {papers[row].id for row in case.wanted.tolist()}
            for name, ids in lists_of(ix, papers, group, asked.parts).items():
                sums = found[name][case.query]
                for place, cut in enumerate(CUTS):
                    sums[place] += len(hidden.intersection(ids[:cut]))
                sums[-1] += len(hidden)
    report(found, len(papers))


def lists_of(ix: Index, papers: list[Paper], group: Group, parts: bool) -> dict[str, list[str]]:
    """The ids that are listed for a draft, by how it is asked."""
    [case] = group.cases
    citing = papers[case.query]
    shown = tuple(Reference("", papers[row].id, ids=(papers[row].id,)) for row in case.liked.tolist())
    ways = {"lunacy gaps": Draft(shown, citing.title, citing.abstract, group.until)}
    if parts:
        ways["lunacy gaps, of references alone"] = Draft(shown, citing.title, "", group.until)
        ways["lunacy gaps, of the abstract alone"] = Draft((), citing.title, citing.abstract, group.until)
    lists = {name: [gap.hit.id for gap in find_gaps(ix, draft, top=CUTS[-1]).gaps] for name, draft in ways.items()}
    left_out = [citing.id, *(one.key for one in shown)]
    text = f"{citing.title} {citing.abstract}"
    for name, rank in ((BASE, "dense"), (f"{BASE} --rank hybrid", "hybrid")):
        answer = ix.ask(Question(text=text, top=CUTS[-1], until=group.until, not_ids=left_out, rank=rank))
        lists[name] = [hit.id for hit in answer.hits]
    return lists


def report(found: dict[str, Found], n_papers: int) -> None:
    """Print recall, the mean over drafts, and how many times that of BASE it is, with 95 % of the bootstrap."""
    recalls = {}
    for name, drafts in found.items():
        sums = np.array(list(drafts.values()))  # (n, cuts + 1)
        recalls[name] = sums[:, :-1] / sums[:, -1:]
    base = recalls[BASE]
    drawn = np.random.default_rng(0).integers(0, len(base), (2000, len(base)))
    print(f"{len(base)} drafts among {n_papers:,} papers; in brackets: 95 % of the bootstrap over drafts")
    for name, values in recalls.items():
        low, high = np.percentile(values[drawn, 0].mean(axis=1), (2.5, 97.5))
        less, more = np.percentile(values[drawn, 0].mean(axis=1) / base[drawn, 0].mean(axis=1), (2.5, 97.5))
        print(
            f"{name:36} recall@20 {values[:, 0].mean():.3f} [{low:.3f}, {high:.3f}]  @50 {values[:, 1].mean():.3f}  "
            f"{values[:, 0].mean() / base[:, 0].mean():.2f} [{less:.2f}, {more:.2f}] times --text"
        )


if __name__ == "__main__":
    sys.exit(main())
