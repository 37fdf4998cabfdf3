"""The letters of formulas in their fonts, as Unicode has them: LETTERS["bold", "a"] is U+1D41A.

Browsers pass over the `mathvariant` of MathML, but for "normal".
"""

from __future__ import annotations

import re
import unicodedata

_BLOCKS = (*range(0x2100, 0x2150), *range(0x1D400, 0x1D800))  # letterlike symbols, mathematical alphanumeric symbols
_FONT = re.compile(r"(?:MATHEMATICAL )?(.+?) (?:CAPITAL|SMALL|DIGIT|NABLA|PARTIAL)")


def _letters() -> dict[tuple[str, str], str]:
    """(value of `mathvariant`, letter) -> that letter in that font."""
    letters = {}
    for character in map(chr, _BLOCKS):
        kind, _, code = unicodedata.decomposition(character).partition(" ")
        font = _FONT.match(unicodedata.name(character, ""))
        if kind == "<font>" and font:
            name = font[1].replace("BLACK-LETTER", "FRAKTUR").replace(" ", "-").lower()
            letters[name, chr(int(code, 16))] = character
    return letters


LETTERS = _letters()
