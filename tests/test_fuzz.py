"""Whatever bytes come: an answer or one of lunacy's errors. Bounded in time; the summary tells how many inputs."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lunacy.errors import ListError, LunacyError, SnapshotError, VectorsError
from lunacy.idlist import read_ids
from lunacy.paper import canonical_id
from lunacy.pipeline.given_vectors import GivenVectors
from lunacy.snapshot import BadLine, Snapshot, parse
from lunacy.store.segments import OpenSegment, Segment
from lunacy.withdrawn import is_withdrawn
from tests.conftest import record
from tests.reliability.counts import DONE
from tests.test_snapshot_properties import CONTAINERS, as_line

BUDGET_S = 9.0  # a target
pytestmark = pytest.mark.slow


def fuzz(name: str, inputs: st.SearchStrategy[Any], target: Callable[[Any, Path], None]) -> None:
    """Give `target` inputs until its time is up, and count them."""
    n_inputs, end = 0, time.monotonic() + BUDGET_S
    with TemporaryDirectory() as folder:

        @given(inputs)
        @settings(max_examples=2_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def one_round(data: Any) -> None:
            nonlocal n_inputs
            if time.monotonic() < end:
                n_inputs += 1
                target(data, Path(folder))

        while time.monotonic() < end:
            one_round()
    DONE[f"inputs fuzzed: {name}"] += n_inputs
    assert n_inputs > 100


def mutated(wholes: list[bytes]) -> st.SearchStrategy[bytes]:
    """Some whole file with bytes changed, cut out or put in."""
    edit = st.tuples(st.floats(0, 1), st.integers(0, 4), st.binary(max_size=6))

    def apply(whole: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
        for share, n_cut, put in edits:
            place = int(share * len(whole))
            whole = whole[:place] + put + whole[place + n_cut :]
        return whole

    return st.builds(apply, st.sampled_from(wholes), st.lists(edit, max_size=5)) | st.binary(max_size=300)


LINES = as_line("0704.0001") + b"\n" + as_line("math.AG/0601001", title="é\u202e", abstract="Withdrawn") + b"\n"


def test_fuzz_the_reader() -> None:
    def read(data: bytes, folder: Path) -> None:
        path = folder / "snapshot"
        path.write_bytes(data)
        with suppress(SnapshotError), Snapshot(path) as snapshot:
            for line in snapshot.lines():
                with suppress(BadLine):
                    paper = parse(line)
                    is_withdrawn(paper)
                    assert paper.id
                    assert paper.id.isprintable()
                    assert not {" ", "\n"} & set(paper.id)
                    assert "\n" not in paper.title + paper.abstract + paper.authors + paper.doi + paper.comments

    fuzz("reader", mutated([pack(LINES) for pack in CONTAINERS.values()]), read)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def test_fuzz_the_fields_of_a_record() -> None:
    import json

    from lunacy.snapshot import Line

    def read(fields: dict[str, Any], _folder: Path) -> None:
        raw = json.dumps({**record("0704.0001"), **fields}).encode("utf-8", "surrogatepass")
        with suppress(BadLine):
            parse(Line(1, 0, raw))

    names = st.sampled_from(sorted(record("0704.0001")))
    fuzz("record", st.dictionaries(names, json_values, max_size=4), read)


def test_fuzz_the_id_parser() -> None:
    pieces = st.sampled_from(
        ["arXiv:", "https://", "arxiv.org/abs/", "doi.org/", "10.48550/", "1802.05130", "math.AG/", "0601001", "v2",
         ".pdf", " ", "\n", "[cs.CL]", "14 Feb 2018", "?a=b", "#x", "(", "<", "9" * 50, "/", ".", "a-",
         "é", "\0", "\ud800"]
    )  # fmt: skip
    texts = st.lists(pieces | st.text(max_size=5), max_size=12).map("".join) | st.text(max_size=400)

    def parse_one(text: str, _folder: Path) -> None:
        started = time.process_time()
        found = canonical_id(text)
        assert time.process_time() - started < 1
        assert found is None or canonical_id(found) == found
        assert found is None or canonical_id(f"arXiv:{found}v3") == found

    fuzz("id parser", texts, parse_one)


def test_fuzz_the_header_of_a_segment() -> None:
    dim, n_rows = 4, 3
    rows = np.eye(n_rows, dim, dtype=np.float32)
    header = struct.pack("<4siqqqBiQ", b"IxFI", dim, n_rows, 2**20, 2**20, 1, 0, n_rows * dim)
    whole = header + rows.tobytes()

    def open_one(data: bytes, folder: Path) -> None:
        segment = Segment(1, 0, n_rows, len(whole), "")
        (folder / segment.name).write_bytes(data)
        with suppress(LunacyError):
            opened = OpenSegment(folder, segment, dim)
            assert data[: len(header)] == header
            assert opened.vectors(np.arange(n_rows)).tobytes() == data[len(header) :]

    fuzz("segment header", mutated([whole]), open_one)


def test_fuzz_the_header_of_a_file_of_vectors() -> None:
    import io

    wholes = []
    for dtype in (np.float16, np.float32, np.float64, "<U3", ">f4"):
        file = io.BytesIO()
        np.save(file, np.ones((3, 4)).astype(dtype))
        wholes.append(file.getvalue())
    words = st.sampled_from(
        [b"'<f4'", b"'|O'", b"(3, 4)", b"(9" + b"9" * 30 + b", 4)", b"(-3, 4)", b"()", b"True", b"None"]
    )
    edits = st.builds(lambda whole, old, new: whole.replace(old, new), st.sampled_from(wholes), words, words)

    def open_one(data: bytes, folder: Path) -> None:
        (folder / "v.npy").write_bytes(data)
        with suppress(VectorsError):
            given_vectors = GivenVectors(folder / "v.npy")
            found = given_vectors.unit_rows(range(given_vectors.n_rows))
            assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)

    fuzz(".npy header", mutated(wholes) | edits, open_one)


def test_fuzz_a_file_of_ids() -> None:
    def read(data: bytes, folder: Path) -> None:
        (folder / "ids").write_bytes(data)
        with suppress(ListError):
            for group in read_ids(str(folder / "ids"), lambda _text: None):
                for one in group:
                    canonical_id(one.text)
                    assert one.text.strip()

    plain = b"\xef\xbb\xbf1802.05130v2 # a paper\r\n\n  math/0601001\n# nothing\n\xff\xfe"
    table = b'title,arXiv ID\r\n"a ""b""\nc",1802.05130\nd,\n'
    objects = (
        b'[{"id": "1802.05130"}, {"id": null}]',
        b'{"hits": [{"id": "1802.05130"}]}\n{"arxiv_id": "math/0601001"}\n',
    )
    bibtex = b'@misc{a, eprint = {1802.05130}, archivePrefix = "arXiv"}\n@article{b, url={https://arxiv.org/abs/1}}'
    fuzz("ids file", mutated([plain, table, *objects, bibtex, plain.decode(errors="replace").encode("utf-16")]), read)
