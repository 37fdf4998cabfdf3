"""An index remembers which papers it takes in and how it was made: an update need not say it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from lunacy import build_index, open_index
from lunacy.errors import FingerprintMismatch, LunacyError, SnapshotError, UsageError
from lunacy.pipeline import diff, remove
from lunacy.store import Store, repair, verify
from tests.conftest import FakeEmbedder, lines, record
from tests.test_cli import run
from tests.test_store import database

CATEGORIES = ["hep-th", "cs.CL", "hep-th math-ph", "math.AG", "", "hep-ph"]
RECORDS = [record(f"1802.{n:05}", categories=CATEGORIES[n % 6]) for n in range(1, 25)]
NEWER = [*RECORDS, *(record(f"1803.{n:05}", categories=CATEGORIES[n % 6]) for n in range(1, 25))]


def those(records: list[Any], *categories: str) -> set[str]:
    """The ids of the records in any of the categories."""
    return {one["id"] for one in records if set(one["categories"].split()) & set(categories)}


def held(folder: Path) -> set[str]:
    with Store(folder) as store, store.view() as view:
        return {paper.id for paper in view.papers(view.live_rows())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def update(write_snapshot: Callable[..., Path], folder: Path) -> Callable[..., list[str]]:
    """A run; what it notes."""

    def build(records: list[Any], **options: Any) -> list[str]:
        notes: list[str] = []
        embedder = FakeEmbedder()
        build_index(write_snapshot(records), into=folder, embedder=embedder, note=notes.append, **options)
        return notes

    return build


def test_an_update_keeps_to_the_categories_of_the_first_run(folder: Path, update: Callable[..., list[str]]) -> None:
    assert update(RECORDS, category=["hep-th"]) == []
    assert update(NEWER) == ["keeping to categories hep-th, as the index was made"]
    assert held(folder) == those(NEWER, "hep-th")
    assert verify(folder) == []


def test_a_first_run_without_a_paper_of_its_categories_fails_and_leaves_no_folder(
    folder: Path, update: Callable[..., list[str]]
) -> None:
    with pytest.raises(SnapshotError, match=r"snapshot\.jsonl: none of its 24 papers is in cs\.CV, astro-ph\.\*"):
        update(RECORDS, category=["cs.CV", "astro-ph.*"])
    assert not folder.exists()


def test_an_update_without_a_paper_of_its_categories_changes_nothing(
    folder: Path, update: Callable[..., list[str]]
) -> None:
    update(RECORDS, category=["hep-th"])
    update([one for one in NEWER if one["id"] not in those(NEWER, "hep-th")])
    assert held(folder) == those(RECORDS, "hep-th")


def test_other_categories_are_said_and_kept_from_then_on(folder: Path, update: Callable[..., list[str]]) -> None:
    update(RECORDS, category=["hep-th"])
    assert update(RECORDS, category=["math.*", "hep-ph"]) == [
        "from now on the index takes in math.*, hep-ph (before: hep-th); the papers that it has stay"
    ]
    assert held(folder) == those(RECORDS, "hep-th", "math.AG", "hep-ph")
    update(NEWER)
    later = NEWER[len(RECORDS) :]
    assert held(folder) == those(RECORDS, "hep-th", "math.AG", "hep-ph") | those(later, "math.AG", "hep-ph")
    assert verify(folder) == []


@pytest.mark.parametrize("everything", [["*"], "*", []])
def test_a_star_takes_in_all_papers_again(folder: Path, update: Callable[..., list[str]], everything: Any) -> None:
    update(RECORDS, category=["hep-th"])
    assert update(RECORDS, category=everything) == [
        "from now on the index takes in all categories (before: hep-th); the papers that it has stay"
    ]
    assert held(folder) == {one["id"] for one in RECORDS}
    assert update(NEWER) == []
    assert len(held(folder)) == len(NEWER)


def test_the_same_categories_again_need_no_word(folder: Path, update: Callable[..., list[str]]) -> None:
    update(RECORDS, category=["hep-th"])
    generation = open_index(folder).info().generation
    assert update(RECORDS, category=["hep-th"]) == []
    assert open_index(folder).info().generation == generation


def test_a_change_of_categories_is_recorded_even_when_no_paper_changes(
    folder: Path, update: Callable[..., list[str]]
) -> None:
    update(RECORDS, category=["hep-th"])
    update(RECORDS, category=["hep-th", "cs.DB"])
    assert open_index(folder).info().scope.category == ("hep-th", "cs.DB")
    assert verify(folder) == []


def test_the_text_is_that_of_the_first_run(update: Callable[..., list[str]]) -> None:
    update(RECORDS, text="abstract")
    assert update(NEWER) == ["keeping to text abstract, as the index was made"]
    assert update(NEWER, text="abstract") == []
    with pytest.raises(FingerprintMismatch, match=r"text: abstract in the index, title\+abstract now"):
        update(NEWER, text="title+abstract")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "abstract"}, "text: title"),
        ({"dims": 8}, "dim: 16 in the index, 8 now"),
        ({"long_texts": "chunk"}, "long_texts: cut in the index, chunk now"),
    ],
)
def test_what_contradicts_the_index_is_refused_before_the_model_is_loaded(
    folder: Path,
    update: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    message: str,
) -> None:
    update(RECORDS)
    monkeypatch.setattr("lunacy.pipeline.build_inputs.load_when_needed", None)
    with pytest.raises(FingerprintMismatch, match=message):
        build_index(into=folder, **options)


def test_the_model_of_the_first_run_is_loaded_again(
    folder: Path, write_snapshot: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load(model: str, _recorded: Any, **options: Any) -> FakeEmbedder:
        loaded.append(f"{model} {options['dims']} {options['long_texts']}")
        return FakeEmbedder(model)

    monkeypatch.setattr("lunacy.pipeline.build_inputs.load_when_needed", load)
    notes: list[str] = []
    build_index(write_snapshot(RECORDS), into=folder, model="fake/own", note=notes.append)
    build_index(write_snapshot(NEWER), into=folder, note=notes.append)
    assert loaded == ["fake/own None cut", "fake/own 16 cut"]
    assert notes == ["keeping to model fake/own, as the index was made"]


def test_diff_keeps_to_the_categories_too(
    folder: Path, update: Callable[..., list[str]], write_snapshot: Callable[..., Path]
) -> None:
    update(RECORDS, category=["hep-th"])
    snapshot = write_snapshot(NEWER)
    assert set(diff(folder, snapshot).new) == those(NEWER[24:], "hep-th")
    assert set(diff(folder, snapshot, category=["cs.CL"]).new) == those(NEWER, "cs.CL")
    assert len(diff(folder, snapshot, category=["*"]).new) == len(NEWER) - len(those(RECORDS, "hep-th"))


def test_a_run_that_fails_changes_no_scope(update: Callable[..., list[str]]) -> None:
    update(RECORDS, category=["hep-th"])
    with pytest.raises(LunacyError):
        update([], category=["cs.CL"])
    assert update(NEWER) == ["keeping to categories hep-th, as the index was made"]


def test_a_prune_keeps_to_the_categories(folder: Path, update: Callable[..., list[str]]) -> None:
    update(NEWER, category=["hep-th"])
    update(NEWER[:-6], prune=True, prune_limit=0.5)
    assert held(folder) == those(NEWER[:-6], "hep-th")


def test_the_scope_survives_removals_compaction_and_repair(folder: Path, update: Callable[..., list[str]]) -> None:
    update(RECORDS, category=["hep-th"], text="abstract")
    [first, second, *_] = sorted(held(folder))
    remove(folder, [first])
    assert run("compact", "--index", folder).exit_code == 0
    with database(folder) as connection:
        connection.execute("UPDATE papers SET title = 'x' WHERE id = ?", (second,))
    assert repair(folder).lost == [second]
    assert update(NEWER) == ["keeping to categories hep-th, text abstract, as the index was made"]
    assert held(folder) == those(NEWER, "hep-th")


def test_verify_finds_a_scope_that_was_changed(folder: Path, update: Callable[..., list[str]]) -> None:
    update(RECORDS, category=["hep-th"])
    with database(folder) as connection:
        connection.execute("""UPDATE meta SET value = '{"category":[]}' WHERE key = 'scope'""")
    assert verify(folder) == ["papers.db: what it says of the model has changed since it was written"]


@pytest.mark.parametrize("value", ["", "{", "[]", "7", '{"category":"cs.*"}', '{"category":[7]}', "{}", "null"])
def test_a_scope_that_is_none_is_told_in_one_line(
    folder: Path, update: Callable[..., list[str]], write_snapshot: Callable[..., Path], value: str
) -> None:
    update(RECORDS)
    with database(folder) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'scope'", (value,))
    for command in (["index", write_snapshot(RECORDS), "--into", folder], ["info", "--index", folder]):
        result = run(*command)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert "the scope in papers.db is not one" in result.stderr


def test_the_command_line_says_what_it_keeps_to(
    folder: Path, update: Callable[..., list[str]], write_snapshot: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunacy.pipeline.build_inputs.load_when_needed", lambda *_model, **_options: FakeEmbedder())
    update(RECORDS, category=["hep-th"])
    result = run("index", write_snapshot(NEWER), "--into", folder)
    assert result.stderr.splitlines()[0].startswith("lunacy: keeping to categories hep-th")
    assert held(folder) == those(NEWER, "hep-th")
    assert ["scope", "hep-th"] in [line.split() for line in run("info", "--index", folder).stdout.splitlines()]
    found = orjson.loads(run("info", "--index", folder, "--format", "json").stdout)
    assert found["scope"] == {"category": ["hep-th"]}
    assert "new            0\n" in run("diff", write_snapshot(NEWER), "--index", folder).stdout


def test_an_unknown_text_or_category_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    for options in ({"text": "title"}, {"long_texts": "shred"}, {"category": ["cs.CLL"]}):
        with pytest.raises(UsageError):
            build_index(tmp_path / "missing.jsonl", into=tmp_path / "index", **options)
    assert list(tmp_path.iterdir()) == []


def recorded_source(folder: Path) -> tuple[str, str]:
    with database(folder) as connection:
        found = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('source', 'datestamp')"))
    return found["source"], found["datestamp"]


def test_the_source_and_its_last_date_are_those_of_the_last_complete_run(
    folder: Path, update: Callable[..., list[str]], write_snapshot: Callable[..., Path]
) -> None:
    dated = [{**one, "update_date": f"2020-01-{n:02}"} for n, one in enumerate(RECORDS, start=1)]
    update(dated, limit=20)
    assert recorded_source(folder) == ("", "")  # nobody knows what came after
    update(dated[::-1])
    assert recorded_source(folder) == ("snapshot", "2020-01-24")
    newer = [*dated, record("1803.00001", update_date="2020-02-01"), record("1803.00002", update_date=None)]
    broken = write_snapshot(lines(newer)[:-5] + b"\x00" * 10, "broken")
    with pytest.raises(LunacyError):
        build_index(broken, into=folder, embedder=FakeEmbedder(), strict=True)
    assert recorded_source(folder) == ("snapshot", "2020-01-24")
    update(newer)
    assert recorded_source(folder) == ("snapshot", "2020-02-01")
    assert verify(folder) == []
    with database(folder) as connection:
        connection.execute("DELETE FROM counts")
    repair(folder)
    assert recorded_source(folder) == ("snapshot", "2020-02-01")
    with database(folder) as connection:
        connection.execute("UPDATE meta SET value = '2020-02-02' WHERE key = 'datestamp'")
    assert verify(folder) != []
