"""A disk after loss of power: what `power_loss.c` logged, replayed to a point; what was not flushed is in doubt."""

from __future__ import annotations

import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

import pytest

SECTOR = 512
_HEAD = struct.Struct("<cQQQ")


def compiled(folder: Path) -> Path:
    """The shim, made by the C compiler; skips the test where there is none."""
    compiler = which("cc") or which("gcc") or which("clang")
    if compiler is None or not os.path.isdir("/proc/self/fd"):
        pytest.skip("there is no C compiler (cc) or no /proc: system calls cannot be watched")
    shim = folder / "power_loss.so"
    source = Path(__file__).with_name("power_loss.c")
    subprocess.run([compiler, "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", shim, source], check=True)
    return shim


@dataclass(frozen=True)
class Event:
    """A call that went well. c: created, d: folder made, w: written, t: cut, s: flushed, r: renamed, u: unlinked."""

    kind: str
    path: str
    data: bytes
    offset: int  # or, of a cut, the new size


def read_log(log: Path) -> list[Event]:
    """The events of a run, in order; kind m is a mark."""
    content, at, events = log.read_bytes(), 0, []
    while at < len(content):
        kind, n_path, n_data, offset = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        path, data = content[at : at + n_path], content[at + n_path : at + n_path + n_data]
        at += n_path + n_data
        events.append(Event(kind.decode(), path.decode(), data, offset))
    return events


@dataclass
class _File:
    """All that was ever done to the bytes of a file; the first `n_flushed` of it are on the disk."""

    done: list[Event] = field(default_factory=list)
    n_flushed: int = 0


@dataclass
class _Name:
    """A name was given to a file (or a folder: None), or taken away."""

    path: str
    target: _File | str | None
    is_flushed: bool = False


GONE = "gone"
Doubt = Callable[[], bool]  # whether something that was not flushed reached the disk


class Machine:
    """The files under a folder, with their history since they were last flushed."""

    def __init__(self, root: Path) -> None:
        """`root`, as it is now, is on the disk."""
        self._root = str(root)
        self._now: dict[str, _File | None] = {}
        self._names: list[_Name] = []
        for path in sorted(root.rglob("*")):
            file = None if path.is_dir() else _File([Event("w", "", path.read_bytes(), 0)], 1)
            self._name(str(path), file)
            self._names[-1].is_flushed = True

    def _name(self, path: str, target: _File | str | None) -> None:
        self._names.append(_Name(path, target))
        if isinstance(target, str):
            self._now.pop(path, None)
        else:
            self._now[path] = target

    def do(self, event: Event) -> None:
        """Carry out one event."""
        file = self._now.get(event.path)
        if event.kind in "cd":
            self._name(event.path, _File() if event.kind == "c" else None)
        elif event.kind == "u":
            self._name(event.path, GONE)
        elif event.kind == "r":
            self._name(event.path, GONE)
            self._name(event.data.decode(), file)
        elif event.kind == "s" and file is None:  # a folder
            for name in self._names:
                name.is_flushed = name.is_flushed or os.path.dirname(name.path) == event.path
        elif event.kind == "s":
            assert file is not None
            file.n_flushed = len(file.done)
        elif event.kind in "wt":
            assert file is not None
            file.done.append(event)

    def disk(self, folder: Path, name_doubt: Doubt, data_doubt: Doubt, *, tears: Doubt) -> None:
        """Make in `folder` what the disk could hold if power failed now."""
        names: dict[str, _File | None] = {}
        for name in self._names:
            if not (name.is_flushed or name_doubt()):
                continue
            if isinstance(name.target, str):
                names.pop(name.path, None)
            else:
                names[name.path] = name.target
        for path, file in sorted(names.items()):
            place = folder / os.path.relpath(path, self._root)
            if not place.parent.is_dir():
                continue  # its folder was lost
            if file is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(_content(file, data_doubt, tears))


def _content(file: _File, doubt: Doubt, tears: Doubt) -> bytes:
    content = bytearray()
    for place, event in enumerate(file.done):
        if place < file.n_flushed:
            _apply(content, event)
        elif doubt():
            for piece in _sectors(event):
                if not tears():
                    _apply(content, piece)
    return bytes(content)


def _apply(content: bytearray, event: Event) -> None:
    end = event.offset + len(event.data)
    content.extend(bytes(max(0, event.offset - len(content))))
    if event.kind == "t":
        del content[event.offset :]
    else:
        content[event.offset : end] = event.data


def _sectors(event: Event) -> Iterator[Event]:
    """A write, as the sectors that the disk writes one by one."""
    if event.kind == "t":
        yield event
        return
    start = event.offset
    while start < event.offset + len(event.data):
        stop = min(start - start % SECTOR + SECTOR, event.offset + len(event.data))
        yield Event("w", "", event.data[start - event.offset : stop - event.offset], start)
        start = stop


def disks(machine: Machine, rng: random.Random, n_mixtures: int) -> Iterator[Callable[[Path], None]]:
    """Ways to make a folder: only what was flushed, everything, and some mixtures."""
    yield lambda folder: machine.disk(folder, lambda: False, lambda: False, tears=lambda: False)
    yield lambda folder: machine.disk(folder, lambda: True, lambda: True, tears=lambda: False)
    for _ in range(n_mixtures):
        of_names, of_data, of_tears = rng.choice((0.1, 0.5, 0.9, 1)), rng.choice((0, 0.5, 0.9, 1)), rng.choice((0, 0.3))
        yield lambda folder, a=of_names, b=of_data, c=of_tears: machine.disk(
            folder, lambda: rng.random() < a, lambda: rng.random() < b, tears=lambda: rng.random() < c
        )
