"""The words that a hit shares with what was asked, as a reader wants them: in phrases, the telling ones first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lunacy.derived.lexical import pair_hashes, stems
from lunacy.derived.shares import Shares
from lunacy.everyday_words import EVERYDAY_WORDS
from lunacy.language import FUNCTION_WORDS, NOT_ENGLISH
from lunacy.unicode import FORMULA, to_unicode
from lunacy.why import Term

_MOST_TERMS, _MOST_WORDS = 6, 3  # of a hit, of a term
_LEAST = 0.1  # weight of a term, as a share of that of the first
_LEAST_BOND = -0.5  # of two words that belong together: the logarithm of a likelihood
_COMMON = 0.5  # share of papers that have a word which says nothing in this index
_FREQUENT = 0.1  # share of papers that have an everyday word which belongs to none beside it
_TOKEN = re.compile(r"[^\W_]+")
_ACCENT = r"""[{}]*\\(?:["'`^~=.]|(?=(?:ss|oe|OE|ae|AE|aa|AA|[oOlLij])(?![a-zA-Z])))[{}]*"""  # or a letter's name
_NO_WORDS = re.compile(rf"(?!{_ACCENT})\\(?:[a-zA-Z]+|.)|https?://\S+")
_BETWEEN = re.compile(  # the words of a term, or the pieces of a word with accents
    rf"[ \-/'’]+(?:(?:of|the|and|in|for|on|to|a|an|with|by) )*|{_ACCENT}|[{{}}]+"
)
_FIRST_ACCENT = re.compile(rf"(?<![^\W_]|[{{}}]){_ACCENT}$")
_PIECE_BEFORE = re.compile(r"""[\\|]["'`^~=.]?[{}]*$|[^\W_][{}]+$""")
_PIECE_BEHIND = re.compile(r"[{}]*[\\|]|[{}]+[^\W_]")
_LONGEST_ACCENT = 8  # characters


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the hit that is in both texts, or a piece of one."""

    stem: str
    start: int
    end: int
    tells: bool  # what the paper is about
    begins: bool  # may begin a term: no function word, nor a later piece of a word, as of Schr\"odinger
    ends: bool  # the same, of the end


def shared_terms(texts: Sequence[str], shares: Shares) -> tuple[Term, ...]:
    """The weightiest terms in the `texts` of a hit, the first of which weighs most; each word is in one alone."""
    ways: dict[tuple[str, ...], list[str]] = {}  # how each term is written
    for text in texts:
        plain = _NO_WORDS.sub(_blank, FORMULA.sub(_blank, text))
        for words in _terms(plain, shares):
            ways.setdefault(tuple(word.stem for word in words), []).append(plain[words[0].start : words[-1].end])
    return tuple(_best(ways, {stems: _weight(stems, shares) for stems in ways}))


def _blank(match: re.Match[str]) -> str:
    """As many characters, over which no term goes."""
    return "|" * len(match[0])


def _terms(text: str, shares: Shares) -> Iterator[Sequence[_Word]]:
    """The words that say something, and the rows of two or three that begin and end with one, here and there alike."""
    run: list[_Word] = []
    for found in _TOKEN.finditer(text):
        word = _word(text, found, shares)
        if word is None:
            if _stem(found[0]):
                run = []
            continue
        if run:
            [pair] = pair_hashes([run[-1].stem, word.stem])
            between = _BETWEEN.match(text, run[-1].end)
            if pair not in shares.pairs or between is None or between.end() != found.start():
                run = []
        run = [*run[1 - _MOST_WORDS :], word]
        yield from (run[start:] for start in range(len(run)) if _is_term(run[start:], shares))


def _is_term(words: Sequence[_Word], shares: Shares) -> bool:
    """Whether it says something, and each of its ends does, or belongs to the word beside it: "Laplace transform"."""
    if not (words[0].begins and words[-1].ends and any(word.tells for word in words)):
        return False
    return all(
        words[edge].tells or (len(words) > 1 and _belong_together(words[edge], words[pair], shares))
        for edge, pair in ((0, slice(2)), (-1, slice(-2, None)))
    )


def _belong_together(edge: _Word, words: Sequence[_Word], shares: Shares) -> bool:
    """Whether an everyday word, if it is not too common, belongs to the other of two: "natural language".

    They stand beside each other about as often as others of their frequency stand in one abstract. Pieces of one word
    do.
    """
    if not (edge.begins and edge.ends):
        return True
    if len(edge.stem) == 1:
        return False
    before, behind = (word.stem for word in words)
    [pair] = pair_hashes([before, behind])
    bond = shares.words[before].rarity + shares.words[behind].rarity - shares.pairs[pair].rarity
    return shares.words[edge.stem].rarity > -math.log(_FREQUENT) and bond > _LEAST_BOND


def _word(text: str, found: re.Match[str], shares: Shares) -> _Word | None:
    """None for one that is not shared."""
    word, start, end = found[0], found.start(), found.end()
    share = shares.words.get(stem := _stem(word))
    if share is None:
        return None
    is_function_word = stem in FUNCTION_WORDS or (word if word.isupper() else word.lower()) in NOT_ENGLISH
    is_known = is_function_word or stem in EVERYDAY_WORDS or stem.isdigit()
    tells = len(stem) > 1 and not is_known and share.rarity > -math.log(_COMMON)
    before = text[max(start - _LONGEST_ACCENT, 0) : start]
    accent = _FIRST_ACCENT.search(before)
    begins = not is_function_word and (accent is not None or not _PIECE_BEFORE.search(before))
    ends = not is_function_word and not _PIECE_BEHIND.match(text, end)
    return _Word(stem, start - len(accent[0]) if accent else start, end, tells, begins, ends)


def _weight(words: Sequence[str], shares: Shares) -> float:
    """That of the words, and of their pairs."""
    pairs = {pair: shares.pairs[pair] for pair in pair_hashes(words)}
    return sum(shares.words[word].weight for word in set(words)) + sum(share.weight for share in pairs.values())


def _best(ways: Mapping[tuple[str, ...], Sequence[str]], weights: Mapping[tuple[str, ...], float]) -> Iterator[Term]:
    """The weightiest, none of which has a word of another one."""
    taken: set[str] = set()
    order = sorted(weights, key=lambda words: (-weights[words], words))
    n = 0
    for words in order:
        if n == _MOST_TERMS or weights[words] < _LEAST * weights[order[0]]:
            return
        plain = {word.rstrip("s") for word in words}  # the stemmer leaves the s of FRBs
        if taken.isdisjoint(plain):
            yield Term(_written(ways[words]), weights[words])
            taken |= plain
            n += 1


def _written(ways: Sequence[str]) -> str:
    """The way with the fewest capitals: not that of a title, or of the beginning of a sentence."""
    return min(map(to_unicode, ways), key=lambda way: sum(map(str.isupper, way)))


@lru_cache(maxsize=2**15)
def _stem(token: str) -> str:
    """That of a single word; "" for one that does not count."""
    return "".join(stems(token))
