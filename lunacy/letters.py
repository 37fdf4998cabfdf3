"""Text -> plain letters: without case, accents and TeX, and the second spelling that some letters have."""

from __future__ import annotations

import re
import unicodedata

from lunacy.tex import without_tex

_APOSTROPHES = "‘’‛′ʹʻʼʾʿ"
_SECOND = {  # Mueller, Soerensen, Aarhus, Djordjevic beside Muller, Sorensen, Arhus, Dordevic
    **{f"{vowel}\u0308": f"{vowel}e" for vowel in "aouAOU"}, "a\u030a": "aa", "A\u030a": "Aa", "ø": "oe", "Ø": "Oe",
    "đ": "dj", "Đ": "Dj", "ŋ": "ng", "Ŋ": "Ng", "ə": "a", "Ə": "A",
}  # fmt: skip
_SPELLED_OUT = re.compile("[aouAOU]\u0308|[aA]\u030a|[øØđĐŋŊəƏ]")
_LATIN = re.compile(r"LATIN (SMALL|CAPITAL) (?:LETTER|LIGATURE) ([A-Z]+(?: [A-Z])?)(?: WITH .*)?")
_NAMED = {
    "ae": "ae", "oe": "oe", "eth": "d", "thorn": "th", "eng": "n", "sharp s": "ss", "dotless i": "i", "dotless j": "j",
    "schwa": "e", "open e": "e", "open o": "o", "african d": "d", "ezh": "z", "esh": "s", "alpha": "a", "kra": "k",
}  # fmt: skip


def plain(text: str) -> str:
    """`text` in lower case, without accents and TeX, with white space folded."""
    return " ".join(letters(decomposed(text)).casefold().split())


def decomposed(text: str) -> str:
    """Without TeX, with accents as characters of their own, and one kind of space."""
    text = " ".join(text.split())
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.replace("´", "'"))
    text = text.replace("`", "'")
    return unicodedata.normalize("NFKD", without_tex(text)) if _TEX.search(text) else text


_TEX = re.compile(r"[\\{}$~]")


def letters(text: str) -> str:
    """A decomposed text with plain letters and no accents, and with one kind of apostrophe and hyphen."""
    return text if text.isascii() and text.isprintable() else text.translate(_PLAIN)


def second_spelling(text: str) -> str:
    """A decomposed text with the letters that some accents and letters stand for: ü is ue."""
    return text if text.isascii() else _SPELLED_OUT.sub(lambda letter: _SECOND[letter[0]], text)


class _Plain(dict[int, str | None]):
    """For `str.translate`: a character -> what stands for it, None for nothing. Filled as they are met."""

    def __missing__(self, code: int) -> str | None:
        self[code] = _plain_letter(chr(code))
        return self[code]


def _plain_letter(char: str) -> str | None:
    if char.isascii() and char.isprintable():
        return char
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cc", "Cf"):
        return None
    if char in _APOSTROPHES:
        return "'"
    if unicodedata.category(char) == "Pd" or char == "−":
        return "-"
    latin = _LATIN.fullmatch(unicodedata.name(char, ""))  # LATIN SMALL LETTER L WITH STROKE: an l
    if latin is None:
        return char
    base = latin[2].lower()
    letter = base if len(base) == 1 else _NAMED.get(base, char)
    return letter.upper() if latin[1] == "CAPITAL" else letter


_PLAIN = _Plain()
