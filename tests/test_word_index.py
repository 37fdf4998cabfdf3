"""A build makes the word index too, after the papers are stored; it keeps it up to date, or leaves it out for good."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lunacy
from lunacy.derived import lexical
from lunacy.pipeline import build_lexical, remove
from lunacy.store import repair, verify
from tests.conftest import FakeEmbedder, record
from tests.test_cli import run
from tests.test_updates import papers

pytestmark = pytest.mark.usefixtures("word_index")
Build = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def build(write_snapshot: Callable[..., Path], folder: Path) -> Build:
    """Build the index in `folder` from records."""

    def build(records: Any, **options: Any) -> list[str]:
        notes: list[str] = []
        lunacy.build_index(write_snapshot(records), into=folder, embedder=FakeEmbedder(), note=notes.append, **options)
        return notes

    return build


def has_words(folder: Path) -> bool:
    with lunacy.open_index(folder) as ix:
        return ix.info().has_words


def with_word(folder: Path, word: str) -> list[str]:
    """The ids of the papers in which `word` occurs, by the word index."""
    with lunacy.open_index(folder) as ix:
        return sorted(hit.id for hit in ix.similar_to_text(word, rank="lexical", top=50))


def test_every_way_of_changing_an_index_keeps_its_words(build: Build, folder: Path) -> None:
    first, second = record("1802.00001", title="On turtles"), record("1802.00002", title="On tortoises")
    assert build([first, second]) == []
    assert with_word(folder, "turtle") == ["1802.00001"]
    build([first, {**second, "title": "On turtles too"}, record("1802.00003", abstract="Of one turtle.")])
    assert with_word(folder, "turtle") == ["1802.00001", "1802.00002", "1802.00003"]
    remove(folder, "1802.00001")
    assert with_word(folder, "turtle") == ["1802.00002", "1802.00003"]
    lunacy.compact(folder)
    assert with_word(folder, "turtle") == ["1802.00002", "1802.00003"]


def test_a_run_in_which_nothing_changes_makes_the_word_index_that_is_missing(build: Build, folder: Path) -> None:
    """As after a kill between the papers and their words, or after `repair`."""
    build(papers(3))
    shutil.rmtree(folder / "cache")
    assert not has_words(folder)
    build(papers(3))
    assert with_word(folder, "find") == ["1802.00001", "1802.00002", "1802.00003"]


def test_what_is_left_out_once_is_left_out_until_it_is_asked_for(build: Build, folder: Path) -> None:
    build(papers(3), lexical=False)
    assert not has_words(folder)
    result = run("query", "1802.00001", "--index", folder, "--rank", "hybrid")
    assert (result.exit_code, result.stderr) == (
        2,
        f"lunacy: {folder}: the index has no lexical index; make it with: lunacy lexical --index {folder}\n",
    )
    told = f"none, for --rank hybrid and lexical; make it with: lunacy lexical --index {folder}"
    assert told in run("info", "--index", folder).stdout
    build(papers(4))
    remove(folder, "1802.00004")
    assert not has_words(folder)
    assert verify(folder) == []
    repair(folder)
    build(papers(4))
    assert not has_words(folder)
    build_lexical(folder)
    build([*papers(4), record("1802.00009", title="On turtles")])
    assert with_word(folder, "turtle") == ["1802.00009"]


def test_a_word_index_goes_when_it_is_no_longer_wanted(build: Build, folder: Path) -> None:
    build(papers(3))
    build(papers(3), lexical=False)
    assert not has_words(folder)
    build(papers(4))
    assert not has_words(folder)


def test_an_index_from_a_file_has_its_words_unless_they_are_left_out(
    build: Build, folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    build([*papers(2), record("1802.00009", title="On turtles")])
    file, words, none = tmp_path / "all.parquet", tmp_path / "words", tmp_path / "none"
    assert run("export", file, "--index", folder).exit_code == 0
    assert run("index", "--from", file, "--into", words).exit_code == 0
    assert with_word(words, "turtle") == ["1802.00009"]
    assert run("index", "--from", file, "--into", none, "--no-lexical").exit_code == 0
    assert not has_words(none)


@pytest.mark.parametrize(
    ("target", "error", "why"),
    [
        ("require_space", lunacy.DiskFull("the disk is full", where="/there"), "the disk is full"),
        ("_write_index", ValueError("it is broken"), "it is broken; the folder must be writable, and whole"),
        ("draw_pairs", OSError(5, "Input/output error"), "Input/output error"),
    ],
)
def test_papers_are_stored_though_their_words_cannot_be_indexed(
    build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch, target: str, error: Exception, why: str
) -> None:
    def fail(*_arguments: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(lexical, target, fail)
        [note] = build(papers(3))
    again = f"lunacy lexical --index {folder}"
    assert note == f"the papers are stored, but their words are not indexed: {why}; index them with: {again}"
    with lunacy.open_index(folder) as ix:
        assert len(ix.similar("1802.00001")) == 2
        assert not ix.info().has_words
    assert [one.name for one in (folder / "cache").glob("unfinished-lexical*")] == []
    assert build(papers(3)) == []
    assert has_words(folder)


def test_a_killed_writer_has_stored_its_papers_before_their_words(
    build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lexical, "_write_index", kill)
        with pytest.raises(KeyboardInterrupt):
            build(papers(3))
    with lunacy.open_index(folder) as ix:
        assert len(ix) == 3
    build(papers(3))
    assert with_word(folder, "find") == ["1802.00001", "1802.00002", "1802.00003"]
