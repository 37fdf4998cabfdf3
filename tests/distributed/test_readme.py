"""The commands of docs/scaling.md work."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("pymilvus")
pytest.importorskip("ray")

import lunacy
from lunacy.cli import main
from lunacy.snapshot import Snapshot
from tests.test_readme import SCALING, commands_of

pytestmark = [
    pytest.mark.distributed,
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:.*actors:UserWarning"),
]


def test_every_lunacy_command_beyond_one_machine_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # not the cluster of the other tests, which may be open: found without its address, its workers die at the start
    monkeypatch.setenv("RAY_ADDRESS", "local")
    monkeypatch.setattr("lunacy.pipeline.tune_ivf.N_TITLES", 20)  # the real model embeds them
    with Snapshot() as sample:
        lines = [line.raw for line in sample.lines()]
    np.save("sample.npy", np.random.default_rng(0).standard_normal((len(lines), 384), np.float32))
    Path("snapshot.jsonl").write_bytes(b"\n".join(lines[:20]))
    lunacy.build_index(into="indexes/sample", vectors="sample.npy", model="sentence-transformers/all-MiniLM-L6-v2")
    commands = commands_of(SCALING)
    assert len(commands) > 5
    for command in commands:
        result = CliRunner().invoke(main, shlex.split(command, comments=True))
        assert result.exit_code == 0, (command, result.output)
        assert result.output, command
