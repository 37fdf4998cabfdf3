"""Embedding on a Ray cluster comes to what the embedded pipeline comes to, whatever dies on the way."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lunacy import BuildReport, build_index, open_index
from lunacy.advice import install
from lunacy.atomic import part_name
from lunacy.errors import FingerprintMismatch, LunacyError, MissingExtra, NoIndex, SnapshotError, StoreError, UsageError
from lunacy.store import verify
from tests.conftest import FakeEmbedder, lines, record, vector_of
from tests.distributed.conftest import node
from tests.distributed.embedders import Different, Failing, Traced
from tests.test_pipeline import assert_counts, assert_holds, contents

pytestmark = [
    pytest.mark.distributed,
    pytest.mark.xdist_group("ray"),  # its tests kill the actors that they find on this machine
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*minimum number of concurrent actors:UserWarning"),  # of small snapshots
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROOT = Path(__file__).parents[2]
N = 200
MANY = [record(f"1802.{number:05}") for number in range(N)]
SNAPSHOTS_120K = os.environ.get("LUNACY_120K", "")  # a snapshot, and behind a colon its vectors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    return Traced(tmp_path / "trace")


@pytest.fixture
def build(raylets: Any, folder: Path) -> Callable[..., BuildReport]:
    """Build the index in `folder` on the cluster."""

    def run(snapshot: Any, **options: Any) -> BuildReport:
        return build_index(snapshot, **{"into": folder, "ray": raylets.address, **options})

    return run


def actors() -> list[int]:
    """The processes of actors that embed."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"MapWorker(" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def n_shards(folder: Path) -> int:
    return len(list((folder / "shards").glob("*.parquet")))


class Meanwhile:
    """What happens in a run, when there are so many shards: in a thread beside it."""

    def __init__(self, folder: Path, *steps: tuple[int, Callable[[], None]]) -> None:
        self.seen: list[int] = []  # shards, when each step was done
        self._folder, self._steps = folder, steps
        self._is_over = False
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        for n, step in self._steps:
            while n_shards(self._folder) < n:
                if self._is_over:
                    return
                time.sleep(0.01)
            step()
            self.seen.append(n_shards(self._folder))

    def __enter__(self) -> Meanwhile:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_over = True
        self._thread.join()


def kill_an_actor() -> None:
    os.kill(actors()[0], signal.SIGKILL)


def same(folder: Path, other: Path) -> None:
    """The same papers in the same rows, and their vectors to the last bit."""
    assert contents(folder) == contents(other)
    assert verify(folder) == []
    assert not (folder / "shards").exists()


def as_close(folder: Path, other: Path) -> None:
    """The same papers in the same rows, and vectors with a cosine of 0.9999."""
    ours, theirs = contents(folder), contents(other)
    assert [(*row[:15], row[16]) for row in ours] == [(*row[:15], row[16]) for row in theirs]  # all but the vectors
    a, b = (np.array([np.frombuffer(row[-1], np.float32) for row in rows]) for rows in (ours, theirs))
    assert (a * b).sum(1).min() >= 0.9999
    assert verify(folder) == []


@pytest.fixture
def replaced_node(raylets: Any) -> Iterator[Callable[[], None]]:
    """A function that takes a node away, at once; there is a new one after the test."""

    def remove() -> None:
        raylets.remove_node(next(iter(raylets.worker_nodes)), allow_graceful=False)

    yield remove
    while len(raylets.worker_nodes) < 2:
        raylets.add_node(**node())


def test_the_sample_with_a_worker_and_a_node_killed_is_as_embedded_here(
    build: Callable[..., BuildReport],
    folder: Path,
    tmp_path: Path,
    replaced_node: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lunacy.pipeline.on_ray.job.WINDOWS", {"cpu": 64})
    with Meanwhile(folder, (3, kill_an_actor), (8, replaced_node)) as meanwhile:
        report = build(None, device="cpu")
    assert len(meanwhile.seen) == 2
    assert 3 <= meanwhile.seen[0] < meanwhile.seen[1] < 32  # there are 32 in the end
    here = build_index(into=tmp_path / "here", device="cpu")
    assert report.counts == here.counts
    as_close(folder, tmp_path / "here")
    with open_index(folder) as one, open_index(tmp_path / "here") as other:
        shares = []
        for row in contents(folder)[::20]:
            ours, theirs = one.similar(row[1], top=10), other.similar(row[1], top=10)
            assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=5e-3)
            shares.append(len({hit.id for hit in ours} & {hit.id for hit in theirs}) / 10)
        assert np.mean(shares) >= 0.99  # a processor may take another way to the vectors when it is busy


def test_an_actor_and_a_node_may_die_and_little_is_embedded_twice(
    build: Callable[..., BuildReport],
    write_snapshot: Callable[..., Path],
    folder: Path,
    tmp_path: Path,
    replaced_node: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lunacy.snapshot.pieces.LINE_BYTES", 400)
    embedder = Traced(tmp_path / "trace", wait_s=0.3)
    path = write_snapshot(MANY)
    with Meanwhile(folder, (3, kill_an_actor), (8, replaced_node)) as meanwhile:
        assert_counts(build(path, embedder=embedder), read=N, added=N)
    assert len(meanwhile.seen) == 2
    assert meanwhile.seen[1] < 20
    build_index(path, into=tmp_path / "here", embedder=FakeEmbedder())
    same(folder, tmp_path / "here")
    assert N <= embedder.n_texts <= N + 2 * 16  # what the two were at


_DRIVER = """
import sys
from pathlib import Path
import lunacy.snapshot.pieces
from lunacy import build_index
from tests.distributed.embedders import Traced
lunacy.snapshot.pieces.LINE_BYTES = 400
snapshot, into, trace, address = sys.argv[1:]
build_index(snapshot, into=into, embedder=Traced(Path(trace), wait_s=0.3), ray=address)
"""


def test_after_a_killed_driver_a_rerun_embeds_what_was_not_written(
    raylets: Any, write_snapshot: Callable[..., Path], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunacy.snapshot.pieces.LINE_BYTES", 400)
    embedder = Traced(tmp_path / "trace", wait_s=0.3)
    path = write_snapshot(MANY)
    arguments = [str(path), str(folder), str(embedder.trace), raylets.address]
    with subprocess.Popen([sys.executable, "-c", _DRIVER, *arguments]) as driver:
        while n_shards(folder) < 6:
            assert driver.poll() is None
            time.sleep(0.01)
        driver.kill()
    deadline = time.monotonic() + 30
    while actors() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert actors() == []
    assert 6 <= n_shards(folder) < 20
    before = embedder.n_texts
    report = build_index(path, into=folder, embedder=embedder, ray=raylets.address)
    assert_counts(report, read=N, added=N)
    build_index(path, into=tmp_path / "here", embedder=FakeEmbedder())
    same(folder, tmp_path / "here")
    assert before < N
    assert N <= embedder.n_texts <= N + 3 * 16  # what each of three actors was at


def test_an_unchanged_snapshot_embeds_nothing_and_changes_embed_themselves(
    build: Callable[..., BuildReport], write_snapshot: Callable[..., Path], folder: Path, traced: Traced
) -> None:
    path = write_snapshot(MANY)
    build_index(path, into=folder, embedder=FakeEmbedder())
    before = contents(folder)
    assert_counts(build(path, embedder=traced), read=N, unchanged=N)
    assert (traced.n_texts, contents(folder)) == (0, before)
    changed = [
        *MANY[:50],
        record("1802.00050", abstract="Quite another."),
        record("1802.00051", title="On paper 1802.00051", doi="10.1/x"),
        *MANY[52:],
        record("1803.00001"),
    ]
    report = build(write_snapshot(changed), embedder=traced)
    assert_counts(report, read=N + 1, updated=2, metadata_only=1, unchanged=N - 2, added=1)
    assert traced.n_texts == 2
    assert_holds(folder, changed)
    assert_counts(build(write_snapshot(changed[1:]), embedder=traced, prune=True), read=N, unchanged=N, pruned=1)
    assert_holds(folder, changed[1:])
    assert traced.n_texts == 2
    assert not (folder / "shards").exists()


def test_what_becomes_of_lines_is_what_becomes_of_them_here(
    build: Callable[..., BuildReport],
    write_snapshot: Callable[..., Path],
    folder: Path,
    tmp_path: Path,
    traced: Traced,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bad lines, an id in several pieces, blank lines, another category, an older index, a packed file."""
    monkeypatch.setattr("lunacy.snapshot.pieces.LINE_BYTES", 400)
    twice = [record(MANY[3]["id"], abstract="Newer."), MANY[3], record(MANY[90]["id"], abstract="Newest.")]
    other = record("1803.00002", categories="hep-th")
    mixed = b"\xef\xbb\xbf" + lines(MANY[:60]) + b"{\n\n" + lines([*MANY[60:100], *twice, other]) + b"[]\n\xff\n"
    packed = gzip.compress(b"\n7\n" + lines([*MANY[100:], twice[0]]) + b'{"id"')
    paths = [write_snapshot(mixed, "a.jsonl"), write_snapshot(packed, "b.gz")]
    older = write_snapshot([*MANY[:30], record("1804.00001")], "before")
    reports = []
    for run, into in ((build_index, tmp_path / "here"), (build, folder)):
        build_index(older, into=into, embedder=FakeEmbedder())
        reports.append(run(paths, into=into, category=["cs.*"], embedder=traced))
    here, there = reports
    assert asdict(there.counts) == asdict(here.counts)
    assert (here.counts.quarantined, here.counts.repeated, here.counts.filtered) == (5, 4, 1)
    assert [row[1:11] for row in contents(folder)] == [row[1:11] for row in contents(tmp_path / "here")]
    same(folder, tmp_path / "here")
    for name in (folder, tmp_path / "here"):
        assert len((name / "quarantine.jsonl").read_bytes().splitlines()) == 5
    assert (folder / "quarantine.jsonl").read_bytes() == (tmp_path / "here" / "quarantine.jsonl").read_bytes()


@pytest.mark.parametrize("options", [{"limit": 33}, {"limit": 61, "category": ["cs.*"]}, {"strict": True}])
def test_a_run_ends_early_at_the_same_line(
    build: Callable[..., BuildReport],
    write_snapshot: Callable[..., Path],
    folder: Path,
    tmp_path: Path,
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lunacy.snapshot.pieces.LINE_BYTES", 400)
    monkeypatch.setattr(FakeEmbedder, "window", 8)
    path = write_snapshot(lines([*MANY[:60], record("1", categories="hep-th")]) + b"\n[]\n" + lines(MANY[60:]))
    said = []
    for into in (folder, tmp_path / "here"):
        run = build if into == folder else build_index
        try:
            said.append(str(run(path, into=into, embedder=FakeEmbedder(), **options).counts))
        except SnapshotError as error:
            said.append(str(error))
    assert said[0] == said[1]
    if "strict" in options:  # refused before anything is embedded
        assert not folder.exists()
        return
    assert [row[1:] for row in contents(folder)] == [row[1:] for row in contents(tmp_path / "here")]


def test_a_packed_snapshot_that_breaks_off_keeps_what_came_before(
    build: Callable[..., BuildReport], write_snapshot: Callable[..., Path], folder: Path, tmp_path: Path
) -> None:
    path = write_snapshot(gzip.compress(lines(MANY))[:-900], "cut.gz")
    for run, into in ((build, folder), (build_index, tmp_path / "here")):
        with pytest.raises(SnapshotError, match=r"cut\.gz: damaged or cut off after byte"):
            run(path, into=into, embedder=FakeEmbedder())
    same(folder, tmp_path / "here")


@pytest.fixture
def shards(
    build: Callable[..., BuildReport],
    write_snapshot: Callable[..., Path],
    folder: Path,
    traced: Traced,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Path]:
    """The shards of MANY, in a folder that holds nothing else: as if the command had been killed before its commit."""
    monkeypatch.setattr("lunacy.snapshot.pieces.LINE_BYTES", 400)
    with monkeypatch.context() as patch:
        patch.setattr("lunacy.pipeline.build_run.remove", lambda _paths: None)
        build(write_snapshot(MANY), embedder=traced)
    for path in folder.iterdir():
        if path.name == "cache":
            shutil.rmtree(path)
        elif path.name != "shards":
            path.unlink()
    assert traced.n_texts == N
    return sorted((folder / "shards").iterdir())


def test_a_damaged_shard_is_made_again(
    shards: list[Path],
    build: Callable[..., BuildReport],
    folder: Path,
    tmp_path: Path,
    traced: Traced,
) -> None:
    path = tmp_path / "snapshot.jsonl"
    code = re.findall(r"```python\n(.*?)```", (ROOT / "indexes/README.md").read_text(), re.DOTALL)[0]
    plain: dict[str, Any] = {"path": shards[0]}
    exec(code, plain)
    texts = [" ".join(f"{one['title']} {one['abstract']}".split()) for one in MANY[: len(plain["vectors"])]]
    np.testing.assert_array_equal(plain["vectors"], [vector_of(text) for text in texts])
    middle = bytearray(shards[2].read_bytes())
    middle[len(middle) // 3] ^= 1
    shards[2].write_bytes(middle)
    other = bytearray(shards[4].read_bytes())
    other[20] ^= 1
    shards[4].write_bytes(other)
    shards[5].unlink()
    shutil.copy(shards[1], folder / "shards" / "0123456789abcdef-00000-0000000.parquet")  # of another run
    assert_counts(build(path, embedder=traced), read=N, added=N)
    assert N < traced.n_texts <= N + 3 * 16
    build_index(path, into=tmp_path / "here", embedder=FakeEmbedder())
    same(folder, tmp_path / "here")


@pytest.mark.parametrize("content", [b"", b"mine", b"PAR1"])
def test_what_stands_where_a_shard_goes_and_is_none_is_named_and_left(
    shards: list[Path], build: Callable[..., BuildReport], folder: Path, tmp_path: Path, traced: Traced, content: bytes
) -> None:
    shards[4].write_bytes(content)
    with pytest.raises(NoIndex, match=f"holds no index .shards/{shards[4].name}"):
        build(tmp_path / "snapshot.jsonl", embedder=traced)
    for path in shards:
        path.rename(tmp_path / path.name)
    build_index(tmp_path / "snapshot.jsonl", into=folder, embedder=FakeEmbedder(), limit=1)
    (folder / "shards").mkdir(exist_ok=True)
    for path in shards:
        (tmp_path / path.name).rename(path)
    with pytest.raises(StoreError, match=f"{shards[4].name} is not lunacy's, or damaged, (?s:.*)move it away"):
        build(tmp_path / "snapshot.jsonl", embedder=traced)
    assert shards[4].read_bytes() == content
    assert all(path.exists() for path in shards)
    assert traced.n_texts == N


def test_what_is_not_lunacys_in_the_folder_of_shards_stays(
    build: Callable[..., BuildReport], folder: Path, traced: Traced, write_snapshot: Callable[..., Path], tmp_path: Path
) -> None:
    build_index(write_snapshot(MANY[:3]), into=folder, embedder=FakeEmbedder())
    (folder / "shards" / "notes").mkdir(parents=True)
    foreign = [
        folder / "shards" / name for name in ("x.parquet", "notes/todo.txt", f"{'0' * 16}-00000-0000000.parquet")
    ]
    for path in foreign:
        path.write_bytes(b"mine")
    half = folder / "shards" / part_name(f"{'0' * 16}-00000-0000000.parquet")
    half.write_bytes(b"left by a killed actor")
    assert_counts(build(write_snapshot(MANY), embedder=traced), read=N, unchanged=3, added=N - 3)
    assert [path.read_bytes() for path in foreign] == [b"mine"] * 3
    assert sorted(path for path in (folder / "shards").rglob("*") if path.is_file()) == sorted(foreign)
    assert verify(folder) == []
    (folder / "shards").rename(tmp_path / "outside")
    (folder / "shards").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError, match="shards is a symbolic link"):
        build(write_snapshot(MANY), embedder=traced)


def test_a_first_run_that_fails_keeps_its_shards_and_without_any_nothing(
    build: Callable[..., BuildReport],
    write_snapshot: Callable[..., Path],
    folder: Path,
    traced: Traced,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_snapshot(MANY)
    with pytest.raises(LunacyError, match="out of memory"):
        build(path, embedder=Failing())
    assert not folder.exists()

    def failing(*_arguments: object) -> None:
        raise LunacyError("no")

    monkeypatch.setattr("lunacy.snapshot.pieces.LINE_BYTES", 400)
    with monkeypatch.context() as patch:
        patch.setattr("lunacy.pipeline.on_ray.shard_reader._read", failing)
        with pytest.raises(LunacyError, match="no"):
            build(path, embedder=traced)
    assert n_shards(folder) > 0
    assert_counts(build(path, embedder=traced), read=N, added=N)
    assert N <= traced.n_texts < 2 * N
    assert verify(folder) == []
    assert not (folder / "shards").exists()


def test_vectors_that_are_brought_along_come_to_the_same(
    build: Callable[..., BuildReport],
    write_snapshot: Callable[..., Path],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lunacy.pipeline.vector_sources._GIVEN_WINDOW", 16)
    monkeypatch.setattr("lunacy.snapshot.pieces.LINE_BYTES", 400)
    path = write_snapshot(lines(MANY[:90]) + b"\n{\n" + lines(MANY[90:]))
    np.save(tmp_path / "v.npy", np.random.default_rng(0).standard_normal((N + 1, 16), np.float32))
    options: dict[str, Any] = {"vectors": tmp_path / "v.npy", "model": "fake/model"}
    assert_counts(build(path, **options), read=N + 1, added=N, quarantined=1)
    build_index(path, into=tmp_path / "here", **options)
    same(folder, tmp_path / "here")


@pytest.mark.skipif(not SNAPSHOTS_120K, reason="LUNACY_120K=SNAPSHOT:VECTORS.npy is not set")
def test_a_large_snapshot_with_its_vectors_comes_to_the_same(
    build: Callable[..., BuildReport], folder: Path, tmp_path: Path, replaced_node: Callable[[], None]
) -> None:
    snapshot, vectors = SNAPSHOTS_120K.split(":")
    options: dict[str, Any] = {"vectors": vectors, "model": "sentence-transformers/all-MiniLM-L6-v2"}
    with Meanwhile(folder, (20, kill_an_actor), (60, replaced_node)) as meanwhile:
        report = build(snapshot, **options)
    assert len(meanwhile.seen) == 2
    here = build_index(snapshot, into=tmp_path / "here", **options)
    assert report.counts == here.counts
    same(folder, tmp_path / "here")
    with open_index(folder) as one, open_index(tmp_path / "here") as other:
        for row in contents(folder)[::5000]:
            assert one.similar(row[1], top=10) == other.similar(row[1], top=10)


@pytest.mark.parametrize(
    ("embedder", "error", "said"),
    [
        (Failing(), LunacyError, r"RuntimeError: out of memory for 8 texts"),
        (Different(), FingerprintMismatch, r"the index was made otherwise \(weights: "),
    ],
)
def test_an_error_in_an_actor_is_one_line_here(
    build: Callable[..., BuildReport],
    write_snapshot: Callable[..., Path],
    embedder: FakeEmbedder,
    error: type[LunacyError],
    said: str,
) -> None:
    with pytest.raises(error, match=said) as caught:
        build(write_snapshot(MANY), embedder=embedder)
    assert "\n" not in str(caught.value)


def test_an_error_of_a_worker_keeps_its_hint_and_kind() -> None:
    from lunacy.pipeline.on_ray.failure import encode_error, raise_encoded

    with pytest.raises(UsageError, match="Ray is not installed") as caught:
        raise_encoded(encode_error(MissingExtra("Ray", "ray")))
    assert caught.value.hint == f"install it with: {install('ray')}"
    with pytest.raises(StoreError, match="no room") as other:
        raise_encoded(encode_error(StoreError("no room", where="/data/ix", hint="free some")))
    assert (other.value.where, other.value.hint) == ("/data/ix", "free some")


def test_a_model_that_only_the_actors_lack_is_one_line_here(
    build: Callable[..., BuildReport], write_snapshot: Callable[..., Path]
) -> None:
    with pytest.raises(LunacyError, match="this machine has no cuda device"):
        build(write_snapshot(MANY), device="cuda")


def test_an_address_without_a_cluster_is_one_line(write_snapshot: Callable[..., Path], folder: Path) -> None:
    with pytest.raises(LunacyError, match="no Ray cluster at") as caught:
        build_index(write_snapshot(MANY), into=folder, embedder=FakeEmbedder(), ray="127.0.0.1:1")
    assert "\n" not in str(caught.value)
    assert not folder.exists()


def test_a_pipe_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin, end = os.pipe()
    os.write(end, lines(MANY[:1]))
    os.close(end)
    with os.fdopen(stdin) as pipe, monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", pipe)
        with pytest.raises(UsageError, match="cannot read a pipe"):
            build_index("-", into=folder, embedder=FakeEmbedder(), ray="local")
    assert not folder.exists()


def test_control_c_ends_soon_with_the_usual_lines(
    raylets: Any, write_snapshot: Callable[..., Path], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(
        "import sys\nfrom pathlib import Path\n"
        "import lunacy.embedding, lunacy.pipeline.build, lunacy.snapshot.pieces\n"
        "from tests.distributed.embedders import Traced\nfrom lunacy.cli import run\n"
        "lunacy.snapshot.pieces.LINE_BYTES = 400\n"
        "slow = Traced(Path(sys.argv.pop()), wait_s=0.5)\n"
        "lunacy.pipeline.build_inputs.load_when_needed = lambda *_a, **_k: slow\n"
        "import lunacy.pipeline.on_ray\n"
        "from lunacy.pipeline.on_ray.job import EmbedderMaker\n"
        "make = lambda *_a, **_k: EmbedderMaker(slow.itself, on_gpus=False, window=8)\n"
        "lunacy.pipeline.on_ray.embedder_maker = make\n"
        "run()\n"
    )
    command = [sys.executable, str(tmp_path / "slow.py"), "index", str(write_snapshot(MANY)), "--into", str(folder)]
    with subprocess.Popen(
        [*command, "--ray", raylets.address, str(tmp_path / "trace")], stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        while n_shards(folder) < 3:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        out, said = process.communicate(timeout=30)
        assert time.monotonic() - started < 5  # two, where nothing else runs
    assert (process.returncode, out) == (130, b"")
    *waiting, kept, stopped = said.decode().splitlines()
    assert all(line.startswith(("lunacy: reading the snapshot", "lunacy: embedding")) for line in waiting)
    assert kept == f"lunacy: no paper is in {folder} yet; the same command goes on from there" or (
        re.fullmatch(rf"lunacy: {re.escape(str(folder))} keeps \d+ papers; the same command goes on from there", kept)
    )
    assert stopped == "lunacy: stopped"
