"""How many references that are hidden from a draft `lunacy gaps` finds: python -m tests.bench.gaps INDEX CITATIONS.tsv

Of the references of each citing paper one in five is hidden, as in `tests.bench.reading`; the rest, and title and
abstract of the citing paper, are the draft. INDEX must have titles: near-copies are told by them. Where it has titles
alone (as of paperscape-data), with "." for each abstract.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from lunacy.bench.judgements import read_qrels
from lunacy.paper import Paper
from lunacy.query import open_index
from lunacy.query.gaps import find_gaps
from lunacy.question import Question
from lunacy.references import Draft, Reference
from tests.bench.readers import by_draft

CUTS = (20, 50)


def main() -> None:
    """Print a line a way to ask."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gaps")
    parser.add_argument("index")
    parser.add_argument("citations", type=Path)
    parser.add_argument("--drafts", type=int, default=300)
    asked = parser.parse_args()
    found = defaultdict[str, list[list[float]]](list)
    with open_index(asked.index) as ix:
        with ix.view() as view:
            papers: list[Paper] = view.papers(np.arange(view.n_papers))
        for group in by_draft(papers, read_qrels(asked.citations), asked.drafts):
            [case] = group.cases
            citing, hidden = papers[case.query], {papers[row].id for row in case.wanted.tolist()}
            shown = tuple(Reference("", papers[row].id, ids=(papers[row].id,)) for row in case.liked.tolist())
            ways = {
                "lunacy gaps": Draft(shown, citing.title, citing.abstract, group.until),
                "lunacy gaps, of references alone": Draft(shown, citing.title, "", group.until),
                "lunacy gaps, of the abstract alone": Draft((), citing.title, citing.abstract, group.until),
            }
            lists = {
                name: [gap.hit.id for gap in find_gaps(ix, draft, top=CUTS[-1]).gaps] for name, draft in ways.items()
            }
            text = f"{citing.title} {citing.abstract}"
            left_out = [citing.id, *(one.key for one in shown)]
            answer = ix.ask(Question(text=text, top=CUTS[-1], until=group.until, not_ids=left_out))
            lists["lunacy query --text"] = [hit.id for hit in answer.hits]
            for name, ids in lists.items():
                found[name].append([len(hidden.intersection(ids[:cut])) / len(hidden) for cut in CUTS])
    drawn = np.random.default_rng(0).integers(0, asked.drafts, (2000, asked.drafts))
    print(f"{asked.drafts} drafts among {len(papers):,} papers; in brackets: 95 % of the bootstrap")
    base = np.array(found["lunacy query --text"])
    for name, values in found.items():
        recalls = np.array(values)
        low, high = np.percentile(recalls[drawn, 0].mean(axis=1), (2.5, 97.5))
        less, more = np.percentile(recalls[drawn, 0].mean(axis=1) / base[drawn, 0].mean(axis=1), (2.5, 97.5))
        print(
            f"{name:36} recall@20 {recalls[:, 0].mean():.3f} [{low:.3f}, {high:.3f}]  @50 {recalls[:, 1].mean():.3f}  "
            f"{recalls[:, 0].mean() / base[:, 0].mean():.2f} [{less:.2f}, {more:.2f}] times --text"
        )


if __name__ == "__main__":
    sys.exit(main())
