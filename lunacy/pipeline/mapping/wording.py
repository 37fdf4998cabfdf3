"""How terms are written: as most titles do, with the capitals that they have within a sentence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.pipeline.mapping.phrases import Terms
from lunacy.pipeline.mapping.title_words import LINK, Numbers, TitleWords


def written(titles: TitleWords, terms: Terms, wanted: Rows) -> dict[int, str]:
    """The terms `wanted`, (m,) ascending, as people read them."""
    folded_of, best_case = _cases(titles)
    is_wanted = np.zeros(len(terms.n_words), np.bool_)
    is_wanted[wanted] = True
    found: dict[int, str] = {}
    for n_words in np.unique(terms.n_words[wanted]).tolist():
        held = np.flatnonzero((terms.n_words[terms.terms] == n_words) & is_wanted[terms.terms])
        held = held[_where_alone(titles, terms.at[held] + n_words, terms.terms[held])]
        at, those = terms.at[held], terms.terms[held].astype(np.int64)
        forms = titles.forms[at[:, None] + np.arange(n_words)]
        forms[:, 0] -= forms[:, 0] % 3  # what stands before the term
        common = _commonest(those, _coded(those, 3 * folded_of[forms // 3] + forms % 3))
        at, those, forms = at[common], those[common], forms[common]
        in_sentence = titles.is_sentence[at]
        for one in _first_of_each(those):
            row = forms[one]
            found[int(those[one])] = titles.text((3 * best_case[folded_of[row // 3]] + row % 3).tolist())
        at, those, forms = at[in_sentence], those[in_sentence], forms[in_sentence]
        best = np.flatnonzero(_commonest(those, _coded(those, forms)))
        for one in best[_first_of_each(those[best])]:
            found[int(those[one])] = titles.text(forms[one].tolist())
    return found


def _where_alone(titles: TitleWords, behind: Numbers, those: Numbers) -> npt.NDArray[np.bool_]:
    """Which of them, (m,), no other word follows, as labels are: "images", but "image segmentation"; else all."""
    alone = titles.kinds[titles.words[behind]] <= LINK
    return np.asarray(alone | ~np.isin(those, those[alone]), np.bool_)


def _cases(titles: TitleWords) -> tuple[Rows, Rows]:
    """The forms in small letters, (n_forms,), as numbers, and how each of these is best written.

    As it is within sentences; else in small letters, if it ever is; else as it is most often.
    """
    folded_of = np.unique([one.casefold() for one in titles.written], return_inverse=True)[1]
    numbers = np.arange(len(titles.written))
    plain = titles.forms // 3
    n_all = np.bincount(plain, minlength=len(numbers))
    in_sentences = np.bincount(plain[titles.is_sentence], minlength=len(numbers))
    is_small = np.fromiter((one.islower() for one in titles.written), np.bool_, len(numbers))
    order = np.lexsort((numbers, -n_all, ~is_small, -in_sentences, folded_of))
    return folded_of, order[np.diff(folded_of[order], prepend=-1) > 0]


def _coded(those: Rows, forms: npt.NDArray[np.integer]) -> Rows:
    """A number for each term, (m,), as it is written, (m, n_words); they ascend as these do."""
    codes = those
    for column in forms.T:
        codes = np.unique(codes * (int(forms.max(initial=0)) + 1) + column, return_inverse=True)[1]
    return codes


def _commonest(those: Rows, codes: Rows) -> npt.NDArray[np.bool_]:
    """Which of them, (m,), are written as most of the same term are."""
    counts = np.bincount(codes)
    term_of = np.zeros(len(counts), np.int64)
    term_of[codes] = those
    order = np.lexsort((np.arange(len(counts)), -counts, term_of))
    best = order[np.diff(term_of[order], prepend=-1) > 0]
    return np.isin(codes, best)


def _first_of_each(those: Rows) -> Rows:
    """Where each term stands first: (n,)."""
    return np.unique(those, return_index=True)[1]
