"""Make the list of words that say nothing of a paper (`lunacy/everyday_words.py`): those of all fields alike.

    .venv/bin/python -m tests.bench.everyday_words INDEX > lunacy/everyday_words.py

A word counts when 0.3 % of the papers have it. What share of the papers of each field have it is made a distribution
over the fields, and a word is listed when that tells little of the field: less than 0.2 nats beside one that is even.
Some words were added, and some taken out, by hand.
"""

from __future__ import annotations

import sys
import textwrap
from collections import Counter, defaultdict

import numpy as np

from lunacy.categories import CATEGORIES
from lunacy.derived.lexical import stems
from lunacy.store import Store

N_PAPERS, LEAST_SHARE, MOST_NATS, LEAST_PAPERS = 60_000, 0.003, 0.2, 300
FIELDS = dict.fromkeys(("hep-th", "hep-ph", "hep-ex", "hep-lat"), "hep") | {
    "nucl-th": "nucl",
    "nucl-ex": "nucl",
    "math-ph": "math",
}
TOPICS = (  # alike in all fields, and they say something
    "boundari canon conserv correl curv decomposit domain ensembl entropi equilibrium field flow fourier frequenc "
    "gradient green homogen interpol law lie map matrix monoton probabl simul stabil taylor trajectori vector"
).split()
STYLE = (
    "achiev art best evalu let novel outperform paper perform promis proof propos prove who".split()
)  # of some fields, all the same


def main(folder: str) -> None:
    fields = {one.partition(".")[0] for one in CATEGORIES}
    papers_of: dict[str, Counter[str]] = defaultdict(Counter)  # by field
    n_of: Counter[str] = Counter()
    with Store(folder) as store, store.view() as view:
        rows = view.live_rows()
        rows = np.sort(np.random.default_rng(0).choice(rows, min(N_PAPERS, len(rows)), replace=False))
        for part in np.array_split(rows, max(len(rows) // 4_000, 1)):
            for paper in view.papers(part):
                archive = paper.categories[0].partition(".")[0] if paper.categories else ""
                if archive in fields:
                    field = FIELDS.get(archive, archive)
                    n_of[field] += 1
                    papers_of[field].update(set(stems(f"{paper.title} {paper.abstract}")))
    large = [field for field, n in n_of.items() if n > LEAST_PAPERS]
    total = sum(papers_of.values(), Counter())
    found = []
    for word, n in total.items():
        shares = np.array([(papers_of[field][word] + 0.5) / (n_of[field] + 1) for field in large])
        shares /= shares.sum()
        nats = float((shares * np.log(shares * len(large))).sum())
        if n >= LEAST_SHARE * n_of.total() and nats < MOST_NATS and len(word) > 1 and word not in TOPICS:
            found.append(word)
    print(
        '"""Words, without their endings, that papers of all fields have alike: `tests/bench/everyday_words.py`."""\n'
    )
    print("EVERYDAY_WORDS = frozenset(\n    (")
    for line in textwrap.wrap(" ".join(sorted({*found, *STYLE})), 109):
        print(f'        "{line} "')
    print("    ).split()\n)")


if __name__ == "__main__":
    main(sys.argv[1])
