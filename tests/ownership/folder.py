"""An index with all caches, what is put into it from outside, and the commands that must leave that alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lunacy.atomic import part_name
from lunacy.pipeline import build_ivf, build_lexical
from lunacy.store import Writer, caches
from lunacy.store.segments import mark_of
from tests.conftest import FakeEmbedder, lines, record, vector_of
from tests.test_cli import run
from tests.test_pipeline import text_of
from tests.test_store import entry

ROOT = Path(__file__).parents[2]
PAPERS = [record(f"1802.{n:05}") for n in range(1, 31)]
MORE = [*PAPERS[1:], *(record(f"1803.{n:05}") for n in range(1, 6))]  # one is gone, and five are new
NEXT = "segment-00000003.faiss"  # where the next segment goes
Tree = dict[str, Any]


def make_index(home: Path) -> Path:
    """Two segments in `home`/index, with all caches; beside it what an update takes."""
    home.mkdir(parents=True, exist_ok=True)
    for name, papers in (("few", PAPERS[:25]), ("all", PAPERS), ("more", MORE)):
        (home / f"{name}.jsonl").write_bytes(lines(papers))
        np.save(home / f"{name}.npy", np.array([vector_of(text_of(one)) for one in papers]))
    for name in ("few", "all"):
        assert index(home, name).exit_code == 0
    build_lexical(home / "index")
    build_ivf(home / "index", recall=0.5)
    kinds = {cache.kind for cache in caches.read(home / "index")}
    assert kinds == {"codes", "columns", "ivf", "lexical", "lines", "neighbours", "titles"}
    assert sorted(path.name for path in (home / "index").glob("segment*")) == [
        "segment-00000001.faiss",
        "segment-00000002.faiss",
    ]
    return home / "index"


def index(home: Path, name: str, *options: object) -> Any:
    vectors = ["--vectors", home / f"{name}.npy", "--model", "fake/model"]
    return run("index", home / f"{name}.jsonl", "--into", home / "index", *vectors, *options)


def tree(folder: Path) -> Tree:
    """All that is in a folder: files with their bytes, links with their targets, folders."""
    found: Tree = {}
    for path in folder.rglob("*"):
        what = os.readlink(path) if path.is_symlink() else path.is_dir() or (path.is_file() and path.read_bytes())
        found[path.relative_to(folder).as_posix()] = what
    return found


def put(path: Path, content: bytes = b"mine\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def as_folder(name: str) -> Callable[[Path], None]:
    return lambda folder: put(folder / name / "notes.txt")


def as_copy(name: str, of: str = "segment-00000001.faiss") -> Callable[[Path], None]:
    return lambda folder: put(folder / name, (folder / of).read_bytes())


def as_file(name: str, content: bytes = b"mine\n") -> Callable[[Path], None]:
    return lambda folder: put(folder / name, content)


def as_link(name: str, to: str) -> Callable[[Path], None]:
    """A link to what is outside: the file outside/file, or the folder outside."""

    def plant(folder: Path) -> None:
        put(folder.parent / "outside" / "file")
        put(folder.parent / "outside" / part_name("ivf"))
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(folder.parent / to)

    return plant


def in_the_lexical_folder(folder: Path) -> None:
    [lexical] = [cache.name.partition("/")[0] for cache in caches.read(folder) if cache.kind == "lexical"]
    put(folder / "cache" / lexical / "notes.txt")


def of_another_index(folder: Path) -> None:
    """A segment of another index, under its own name, which is the one that the next segment here would have."""
    other = folder.parent / "other"
    with Writer(other, FakeEmbedder().fingerprint, "fake") as writer:
        for n in range(3):
            one = entry(f"other{n}")
            writer.append([one], np.array([vector_of(str(n))]))
            writer._commit(writer._segment, writer._first_row)  # without merging
    shutil.copy(other / NEXT, folder / NEXT)
    assert mark_of(folder / NEXT) is not None
    shutil.rmtree(other)


PLANTS: dict[str, Callable[[Path], None]] = {
    "a segment's name": as_file("segment-00000099.faiss"),
    "a copy of a segment": as_copy("segment-00000098.faiss"),
    "the next segment's name": as_file(NEXT),
    "a copy with the next segment's name": as_copy(NEXT),
    "a segment of another index": of_another_index,
    "a folder with the next segment's name": as_folder(NEXT),
    "a conflicted copy": as_copy("segment-00000001 (conflicted copy).faiss"),
    "a sync conflict": as_copy("segment-00000001.sync-conflict-20261126.faiss"),
    "a backup": as_copy("segment-00000001.faiss~"),
    "another number of digits": as_copy("segment-1.faiss"),
    "a copy of the database": as_copy("papers (1).db", "papers.db"),
    "what looks half-made": as_file("segment.0123456789abcdef0123456789abcdef.part"),
    "a folder that looks half-made": as_folder("repair.0123456789abcdef0123456789abcdef.part"),
    "a renamed half-made file": lambda folder: put(folder / part_name("segment").replace(".part", " (1).part")),
    "a file in shards": as_file("shards/x.parquet"),
    "a shard's name": as_file("shards/0123456789abcdef-00000-0000000.parquet", b"PAR1" * 9),
    "a folder in shards": as_folder("shards/notes"),
    "a file in cache": as_file("cache/notes.txt"),
    "unfinished": as_file("cache/unfinished"),
    "unfinished-lexical": as_folder("cache/unfinished-lexical"),
    "a cache's name": as_file("cache/columns-0123456789ab"),
    "a cache folder's name": as_file("cache/lexical-0123456789ab/meta.json", b"{}"),
    "a file in a cache": in_the_lexical_folder,
    "a quarantine of somebody else": as_file("quarantine.jsonl"),
    "a quarantine that is JSON": as_file("quarantine.jsonl", b'{"line": 1, "reason": "mine"}\n'),
    "an empty quarantine": as_file("quarantine.jsonl", b""),
    "a folder repair": as_file("repair/papers.db"),
    "a macOS file": as_file(".DS_Store"),
    "Syncthing's folder": as_folder(".stfolder"),
    "a pipe": lambda folder: os.mkfifo(folder / "segment-00000007.faiss"),
    "a name that is not UTF-8": lambda folder: put(folder / os.fsdecode(b"caf\xe9\x1b.txt")),
    "a link to a file": as_link("segment-00000004.faiss", "outside/file"),
    "a link to a folder": as_link("latest", "outside"),
    "a link in cache": as_link(f"cache/{part_name('ivf')}", "outside"),
    "a link in shards": as_link("shards/0123456789abcdef-00000-0000001.parquet", "outside/file"),
    "a link for shards": as_link("shards", "outside"),
    "a link for the quarantine": as_link("quarantine.jsonl", "outside/file"),
    "a link to nothing": lambda folder: (folder / "quarantine.jsonl").symlink_to("nowhere"),
}
MANIFESTS = {
    "a manifest of somebody else": as_file("cache/manifest.json", b'{"version": 1, "caches": []}\n'),
    "an empty manifest": as_file("cache/manifest.json", b""),
    "a link for the manifest": lambda folder: (
        (folder / "cache/manifest.json").unlink(),
        as_link("cache/manifest.json", "outside/file")(folder),
    ),
    "a pipe for the manifest": lambda folder: (
        (folder / "cache/manifest.json").unlink(),
        os.mkfifo(folder / "cache/manifest.json"),
    ),
    "a file for the folder of caches": lambda folder: (shutil.rmtree(folder / "cache"), put(folder / "cache")),
    "a link for the folder of caches": lambda folder: (
        shutil.rmtree(folder / "cache"),
        as_link("cache", "outside")(folder),
    ),
}


def planted(folder: Path, plant: Callable[[Path], Any]) -> Tree:
    """What is foreign in `folder` and beside it, after `plant`."""
    before = tree(folder)
    plant(folder)
    return {name: what for name, what in tree(folder).items() if before.get(name, ...) != what}


def flip(folder: Path) -> None:
    content = bytearray((folder / "segment-00000002.faiss").read_bytes())
    content[60] ^= 1
    (folder / "segment-00000002.faiss").write_bytes(content)


COMMANDS: dict[str, Callable[[Path], Any]] = {
    "index": lambda home: index(home, "more"),
    "index --prune": lambda home: index(home, "more", "--prune"),
    "index with bad lines": lambda home: (put(home / "more.jsonl", lines(MORE[:-1]) + b"{\n"), index(home, "more"))[1],
    "remove": lambda home: run("remove", "1802.00003", "1802.00027", "--index", home / "index"),
    "compact": lambda home: run("compact", "--index", home / "index"),
    "repair": lambda home: run("repair", "--index", home / "index"),
    "repair of a damaged one": lambda home: (flip(home / "index"), run("repair", "--index", home / "index"))[1],
    "verify": lambda home: run("verify", "--index", home / "index"),
    "lexical": lambda home: run("lexical", "--index", home / "index"),
    "ivf": lambda home: run("ivf", "--index", home / "index", "--recall", 0.5),
    "info": lambda home: run("info", "--index", home / "index"),
    "query": lambda home: run("query", "1802.00005", "--index", home / "index"),
    "show": lambda home: run("show", "1802.00005", "--index", home / "index", "-o", home / "shown.bib"),
    "diff": lambda home: run("diff", home / "more.jsonl", "--index", home / "index"),
}


# Those of PLANTS and MANIFESTS that cannot be in a folder together; all others are in the first group.
SECOND = ["a copy with the next segment's name", "a quarantine that is JSON", "a link for shards"]
THIRD = ["a segment of another index", "an empty quarantine"]
FOURTH = ["a folder with the next segment's name", "a link for the quarantine"]
FIFTH = ["a link to nothing"]
FIRST = [name for name in PLANTS if name not in (*SECOND, *THIRD, *FOURTH, *FIFTH)]
