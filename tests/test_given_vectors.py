"""Files of vectors that the user brings along."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lunacy.errors import UsageError, VectorsError
from lunacy.pipeline import build_index
from lunacy.pipeline.given_vectors import GivenVectors
from tests.conftest import lines, record


@pytest.fixture
def write_vectors(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes an array (or raw bytes) as vectors.npy and gives its path."""

    def write(data: Any) -> Path:
        path = tmp_path / "vectors.npy"
        if isinstance(data, bytes):
            path.write_bytes(data)
        else:
            np.save(path, data)
        return path

    return write


def some_vectors(n_rows: int = 5, dim: int = 8, scale: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(3).standard_normal((n_rows, dim)) * scale).astype(np.float32)


def normalised(array: np.ndarray) -> np.ndarray:
    """Unit rows by the definition, in float64."""
    rows = array.astype(np.float64)
    return rows / np.sqrt((rows * rows).sum(axis=1))[:, None]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_rows_come_out_as_unit_rows(dtype: type, scale: float, write_vectors: Callable[..., Path]) -> None:
    array = some_vectors(scale=scale).astype(dtype)
    given = GivenVectors(write_vectors(array))
    assert (given.n_rows, given.dim) == (5, 8)
    rows = given.unit_rows(range(5))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, normalised(array), rtol=0, atol=2e-7)


@pytest.mark.parametrize("exponent", range(-44, 39, 2))
def test_very_small_and_large_vectors_are_right_or_refused(exponent: int, write_vectors: Callable[..., Path]) -> None:
    array = np.float32(10.0**exponent) * np.array([[1.0, -0.75, 0.5, 0.25]], np.float32)
    try:
        rows = GivenVectors(write_vectors(array)).unit_rows([0])
    except VectorsError:
        return
    np.testing.assert_allclose(rows, normalised(array), rtol=0, atol=1e-6)


@pytest.mark.parametrize("places", [[], [2], [4, 0, 2], [1, 1]])
def test_rows_come_in_the_order_of_their_places(places: list[int], write_vectors: Callable[..., Path]) -> None:
    array = some_vectors()
    rows = GivenVectors(write_vectors(array)).unit_rows(places)
    assert rows.shape == (len(places), 8)
    np.testing.assert_allclose(rows, normalised(array)[places], rtol=0, atol=2e-7)


def test_the_file_stays_as_it_was(write_vectors: Callable[..., Path]) -> None:
    path = write_vectors(some_vectors())
    before = path.read_bytes()
    GivenVectors(path).unit_rows(range(5))
    assert path.read_bytes() == before


def test_no_rows_are_no_vectors(write_vectors: Callable[..., Path]) -> None:
    given = GivenVectors(write_vectors(np.zeros((0, 8), np.float32)))
    assert (given.n_rows, given.dim) == (0, 8)


def with_row(place: int, row: Any, n_rows: int = 5) -> np.ndarray:
    array = some_vectors(n_rows)
    array[place] = row
    return array


@pytest.mark.parametrize("place", [0, 3, 4])
@pytest.mark.parametrize(
    ("row", "what"),
    [
        (0.0, "is all zeros"),
        (-0.0, "is all zeros"),
        ([1, np.nan, 0, 0, 0, 0, 0, 0], "holds NaN"),
        (np.nan, "holds NaN"),
        ([0, 0, 0, 0, 0, 0, 0, np.inf], "holds NaN, Inf"),
        ([-np.inf, np.inf, 0, 0, 0, 0, 0, 0], "holds NaN, Inf"),
    ],
)
def test_a_row_without_a_direction_is_named(
    place: int, row: Any, what: str, write_vectors: Callable[..., Path]
) -> None:
    with pytest.raises(VectorsError, match=rf"vectors\.npy: row {place} {what}.*; nothing was written"):
        GivenVectors(write_vectors(with_row(place, row)))


def test_a_bad_row_in_float16_is_named(write_vectors: Callable[..., Path]) -> None:
    with pytest.raises(VectorsError, match="row 2 holds NaN, Inf"):
        GivenVectors(write_vectors(with_row(2, np.inf).astype(np.float16)))


