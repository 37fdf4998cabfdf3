"""Titles taken apart into words: numbers for what each is, whatever its ending and case, and for how it is written."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.derived.lexical import stems
from lunacy.everyday_words import EVERYDAY_WORDS
from lunacy.language import FUNCTION_WORDS, NOT_ENGLISH
from lunacy.letters import decomposed, letters
from lunacy.progress import Progress, Report
from lunacy.unicode import FORMULA, to_unicode

# Kinds of words: none; "of"; a number; one that may begin a phrase but not end it, as a letter, "de", or "generated";
# one that all fields write; one that says something
BREAK, LINK, NUMBER, PREFIX, WEAK, TELLING = range(6)
_BREAKS = frozenset(  # without endings: they are in no phrase, as those that do not count in the word index
    "aim appli applic approach aris can case comment do evid from give go how implic introduct investig involv it look "
    "make new note novel overview part perspect proceed question recent remark report result review revisit should "
    "some studi summari that them understand us use what when where which who whi with without workshop".split()
)
Numbers = npt.NDArray[np.int32]

_NONE = 0  # the token that is a break
_IRREGULAR = dict(
    pair.split("=")
    for pair in "analyses=analysis axes=axis bases=basis extrema=extremum genera=genus helices=helix "
    "hypotheses=hypothesis indices=index loci=locus matrices=matrix maxima=maximum minima=minimum moduli=modulus "
    "nuclei=nucleus phenomena=phenomenon quanta=quantum radii=radius simplices=simplex spectra=spectrum "
    "syntheses=synthesis tori=torus vacua=vacuum vertices=vertex vortices=vortex".split()
)
_PARTICLES = frozenset("al de del der na non si van von".split())  # of names and elements, and "non-linear"
_LONGEST = 30  # characters of a word
_CHUNK = 20_000  # titles
_HYPHENS = "-‐‑–"
_TOKEN = re.compile(rf"[^\W_]+(?:['’][^\W\d_]+)?(?:[{_HYPHENS}/][^\W_]+(?:['’][^\W\d_]+)?)*|[^\w\s]")
_PIECE = re.compile(rf"([{_HYPHENS}/]?)([^{_HYPHENS}/]+)")
_SEPARATORS = (" ", "-", "/")
_MACRO = re.compile(r"\\(?:[a-zA-Z]+|.)")
_NO_NOUN = re.compile(r"(?:...[^e]ed|..(?:a[lbrk]|c[ht]|ed|ib|ive|n[gt]|ous|te)ly)$")  # but "speed", "family"
_GENITIVE = re.compile(r"['’]s?$")


@dataclass(frozen=True, slots=True)
class TitleWords:
    """The words of many titles in a row, with a break (word 0) behind each title and at each other sign."""

    words: Numbers  # (m,)
    forms: Numbers  # (m,): three times a form, and what stands before it: space, hyphen or slash
    titles: Numbers  # (m,): the position of the title of each
    kinds: npt.NDArray[np.uint8]  # (n_words,): BREAK, LINK, WEAK or TELLING
    written: Sequence[str]  # (n_forms,) ascending
    is_sentence: npt.NDArray[np.bool_]  # (m,): not the first word of a title, and one where most are in small letters

    def text(self, forms: Sequence[int]) -> str:
        """As these forms are written in a row."""
        parts = [(_SEPARATORS[form % 3], self.written[form // 3]) for form in forms]
        return "".join(part for pair in parts for part in pair)[1:]


class _Tokens(dict[str, int]):
    """The number of each token, given when it is first met, and its pieces: what stands between spaces and hyphens."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds = [BREAK]
        self.written: list[str] = []
        self.word_of: dict[str, int] = {"": 0}
        self._form_of: dict[str, tuple[int, int]] = {}  # with its word
        self.pieces = array("i")  # word and form of each
        self.bounds = array("i", [0])  # of each token, among the pieces
        self._add([("", "")])

    def __missing__(self, token: str) -> int:
        self[token] = len(self.bounds) - 1 if token[0].isalnum() else _NONE
        if self[token] != _NONE:
            self._add(_PIECE.findall(token))
        return self[token]

    def _add(self, pieces: Sequence[tuple[str, str]]) -> None:
        for sign, found in pieces:
            piece = found if len(found) <= _LONGEST else ""
            if piece not in self._form_of:
                self._form_of[piece] = len(self.written), self._word(piece)
                self.written.append(piece)
            form, word = self._form_of[piece]
            self.pieces.extend((word, 3 * form + (2 if sign == "/" else 1 if sign else 0)))
        self.bounds.append(len(self.pieces) // 2)

    def _word(self, piece: str) -> int:
        word = singular(letters(decomposed(_GENITIVE.sub("", piece))))
        kind = _kind(word)
        if kind == BREAK:
            return 0
        if word not in self.word_of:
            self.word_of[word] = len(self.kinds)
            self.kinds.append(kind)
        return self.word_of[word]


def _kind(word: str) -> int:
    if word == "of":
        return LINK
    stem = "".join(stems(word))
    if not stem or stem in FUNCTION_WORDS or stem in _BREAKS:
        return BREAK
    if word in NOT_ENGLISH:
        return PREFIX if word in _PARTICLES else BREAK
    if word.isdigit():
        return NUMBER
    if len(word) < 2 or _NO_NOUN.search(word):
        return PREFIX
    return WEAK if stem in EVERYDAY_WORDS else TELLING


def singular(plain: str) -> str:
    """In small letters, and as one stem stands for a word and its plural."""
    word = plain.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) and not plain.isupper():
        if word.endswith("ies") and len(word) > 4:
            return f"{word[:-3]}y"
        word = word[:-2] if word.endswith(("shes", "xes", "sses")) else word[:-1]
    return word.removesuffix("e") if word.endswith("che") else word  # caches and branches


