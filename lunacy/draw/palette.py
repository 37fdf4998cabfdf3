"""The colours of the map: of groups of arXiv's archives, and of years.

Eight groups and a rest are coloured after Paul Tol's qualitative schemes "muted", on a light ground, and "light", on a
dark one (https://sronpersonalpages.nl/~pault/), moved until each two are apart for the colour-blind too
(`tests/test_draw.py`). Years are coloured by cividis, of matplotlib, which was made for them as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Colour = Literal["archive", "year"]
Ground = Literal["light", "dark"]
COLOURS: tuple[Colour, ...] = ("archive", "year")
GROUNDS: tuple[Ground, ...] = ("light", "dark")

Kinds = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Group:
    """Archives that have one colour."""

    name: str
    archives: tuple[str, ...]  # "cs" is that of "cs.LG"
    light: str  # the colour on a light ground, as CSS has it
    dark: str


_PHYSICS = (
    "physics", "nlin", "acc-phys", "adap-org", "ao-sci", "atom-ph", "chao-dyn", "chem-ph", "comp-gas", "patt-sol",
    "plasm-ph", "solv-int",
)  # fmt: skip
GROUPS = (
    Group("Computer science, statistics", ("cs", "stat", "eess", "cmp-lg", "bayes-an"), "#332288", "#6d9de1"),
    Group("Mathematics", ("math", "math-ph", "alg-geom", "q-alg", "dg-ga", "funct-an"), "#45ad9e", "#46afa3"),
    Group("Condensed matter", ("cond-mat", "mtrl-th", "supr-con"), "#be4d70", "#ff6d76"),
    Group("Physics", _PHYSICS, "#908d2a", "#9f8f00"),
    Group("Quantum physics", ("quant-ph",), "#56b3e9", "#a3f6fc"),
    Group("Astrophysics", ("astro-ph",), "#e0a818", "#f4e691"),
    Group(
        "High energy, nuclear, gravity",
        ("hep-th", "hep-ph", "hep-ex", "hep-lat", "nucl-th", "nucl-ex", "gr-qc"),
        "#a13894",
        "#e8afe2",
    ),
    Group("Biology, economics, finance", ("q-bio", "q-fin", "econ"), "#0b6d2c", "#c0d43a"),
    Group("Others", (), "#c3c3c3", "#6e6e6e"),
)
_OF_ARCHIVE = {archive: place for place, group in enumerate(GROUPS) for archive in group.archives}

N_YEARS = 16  # colours between the oldest and the newest
_CIVIDIS = {  # at even distances; the end that would be lost on the ground is left out
    "light": ((0x00, 0x20, 0x51), (0x3C, 0x4D, 0x6E), (0x7F, 0x7C, 0x75), (0xBB, 0xAF, 0x71), (0xE0, 0xB8, 0x20)),
    "dark": ((0x2F, 0x5F, 0xB0), (0x6F, 0x7F, 0xA0), (0x9A, 0x97, 0x8A), (0xCB, 0xBA, 0x69), (0xFD, 0xEA, 0x45)),
}


def groups_of(categories: Sequence[str]) -> Kinds:
    """The group of each of `categories`, as a position in `GROUPS`: (n,)."""
    others = len(GROUPS) - 1
    return np.array([_OF_ARCHIVE.get(one.partition(".")[0], others) for one in categories], np.uint8)


def years_of(months: npt.NDArray[np.uint16], first: int, last: int) -> Kinds:
    """The colour of each of `months`, 12 * year + month - 1, from 0 for `first` to N_YEARS - 1 for `last`: (n,)."""
    parts = (months.astype(np.int32) - first) * N_YEARS // (last - first + 1)
    return np.clip(parts, 0, N_YEARS - 1).astype(np.uint8)


def colours(colour: Colour, ground: Ground) -> npt.NDArray[np.uint8]:
    """Red, green and blue of each kind: (n, 3)."""
    if colour == "year":
        points = np.array(_CIVIDIS[ground], float)
        at = np.linspace(0, len(points) - 1, N_YEARS)
        channels = [np.interp(at, np.arange(len(points)), points[:, channel]) for channel in range(3)]
        return np.column_stack(channels).round().astype(np.uint8)
    return np.array([list(bytes.fromhex(getattr(group, ground)[1:])) for group in GROUPS], np.uint8)
