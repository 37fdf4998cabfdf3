"""What so many papers would take, on one machine and beyond it: estimates from measured rates, which scale.

Measured on 2 cores of an Intel Xeon with 384 dimensions (README), but for the GPU's rate, which is a prototype's on an
H100. Scans and sizes grow with papers and dimensions, questions to lists with the root of the papers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from lunacy.errors import UsageError

_GPU = 47_000  # papers a second of one H100; not measured with lunacy itself
_CORES = 53 / 2  # the same of one core: `lunacy bench embed`
_STORE = 28_000  # papers a second that one writer reads, hashes and stores: `python -m tests.bench`
_PUBLISH = 3_000  # papers a second into one Milvus server on the same 2 cores: 120,000 in 40 s
_TEXT_BYTES = 1_220  # a paper in papers.db
_PUBLISHED_BYTES = 500  # a paper in Milvus, without its vector
_LIST_BYTES = 14  # a row in the lists, without its codes
_SCAN_S = 0.0327 / (10**6 * 384)  # a byte of 8-bit codes: `lunacy bench search --rows 1_000_000`
_LISTS_S = 0.00095 / sqrt(10**6)  # times the root of the papers, at recall 0.98
_MILVUS_S, _MILVUS_SCAN_S = 0.0156, 0.0093 / (120_000 * 384)  # a question's way, and a float, on 2 cores


@dataclass(frozen=True, slots=True)
class Way:
    """One way to hold and ask the papers."""

    name: str
    disk_bytes: float
    memory_bytes: float  # that make answers as quick as this: of one machine page cache, of Milvus its nodes' together
    filling_s: float  # beside embedding
    exact_s: float  # an answer
    quick_s: float | None  # an answer out of lists; None: there are none


@dataclass(frozen=True, slots=True)
class Estimate:
    """What so many papers take."""

    n_papers: int
    dims: int
    vectors_bytes: float
    text_bytes: float
    gpus_s: float | None  # embedding; None: no GPU is counted on
    core_s: float  # embedding on one core
    ways: tuple[Way, ...]
    n_within_a_second: int  # so many a folder scans in a second


def estimate(n_papers: int, *, dims: int = 384, gpus: int = 0) -> Estimate:
    """For `n_papers` with vectors of `dims`, embedded on `gpus`. Raises UsageError for what cannot be."""
    for name, value, least in (("papers", n_papers, 1), ("dims", dims, 1), ("gpus", gpus, 0)):
        if value < least:
            raise UsageError(f"{name} is {value}; give at least {least}")
    codes = n_papers * dims
    vectors, text = 4 * codes, n_papers * _TEXT_BYTES
    lists = codes + n_papers * _LIST_BYTES
    scan_s, lists_s = codes * _SCAN_S, sqrt(n_papers) * _LISTS_S
    published = vectors + n_papers * _PUBLISHED_BYTES
    milvus_s = _MILVUS_S + codes * _MILVUS_SCAN_S
    folder, fill_s, publish_s = vectors + text + codes, n_papers / _STORE, n_papers / _PUBLISH
    return Estimate(
        n_papers,
        dims,
        vectors,
        text,
        n_papers / (gpus * _GPU) if gpus else None,
        n_papers / _CORES,
        (
            Way("one folder", folder, codes, fill_s, scan_s, None),
            Way("one folder, lists", folder + lists, lists, fill_s, scan_s, lists_s),
            Way("Milvus, 2 cores", folder + published, published, fill_s + publish_s, milvus_s, None),
            Way(
                "Milvus, lists",
                folder + published + lists,
                published + lists,
                fill_s + 2 * publish_s,
                milvus_s,
                _MILVUS_S,
            ),
        ),
        int(1 / (dims * _SCAN_S)),
    )
