"""The README's first answer as the picture of a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_FONT_PX, _LINE_PX, _LETTER_PX, _MARGIN_PX = 14, 20, 8.43, 20  # a letter is 0.602 of its size wide in most fonts
_STYLES = {"$": "fill:#7ec699", "head": "fill:#fff;font-weight:bold", "facts": "fill:#8b949e", "hit": "fill:#e6edf3"}
_FIRST_OF_HIT = re.compile(r" +\d+  ")


def picture(lines: list[str]) -> str:
    """`lines`, a command and the table that it prints, as SVG; the heading is bold, authors and years are grey."""
    width = _LETTER_PX * max(map(len, lines)) + 2 * _MARGIN_PX
    height = _LINE_PX * len(lines) + 2 * _MARGIN_PX
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" role="img">',
        f"<title>{escape(lines[0])}</title>",
        '<rect width="100%" height="100%" rx="8" fill="#161b22"/>',
        f'<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="{_FONT_PX}" style="white-space:pre">',
    ]
    for number, (line, style) in enumerate(zip(lines, _styles(lines), strict=True)):
        text = line.strip()
        x = _MARGIN_PX + _LETTER_PX * (len(line) - len(line.lstrip()))
        y = _MARGIN_PX + _LINE_PX * number + _FONT_PX
        length = _LETTER_PX * len(text)  # whatever the font, columns stay below each other
        parts.append(
            f'<text x="{x:.1f}" y="{y}" textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs" '
            f'style="{_STYLES[style]}">{escape(text)}</text>'
        )
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _styles(lines: list[str]) -> Iterator[str]:
    """The style of each line: the command, the heading, then for each hit its title and, in the last line, facts."""
    first = next(number for number, line in enumerate(lines) if _FIRST_OF_HIT.match(line))
    for number, _line in enumerate(lines):
        is_last = number + 1 == len(lines) or _FIRST_OF_HIT.match(lines[number + 1])
        yield "$" if number == 0 else "head" if number < first else "facts" if is_last else "hit"
