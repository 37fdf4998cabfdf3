"""Every pair of options of `lunacy query`: it is refused in one line, as declared here, or both change what comes out.

The papers are made so that each option changes the first ten hits, and what one filter takes away no other does.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from lunacy.cli import main
from lunacy.embedding import Embedded
from lunacy.pipeline import build_ivf, build_lexical
from tests.conftest import DIM, FakeEmbedder, few_quick, lines, record
from tests.harvest.archive import paper as new_paper
from tests.harvest.server import Server
from tests.test_cli import run
from tests.test_option_pairs import assert_refused, options_of

OPTIONS = {
    "--index": ["other"],
    "--text": ["graphs"],
    "--batch": ["batch.txt"],
    "--fetch": [],
    "--skip-unknown": [],
    "--together": [],
    "--not": ["1802.00014"],
    "--model": ["model"],
    "--device": ["cuda"],
    "--category": ["cs.*"],
    "--since": ["2015"],
    "--until": ["2019"],
    "--older": [],
    "--newer": [],
    "--updated-since": ["2016"],
    "--author": ["Lovelace"],
    "--same-authors": ["drop"],
    "--same-authors raise": [],
    "--only-ids": ["only.txt"],
    "--not-ids": ["not.txt"],
    "--include-self": [],
    "--include-withdrawn": [],
    "--rank": ["hybrid"],
    "--rank lexical": [],
    "--ivf": [],
    "--nprobe": ["20"],
    "--fold": [],
    "--diverse": ["0.5"],
    "--min-score": ["0.8"],
    "--explain": [],
    "--top": ["18"],
    "--format": ["json"],
    "--output": ["out.jsonl"],
    "--open": [],
}
APART = {"--fetch"}  # it asks a server: tests/harvest/test_fetch.py
NEEDS = {"--nprobe": "--ivf"}
ONE_BY_ONE = "--fetch asks for each paper by itself; leave out --text and --together"
TOGETHER = "ivf searches for one paper or text, not for several together"
REFUSED = {
    ("--batch", "--text"): "--batch and --text cannot be combined",
    ("--fetch", "--text"): ONE_BY_ONE,
    ("--fetch", "--together"): ONE_BY_ONE,
    ("--older", "--newer"): "older and newer leave nothing but the same day between them",
    ("--fetch", "--same-authors raise"): "same_authors raise goes with papers of the index, not with what is fetched",
    ("--ivf", "--text"): TOGETHER,
    ("--ivf", "--together"): TOGETHER,
    ("--ivf", "--rank lexical"): "ivf searches vectors, and rank lexical goes by words alone",
}
SAME = {
    (
        "--batch",
        "--fetch",
    ): "the index has all of its ids",  # pairs that print what the first of them does alone, and why
    ("--text", "--together"): "a text beside ids is asked together with them",
    ("--older", "--until"): "the paper that is asked for is older than that",
    ("--until", "--older"): "no other paper was posted between",
    ("--newer", "--since"): "the paper that is asked for is newer than that",
    ("--since", "--newer"): "no other paper was posted between",
    ("--nprobe", "--ivf"): "it needs it",
    ("--min-score", "--top"): "fewer have that score",
    ("--rank", "--min-score"): "these scores are higher",
    ("--same-authors", "--same-authors raise"): "the last one counts",
    ("--same-authors raise", "--same-authors"): "the last one counts",
    ("--rank", "--rank lexical"): "the last one counts",
    ("--rank lexical", "--rank"): "the last one counts",
}

_QUERY = np.random.default_rng(1).standard_normal(DIM)
_SPECIAL: dict[int, dict[str, Any]] = {  # by place; the rest are in cs.CL, by Ada Lovelace, of 2018
    1: {"authors": "Emmy Noether and Ada King"},
    2: {"authors": "Noether, E., Ada Lovelace"},
    3: {"title": "On copies"},
    4: {"title": "On copies"},
    5: {"categories": "math.AG"},
    6: {"id": "1301.00006"},
    7: {"id": "2401.00007", "update_date": "2024-01-04"},
    8: {"authors": "Alan Turing"},
    9: {},  # not in only.txt
    10: {},  # in not.txt
    11: {"comments": "This paper has been withdrawn."},
    12: {},  # has a DOI in the other index
    13: {"update_date": "2015-06-01"},
    14: {},  # of which less is wanted
}


def paper(place: int) -> dict[str, Any]:
    """The paper in a place, the first 14 of which lie nearest to each other."""
    identifier = f"1802.{place:05}"
    words = f"quirk only{place}" if place < 15 else f"word{place % 7} filler{place % 3}"
    return {
        **record(identifier, title=f"On {words}", abstract=f"We study {words}.", authors="Ada Lovelace"),
        "categories": "cs.CL",
        **_SPECIAL.get(place, {}),
    }


def near(noise: float, seed: int) -> np.ndarray:
    vector = _QUERY / np.linalg.norm(_QUERY) + noise * np.random.default_rng(seed).standard_normal(DIM) / np.sqrt(DIM)
    return vector / np.linalg.norm(vector)


PLACES = range(1, 301)
PAPERS = [paper(place) for place in PLACES]
FIRST, SECOND = (str(PAPERS[place]["id"]) for place in (0, 1))


class Near(FakeEmbedder):
    """Embeds every text near the papers that are asked for."""

    def embed_queries(self, texts: Any) -> Embedded:
        return Embedded(np.array([near(0.3, 77)] * len(texts), np.float32), 0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index, one without some of its papers, and the files that the options name."""
    folder = tmp_path_factory.mktemp("options")
    vectors = [near(0.2 + 0.02 * place, place) for place in range(1, 15)] + [near(9, place) for place in PLACES[14:]]
    vectors[3] = vectors[2] + 0.001 * vectors[4]
    vectors[3] /= np.linalg.norm(vectors[3])
    np.save(folder / "vectors.npy", np.array(vectors, np.float32))
    for name, twelfth in (("ix", PAPERS[11]), ("other", {**PAPERS[11], "doi": "10.1/x"})):
        (folder / "snapshot.jsonl").write_bytes(lines([*PAPERS[:11], twelfth, *PAPERS[12:]]))
        files = [folder / "snapshot.jsonl", "--into", folder / name, "--vectors", folder / "vectors.npy"]
        assert run("index", *files, "--model", "fake/model").exit_code == 0
        build_lexical(folder / name)
        build_ivf(folder / name, recall=0.9, embedder=FakeEmbedder())
    ids = [str(one["id"]) for one in PAPERS]
    (folder / "model").mkdir()
    (folder / "batch.txt").write_text(f"{SECOND}\n{FIRST}\n")
    (folder / "unknown.txt").write_text(f"{SECOND}\n{FIRST}\n2999.99999\n")
    (folder / "only.txt").write_text("\n".join(ids[:8] + ids[9:]))
    (folder / "not.txt").write_text(ids[9])
    return folder


