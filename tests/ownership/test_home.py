"""`~` is the home folder wherever a path is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from lunacy import build_index, open_index, pipeline
from lunacy.milvus import parse_address
from lunacy.store import Store, inventory, repair, verify
from tests.conftest import FakeEmbedder
from tests.test_cli import run


def test_the_home_folder_is_meant_at_every_door(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    (home / "ids").write_text("1802.00003\n")
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert parse_address("milvus:~/lite.db/papers").uri == str(home / "lite.db")
    vectors = ["--vectors=~/few.npy", "--model=~/model"]
    assert run("index", "~/few.jsonl", "--into=~/made/by/us", *vectors).exit_code == 0
    assert open_index("~/made/by/us").info().fingerprint.model == str(home / "model")
    for command in (["info"], ["verify"], ["compact"], ["repair"], ["lexical"], ["diff", "~/few.jsonl"]):
        assert run(*command, "--index=~/made/by/us").exit_code == 0, command
    monkeypatch.setenv("LUNACY_INDEX", "~/made/by/us")
    asked = ["--batch=~/ids", "--format=ids", "--top=3"]
    some = run("query", *asked, "--only-ids=~/ids", "--include-self")
    assert (some.exit_code, some.stdout) == (0, "1802.00003\n")
    assert "1802.00003" not in run("query", *asked, "--not-ids=~/ids", "--include-self").stdout
    assert run("remove", "1802.00003").exit_code == 0
    folder = "~/made/in/python"
    build_index("~/few.jsonl", into=folder, embedder=FakeEmbedder())
    build_index(Path("~/few.jsonl"), into=Path(folder), embedder=FakeEmbedder())
    pipeline.build_lexical(folder)
    pipeline.build_ivf(folder, recall=0.5)
    pipeline.refresh_caches(folder)
    assert pipeline.diff(folder, "~/few.jsonl").new == []
    assert pipeline.remove(folder, "1802.00004").ids == ["1802.00004"]
    assert pipeline.verify(folder, reembed=3, embedder=FakeEmbedder()).faults == []
    assert (verify(folder), repair(folder).faults, inventory(folder).foreign) == ([], [], ())
    with Store(folder) as store, store.view() as view:
        assert view.n_papers == 24
    assert list(elsewhere.iterdir()) == []
    assert {one.name for one in (home / "made").iterdir()} == {"by", "in"}
