"""Every pair of options of every command: it is refused in one line, as declared here, or both are obeyed.

A new option is declared here, or the first test fails. An option that needs another brings it along, and is refused
alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import Result

from lunacy.cli import main
from tests.conftest import DIM, FakeEmbedder, lines, record, vector_of
from tests.test_cli import run

RECORDS = [
    record(f"1802.{place:05}", categories="cs.CL" if place % 2 else "hep-th", title=f"On {place} graphs")
    for place in range(1, 13)
]


@dataclass(frozen=True)
class Walk:
    """A command, with arguments that do for every option, and what of each option is tried beside them."""

    arguments: list[str]
    options: dict[str, list[str]]
    needs: dict[str, list[str]] = field(default_factory=dict)  # what an option has no effect without
    refused: dict[tuple[str, str], str] = field(default_factory=dict)  # a pair, and what the line says

    def given(self, *names: str) -> list[str]:
        """The arguments for these options, each once, with what they need."""
        every = dict.fromkeys(one for name in names for one in [*self.needs.get(name, []), name])
        return [argument for name in every for argument in [name, *self.options[name]]]

    def reason(self, *names: str) -> str | None:
        """What is said of options that are refused together; None if they are not."""
        every = sorted({one for name in names for one in [name, *self.needs.get(name, [])]})
        reasons = {tuple(sorted(pair)): said for pair, said in self.refused.items()}
        return next((reasons[pair] for pair in combinations(every, 2) if pair in reasons), None)


_SERVER = {"--endpoint": ["http://localhost:9/oai"], "--contact": ["you@example.org"]}
_OUTPUT = {"--format": ["json"], "--output": ["out.jsonl"], "--open": []}

WALKS = {
    "index": Walk(
        ["snapshot.jsonl", "--into", "new"],
        {
            "--into": ["newer"],
            "--category": ["cs.*"],
            "--limit": ["3"],
            "--strict": [],
            "--prune": [],
            "--prune-limit": ["0.5"],
            "--text": ["abstract"],
            "--model": ["fake/model"],
            "--prompt": ["query: "],
            "--dims": [str(DIM)],
            "--long-texts": ["chunk"],
            "--vectors": ["vectors.npy", "--model", "fake/model"],
            "--device": ["cpu"],
            "--batch-size": ["7"],
            "--ray": ["local"],
            "--from": ["papers.parquet"],
            "--no-lexical": [],
        },
        needs={"--prune-limit": ["--prune"]},
        refused={
            **{
                ("--from", f"--{name}"): "--from takes the place of a snapshot"
                for name in (
                    "into category limit strict prune prune-limit text model prompt dims long-texts vectors device "
                    "batch-size ray no-lexical"
                ).split()
            },
            ("--limit", "--prune"): "limit and prune contradict each other",
            **{
                ("--vectors", f"--{name}"): f"vectors take the place of a model, so {name.replace('-', '_')} has no"
                for name in ("prompt", "dims", "long-texts", "device", "batch-size")
            },
        },
    ),
    "diff": Walk(["snapshot.jsonl"], {"--index": ["indexes/ix"], "--category": ["cs.*"], "--ids": []}),
    "publish": Walk(
        ["--to", "milvus:x.db/papers"],
        {
            "--index": ["indexes/ix"],
            "--to": ["http://localhost:19530/papers"],
            "--ivf": [],
            "--recall": ["0.9"],
            "--device": ["cpu"],
        },
        needs={"--recall": ["--ivf"]},
    ),
    "ivf": Walk([], {"--index": ["indexes/ix"], "--recall": ["0.9"], "--device": ["cpu"]}),
    "lexical": Walk([], {"--index": ["indexes/ix"]}),
    "duplicates": Walk([], {"--index": ["indexes/ix"], "--format": ["json"], "--output": ["copies.json"]}),
    "graph": Walk(
        [], {"--index": ["indexes/ix"], "--k": ["3"], "--ivf": [], "--recall": ["0.9"]}, needs={"--recall": ["--ivf"]}
    ),
    "map": Walk(
        [],
        {
            "--index": ["indexes/ix"],
            "--text": ["graphs"],
            "--top": ["3"],
            "--format": ["json"],
            "--model": ["fake/model"],
            "--device": ["cpu"],
            "--output": ["map.html"],
            "--colour": ["year"],
            "--ground": ["dark"],
            "--open": [],
            "--anew": [],
            "--seed": ["1"],
        },
        needs={"--model": ["--text"], "--device": ["--text"], "--colour": ["--output"], "--ground": ["--output"]},
    ),
    "verify": Walk(
        [],
        {"--index": ["indexes/ix"], "--reembed": ["2"], "--model": ["fake/model"], "--device": ["cpu"]},
        needs={"--model": ["--reembed"], "--device": ["--reembed"]},
    ),
    "repair": Walk([], {"--index": ["indexes/ix"]}),
    "compact": Walk([], {"--index": ["indexes/ix"]}),
    "remove": Walk(["1802.00001"], {"--index": ["indexes/ix"]}),
    "update": Walk(
        [],
        {
            "--index": ["indexes/ix"],
            "--since": ["2026-11-01"],
            "--dry-run": [],
            "--quiet": [],
            "--device": ["cpu"],
            **_SERVER,
        },
        refused={("--dry-run", "--device"): "--dry-run embeds nothing, so --device has no effect"},
    ),
    "fetch": Walk(["1802.00001"], {"--index": ["indexes/ix"], "--device": ["cpu"], **_SERVER}),
    "download": Walk([], {"--into": ["new.zip"], "--from": ["http://localhost:9/x"]}),
    "export": Walk(["x.npz"], {"--index": ["indexes/ix"], "--graph": []}),
    "show": Walk(["1802.00001"], {"--index": ["indexes/ix"], **_OUTPUT}),
    "gaps": Walk(["snapshot.jsonl"], {"--index": ["indexes/ix"], "--top": ["3"], "--any-date": [], **_OUTPUT}),
    "digest": Walk(
        [],
        {
            "--index": ["indexes/ix"],
            "--since": ["2018"],
            "--top": ["3"],
            "--format": ["json"],
            "--output": ["digest.html"],
            "--mail-to": ["ada@example.org"],
            "--no-mark": [],
        },
        refused={
            ("--mail-to", "--format"): "--mail-to sends text and a page",
            ("--mail-to", "--output"): "--mail-to sends text and a page",
        },
    ),
    "list add": Walk(["new", "1802.00001"], {"--index": ["indexes/ix"]}),
    "list import": Walk(["new", "snapshot.jsonl"], {"--index": ["indexes/ix"]}),
    "list dismiss": Walk(["thesis", "1802.00001"], {"--index": ["indexes/ix"]}),
    "list remove": Walk(["thesis", "1802.00001"], {}),
    "list show": Walk(["thesis"], {"--index": ["indexes/ix"], **_OUTPUT}),
    "mcp": Walk([], {"--index": ["indexes/ix"]}),
    "info": Walk([], {"--index": ["indexes/ix"], "--format": ["json"]}),
    "serve": Walk(
        [],
        {
            "--index": ["indexes/ix"],
            "--host": ["localhost"],
            "--port": ["0"],
            "--allow-host": ["papers.example.org"],
            "--token": ["0123456789abcdef"],
            "--open": [],
        },
    ),
    "bench embed": Walk(
        ["snapshot.jsonl"], {"--texts": ["40"], "--model": ["m"], "--device": ["cpu"], "--format": ["json"]}
    ),
    "bench search": Walk(
        [],
        {
            "--index": ["indexes/ix"],
            "--rows": ["100"],
            "--queries": ["5"],
            "--graphs": [],
            "--format": ["json"],
            "--plot": ["plot.png"],
        },
    ),
    "bench quality": Walk(
        ["pairs.tsv"],
        {
            "--index": ["indexes/ix"],
            "--model": ["m"],
            "--prompt": ["query: "],
            "--papers": ["9"],
            "--device": ["cpu"],
            "--format": ["json"],
        },
        needs={"--prompt": ["--model"], "--papers": ["--model"]},
        refused={("--index", "--device"): "--device and --index cannot be combined without --model"},
    ),
}
STOPS = {  # where a command has checked its options, and begins to work for longer than a test should
    "index": "lunacy.pipeline.build.open_snapshots",
    "publish": "lunacy.pipeline.publish",
    "update": "lunacy.pipeline.update.open_client",
    "fetch": "lunacy.pipeline.fetch.open_client",
    "download": "lunacy.harvest.download",
    "ivf": "lunacy.pipeline.build_ivf",
    "graph": "lunacy.pipeline.build_graph",
    "map": "lunacy.pipeline.build_map",
    "duplicates": "lunacy.pipeline.duplicates",
    "serve": "lunacy.serve.listen.bind",
    "export": "lunacy.pipeline.export",
    "digest": "lunacy.query.digest.make_digests",
    "bench embed": "lunacy.bench.bench_embed",
    "bench search": "lunacy.bench.bench_search",
    "bench quality": "lunacy.bench.bench_quality lunacy.bench.bench_models",
}


class Reached(Exception):
    """A command came so far."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index, and the files that the options name."""
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "snapshot.jsonl").write_bytes(lines(RECORDS))
    texts = [f"{one['title']} {one['abstract']}" for one in RECORDS]
    np.save(folder / "vectors.npy", np.array([vector_of(" ".join(text.split())) for text in texts]))
    (folder / "lists.jsonl").write_text('{"list": "thesis", "id": "1802.00001"}\n')
    (folder / "pairs.tsv").write_text("1802.00001\t1802.00002\t1\n")
    files = [folder / "snapshot.jsonl", "--into", folder / "indexes" / "ix", "--vectors", folder / "vectors.npy"]
    assert run("index", *files, "--model", "fake/model").exit_code == 0
    return folder


