"""Sentences of abstracts, each set split by hand."""

import pytest

from lunacy.sentences import sentences

SPLIT_BY_HAND = {
    "two sentences": ["We give a proof.", "It is short."],
    "a question": ["Is it so?", "It is!", "We show why."],
    "abbreviations": [
        "Methods, e.g. those of Smith et al. (2010) and Fig. 3 of Ref. [4], i.e. the best, fail vs. Eq. (1).",
        "We extend them.",
    ],
    "a sentence that ends in an abbreviation": ["This was shown by Smith et al.", "Here we prove it."],
    "journals": ["It extends Phys. Rev. A 45, 1 (1990) and Commun. Math. Phys. 12, 3.", "It is new."],
    "initials": ["Conjectures of J. C. Maxwell and J.-B. Bost hold in the U.S. Navy.", "They are old."],
    "a letter at the end": ["Let it act on a group G.", "We show that it is free.", "It is of type A.", "This is new."],
    "numbers": ["The value is 0.77 +/- 0.13.", "Another one is 12.5 keV.", "15 of them agree."],
    "a formula with a full stop": ["Let $f(x) = 1. X$ be given.", "$\\alpha. B$ is another.", "Now \\(x. Y\\) too."],
    "a formula at the end": ["It holds for $a \\leq 10^{-16}.$", "We use it where $b=1$.", "$c$ is free."],
    "closed by quotes and brackets": ['He says "so it is."', "(This is why.)", "``It's old.''", "New."],
    "no space between": ["It is shown that it fits.", "Then it is used."],
    "numbered items": ["We show: 1. Cats sleep; 2. Dogs bark.", "(ii) If not, they run."],
    "names with stops": ["We use Node.js 4.2, arXiv.org and Dr. No."],
    "months": ["It began in Dec. 1989.", "It goes on."],
    "lines": ["It is\n  broken.", "So is\nthis."],
    "letters with marks": ["C'est vrai.", "Étant donné que oui.", "Überall."],
    "an ellipsis": ["It goes on ... and on.", "Then it stops..."],
}


@pytest.mark.parametrize("name", SPLIT_BY_HAND)
def test_a_text_is_split_as_by_hand(name: str) -> None:
    by_hand = SPLIT_BY_HAND[name]
    between = "" if name == "no space between" else " "
    assert sentences(between.join(by_hand)) == [" ".join(one.split()) for one in by_hand]


@pytest.mark.parametrize("text", ["", " \n", "...", ". . .", "one word", "$x", "$" * 99, "e.g.", "A."])
def test_a_text_of_one_sentence_or_none_stays_whole(text: str) -> None:
    assert " ".join(sentences(text)) == " ".join(text.split())


def test_no_letter_is_lost_and_long_text_takes_no_long() -> None:
    text = "It is. (a) So. $x$. " * 5000 + "A.B." * 5000 + "((((" * 5000 + '."' * 5000
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
