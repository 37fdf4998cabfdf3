"""How well papers are found for a list of papers: python -m tests.bench.reading INDEX [CITATIONS.tsv] [--readers N]

Without CITATIONS, authors are the readers: the papers of an author up to a month are the list, and those of the next
twelve months are what is to be found among all papers of these months. A full name with 4 to 60 papers in at most
three archives counts as one author. Their names are hidden from all rankings. Half of the readers, those whose name or
id has an even checksum, are left to choose the constants of rankings on (`--even`); the others are measured.

CITATIONS (citing id, cited id, 1; as paperscape-data has them) gives two more: a citing paper is a reader, whose list
is what it cites from more than three months before, and what it cites of the last three months is to be found among
all papers of these; and a citing paper is a draft, of whose references one in five is hidden, to be found among all
older papers.

The peers: arxiv-sanity-lite's SVM (LinearSVC, C 0.01, balanced, on TF-IDF of 20,000 one- and two-word terms; all
papers that are not in the list are negatives), zotero-arxiv-daily's weighted mean of cosines, a logistic regression.
"""

from __future__ import annotations

import argparse
import collections
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from lunacy.arrays import Rows, Scores, Vectors
from lunacy.bench.judgements import read_qrels
from lunacy.library import ReadingList
from lunacy.paper import Paper
from lunacy.query import open_index
from lunacy.query.digest import make_digests
from lunacy.question import Options
from lunacy.search import Searcher, Target, Text, open_searcher
from lunacy.search.several import Pool, text_of
from tests.bench.readers import Case, Group, by_author, by_citation, by_draft

CUTS = (20, 50)
LEAST, MOST = 3, 50  # papers of a list


def z(scores: Scores) -> Scores:
    """In deviations from the mean of the candidates."""
    return (scores - scores.mean()) / max(float(scores.std()), 1e-9)


class Rankings:
    """Scores of a group's candidates for a case, by the name of the ranking."""

    def __init__(self, view: Searcher, papers: Sequence[Paper], vectors: Vectors, group: Group) -> None:
        self.view, self.papers, self.vectors, self.rows = view, papers, vectors, group.candidates
        self.pool = Pool(view, group.candidates)
        self.hybrid = Options(top=CUTS[-1], since=group.since, until=group.until, rank="hybrid")
        self.there = vectors[group.candidates]
        others = sorted({row for case in group.cases for row in (*case.liked.tolist(), case.query) if row >= 0})
        self.place = {row: len(self.rows) + place for place, row in enumerate(others)}
        peer = TfidfVectorizer(
            strip_accents="unicode", stop_words="english", token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",
            ngram_range=(1, 2), max_features=20_000, sublinear_tf=True, max_df=0.1, min_df=5,
        )  # fmt: skip
        self.tf_idf = peer.fit_transform([text_of(papers[row]) for row in (*self.rows.tolist(), *others)]).tocsr()

    def of(self, case: Case, spent: collections.Counter[str]) -> dict[str, Scores]:
        """All of them. `spent`: seconds of the processor, to which each adds its own."""
        liked = self.vectors[case.liked]
        texts = [text_of(self.papers[row]) for row in case.liked.tolist()]
        cosines = (self.there @ liked.T).astype(np.float64)  # (c, n)
        age = 1 / (1 + np.log10(np.arange(len(liked)) + 1))
        found: dict[str, Scores] = {}

        def add(name: str, ranking: Callable[[], Scores]) -> None:
            start = time.process_time()
            found[name] = ranking()
            spent[name] += time.process_time() - start

        add("least cosine", lambda: cosines.min(axis=1))
        add("mean cosine", lambda: cosines.mean(axis=1))
        add("highest cosine", lambda: cosines.max(axis=1))
        add("log-sum-exp of 10 cosines", lambda: np.log(np.exp(10 * cosines).sum(axis=1)))
        add("zotero-arxiv-daily", lambda: cosines[:, ::-1] @ age)
        add("arxiv-sanity's SVM", lambda: self._svm(case))
        add("logistic regression, vectors", lambda: self._logistic(liked))
        add("lunacy, vectors", lambda: self.pool.by_vectors(liked))
        add("lunacy, words", lambda: self.pool.by_words(texts))
        add("lunacy", lambda: self.pool.scores(liked, texts))
        worded = [Text(self.papers[row].abstract, self.papers[row].title) for row in case.liked.tolist()]
        add("lunacy query --rank hybrid", lambda: self._query(Target(liked, worded, case.liked)))
        found["z(logistic) + z(words)"] = z(found["logistic regression, vectors"]) + z(found["lunacy, words"])
        found["z(highest) + z(words)"] = z(found["highest cosine"]) + z(found["lunacy, words"])
        if case.query >= 0:
            mine, text = self.vectors[[case.query]], [text_of(self.papers[case.query])]
            found["the draft's text, vectors"] = (self.there @ mine[0]).astype(np.float64)
            found["the draft's text, both"] = z(found["the draft's text, vectors"]) + self.pool.by_words(text)
            both = self.pool.by_vectors(np.concatenate([liked, mine]))
            words = found["lunacy, words"]
            found["references and text"] = 2 * both + self.pool.by_words(text) + words
            found["references and text, equal"] = self.pool.scores(np.concatenate([liked, mine]), [*texts, *text])
        return found

    def _query(self, target: Target) -> Scores:
        """Of `--together`: what it does not list is last."""
        [ranked] = self.view.rank([target], self.hybrid, None, query_kind="paper")
        scores = np.full(len(self.rows), -np.inf)
        is_here = np.isin(ranked.rows, self.rows)  # not so the draft itself
        scores[np.searchsorted(self.rows, ranked.rows[is_here])] = ranked.scores[is_here]
        return scores

    def _svm(self, case: Case) -> Scores:
        rows = [*range(len(self.rows)), *(self.place[row] for row in case.liked.tolist())]
        features, labels = self.tf_idf[rows], np.arange(len(rows)) >= len(self.rows)
        judge = LinearSVC(class_weight="balanced", max_iter=10_000, tol=1e-6, C=0.01).fit(features, labels)
        scores: Scores = judge.decision_function(features[: len(self.rows)])
        return scores

    def _logistic(self, liked: Vectors) -> Scores:
        negatives = self.view.background().vectors
        both, labels = np.concatenate([liked, negatives]), np.arange(len(liked) + len(negatives)) < len(liked)
        judge = LogisticRegression(class_weight="balanced", max_iter=200).fit(both, labels)
        scores: Scores = self.there @ judge.coef_[0]
        return scores


