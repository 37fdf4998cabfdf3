"""Tiles of the map, against counts by brute force; colours, as the colour-blind see them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest

from lunacy.categories import CATEGORIES
from lunacy.derived.map import codes_of, tile_code
from lunacy.draw.palette import COLOURS, GROUNDS, GROUPS, N_YEARS, Colour, Ground, colours, groups_of, years_of
from lunacy.draw.png import png
from lunacy.draw.tile import DEEPEST, LEVELS, PIXELS, Ink, draw_tile, inks_of, palette

Pixels = npt.NDArray[np.uint8]


def read_png(content: bytes) -> tuple[Pixels, Pixels]:
    """The positions in the palette, (height, width), and the palette, (n, 4)."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        chunks[name] = content[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", content, at + 8 + size)[0] == zlib.crc32(name + chunks[name])
        at += 12 + size
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 3, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()  # no filter
    colours_ = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    return lines[:, 1:], np.column_stack([colours_, np.frombuffer(chunks[b"tRNS"], np.uint8)])


def test_a_picture_is_read_as_it_was_written() -> None:
    pixels = np.random.default_rng(0).integers(0, 5, (3, 7)).astype(np.uint8)
    shades = np.arange(20, dtype=np.uint8).reshape(5, 4)
    read, read_shades = read_png(png(pixels, shades))
    np.testing.assert_array_equal(read, pixels)
    np.testing.assert_array_equal(read_shades, shades)


def some_codes(
    n: int, seed: int = 0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.uint32]]:
    x, y = (0.5 + np.random.default_rng(seed).normal(0, 0.08, (2, n))).clip(0, 0.9999).astype(np.float32)
    codes = codes_of(x, y)
    order = np.argsort(codes, kind="stable")
    return x[order], y[order], codes[order]


