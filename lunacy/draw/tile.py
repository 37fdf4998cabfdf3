"""A tile of the map: one dot a paper, the fuller the more papers lie in a pixel.

Where papers of several kinds share a pixel it has the colour of one of them, which a fixed pattern picks: over some
pixels the colours are mixed as the papers are, and each stays one that the legend has.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lunacy.draw.palette import Colour, Ground, Kinds, colours
from lunacy.draw.png import png

PIXEL_BITS = 9
PIXELS = 2**PIXEL_BITS  # of a side of a tile
DEEPEST = 16 - PIXEL_BITS  # zoom: a pixel then is a cell of the codes
LEVELS = 15  # of alpha
_SAMPLE, _SAMPLES = 8_192, 32  # papers that lie together, and how many such samples, by which inks are chosen
_SHARE = 0.97  # of the pixels with papers that are not yet full
_FAINTEST = 0.75  # alpha of a lone dot, where papers are sparse
EDGE = 0.4  # of the alpha of a dot, which its edge has
_SMALL, _LARGE = 60_000, 6_000  # papers of a tile, on average, below which dots have an edge, and are larger
# Bayer's matrix (https://en.wikipedia.org/wiki/Ordered_dithering): which paper of a pixel gives it its colour
BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.uint32)

Codes = npt.NDArray[np.uint32]
_Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ink:
    """How papers look at one zoom, on every tile, so that tiles fit each other."""

    full: float  # papers in a pixel that make it opaque
    radius: int  # of a dot: 0 a pixel, 1 with a faint edge, 2 with its neighbours and a faint edge

    def levels(self, n: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Of alpha, from 1 to LEVELS, for pixels with `n` papers."""
        faintest = _FAINTEST if self.radius or self.full <= 2 else _FAINTEST / np.sqrt(self.full / 2)
        share = np.sqrt(np.minimum(n, self.full) / self.full)
        return np.asarray(np.ceil(LEVELS * np.clip(share, faintest, 1)), np.int64)


def inks_of(codes: Codes) -> tuple[Ink, ...]:
    """The ink of each zoom from 0 to DEEPEST, for a map of papers with the sorted `codes`, (n,)."""
    n, inks = len(codes), []
    firsts = range(0, n, max(_SAMPLE, n // _SAMPLES))
    for zoom in range(DEEPEST + 1):
        crowds = []
        for first in firsts:
            starts = _starts(codes[first : first + _SAMPLE] >> np.uint32(2 * (DEEPEST - zoom)))
            crowds.append(np.diff(starts))
        crowd = np.concatenate([np.zeros(0, np.int64), *crowds])
        per_tile = n / 4**zoom
        radius = 0 if per_tile > _SMALL else 1 if per_tile > _LARGE else 2
        inks.append(Ink(float(np.quantile(crowd, _SHARE)) if len(crowd) else 1.0, radius))
    return tuple(inks)


def draw_tile(codes: Codes, kinds: Kinds, zoom: int, ink: Ink, *, colour: Colour, ground: Ground) -> bytes:
    """The PNG of a tile, PIXELS wide and high: `codes`, sorted, and `kinds`, (n,), of the papers in it.

    `zoom`: from 0 to DEEPEST. `kinds`: positions in `colours(colour, ground)`.
    """
    return png(tile_pixels(codes, kinds, zoom, ink), palette(colour, ground))


def tile_pixels(codes: Codes, kinds: Kinds, zoom: int, ink: Ink) -> npt.NDArray[np.uint8]:
    """(PIXELS, PIXELS): the pixels of the same tile, as positions in `palette`."""
    pixels = np.zeros((PIXELS, PIXELS), np.uint8)
    if len(codes):
        cells = codes >> np.uint32(2 * (DEEPEST - zoom))
        starts = _starts(cells)
        n = np.diff(starts, append=len(codes))
        x, y = _even_bits(cells[starts]), _even_bits(cells[starts] >> np.uint32(1))
        picked = starts + (BAYER[y & 3, x & 3] * n >> 4)
        _paint(pixels, x, y, kinds[picked].astype(np.int64) * LEVELS, ink.levels(n), ink.radius)
    return pixels


def _starts(cells: Codes) -> _Places:
    """Where each run of equal `cells`, (n,), begins."""
    return np.flatnonzero(np.concatenate([np.ones(min(len(cells), 1), bool), cells[1:] != cells[:-1]]))


def _even_bits(cells: Codes) -> _Places:
    """The coordinate in a tile, (n,), whose bits are every second one of `cells`."""
    bits = cells & np.uint32(0x55555555)
    for shift, mask in ((1, 0x33333333), (2, 0x0F0F0F0F), (4, 0x00FF00FF), (8, 0x0000FFFF)):
        bits = (bits | bits >> np.uint32(shift)) & np.uint32(mask)
    return (bits & np.uint32(PIXELS - 1)).astype(np.int64)


def _paint(pixels: npt.NDArray[np.uint8], x: _Places, y: _Places, base: _Places, levels: _Places, radius: int) -> None:
    """Dots, the edges first, so that none lies over the middle of another; one at the border is moved inside."""
    if radius:
        x, y = np.clip(x, radius, PIXELS - 1 - radius), np.clip(y, radius, PIXELS - 1 - radius)
        edge = base + np.ceil(levels * EDGE).astype(np.int64)
        for right, down in _EDGES[radius]:
            pixels[y + down, x + right] = edge
        for right, down in _MIDDLES[radius]:
            pixels[y + down, x + right] = base + levels
    pixels[y, x] = base + levels


_PLUS = ((1, 0), (-1, 0), (0, 1), (0, -1))
_CORNERS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
_EDGES = {1: _PLUS, 2: _CORNERS}
_MIDDLES: dict[int, tuple[tuple[int, int], ...]] = {1: (), 2: _PLUS}


@lru_cache(maxsize=4)
def palette(colour: Colour, ground: Ground) -> npt.NDArray[np.uint8]:
    """Red, green, blue and alpha, (1 + n * LEVELS, 4): first what is empty, then each kind, faint to full."""
    kinds = colours(colour, ground)
    found = np.zeros((1 + len(kinds) * LEVELS, 4), np.uint8)
    found[1:, :3] = np.repeat(kinds, LEVELS, axis=0)
    found[1:, 3] = np.tile(np.arange(1, LEVELS + 1) * 255 // LEVELS, len(kinds))
    return found
