"""The map as one HTML file, which is opened from the disk and asks nobody for anything.

The script is that of the page, with another provider behind it: `static/map/file.js` draws the tiles, as `draw/tile.py`
does, and reads titles and authors out of the file itself.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from gzip import compress
from html import escape
from pathlib import Path

import numpy as np
import orjson

from lunacy.authors import authors
from lunacy.draw.palette import COLOURS, GROUNDS, colours
from lunacy.draw.tile import BAYER, EDGE, LEVELS
from lunacy.paper import Paper
from lunacy.pipeline.exports.target import whole_file
from lunacy.progress import Report, no_report, reported
from lunacy.query import Index
from lunacy.query.map_view import MapReader, MapView
from lunacy.region import Standing
from lunacy.search import Searcher
from lunacy.serve.map.facts import facts, outline, plain

_STATIC = Path(__file__).parent.parent / "page" / "static"
_SCRIPTS = ("camera", "labels", "tiles", "overlay", "view", "panel", "input", "app", "file", "filed")
_CHUNK = 20_000  # papers whose texts are read, packed and opened at once
_NAMES = 3  # authors that a card names
BYTES_OF_A_PAPER = 80  # of the file, about
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class MapFile:
    """What was written."""

    path: Path
    n_papers: int
    size_bytes: int


def write_map_file(
    ix: Index, into: str | Path, *, standings: Sequence[Standing] = (), progress: Report = no_report
) -> MapFile:
    """The map of the last commit as one HTML file at `into`, in the place of what was there.

    `standings`: the papers that are marked on it, and the text, of which there may be one.

    Raises UsageError for an index without a map that is up to date, and as `whole_file`; OSError for a full disk.
    """
    path = Path(into)
    with ix.view() as view:
        found = MapReader().require(view)
        with whole_file(path) as unfinished, unfinished.open("xb") as file:
            for piece in _pieces(view, found, standings, progress):
                file.write(piece.encode())
    return MapFile(path, len(found), path.stat().st_size)


def _pieces(view: Searcher, found: MapView, standings: Sequence[Standing], progress: Report) -> Iterator[str]:
    title = f"Map of {len(found):,} papers"
    styles = "".join((_STATIC / name).read_text(encoding="utf-8") for name in ("page.css", "map/map.css"))
    yield f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{title}</title>
<style>{styles}</style>
</head>
<body>
<main id="main" class="mapped alone" tabindex="-1">
<h1 class="unseen">{title}</h1>
<div id="map"{" data-marks" if standings else ""} hidden></div>
<section id="regions" aria-labelledby="regions-title">
<h2 id="regions-title">Regions of the map</h2>
<ul class="regions">{"".join(_listed(found))}</ul>
</section>
</main>
"""
    yield _data("facts", _quoted(orjson.dumps(_facts(found) | _marks(standings)).decode()))
    yield _data("points", _packed(_columns(found)))
    n = len(found)
    firsts = range(0, n, _CHUNK)
    sizes = [min(_CHUNK, n - first) for first in firsts]
    for first in reported("writing titles", firsts, sizes, progress):
        rows = found.map.points.rows[first : first + _CHUNK].astype(np.int64)
        yield _data(f"texts-{first // _CHUNK}", _packed("\n".join(map(_text, view.papers(rows))).encode()))
    yield f'<script type="module">\n{script()}</script>\n</body>\n</html>\n'


def script() -> str:
    """The modules of the page in one, for a browser loads none from a file that is opened from the disk."""
    sources = [(_STATIC / "map" / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS]
    return "\n".join(
        re.sub(r"^export (?=async|class|const|function)|^import .*\n", "", one, flags=re.M) for one in sources
    )


def _facts(found: MapView) -> dict[str, object]:
    """What the script has to know, and what the provider draws with."""
    months, regions = (found.months.first, found.months.last), found.map.regions
    known = facts(
        edition=found.edition,
        n_papers=len(found),
        months=months,
        n_of_groups=found.n_groups.tolist(),
        regions=regions,
    )
    drawn = {colour: {ground: colours(colour, ground).tolist() for ground in GROUNDS} for colour in COLOURS}
    return known | {
        "categories": found.map.categories,
        "chunk": _CHUNK,
        "drawn": drawn,
        "inks": [[ink.radius, *ink.levels(np.arange(1, int(ink.full) + 2)).tolist()] for ink in found.inks],
        "levels": LEVELS,
        "edge": EDGE,
        "bayer": BAYER.tolist(),
    }


def _marks(standings: Sequence[Standing]) -> dict[str, object]:
    """What is marked: papers by their ids, and where a text stands."""
    text = next(({"x": one.x, "y": one.y, "text": one.asked} for one in standings if one.paper is None), None)
    return {"marks": {"asked": [one.paper.id for one in standings if one.paper], "stands": text}}


def _columns(found: MapView) -> bytes:
    """x, y, category and month, each uint16, then the group, in bytes, of all papers."""
    points = found.map.points
    places = [np.clip(one.astype(np.float64) * 2**16, 0, 2**16 - 1).astype("<u2") for one in (points.x, points.y)]
    rest = [one.astype("<u2") for one in (points.category, points.month)]
    return b"".join(one.tobytes() for one in (*places, *rest, found.groups))


def _text(paper: Paper) -> str:
    """A line: id, title, authors."""
    names = [one.name for one in authors(paper)]
    others = [f"and {len(names) - _NAMES} more"] if len(names) > _NAMES + 1 else names[_NAMES:]
    parts = (paper.id, plain(paper.title), plain(", ".join([*names[:_NAMES], *others])))
    return "\t".join(" ".join(part.split()) for part in parts)


def _listed(found: MapView) -> Iterator[str]:
    """The regions, for those without a script and those who do not see the map."""
    for region, inside in outline(found.map.regions):
        within = "".join(f"<li>{_link(one.label, one.x, one.y, 1)} {one.n_papers:,}</li>" for one in inside)
        link = _link(region.label, region.x, region.y, 0)
        yield f"<li>{link} {region.n_papers:,} papers{f'<ul>{within}</ul>' if within else ''}</li>\n"


def _link(label: str, x: float, y: float, level: int) -> str:
    where = f'data-x="{x:.5f}" data-y="{y:.5f}" data-level="{level}"'
    return f'<a href="#x={x:.5f}&amp;y={y:.5f}&amp;z={3 + level}" {where}>{escape(label)}</a>'


def _data(name: str, content: str) -> str:
    return f'<script type="text/plain" id="{name}">{content}</script>\n'


def _packed(content: bytes) -> str:
    return b64encode(compress(content, 6, mtime=0)).decode()


def _quoted(text: str) -> str:
    """JSON that ends no element of HTML, whatever the names of regions are."""
    return text.replace("<", "\\u003c")