def test_the_first_of_several_bad_rows_is_named_far_down_the_file(write_vectors: Callable[..., Path]) -> None:
    array = with_row(39_999, 0.0, n_rows=40_000)
    array[35_001] = np.nan
    with pytest.raises(VectorsError, match="row 35001 holds NaN"):
        GivenVectors(write_vectors(array))


WRONG_ARRAYS = {
    "float64": (np.ones((3, 4)), r"holds float64 \(3, 4\); a \(n_lines, dim\) array of float16 or float32"),
    "int8": (np.ones((3, 4), np.int8), r"holds int8 \(3, 4\)"),
    "bool": (np.ones((3, 4), bool), r"holds bool \(3, 4\)"),
    "complex": (np.ones((3, 4), np.complex64), r"holds complex64 \(3, 4\)"),
    "text": (np.array([["a", "b"]]), r"holds <U1 \(1, 2\)"),
    "records": (np.zeros((2, 2), [("x", "f4")]), r"holds .*\(2, 2\)"),
    "no axis": (np.float32(1), r"holds float32 \(\)"),
    "one axis": (np.ones(4, np.float32), r"holds float32 \(4,\)"),
    "three axes": (np.ones((2, 3, 4), np.float32), r"holds float32 \(2, 3, 4\)"),
    "no dimension": (np.ones((3, 0), np.float32), r"vectors of dimension 0"),
    "Fortran order": (
        np.asfortranarray(some_vectors()),
        r"is in Fortran order; write it with numpy\.ascontiguousarray",
    ),
    "objects": (np.array([[1, "a"]], dtype=object), r"cannot be read as a \.npy file"),
}


@pytest.mark.parametrize(("array", "message"), WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_an_array_of_another_kind_is_refused(array: Any, message: str, write_vectors: Callable[..., Path]) -> None:
    with pytest.raises(VectorsError, match=message):
        GivenVectors(write_vectors(array))


def header(text: str) -> bytes:
    """A .npy file of version 1.0 with this header (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


SHAPE = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"
WRONG_FILES = {
    "empty": b"",
    "text": b'{"id": "0704.0001"}\n',
    "a pickle": b"\x80\x04N.",  # None
    "only a beginning": header(SHAPE)[:20],
    "no data": header(SHAPE),
    "too little data": header(SHAPE) + bytes(40),
    "no such dtype": header(SHAPE.replace("<f4", "<q9")) + bytes(48),
    "a header that is no dictionary": header("[1, 2]") + bytes(48),
    "a header that does not end": header("{'descr': '<f4', ") + bytes(48),
    "a header with half a string": header("{'descr': '''<f4") + bytes(48),
    "a header of noise": header("((((,4") + bytes(48),
    "a negative shape": header(SHAPE.replace("(3, 4)", "(-3, 4)")) + bytes(48),
    "a huge shape": header(SHAPE.replace("(3, 4)", f"({10**9}, {10**6})")) + bytes(48),
}


@pytest.mark.parametrize("data", WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_file_that_is_no_array_is_refused(data: bytes, write_vectors: Callable[..., Path]) -> None:
    with pytest.raises(VectorsError, match=r"vectors\.npy cannot be read as a \.npy file of vectors: \S"):
        GivenVectors(write_vectors(data))


def test_an_archive_of_arrays_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "vectors.npz", some_vectors())
    with pytest.raises(VectorsError, match=r"vectors\.npz cannot be read as a \.npy file"):
        GivenVectors(tmp_path / "vectors.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VectorsError, match=r"nowhere\.npy cannot be read .*No such file"):
        GivenVectors(tmp_path / "nowhere.npy")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VectorsError, match=r"Is a directory"):
        GivenVectors(tmp_path)


def test_vectors_for_a_pipe_are_refused_before_anything_is_written(
    tmp_path: Path, write_vectors: Callable[..., Path]
) -> None:
    """As in `lunacy index <(zcat snapshot.gz) --vectors FILE`: such a snapshot can be read only once."""
    vectors = write_vectors(some_vectors(3))
    end, other = os.pipe()
    with open(other, "wb") as file:
        file.write(lines(record(f"0704.000{number}") for number in range(3)))
    try:
        with pytest.raises(UsageError):
            build_index(f"/dev/fd/{end}", into=tmp_path / "index", vectors=vectors, model="some/model")
    finally:
        os.close(end)
    assert not (tmp_path / "index").exists()
