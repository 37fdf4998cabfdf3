"""Whether a paper was withdrawn: by the notice that its authors or arXiv left in comments, title or abstract.

Comments speak of the paper itself, so there a word like "withdrawn" is a notice unless it is said of something else: a
part of the paper, another paper, another version. Abstracts and titles speak of the world: there only a notice in its
usual words counts.
"""

from __future__ import annotations

import re
from functools import cached_property

from lunacy.paper import Paper


def is_withdrawn(paper: Paper) -> bool:
    """Whether comments, title or abstract hold a notice of withdrawal."""
    comments = paper.comments.lower()
    if "removed" in comments and _REMOVED.compiled.search(comments):
        return True
    text = f"{comments} {paper.title} {paper.abstract}".lower()
    if not ("withdr" in text or "retract" in text or (len(text) < _SHORT and "removed" in text)):
        return False  # as nearly all papers: this is quick to tell
    title, abstract = paper.title.lower(), paper.abstract.lower()
    return any(
        pattern.compiled.search(field)
        for pattern, field in (
            (_COMMENT, _MENTION.compiled.sub(" ", comments)),
            (_TITLE, title),
            (_FIRST, abstract),
            (_INSIDE, abstract),
            (_REMOVED, abstract),
        )
    )


def says_only_so(paper: Paper) -> bool:
    """Whether the abstract of a withdrawn paper is its notice of withdrawal, and so says nothing of the paper itself.

    Of 118 abstracts with a notice in 120,000 papers, 112 are shorter than _NOTICE; 107 of these are nothing else.
    """
    abstract = paper.abstract.lower()
    return len(abstract) < _NOTICE and any(pattern.compiled.search(abstract) for pattern in (_FIRST, _INSIDE, _REMOVED))


_SHORT = 400  # characters: with more, an abstract is a paper's
_NOTICE = 450  # characters: with more, an abstract says more than that


def _any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


_WORDS = {
    "PAPER": _any(
        "paper article notes? text submission manuscript (?:pre|e-?)?print work draft letter report version document "
        "entry contribution lectures? study thesis proceedings? writings? comment reply review survey essay"
    ),
    "PART": _any(  # less than a paper
        r"sections? sec\. subsection chapters? appendix appendices claims? theorems? lemmas? propositions? corollary "
        r"corollaries proofs? parts? results? figures? figs?\. tables? conjectures? statements? remarks? examples? "
        r"assertions? arguments? conclusions? equations? models? logo material discussion analysis code data title "
        r"bounds? estimates? references? refs?\."
    ),
    "OTHER": _any(  # than this paper
        "another other earlier previous prior older old former early first second original initial companion"
    ),
    "GONE": r"(?:withdr(?:aw|ow|wa)n|retracted)",  # with usual typos
    "WITHDRAWN": r"(?:withdr(?:aw|ow|wa)n|withdr(?:aw|ew)(?:ed|ing)?|retract(?:ed|ing)?)",
    "BE": _any(  # a word before "withdrawn"; authors write "as been"
        r"has have had as is are was were to be been being must should will now hereby here also already therefore "
        r"thus later since subsequently completely entirely temp\w* momentan\w* currently voluntarily formally"
    )
    + r"\s+",
    "ON": r"(?:(?![.:!?]\s)[^;()\[\]]|\([^()]*\)|\[[^\[\]]*\])",  # a character of the sentence, or a bracket
    "END": r"(?:\s*$|\s*[^\w\s-]|\s*-+\s|\s+"  # what follows "withdrawn" in a notice
    + _any("by due because since from for as at pending in until owing on and to after following upon")
    + r"\b)",
}


class _Notice:
    """A verbose pattern with _WORDS in the place of their names. Compiling it takes ms, and few need it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern."""
        return re.compile(re.sub("[A-Z]{2,}", lambda name: f"(?:{_WORDS[name[0]]})", self._pattern), re.VERBOSE)


