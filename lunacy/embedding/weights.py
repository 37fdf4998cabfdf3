"""The weights of a safetensors file as NumPy arrays, left in the file where nobody will write over it."""

from __future__ import annotations

import json
import mmap
from pathlib import Path

import numpy as np
import numpy.typing as npt

_FORMATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}  # what NumPy has


class Weights:
    """The arrays of a file whose head was checked (`model_files`). They may be read by others as long as they live."""

    def __init__(self, path: Path, *, mapped: bool) -> None:
        """`mapped`: leave them in the file; should it be cut off meanwhile, the system ends the program."""
        self._map: mmap.mmap | None = None
        with path.open("rb") as file:
            if mapped:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            data = self._map or bytearray(file.read())
        start = 8 + int.from_bytes(data[:8], "little")
        head = json.loads(data[8:start])
        self._data = np.frombuffer(data, np.uint8)[start:]
        self._head = {name: facts for name, facts in head.items() if name != "__metadata__"}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array."""
        return {name: tuple(facts["shape"]) for name, facts in self._head.items()}

    def __getitem__(self, name: str) -> npt.NDArray[np.float32]:
        """In float32. Raises KeyError for a number format that NumPy lacks, too."""
        facts = self._head[name]
        first, last = facts["data_offsets"]
        array = self._data[first:last].view(_FORMATS[facts["dtype"]]).reshape(facts["shape"])
        return np.asarray(array, np.float32)

    def let_go(self) -> None:
        """Free the memory of what has been read; what is read again is read from the file again."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