def read_titles(titles: Sequence[str], progress: Report) -> TitleWords:
    """The words of `titles`, as TeX in them reads."""
    tokens, numbers, ends = _Tokens(), array("i"), array("q", [0])
    for start in range(0, len(titles), _CHUNK):
        progress(Progress("reading titles for the map", start, len(titles), "papers"))
        for title in titles[start : start + _CHUNK]:
            numbers.extend(map(tokens.__getitem__, _TOKEN.findall(_plain_text(title))))
            numbers.append(_NONE)
            ends.append(len(numbers))
    return _in_a_row(tokens, np.asarray(numbers, np.int32), np.asarray(ends, np.int64))


def _in_a_row(tokens: _Tokens, numbers: Numbers, ends: Rows) -> TitleWords:
    """The pieces of all tokens, numbered in the order of the alphabet; a chunk at a time, for the sake of memory."""
    word_rank, form_rank = _ranks(list(tokens.word_of)), _ranks(tokens.written)
    kinds, written = np.empty(len(word_rank), np.uint8), sorted(tokens.written)
    kinds[word_rank] = tokens.kinds
    words, forms = np.asarray(tokens.pieces, np.int32).reshape(-1, 2).T
    words, forms = word_rank[words], 3 * form_rank[forms // 3] + forms % 3
    small = np.fromiter((one[:1].islower() for one in written), np.bool_, len(written))
    more = np.where(kinds[words] >= WEAK, np.where(small[forms // 3], 1, -1), 0)  # 1: a word in small letters
    bounds = np.asarray(tokens.bounds, np.int64)
    sizes = bounds[1:] - bounds[:-1]
    found: list[tuple[Numbers, Numbers, Numbers, npt.NDArray[np.bool_]]] = [(*np.zeros((3, 0), np.int32), small[:0])]
    for first in range(0, len(ends) - 1, _CHUNK):
        of_chunk = ends[first : first + _CHUNK + 1]
        held = numbers[of_chunk[0] : of_chunk[-1]]
        n_pieces = sizes[held]
        at = np.arange(n_pieces.sum()) + np.repeat(bounds[held + 1] - np.cumsum(n_pieces), n_pieces)
        title_of = np.repeat(np.repeat(np.arange(len(of_chunk) - 1), of_chunk[1:] - of_chunk[:-1]), n_pieces)
        is_sentence = np.bincount(title_of, more[at])[title_of] > 0
        is_sentence[np.diff(title_of, prepend=-1) > 0] = False  # the first word of a title
        found.append((words[at], forms[at], (first + title_of).astype(np.int32), is_sentence))
    all_words, all_forms, all_titles, are_sentence = (np.concatenate(one) for one in zip(*found, strict=True))
    return TitleWords(all_words, all_forms, all_titles, kinds, written, are_sentence)


def _ranks(texts: Sequence[str]) -> Numbers:
    """Numbers that do not depend on the order in which they were met."""
    ranks = np.empty(len(texts), np.int32)
    ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts), dtype=np.int32)
    return ranks


def _plain_text(title: str) -> str:
    if "\\" in title or "$" in title:
        title = _MACRO.sub("|", FORMULA.sub("|", to_unicode(title)))
    return title.lower() if title.isupper() and " " in title else title