# What comments say of something else.
_MENTION = _Notice(
    r"""
    # the proof of Theorem 2 was withdrawn; an earlier version has been withdrawn; not: ..., so the paper is withdrawn
      (?<!\d\s)(?<!\bthis\s)\b(?:PART|OTHER\s+(?:\w+\s+){0,2}?PAPER)\b
        (?:(?!(?<!\bof\s)(?<!\bin\s)(?<!\bto\s)(?<!from\s)
            \b(?:this|the|our|my|present)\s+(?:(?!OTHER\b)\w+\s+){0,2}?PAPER\b|,\s+(?:so|thus|hence|we|i)\b)ON){0,100}?
        (?:\b(?:is|are|was|were|has|have|had|been|be)\s+BE*|,\s+BE+)WITHDRAWN\b
    # Section 4 withdrawn
    | (?<!\d\s)\b(?:PART|OTHER\s+PAPER)\s+(?:\S*\d\S*\s+)?WITHDRAWN\b
    # the withdrawn paper; retracted the claim; a paper withdrawn in 2005
    | \b(?:the|an?|our|my|of|from|previously|two)\s+[(\[]?(?:(?:now|since|previously|recently)[\s-]+)?WITHDRAWN[)\]]?
        \s+(?:PAPER|PART|arxiv|v\d)\S*
    | WITHDRAWN\s+(?:(?:the|our|my|an?|some|all|its|one|two)\s+(?:(?!PAPER\b)[\w-]+\s+){0,2}?)?PART\b
    | WITHDRAWN\s+(?:(?:his|her|their)\s+(?:name|support|authorship)|by\s+(?:mistake|accident|error))\b
    | \b(?:of|to)\s+(?:an?|another|our|my)\s+(?:\w+\s+)?PAPER\s+BE* WITHDRAWN\b
    # arXiv:1401.1050, which was withdrawn
    | \b(?:which|that)\s+(?:is|are|was|were|has|have|had)\s+BE* WITHDRAWN\b
    | \b(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7})(?:v\d+)?[)\]]?(?:,?\s+BE+|\s+[(\[]BE*)WITHDRAWN\b
    # withdrawn from a journal; submitted to one and withdrawn
    | WITHDRAWN\s+(?:by\s+(?:the\s+|us\s*)?(?:co-?)?(?:authors?)?\s*|(?:this|the|our|my)\s+PAPER\s+)?from\s+
        (?!(?:the\s+|its\s+)?(?:arxiv|archive|xxx|lanl|e-?print|preprint|pub|consideration|circulation|public|th(?:is|e)\s+PAPER
            |PAPER|authors?\b(?!\s+list)|web|site|server|database|repository|distribution|submission\s+to\s+arxiv))
    | \bsubmitted\s+to\b[^.;]{0,60}?[\s,](?:but|and|then|later)\s+BE* WITHDRAWN\b
    # v3: withdrawn; v4: rewritten
    | \bv(?:er(?:sion|\.))?\s?\d+\b[^;.]{0,60}?WITHDRAWN\b
        (?=.{0,1000}?\b(?:v(?:er(?:sion|\.))?\s?\d|(?:this|(?:the\s+)?(?:present|current|new))\s+version))
    | WITHDRAWN\b(?=.{0,1000}?\b(?:reinstated|restored|now\s+(?:fixed|corrected|repaired|resolved)
        |this\s+(?:(?:new|revised|corrected|present|current)\s+)?version\s+(?:corrects|fixes|repairs|resolves|is\s+correct)))
    | (?:\b(?:not|never|no\s+longer|if|unless|whether|previously|formerly|once|originally|earlier|initially
        |mistakenly|erroneously|wrongly|accidentally)|n't)\s+BE* WITHDRAWN\b
    """
)

# The notices of comments.
_COMMENT = _Notice(
    r"""
      \b(?:GONE|withdrew)\b
    | \b(?:withdraw(?:ed|ing|al|l)?|retract(?:ing)?)\b(?:\s+of)?
        (?:\s+(?:from\s+)?(?:this|the|our|my|both|these)\s+(?:\w+\s+){0,2}?PAPER|\s+it\b|\s+this\b|END|\s+based\b)
    | \b(?:reasons?|request\w*|apply|notice)\s+(?:for|of|to)\s+(?:the\s+)?(?:withdrawal|retraction)\b
    | \b(?:withdrawal|retraction)\s+(?:(?:was|is|has\s+been)\s+)?(?:requested|notice)\b
    """
)

# RETRACTED: On photons; On photons [withdrawn by the authors]; Paper withdrawn
_TITLE = _Notice(
    r"""
      ^\W*(?:(?:this|the)\s+)?(?:PAPER\s+)?BE* GONE
        (?:\s+(?:article|paper|preprint|submission|manuscript))?
        (?:\s+by\s+(?:the\s+)?(?:authors?|arxiv\w*|publisher)(?:\(s\))?(?:\s+admin\w*)?)?
        \s*(?:$|[]:.)*}\u2013\u2014]|-+\s|\bdue\s+to\b|\bbecause\b)
    | (?:[(\[{*:\u2013\u2014]|\s-+)\s*(?:(?:this\s+)?PAPER\s+)?BE* GONE(?:\s+(?:by|due)\b[^)\]]*)?\W*$
    | [(\[]\s*GONE\s*[)\]]
    | ^\W*(?:retraction|withdrawal)\s+(?:note|notice)\b
    """
)

# An abstract that begins with a notice.
_FIRST = _Notice(
    r"""
    ^(?: \W | %auto-ignore | arxiv\s+admin\s+note: | \\[a-z]+\b )*
    (?: (?:(?:this|the|our|my|present|above)\s+)*PAPER\s+(?:\(?[\w./:-]*\d[\w./:-]*\)?\s+)?BE* GONE END
      | BE* GONE (?!\s+and\s+\w+\s+PAPER) END )
    """
)

# Or that holds one.
_INSIDE = _Notice(
    r"""
      \b(?:this|my|our|present)\s+(?:present\s+|entire\s+|whole\s+)?PAPER\s+BE+ GONE END
    | (?<!\bin\s)\bthis\s+PAPER\b(?:(?!\b(?:that|which|where|we)\b)ON){0,60}?
        \b(?:it|and|so)\s+BE+ GONE(?:\s*$|[.;]|\s+(?:by\s+the\s+author|due|because)\b)
    | (?:^|[.!]\s+)\W*PAPER\s+BE* GONE END
    | (?:^|[.!]\s+)\W*withdrawn(?:\W*$|\s+by\s+(?:the\s+)?(?:author|arxiv)|\s+due\s+to\b)
    | \b(?:i|we)\s+BE*(?:(?:want|wish|decided|would\s+like|like|have)\s+to\s+)?
        withdr(?:aw|ew|awn)\s+(?:this|my|our|the)\s+(?:paper|article|submission|manuscript|preprint)\b
    """
)

# What arXiv's administrators remove.
_REMOVED = _Notice(
    r"""
      \bremoved\s+by\s+(?:the\s+)?arxiv | \bthis\s+submission\s+ON{0,80}?BE+removed\b
    | ^\W*(?:this|the)\s+PAPER\s+BE+removed\s*(?:from\s+(?:the\s+)?arxiv)?\W*$
    """
)