@pytest.mark.parametrize("zoom", [0, 1, 3, 5])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_tile_has_the_counts_and_colours_of_brute_force(zoom: int, colour: Colour) -> None:
    x, y, codes = some_codes(20_000)
    n_kinds = len(colours(colour, "dark"))
    kinds = np.random.default_rng(1).integers(0, n_kinds, len(codes)).astype(np.uint8)
    ink = Ink(full=9, radius=0)
    tile = (2**zoom // 2, 2**zoom // 2)
    columns, rows = ((one * 2**zoom * PIXELS).astype(int) for one in (x, y))
    here = (columns // PIXELS == tile[0]) & (rows // PIXELS == tile[1])
    counts = np.zeros((PIXELS, PIXELS, n_kinds), int)
    np.add.at(counts, (rows[here] % PIXELS, columns[here] % PIXELS, kinds[here]), 1)

    first = tile_code(zoom, *tile)
    inside = (codes >= first) & (codes < first + 4 ** (16 - zoom))
    pixels, shades = read_png(draw_tile(codes[inside], kinds[inside], zoom, ink, colour=colour, ground="dark"))

    total = counts.sum(axis=2)
    assert ((pixels > 0) == (total > 0)).all()
    alpha = shades[pixels, 3].astype(int)
    assert (np.diff([alpha[total == n].max() for n in np.unique(total).tolist()]) >= 0).all()  # the fuller, the more
    assert all(np.ptp(alpha[total == n]) == 0 for n in np.unique(total).tolist())
    kind = (pixels[total > 0].astype(int) - 1) // LEVELS
    assert (counts[total > 0][np.arange(len(kind)), kind] > 0).all()  # of papers that are there
    np.testing.assert_array_equal(shades[pixels[total > 0], :3], colours(colour, "dark")[kind])


def test_colours_are_mixed_as_the_papers_are() -> None:
    codes = np.repeat(np.arange(4_096, dtype=np.uint32) << np.uint32(14), 8)  # 8 papers in each pixel of a square
    kinds = np.tile(np.array([0, 0, 0, 0, 0, 0, 1, 1], np.uint8), 4_096)
    pixels, _shades = read_png(draw_tile(codes, kinds, 0, Ink(8, 0), colour="archive", ground="light"))
    kind = (pixels[pixels > 0].astype(int) - 1) // LEVELS
    np.testing.assert_allclose(np.bincount(kind) / len(kind), [0.75, 0.25])


@pytest.mark.parametrize("radius", [1, 2])
def test_larger_dots_stay_inside_and_hide_no_other(radius: int) -> None:
    corners = np.array([0.0, 0.9999], np.float32)
    x, y = np.repeat(corners, 2), np.tile(corners, 2)
    codes = np.sort(codes_of(x, y))
    pixels, shades = read_png(
        draw_tile(codes, np.zeros(4, np.uint8), 0, Ink(1, radius), colour="archive", ground="light")
    )
    assert (shades[pixels, 3] == 255).sum() == 4 * {1: 1, 2: 5}[radius]
    assert (pixels > 0).sum() == 4 * {1: 5, 2: 9}[radius]


def test_no_paper_is_an_empty_tile_and_an_empty_map_has_inks() -> None:
    nothing = np.zeros(0, np.uint32)
    assert len(inks_of(nothing)) == DEEPEST + 1
    pixels, _shades = read_png(
        draw_tile(nothing, np.zeros(0, np.uint8), 2, inks_of(nothing)[2], colour="year", ground="light")
    )
    assert not pixels.any()


def test_dots_are_larger_where_papers_are_fewer() -> None:
    radii = [ink.radius for ink in inks_of(some_codes(100_000)[2])]
    assert radii == sorted(radii)
    assert (radii[0], radii[-1]) == (0, 2)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("colour", COLOURS)
def test_a_palette_fits_a_byte(colour: Colour, ground: Ground) -> None:
    found = palette(colour, ground)
    assert len(found) <= 256
    assert found[0].tolist() == [0, 0, 0, 0]
    assert found[LEVELS].tolist() == [*colours(colour, ground)[0].tolist(), 255]


def test_each_archive_has_one_group() -> None:
    archives = [one for group in GROUPS for one in group.archives]
    assert len(set(archives)) == len(archives)
    assert set(archives) == {one.partition(".")[0] for one in CATEGORIES}
    names = [GROUPS[place].name for place in groups_of(["cs.LG", "hep-th", "q-fin.EC", "", "unheard"]).tolist()]
    assert names == [GROUPS[0].name, "High energy, nuclear, gravity", "Biology, economics, finance", "Others", "Others"]


def test_years_go_from_the_first_colour_to_the_last() -> None:
    months = np.array([12 * 1991, 12 * 2008, 12 * 2026 - 1, 0, 60_000], np.uint16)
    assert years_of(months, 12 * 1991, 12 * 2026 - 1).tolist() == [0, 7, N_YEARS - 1, 0, N_YEARS - 1]
    assert years_of(months[:1], 12 * 1991, 12 * 1991).tolist() == [0]


# Machado, Oliveira and Fernandes, 2009 (https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/): severity 1
_SEEN_BY = {
    "all": np.eye(3),
    "protanopes": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopes": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def in_oklab(rgb: npt.NDArray[np.uint8], seen_by: str) -> npt.NDArray[np.float64]:
    """Colours as they are seen, where distances are about those that are felt (https://bottosson.github.io/posts/oklab/)."""
    part = rgb / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    linear = (linear @ _SEEN_BY[seen_by].T).clip(0, 1)
    cones = np.cbrt(
        linear
        @ np.array(
            [
                [0.4122214708, 0.2119034982, 0.0883024619],
                [0.5363325363, 0.6806995451, 0.2817188376],
                [0.0514459929, 0.1073969566, 0.6299787005],
            ]
        )
    )
    return np.asarray(
        cones
        @ np.array(
            [
                [0.2104542553, 1.9779984951, 0.0259040371],
                [0.7936177850, -2.4285922050, 0.7827717662],
                [-0.0040720468, 0.4505937099, -0.8086757660],
            ]
        )
    )


@pytest.mark.parametrize("seen_by", list(_SEEN_BY))
@pytest.mark.parametrize("ground", GROUNDS)
def test_the_colour_blind_tell_the_groups_apart(ground: Ground, seen_by: str) -> None:
    seen = in_oklab(colours("archive", ground), seen_by)
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2)[np.triu_indices(len(seen), 1)]
    assert apart.min() > 0.09


@pytest.mark.parametrize("seen_by", list(_SEEN_BY))
@pytest.mark.parametrize("ground", GROUNDS)
def test_later_years_are_lighter_to_everybody(ground: Ground, seen_by: str) -> None:
    assert (np.diff(in_oklab(colours("year", ground), seen_by)[:, 0]) > 0).all()
