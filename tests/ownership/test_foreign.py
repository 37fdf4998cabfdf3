"""What is not lunacy's survives every command, byte for byte, and is named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import orjson
import pytest

from lunacy import build_index, open_index
from lunacy.atomic import is_part, part_name
from lunacy.errors import NoIndex
from lunacy.snapshot import Line, Quarantine
from lunacy.store import caches, inventory, new_quarantine, verify, writer_lock
from tests.conftest import FakeEmbedder, few_quick
from tests.ownership.folder import (
    COMMANDS,
    FIRST,
    MANIFESTS,
    MORE,
    PAPERS,
    PLANTS,
    SECOND,
    as_copy,
    index,
    planted,
    put,
    tree,
)
from tests.test_cli import run


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_not_lunacys_survives_every_command(whole: Path, tmp_path: Path, command: str) -> None:
    for group in (FIRST, [*SECOND, *MANIFESTS][:4]):
        folder = Path(shutil.copytree(whole, tmp_path / f"{len(group)}"), "index")
        foreign = planted(folder, lambda folder, group=group: [(PLANTS | MANIFESTS)[name](folder) for name in group])
        beside = tree(folder.parent / "outside")
        done = COMMANDS[command](folder.parent)
        is_refused = command in ("lexical", "ivf") and group != FIRST
        assert done.exit_code == is_refused, done.stderr
        assert foreign.items() <= tree(folder).items()
        assert tree(folder.parent / "outside") == beside
        assert verify(folder) == [], command


@pytest.mark.parametrize(  # those of FIRST survive together, as the test before shows
    "plant", few_quick([*PLANTS, *MANIFESTS], *FIRST[::4], *(one for one in (*PLANTS, *MANIFESTS) if one not in FIRST))
)
def test_what_is_not_lunacys_survives_alone(home: Path, plant: str) -> None:
    folder = home / "index"
    foreign = planted(folder, (PLANTS | MANIFESTS)[plant])
    assert foreign
    beside = tree(home / "outside")
    assert index(home, "more", "--prune").exit_code == 0
    assert foreign.items() <= tree(folder).items()
    assert tree(home / "outside") == beside
    assert verify(folder) == []
    with open_index(folder) as ix:
        assert len(ix) == len(MORE)
    told = [os.fsencode(name).decode(errors="replace") for name in inventory(folder).foreign]
    names = {os.fsencode(name).decode(errors="replace") for name in foreign}
    assert all(any(f"{one}/".startswith(name) for one in names) for name in told)
    assert all(any(f"{name}/".startswith(f"{one.rstrip('/')}/") for one in told) for name in names - {"shards"})


def test_a_cache_takes_another_name_where_its_own_is_taken(home: Path) -> None:
    """The names of caches end in the hash of their content, so a first run tells which they will be."""
    twin = Path(shutil.copytree(home, home / "twin"))
    index(twin, "more")
    run("ivf", "--index", twin / "index", "--recall", 0.5)
    new = {cache.name for cache in caches.read(twin / "index")} - {cache.name for cache in caches.read(home / "index")}
    names = {name for name in new if name.startswith(("codes", "columns"))}
    assert len(names) == 2
    for name in names:
        put(home / "index" / "cache" / name)
    index(home, "more")
    for name in names:
        assert (home / "index" / "cache" / name).read_bytes() == b"mine\n"
    kinds = {cache.kind for cache in caches.read(home / "index")}
    assert {"codes", "columns"} <= kinds
    assert verify(home / "index") == []
    assert set(inventory(home / "index").foreign) == {f"cache/{name}" for name in names}


def test_what_a_killed_run_left_goes_and_what_stands_beside_it_stays(home: Path) -> None:
    folder = home / "index"
    segment, cache, workshop = folder / part_name("segment"), folder / "cache" / part_name("ivf"), part_name("repair")
    put(segment), put(cache), put(folder / workshop / "papers.db"), put(folder / workshop / "notes.txt")
    [lexical] = [cache.name.partition("/")[0] for cache in caches.read(folder) if cache.kind == "lexical"]
    put(folder / "cache" / lexical / "notes.txt")
    second = (folder / "segment-00000002.faiss").read_bytes()
    assert index(home, "more", "--prune").exit_code == 0
    assert not (folder / "segment-00000002.faiss").exists()
    put(folder / "segment-00000002.faiss", second)  # as if we were killed before it was deleted
    assert set(inventory(folder).foreign) == {f"{workshop}/notes.txt", f"cache/{lexical}/"}
    for _ in range(3):
        assert index(home, "all").exit_code == 0
        assert index(home, "more", "--prune").exit_code == 0
    left = tree(folder)
    assert {name for name in left if is_part(Path(name).name)} == {workshop}
    assert "segment-00000002.faiss" not in left
    assert [name for name in left if name.startswith(f"cache/{lexical}/")] == [f"cache/{lexical}/notes.txt"]
    assert left[f"{workshop}/notes.txt"] == b"mine\n"


def test_only_its_own_name_makes_a_part() -> None:
    names = {part_name(stem) for stem in ("segment", "repair", "a b.c", "é") for _ in range(20)}
    assert len(names) == 80
    for name in names:
        assert is_part(name)
        stem, token, end = name.rsplit(".", 2)
        for other in (f"{name} (1)", f"{stem} (1).{token}.{end}", f"x{name}", f"{stem}.{token[::-1]}.{end}", name[:-1]):
            assert not is_part(other)


def test_the_bad_lines_of_the_last_run_are_known_as_such(tmp_path: Path) -> None:
    for n in range(3):
        with Quarantine(new_quarantine(tmp_path)) as bad:
            bad.add("snapshot", Line(n, 0, b"x" * 500), "not JSON")
        [path] = tmp_path.iterdir()
        found = [orjson.loads(line)["line"] for line in path.read_bytes().splitlines()]
        assert (path.name, found) == ("quarantine.jsonl", [n])
    shutil.copy(path, tmp_path / "quarantine-2.jsonl")  # a copy
    assert new_quarantine(tmp_path) == path
    assert [one.name for one in tmp_path.iterdir()] == ["quarantine-2.jsonl"]
    (tmp_path / "quarantine-2.jsonl").rename(path)
    path.write_bytes(b"mine\n" + path.read_bytes())
    with Quarantine(new_quarantine(tmp_path)) as bad:
        bad.add("snapshot", Line(7, 0, b"x"), "not JSON")
    assert {one.name for one in tmp_path.iterdir()} == {"quarantine.jsonl", "quarantine-2.jsonl"}
    assert new_quarantine(tmp_path) == tmp_path / "quarantine-2.jsonl"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"mine\n", b"process notes\n", b"process 7 on host\nmine\n"])
def test_a_lock_of_somebody_else_locks_and_keeps_what_it_says(home: Path, content: bytes) -> None:
    put(home / "index" / "writer.lock", content)
    with writer_lock(home / "index"):
        pass
    assert index(home, "more").exit_code == 0
    assert (home / "index" / "writer.lock").read_bytes() == content
    assert "writer.lock" in inventory(home / "index").foreign


def test_info_counts_only_what_is_ours_and_names_the_rest(home: Path) -> None:
    folder = home / "index"
    before = orjson.loads(run("info", "--index", folder, "--format", "json").stdout)
    assert before["foreign"] == []
    sizes = {name: size for name, size in before["size_bytes"].items() if not name.startswith("papers.db-")}
    files = [one for one in folder.rglob("*") if one.is_file()]
    assert sizes == {one.relative_to(folder).as_posix(): one.stat().st_size for one in files}
    as_copy("segment-00000001 (conflicted copy).faiss")(folder)
    put(folder / "shards" / "x.parquet")
    after = orjson.loads(run("info", "--index", folder, "--format", "json").stdout)
    assert after["foreign"] == ["segment-00000001 (conflicted copy).faiss", "shards/x.parquet"]
    assert after["size_bytes"] == before["size_bytes"]
    table = run("info", "--index", folder).stdout
    assert "not lunacy's  segment-00000001 (conflicted copy).faiss, shards/x.parquet" in table
    verified = run("verify", "--index", folder)
    assert (verified.exit_code, verified.stderr) == (0, "")
    assert f"{folder}: not lunacy's: segment-00000001 (conflicted copy).faiss, shards/x.parquet\n" in verified.stdout
    for n in range(30):
        put(folder / f"{n:02}.txt")
    assert "18.txt, 19.txt and 12 more" in run("verify", "--index", folder).stdout


def test_an_index_that_is_put_in_place_by_renaming_is_seen_by_who_has_it_open(home: Path) -> None:
    folder = home / "index"
    build_index(home / "more.jsonl", into=home / "new", embedder=FakeEmbedder())
    with open_index(folder) as ix:
        assert len(ix) == len(PAPERS)
        folder.rename(home / "old")
        with pytest.raises(NoIndex):
            len(ix)
        (home / "new").rename(folder)
        assert len(ix) == len(MORE)
        assert "1803.00001" in ix


def test_a_segment_that_was_cut_is_named_when_it_is_opened(home: Path) -> None:
    os.truncate(home / "index" / "segment-00000002.faiss", 100)
    done = run("query", "1802.00005", "--index", home / "index")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "segment-00000002.faiss: 100 bytes, should be " in done.stderr
    assert "lunacy verify" in done.stderr