def command_of(name: str) -> click.Command:
    found: click.Command = main
    for part in name.split():
        assert isinstance(found, click.Group)
        found = found.commands[part]
    return found


def options_of(command: click.Command) -> set[str]:
    """The long names of its options."""
    options = [one for one in command.params if isinstance(one, click.Option)]
    return {next(name for name in one.opts if name.startswith("--")) for one in options}


def every_command(group: click.Group = main, before: str = "") -> Iterator[str]:
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from every_command(one, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_every_option_of_every_command_is_declared() -> None:
    assert {*WALKS, "query"} == set(every_command())  # query: test_query_options.py
    for name, walk in WALKS.items():
        assert set(walk.options) == options_of(command_of(name))


@pytest.mark.parametrize("name", WALKS)
def test_each_pair_is_refused_as_declared_or_both_are_obeyed(
    name: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = WALKS[name]
    shutil.copytree(made, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("LUNACY_LISTS", "lists.jsonl")
    monkeypatch.setattr("lunacy.embedding.load", lambda *_arguments, **_options: FakeEmbedder())
    monkeypatch.setattr("webbrowser.open", lambda _url: True)
    for stopped in STOPS.get(name, "").split():
        monkeypatch.setattr(stopped, stop)

    def outcome(*options: str) -> Result | None:
        """What came of a command; None if it went to work."""
        try:
            return run(*name.split(), *walk.arguments, *options)
        except Reached:
            return None

    for one, needed in walk.needs.items():
        assert_refused(outcome(one, *walk.options[one]), f"{one} has an effect only with {' or '.join(needed)}")
    for one, other in combinations(walk.options, 2):
        result = outcome(*walk.given(one, other))
        if (said := walk.reason(one, other)) is not None:
            assert_refused(result, said)
        else:
            assert result is None or result.exit_code == 0, (one, other, result.stderr)


def stop(*_arguments: object, **_options: object) -> None:
    raise Reached


def assert_refused(result: Result | None, said: str) -> None:
    assert result is not None, said
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), (said, result.stderr)
    assert said in result.stderr