def measure(view: Searcher, papers: Sequence[Paper], vectors: Vectors, groups: Iterator[Group], *peers: str) -> None:
    """Print a line a ranking: recall, and how much more it is than that of each of `peers`, with 95 % intervals."""
    found = collections.defaultdict[str, list[list[float]]](list)
    spent, sizes = collections.Counter[str](), []
    for group in groups:
        rankings = Rankings(view, papers, vectors, group) if group.cases else None
        for case in group.cases:
            assert rankings is not None
            sizes.append(len(case.liked))
            is_wanted = np.isin(group.candidates, case.wanted)
            for name, scores in rankings.of(case, spent).items():
                order = np.argsort(-scores, kind="stable")
                found[name].append([is_wanted[order[:k]].sum() / is_wanted.sum() for k in CUTS])
    recalls = {name: np.array(values) for name, values in found.items()}  # (n, cuts) each
    n = len(sizes)
    drawn = np.random.default_rng(0).integers(0, n, (2000, n))
    print(f"\n{n} lists of {min(sizes)} to {max(sizes)} papers, {np.median(sizes):g} in the median")
    heads = "".join(f"  less {peer:27}" for peer in peers)
    print(f"{'':30} recall@20             @50  {heads}  ms")
    for name, values in sorted(recalls.items(), key=lambda one: -one[1][:, 0].mean()):
        line = f"{name:30} {with_interval(values[:, 0], drawn)}  {values[:, 1].mean():.3f}"
        for peer in peers:
            line += f"  {with_interval(values[:, 0] - recalls[peer][:, 0], drawn):32}"
        print(f"{line}  {1000 * spent[name] / n:6.1f}", flush=True)


def with_interval(values: Scores, drawn: Rows) -> str:
    """The mean of (n,) values, and its 95 % interval by (b, n) draws."""
    low, high = np.percentile(values[drawn].mean(axis=1), (2.5, 97.5))
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def time_digests(index: str, papers: Sequence[Paper]) -> None:
    """Print how long digests of ten lists of 50 papers take over some 2,000 new papers, the second time."""
    newest = sorted(one.posted for one in papers)[-2000]
    drawn = np.random.default_rng(0).choice(len(papers) // 2, (10, 50), replace=False)
    lists = [ReadingList(str(n), tuple(papers[row].id for row in rows)) for n, rows in enumerate(drawn.tolist())]
    with open_index(index) as ix:
        for _try in range(2):
            wall, cpu = time.perf_counter(), time.process_time()
            found = make_digests(ix, lists, {}, since=newest)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"\n10 digests of {found[0].n_new:,} new papers: {wall:.2f} s, of which {cpu:.2f} s of the processor")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reading")
    parser.add_argument("index")
    parser.add_argument("citations", nargs="?", type=Path)
    parser.add_argument("--readers", type=int, default=600)
    parser.add_argument("--drafts", type=int, default=300)
    parser.add_argument("--even", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # LinearSVC's, of its iterations
    searcher = open_searcher(asked.index)
    with searcher.pinned() as view:
        rows = np.arange(view.n_papers)
        papers, vectors = view.papers(rows), view.vectors(rows)
        sizes = ((LEAST, MOST), (1, LEAST - 1))
        for least, most in sizes:
            if asked.citations is None:
                groups = by_author(papers, least, most, asked.readers, asked.even)
            else:
                groups = by_citation(papers, read_qrels(asked.citations), least, most, asked.readers, asked.even)
            measure(view, papers, vectors, groups, "arxiv-sanity's SVM", "zotero-arxiv-daily")
        if asked.citations is None:
            time_digests(asked.index, papers)
        else:
            drafts = by_draft(papers, read_qrels(asked.citations), asked.drafts)
            measure(view, papers, vectors, drafts, "the draft's text, vectors")


if __name__ == "__main__":
    sys.exit(main())
