"""Near-copies of a whole index, by the rule of `--fold`: those that a comparison of all pairs finds."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import lunacy
from lunacy.entry import Entry
from lunacy.errors import UsageError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.store import Writer
from tests.test_cli import run

Papers = list[tuple[str, str, str, float]]  # title, authors, comments, angle in degrees

PAPERS: Papers = [
    ("On graphs", "Ada Lovelace, Alan Turing", "", 0),
    ("On Graphs.", "A. Lovelace", "", 40),  # one title; the cosine is 0.77
    ("On graphs", "Kurt Goedel", "", 1),  # no author in common
    ("On graphs", "Ada Lovelace", "", 140),  # too far, and 100 degrees from the other one
    ("Of trees I", "Ada Lovelace", "", 200),
    ("Of trees II", "Ada Lovelace", "", 200),  # parts of a series
    ("Of woods", "Ada Lovelace", "", 201),  # nearly the same as neither: they have numbers
    ("Of trees", "Ada Lovelace", "", 202),
    ("Of leaves", "Ada Lovelace", "Withdrawn by the author.", 201),
    ("Of stones", "Alan Turing", "", 300),
    ("Of rocks", "Alan Turing", "", 310),  # cosine 0.985
    ("Of pebbles", "Alan Turing", "", 320),
]


def ids(*places: int) -> list[str]:
    return [f"2401.{place + 1:05}" for place in places]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("duplicates") / "index"
    angles = np.radians([angle for *_rest, angle in PAPERS])
    papers = [
        Paper(identifier, title, f"Of {identifier}.", authors=authors, comments=comments)
        for identifier, (title, authors, comments, _angle) in zip(ids(*range(len(PAPERS))), PAPERS, strict=True)
    ]
    with Writer(folder, Fingerprint("fake", "abstract", 2), "fake") as writer:
        vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        writer.append([Entry.of(paper, "abstract") for paper in papers], vectors)
        writer.commit()
    lunacy.build_graph(folder, k=4)
    return folder


def test_the_groups_are_those_of_the_rule(index: Path) -> None:
    found = lunacy.duplicates(index)
    assert [[paper.id for paper in one.papers] for one in found] == [ids(0, 1), ids(6, 7), ids(9, 10, 11)]
    assert [[(*pair.ids, pair.has_one_title) for pair in one.pairs] for one in found] == [
        [(*ids(0, 1), True)],
        [(*ids(6, 7), False)],
        [(*ids(9, 10), False), (*ids(10, 11), False)],  # the first and the last are at 0.94
    ]
    cosines = [pair.cosine for one in found for pair in one.pairs]
    np.testing.assert_allclose(cosines, np.cos(np.radians([40, 1, 10, 10])), atol=1e-6)


def test_papers_with_one_title_need_not_be_neighbours_in_the_graph(tmp_path: Path) -> None:
    papers = [Paper("2401.00001", "Old", "a", "X Y"), *(Paper(f"2401.001{n}", "No", "b", "Z") for n in range(10, 20))]
    papers.append(Paper("2401.00300", "Old", "c", "X Y"))
    angles = np.radians([0.0, *range(1, 11), 40])
    with Writer(tmp_path, Fingerprint("fake", "abstract", 2), "fake") as writer:
        vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        writer.append([Entry.of(paper, "abstract") for paper in papers], vectors)
        writer.commit()
    lunacy.build_graph(tmp_path, k=1)
    assert ["2401.00001", "2401.00300"] in [[paper.id for paper in one.papers] for one in lunacy.duplicates(tmp_path)]


def test_without_a_graph_it_says_how_to_make_it(tmp_path: Path) -> None:
    with Writer(tmp_path, Fingerprint("fake", "abstract", 2), "fake") as writer:
        writer.append([Entry.of(Paper("2401.00001", "a", "b"), "abstract")], np.eye(1, 2, dtype=np.float32))
        writer.commit()
    with pytest.raises(UsageError, match="no graph of neighbours") as caught:
        lunacy.duplicates(tmp_path)
    assert "graph --index" in caught.value.hint


def test_every_form_has_the_same_groups(index: Path, tmp_path: Path) -> None:
    told = run("duplicates", "--index", str(index))
    assert told.stdout.startswith("2 papers, cosine 0.766, one title\n  2401.00001  2024-01     On graphs\n")
    assert "3 papers, cosine 0.985\n" in told.stdout
    assert told.stderr == "works that are there more than once: 3, papers: 7\n"
    records = json.loads(run("duplicates", "--index", str(index), "--format", "json").stdout)
    assert [[paper["id"] for paper in one["papers"]] for one in records] == [ids(0, 1), ids(6, 7), ids(9, 10, 11)]
    run("duplicates", "--index", str(index), "--output", str(tmp_path / "copies.csv"))
    with (tmp_path / "copies.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["group"], row["id"], row["other_id"], row["one_title"]) for row in rows] == [
        ("1", *ids(0, 1), "true"),
        ("2", *ids(6, 7), "false"),
        ("3", *ids(9, 10), "false"),
        ("3", *ids(10, 11), "false"),
    ]
