"""Names in TeX, in Unicode and in plain letters, made by hand-written tables: nothing here is asked of lunacy."""

from __future__ import annotations

import re
import unicodedata

# of a combining accent: how TeX writes it
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0328": "k",
    "\u0331": "b",
}  # fmt: skip
# a letter that has no decomposition, how TeX writes it, and in plain letters
LETTERS = {
    "ø": ("o", "o"), "Ø": ("O", "O"), "ł": ("l", "l"), "Ł": ("L", "L"), "đ": ("dj", "d"), "Đ": ("DJ", "D"),
    "ð": ("dh", "d"), "Ð": ("DH", "D"), "þ": ("th", "th"), "Þ": ("TH", "Th"), "ß": ("ss", "ss"), "æ": ("ae", "ae"),
    "Æ": ("AE", "Ae"), "œ": ("oe", "oe"), "Œ": ("OE", "Oe"), "ı": ("i", "i"), "ŋ": ("ng", "n"), "Ŋ": ("NG", "N"),
}  # fmt: skip
SECOND = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "đ": "dj", "ŋ": "ng",
    "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe", "Å": "Aa", "Đ": "Dj", "Ŋ": "Ng",
}  # fmt: skip
STYLES = 4


def in_plain(name: str) -> str:
    """Łukasz Müller -> Lukasz Muller."""
    marked = unicodedata.normalize("NFD", "".join(LETTERS.get(char, ("", char))[1] for char in name))
    return "".join(char for char in marked if not unicodedata.combining(char))


def in_second(name: str) -> str:
    """Müller -> Mueller."""
    return in_plain("".join(SECOND.get(char, char) for char in unicodedata.normalize("NFC", name)))


def in_tex(name: str, style: int = 0) -> str:
    r"""Erdős -> Erd\H{o}s, Erd{\H{o}}s, Erd{\H o}s, Erd\H os: four styles."""
    chars = unicodedata.normalize("NFC", name)
    ends = [not behind.isalpha() for behind in f"{chars[1:]} "]  # TeX would take the space between two words
    return "".join(_char_in_tex(char, 0 if end else style) for char, end in zip(chars, ends, strict=True))


def _char_in_tex(char: str, style: int) -> str:
    if char in LETTERS:
        macro = LETTERS[char][0]
        return [f"{{\\{macro}}}", f"\\{macro}{{}}", f"{{\\{macro}}}", f"\\{macro} "][style]
    base, *accents = unicodedata.normalize("NFD", char)
    if not all(accent in ACCENTS for accent in accents):
        return char
    for accent in accents:
        macro = ACCENTS[accent]
        base = "\\i" if base == "i" and style % 2 else base
        space = " " if macro.isalpha() or (style == 2 and base.islower()) else ""
        base = [
            f"\\{macro}{{{base}}}",
            f"{{\\{macro}{{{base}}}}}",
            f"{{\\{macro}{space}{base}}}",
            f"\\{macro}{space}{base}",
        ][style]
        if style == 3 and base.endswith("\\i"):
            base += " "
    return base


def from_tex(text: str) -> str:
    """The letters of the tables above, where TeX writes them in any of the styles; the rest as it is."""
    return re.sub(_ANY_TEX, lambda tex: _TEX[tex[0]], text)


_ACCENTED = [chr(code) for code in range(0xC0, 0x250) if unicodedata.normalize("NFD", chr(code))[1:]]
_TEX = {in_tex(char, style): char for char in (*_ACCENTED, *LETTERS) for style in reversed(range(STYLES))}
_ANY_TEX = "|".join(re.escape(tex) for tex in sorted(_TEX, key=len, reverse=True) if "\\" in tex)
