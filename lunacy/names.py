"""People's names: lists of them split, their spellings folded to plain letters, and one compared with another.

A folded name is a list of words, in lower case and without accents. A word that has several spellings has them all: ü
as u and as ue, Jean-Pierre in two words and in one. As text it is " jean jeanpierre, pierre, muller mueller".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress, product
from operator import not_

from lunacy.letters import decomposed, letters, second_spelling
from lunacy.tex import without_tex

Word = tuple[str, str]  # in both spellings; that of an abbreviation ends with a full stop or is one letter
Chunk = list[Word]  # what stands between spaces: a word, or several that may be written in one

_SEPARATOR = re.compile(r"(?:^|[,;:&\s]\s*)(?:and|AND|for|on behalf of)\s+|\s*[,;:&]\s*")
_STRANGE = re.compile(r"[\\{}$~()]")  # TeX, or affiliations
_OTHER_SEPARATOR = re.compile(r"[;:&]| (?:for|AND|on behalf|[JjSs][Nn]?[Rr]|[Ii]{2,3}|[Ii][Vv]|[Aa][Ll])\b")
_GROUP = re.compile(r"\b(?:collaborat|consorti|group|team)", re.IGNORECASE)
_BY = re.compile(r".*\bby\s+(.+)")
_ET_AL = re.compile(r"\bet\.?\s+al\b.*", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:jr|sr|jnr|snr|iii?|iv)\.?", re.IGNORECASE)
_LONGEST_SUFFIX = 4
_CHUNK = re.compile(r"[^\W_]+(?:['-][^\W_]+)*\.?")
_COMPOUND = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*\.?")
_CAPITALS = re.compile(r"[A-Z]{2,3}")
_SIMPLE_WORD = r"(?:(?:[A-Z]\.)+|[A-Za-z]|[A-Z]?[a-z]+(?:[A-Z][a-z]+)*\.?)"
_SIMPLE = re.compile(f"{_SIMPLE_WORD}(?: {_SIMPLE_WORD})*")
_MOST_COMPOUNDS = 4  # in a name that is asked for: each doubles the ways to read it
_MOST_WORDS = 100  # of a name
_MOST_PIECES = 8  # of a compound


def authors_of(authors: str, names: str = "") -> list[str]:
    """The names in `authors`, a list as arXiv writes it, and in `names`: "Last, First, Jr.; Last, First"."""
    found = dict.fromkeys(names.split("; ")) if names else {}
    if _STRANGE.search(authors):
        authors = " ".join(_without_affiliations(without_tex(authors)).split())
    elif authors.count(",") == authors.count(", ") and not _OTHER_SEPARATOR.search(authors):  # as nearly all: quicker
        found |= dict.fromkeys(authors.replace(", and ", ", ").replace(" and ", ", ").split(", "))
        return list(filter(None, found))
    last, has_et_al = "", _ET_AL.search(authors) is not None
    for part in _SEPARATOR.split(authors):
        name = (_ET_AL.sub("", part) if has_et_al else part).strip()
        if last and len(name) <= _LONGEST_SUFFIX and _SUFFIX.fullmatch(name):  # Curtis G. Callan, Jr.
            found.pop(last, None)
            found[f"{last} {name}"] = None
            last = ""
        elif name:
            found[name] = None
            last = name
    return list(found)


def _without_affiliations(authors: str) -> str:
    """Without what stands in brackets, but for the names of groups and of those "by" whom an appendix is."""
    if authors.count("(") != authors.count(")"):
        return re.sub("[()]", ",", authors)
    depth, kept = 0, []
    for piece in re.split("([()])", authors):
        if piece in ("(", ")"):
            depth += 1 if piece == "(" else -1
        elif depth <= 0:
            kept.append(piece)
        elif by := _BY.match(piece):
            kept.append(f", {by[1]}, ")
        elif _GROUP.search(piece):
            kept.append(f", {piece}, ")
    return " ".join(kept)


def folded(name: str) -> str:
    """The words of a name, as text: a space before each spelling, a comma between words. "" when it has none."""
    if _SIMPLE.fullmatch(name):
        return " " + ", ".join(name.lower().replace(".", ". ").split()[:_MOST_WORDS])
    return _as_text(_chunks(name)[0])


def folded_word(word: str) -> str | None:
    """What `folded` says of what stands between two spaces of a name; None where that depends on the whole name."""
    text = word if _COMPOUND.fullmatch(word) else decomposed(word)
    first = letters(text)
    if _COMPOUND.fullmatch(first) and not _CAPITALS.fullmatch(first) and second_spelling(text) == text:
        pieces = first.lower().replace("'", "-").split("-")[:_MOST_PIECES]  # as nearly all: quicker
        wholes = ["".join(pieces[place:]).replace(".", "") for place in range(len(pieces) - 1)]
        return "".join(f" {piece} {whole}," for piece, whole in zip(pieces, wholes, strict=False)) + f" {pieces[-1]}"
    spelled = _spelled(text)
    if "," in text or not spelled or any(_CAPITALS.fullmatch(chunk) for chunk, _other in spelled):
        return None
    return _as_text([_words(*both) for both in spelled])


def _as_text(chunks: Sequence[Chunk]) -> str:
    words = []
    for chunk in chunks:
        for place, word in enumerate(chunk):
            spellings = [*word, *_joined(chunk[place:])] if place + 1 < len(chunk) else word
            words.append(" ".join(dict.fromkeys(spellings)))
    return ",".join(f" {word}" for word in words[:_MOST_WORDS])


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to understand a name that is asked for."""

    family: tuple[Word, ...]  # not empty
    given: tuple[Word, ...]
    is_whole: bool = False  # each word of the family name is a whole one

    @property
    def is_one_word(self) -> bool:
        """Whether nothing is asked of a name but its `key`."""
        return len(self.family) == 1 and not self.given and not self.is_whole

    @property
    def key(self) -> set[str]:
        """The longest word of the family name: one of its spellings begins a word of each name that is found."""
        return {spelling.rstrip(".") for spelling in max(self.family, key=lambda word: len(word[0]))}

    def finds(self, name: str) -> bool:
        """Whether `name`, as `folded` writes it, may be the one that is asked for.

        Each word that is asked for begins a word of the name, another one each. Beside the whole family name, an
        abbreviation stands for the given name that begins with it, the first for the first.
        """
        if not all(f" {first[0]}" in name or f" {second[0]}" in name for first, second in self.given):
            return False  # as most names that share the family name
        words = [word.split() for word in name.split(",")]
        begun = [[_begins(asked, word) for word in words] for asked in (*self.family, *self.given)]
        if not self.is_whole and _pair_up(begun):
            return True
        whole = [[not set(asked).isdisjoint(word) for word in words] for asked in self.family]
        others = [place for place in range(len(words)) if not any(row[place] for row in whole)]
        given = [[_begins(asked, word) for word in words] for asked in self.given]
        for row, asked, place in zip(given, self.given, others, strict=False):
            row[place] = row[place] or _abbreviates(words[place], asked)
        return _pair_up([*whole, *given])


