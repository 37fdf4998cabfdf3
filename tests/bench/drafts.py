"""How surely the references in PDFs find their papers: python -m tests.bench.drafts INDEX CITATIONS.tsv PDFS

PDFS is a folder with drafts by their ids, as 2001.90001.pdf; CITATIONS has what they cite of the papers in INDEX
(citing id, cited id, 1). What a PDF says of its own id or DOI is no reference.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from lunacy.bench.judgements import read_qrels
from lunacy.query.references import resolve
from lunacy.references import read_draft
from lunacy.search import open_searcher


def main() -> None:
    """Print a line for each reference that is taken for another paper, and the sums."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.drafts")
    parser.add_argument("index")
    parser.add_argument("citations", type=Path)
    parser.add_argument("pdfs", type=Path)
    asked = parser.parse_args()
    cited = read_qrels(asked.citations)
    n = right = wrong = wanted = titles = 0
    reading = resolving = 0.0
    with open_searcher(asked.index).pinned() as view:
        for path in sorted(asked.pdfs.glob("*.pdf")):
            [itself] = view.papers(np.array([view.rows([path.stem])[path.stem]]))
            started = time.process_time()
            draft = read_draft(path)
            read = time.process_time()
            found = {one.paper.id: one for one in resolve(view, draft.references) if one.paper}
            reading, resolving = reading + read - started, resolving + time.process_time() - read
            found.pop(itself.id, None)
            meant = set(cited[itself.id])
            n, titles = n + 1, titles + draft.has_title(itself.title)
            right, wrong = right + len(meant & set(found)), wrong + len(set(found) - meant)
            wanted += len(meant)
            for one in sorted(set(found) - meant):
                print(f"{path.name}: {found[one].reference.shown} was taken for {one}")
    reading, resolving = 1000 * reading / n, 1000 * resolving / n
    print(f"{n} drafts, {titles} with their title; {reading:.0f} ms to read one, {resolving:.0f} to resolve it")
    print(f"precision {right / (right + wrong):.3f}: {wrong} of {right + wrong:,} are others")
    print(f"recall {right / wanted:.3f} of {wanted:,} references to papers of the index")


if __name__ == "__main__":
    sys.exit(main())