NEW = new_paper(50)


@pytest.fixture(scope="module")
def arxiv() -> Iterator[Server]:
    """Stands for arXiv's server; it has a paper that the index lacks."""
    with Server([NEW]).running() as running:
        yield running


class Outcome(NamedTuple):
    """All that can be seen of a command."""

    code: int
    stdout: str
    stderr: str
    file: str
    models: list[Any]
    pages: list[str]


@pytest.fixture
def ask(made: Path, arxiv: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that runs `lunacy query` with options, by their names."""
    models: list[Any] = []
    pages: list[str] = []

    def load(model: str, *_recorded: Any, **options: Any) -> FakeEmbedder:
        models.append((model, options["device"]))
        return Near(model)

    monkeypatch.chdir(made)
    monkeypatch.setenv("LUNACY_INDEX", "ix")
    monkeypatch.setenv("LUNACY_OAI", arxiv.url)
    monkeypatch.setattr("lunacy.harvest.client.PACE_S", 0.0)
    monkeypatch.setattr("lunacy.embedding.load", load)
    monkeypatch.setattr("lunacy.search.ranking.N_CANDIDATES", 20)  # 200 are more than the lists of so few papers give
    monkeypatch.setattr("lunacy.search.diversity._POOL", 20)
    monkeypatch.setattr("webbrowser.open", lambda url: bool(pages.append(url)) or True)
    out = tmp_path / "out.jsonl"

    def run_with(*names: str) -> Any:
        models.clear()
        pages.clear()
        out.unlink(missing_ok=True)
        every = dict.fromkeys(one for name in names for one in (NEEDS.get(name, name), name))
        values = {
            **OPTIONS,
            "--output": [str(out)],
            "--batch": ["unknown.txt" if "--skip-unknown" in names else "batch.txt"],
        }
        arguments = [argument for name in every for argument in [*name.split(), *values[name]]]
        more = {"--skip-unknown": ["2999.99999"], "--fetch": [NEW.id]}
        ids = [FIRST, SECOND, *(one for name in names for one in more.get(name, []))]
        ids = [] if "--batch" in names else ids
        result = run("query", *ids, "--top", "16", *arguments)
        file = out.read_text() if out.exists() else ""
        outcome = Outcome(result.exit_code, result.stdout, result.stderr, file, [*models], [*pages])
        return result, outcome

    return run_with


def test_every_option_is_declared() -> None:
    assert {name.split()[0] for name in OPTIONS} | APART == options_of(main.commands["query"])


@pytest.mark.parametrize("part", few_quick(range(4), 0))
def test_each_pair_is_refused_as_declared_or_both_change_what_comes_out(ask: Any, part: int) -> None:
    _result, plain = ask()
    alone = {}
    for name in OPTIONS:
        _result, alone[name] = ask(name)
    assert [name for name, one in alone.items() if one.code or one == plain] == []
    refused = {frozenset(pair): said for pair, said in REFUSED.items()}
    faults = []
    for one, other in [*combinations(OPTIONS, 2)][part::4]:
        result, both = ask(one, other)
        all_given = {name for each in (one, other) for name in (NEEDS.get(each, each), each)}
        said = next(
            (refused[frozenset(pair)] for pair in combinations(sorted(all_given), 2) if frozenset(pair) in refused),
            None,
        )
        if said is not None:
            assert_refused(result, said)
            continue
        if both.code:
            faults.append((one, other, both.stderr))
        for mine, its in ((one, other), (other, one)):
            if both == alone[mine] and (mine, its) not in SAME:
                faults.append((mine, its, "the second has no effect"))
    assert not faults, "\n".join(map(str, faults))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([FIRST, "--batch", "batch.txt"], "leave out --batch, or the ids beside it"),
        (["--text", "a", "--text", "b"], "--text is given 2 times; give it once"),
        ([FIRST, "--only-ids", "only.txt", "--only-ids", "not.txt"], "--only-ids is given 2 times"),
        (["--batch", "batch.txt", "--batch", "batch.txt"], "--batch is given 2 times"),
        (["--text", "graphs", "--skip-unknown"], "--skip-unknown is for ids, and there are none beside --text"),
        (["--text", "graphs", "--include-self"], "include_self lists the paper that is asked for, and a text is none"),
        ([FIRST, "--nprobe", "2"], "it needs ivf"),
        ([FIRST, "--ivf", "--nprobe", "99999"], "nprobe is 99,999, and the index has 33 lists"),
        ([FIRST, "--ivf", "--not", SECOND, "--not", "1802.00014"], "unlike has 2 papers; ivf goes with one"),
        ([FIRST, "--min-score", "5"], "min_score is 5, and scores lie between -1 and 1"),
        ([FIRST, "--not", SECOND, "--min-score", "2"], "min_score is 2, and scores lie between -1.5 and 1.5"),
        ([FIRST, "--diverse", "0.5", "--top", "1001"], "with diverse ask for at most 1,000"),
        ([FIRST, "--diverse", "1.5"], "give a number from 0 to 1"),
    ],
)
def test_more_that_cannot_be_meant_is_one_line(
    made: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(made)
    assert_refused(run("query", *arguments, "--index", "ix"), said)


def test_what_is_not_used_or_left_out_is_told(ask: Any) -> None:
    told = {name: ask(name)[1].stderr for name in ("--model", "--device", "--skip-unknown", "--text")}
    assert told["--model"] == "lunacy: --model was not used: nothing had to be embedded\n"
    assert told["--device"] == "lunacy: --device cuda was not used: the processor is quicker for so few ids\n"
    assert "2999.99999" in told["--skip-unknown"]
    assert told["--text"] == ""
    assert ask("--text", "--model")[1].stderr == ask("--text", "--device")[1].stderr == ""
    both = ask("--together", "--skip-unknown")[1]
    assert (both.code, both.stderr) == (
        0,
        "lunacy: 1 of 3 ids left out, as the index has no such papers: 2999.99999\n",
    )
