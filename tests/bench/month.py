"""A month of updates, 2,000 changes a day, a tenth of them of metadata only: python -m tests.bench.month [PAPERS...]

For each number of papers (12,000 and 120,000): the CPU seconds of each day's update, with a model that costs nothing
and a clock that does not wait. Every fifth day changes no text. At the end the answers are compared with those of an
index that is built anew. A day asks again for the two days before it, so 6,000 records come.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lunacy
from lunacy.harvest import Client
from lunacy.pipeline import build_index
from lunacy.pipeline.update import update
from tests.conftest import FakeEmbedder, lines
from tests.harvest.archive import Entry, kaggle, paper
from tests.harvest.server import Clock, Server

N_DAYS, N_CHANGES, N_METADATA, N_ASKED = 30, 2000, 200, 200
FIRST = date(2026, 10, 20)
DIM = 384


def main() -> None:
    """Run each size, and print the figures."""
    for n_papers in [int(one) for one in sys.argv[1:]] or [12_000, 120_000]:
        with tempfile.TemporaryDirectory() as name:
            run(Path(name), n_papers)


def run(folder: Path, n_papers: int) -> None:
    """A month on an index of so many papers."""
    rng = random.Random(0)
    papers = [
        paper(n, id=f"{2001 + n // 99_999:04}.{n % 99_999 + 1:05}", datestamp=str(FIRST)) for n in range(n_papers)
    ]
    build(folder / "index", papers, folder)
    embedder, server, seconds = FakeEmbedder(dim=DIM), Server([], page_size=1000), []
    with server.running():
        for n in range(1, N_DAYS + 1):
            day = FIRST + timedelta(days=n)
            changed = change(papers, rng, n, only_metadata=n % 5 == 0)
            server.entries = [one for one in server.entries if one.datestamp >= str(day - timedelta(days=4))]
            server.entries = [*{one.id: one for one in [*server.entries, *changed]}.values()]
            server.day = str(day)
            n_before, clock = len(embedder.texts), Clock()
            now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            started_s = time.process_time()
            with Client(server.url, sleep=clock.sleep, clock=clock, now=lambda now=now: now) as client:
                report = update(folder / "index", client=client, embedder=embedder)
            seconds.append(time.process_time() - started_s)
            n_embedded = len(embedder.texts) - n_before
            n_texts = 0 if n % 5 == 0 else N_CHANGES - N_METADATA
            counts = report.counts
            assert (counts.added + counts.updated, n_embedded, counts.older) == (len(changed), n_texts, 0), report
    build(folder / "anew", papers, folder)
    n_same = compare(folder, [papers[n].id for n in rng.sample(range(len(papers)), N_ASKED)])
    print(
        f"{n_papers:,} papers: {statistics.median(seconds):.2f} CPU s a day "
        f"({min(seconds):.2f} to {max(seconds):.2f}), {n_same} of {N_ASKED} answers as built anew"
    )


def change(papers: list[Entry], rng: random.Random, n: int, *, only_metadata: bool) -> list[Entry]:
    """Change papers, and add new ones; those that are other than before."""
    day = str(FIRST + timedelta(days=n))
    n_text = 0 if only_metadata else N_CHANGES - N_METADATA
    places = rng.sample(range(len(papers)), n_text // 2 + N_METADATA)
    for place in places[N_METADATA:]:
        before = papers[place]
        versions = (*before.versions, "Tue, 3 Nov 2026 10:00:00 GMT")
        papers[place] = replace(
            before, abstract=f"  As of day {n}, {before.id} is so.\n", versions=versions, datestamp=day
        )
    for place in places[:N_METADATA]:
        papers[place] = replace(papers[place], comments=f"{n} pages", datestamp=day)
    added = [paper(n, id=f"2610.{n * 1000 + k:05}", title=f"New {n} {k}", datestamp=day) for k in range(n_text // 2)]
    papers += added
    return [*(papers[place] for place in places), *added]


def build(index: Path, papers: list[Entry], folder: Path) -> None:
    """Build an index of the papers as they are."""
    (folder / "snapshot.jsonl").write_bytes(lines(map(kaggle, papers)))
    build_index(folder / "snapshot.jsonl", into=index, embedder=FakeEmbedder(dim=DIM))


def compare(folder: Path, ids: list[str]) -> int:
    """How many papers have the same hits, and the same metadata, in both indexes."""
    with lunacy.open_index(folder / "index") as one, lunacy.open_index(folder / "anew") as other:
        assert len(one) == len(other)
        return sum(
            {(hit.id, round(hit.score, 5)) for hit in one.similar(each)}
            == {(hit.id, round(hit.score, 5)) for hit in other.similar(each)}
            and one.paper(each) == other.paper(each)
            for each in ids
        )


if __name__ == "__main__":
    main()