def readings(asked: str) -> list[Reading]:
    """The ways to understand "First Last" or "Last, First"; none when there are no letters."""
    chunks, is_family = _chunks(asked)
    if not chunks:
        return []
    if not any(is_family):  # ", Geoffrey"
        is_family[-1] = True
    is_read_both_ways = sum(len(chunk) > 1 for chunk in chunks) <= _MOST_COMPOUNDS
    ways = [[chunk, [_joined(chunk)]] if len(chunk) > 1 and is_read_both_ways else [chunk] for chunk in chunks]
    return [
        Reading(tuple(chain(*compress(way, is_family))), tuple(chain(*compress(way, map(not_, is_family)))))
        for way in product(*ways)
    ]


def _begins(asked: Word, word: Sequence[str]) -> bool:
    starts = asked[0].rstrip("."), asked[1].rstrip(".")
    return any(spelling.startswith(starts) for spelling in word)


def _abbreviates(word: Sequence[str], asked: Word) -> bool:
    short = tuple(spelling.rstrip(".") for spelling in word if len(spelling) == 1 or spelling.endswith("."))
    return bool(short) and (asked[0].startswith(short) or asked[1].startswith(short))


def _pair_up(may_be: list[list[bool]]) -> bool:
    """Whether each row can have a column of its own that is true: a matching, by augmenting paths."""
    owner: dict[int, int] = {}  # column -> row

    def place(row: int, tried: set[int]) -> bool:
        for column, is_one in enumerate(may_be[row]):
            if is_one and column not in tried:
                tried.add(column)
                if column not in owner or place(owner[column], tried):
                    owner[column] = row
                    return True
        return False

    return all(place(row, set()) for row in range(len(may_be)))


def _chunks(name: str) -> tuple[list[Chunk], list[bool]]:
    """The chunks, given names first where a comma says which they are, and whether each is of the family name."""
    text = decomposed(name)
    before, _comma, behind = text.partition(",")
    family, given = _spelled(before), _spelled(behind)
    is_family = [False] * len(given) + [True] * len(family)
    if family and not given:  # First Last
        last = max((place for place, (chunk, _other) in enumerate(family) if not _is_addition(chunk)), default=0)
        is_family = [place == last for place in range(len(family))]
    may_be_initials = any(map(str.islower, text)) and not _GROUP.search(text)  # GE Hinton, not: CMS Collaboration
    both_spellings = zip((*given, *family), is_family, strict=True)
    return [_words(*both, initials=may_be_initials and not one) for both, one in both_spellings], is_family


def _is_addition(chunk: str) -> bool:
    """Whether it is an initial, or like Jr."""
    return len(chunk.rstrip(".")) == 1 or _SUFFIX.fullmatch(chunk) is not None


def _spelled(text: str) -> list[tuple[str, str]]:
    """The chunks of a decomposed text, in both spellings."""
    first = _CHUNK.findall(letters(text))
    return list(zip(first, first if text.isascii() else _CHUNK.findall(letters(second_spelling(text))), strict=True))


def _words(chunk: str, other: str, *, initials: bool = False) -> Chunk:
    """`initials`: two or three capitals are the initials of given names."""
    if initials and _CAPITALS.fullmatch(chunk) and not _SUFFIX.fullmatch(chunk):
        return [(f"{letter}.", f"{letter}.") for letter in chunk.lower()]
    both = (re.split("['-]", spelling.casefold())[:_MOST_PIECES] for spelling in (chunk, other))
    return list(zip(*both, strict=True))


def _joined(chunk: Chunk) -> Word:
    first, second = zip(*chunk, strict=True)
    return "".join(first).replace(".", ""), "".join(second).replace(".", "")
