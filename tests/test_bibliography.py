"""Papers for reference managers, judged by the parsers that others wrote, and letter by letter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bibtexparser
import pytest
import rispy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pybtex.database import parse_string

from lunacy.answer import Answer, Hit
from lunacy.authors import Author, authors, first_authors
from lunacy.paper import Paper
from lunacy.render import answers, papers
from lunacy.snapshot import Snapshot, parse
from lunacy.unicode import SYMBOLS

TWEETS = Paper(
    "1802.05130",
    "Multi-Task Learning for $\\alpha_1$ & 5% of C#_x",
    "We study tweets.",
    "Shashank Gupta, Girish K. Palshikar",
    ("cs.IR", "cs.CL"),
    updated="2018-02-14",
)
GRAVITY = Paper(
    "hep-th/9108006",
    "Discrete Quantum Gravity",
    "It is shown.",
    'Hirosi Ooguri, J. Schr\\"odinger and the CMS Collaboration',
    ("hep-th",),
    submitted="1991-08-09",
    doi="10.1142/S0217732391004140",
    journal_ref="Mod.Phys.Lett.A6:3591-3600,1991",
)
BIBTEX = r"""@misc{gupta2018multitask,
  title = {{Multi-Task Learning for $\alpha_1$ \& 5\% of C\#\_x}},
  author = {Gupta, Shashank and Palshikar, Girish K.},
  year = {2018},
  eprint = {1802.05130},
  archivePrefix = {arXiv},
  primaryClass = {cs.IR},
  url = {https://arxiv.org/abs/1802.05130},
}

@article{ooguri1991discrete,
  title = {{Discrete Quantum Gravity}},
  author = {Ooguri, Hirosi and Schrödinger, J. and {the CMS Collaboration}},
  journal = {Mod.Phys.Lett.A6:3591-3600,1991},
  year = {1991},
  eprint = {hep-th/9108006},
  archivePrefix = {arXiv},
  primaryClass = {hep-th},
  doi = {10.1142/S0217732391004140},
  url = {https://arxiv.org/abs/hep-th/9108006},
}
"""
RIS = """\
TY  - JOUR
TI  - Discrete Quantum Gravity
AU  - Ooguri, Hirosi
AU  - Schrödinger, J.
AU  - the CMS Collaboration
PY  - 1991
DA  - 1991/08/09
T2  - Mod.Phys.Lett.A6:3591-3600,1991
DB  - arXiv
AN  - arXiv:hep-th/9108006
DO  - 10.1142/S0217732391004140
UR  - https://arxiv.org/abs/hep-th/9108006
KW  - hep-th
AB  - It is shown.
ER  -\x20

"""
CSL = [
    {
        "id": "gupta2018multitask",
        "type": "article",
        "title": "Multi-Task Learning for α₁ & 5% of C#_x",
        "author": [{"family": "Gupta", "given": "Shashank"}, {"family": "Palshikar", "given": "Girish K."}],
        "issued": {"date-parts": [[2018, 2]]},
        "publisher": "arXiv",
        "number": "arXiv:1802.05130",
        "URL": "https://arxiv.org/abs/1802.05130",
        "abstract": "We study tweets.",
    },
    {
        "id": "ooguri1991discrete",
        "type": "article-journal",
        "title": "Discrete Quantum Gravity",
        "author": [
            {"family": "Ooguri", "given": "Hirosi"},
            {"family": "Schrödinger", "given": "J."},
            {"literal": "the CMS Collaboration"},
        ],
        "issued": {"date-parts": [[1991, 8, 9]]},
        "container-title": "Mod.Phys.Lett.A6:3591-3600,1991",
        "archive": "arXiv",
        "archive_location": "hep-th/9108006",
        "DOI": "10.1142/S0217732391004140",
        "URL": "https://arxiv.org/abs/hep-th/9108006",
        "abstract": "It is shown.",
    },
]


def shown(*found: Paper, form: str) -> str:
    return "".join(papers(found, form))


def test_bibtex_is_as_written_by_hand() -> None:
    assert shown(TWEETS, GRAVITY, form="bibtex") == BIBTEX


def test_ris_is_as_written_by_hand_with_the_line_ends_of_windows() -> None:
    assert shown(GRAVITY, form="ris") == RIS.replace("\n", "\r\n")
    assert "TY  - UNPB\r\n" in shown(TWEETS, form="ris")
    assert "DA  - 2018/02/\r\n" in shown(TWEETS, form="ris")


def test_csl_json_is_as_written_by_hand() -> None:
    assert json.loads(shown(TWEETS, GRAVITY, form="csljson")) == CSL
    assert json.loads(shown(form="csljson")) == []


def test_a_bibliography_of_answers_has_each_hit_once_and_no_key_twice() -> None:
    twins = [replace(TWEETS, id=f"1802.{number:05}") for number in range(30)]
    lists = [Answer([Hit(1, one, 0.5), Hit(2, TWEETS, 0.4)], (GRAVITY,)) for one in twins]
    keys = re.findall(r"^@misc\{(.*),$", "".join(answers(lists, "bibtex")), re.MULTILINE)
    assert keys[:4] == ["gupta2018multitask", *(f"gupta2018multitask{letter}" for letter in "abc")]
    assert keys[26:29] == ["gupta2018multitaskz", "gupta2018multitaskaa", "gupta2018multitaskab"]
    assert len(keys) == len(set(keys)) == 31
    ids = [one["id"] for one in json.loads("".join(answers(lists, "csljson")))]
    assert ids == keys


def test_a_withdrawn_paper_says_so_and_one_that_is_not_of_arxiv_has_no_eprint() -> None:
    gone = replace(TWEETS, comments="This paper has been withdrawn")
    for form in ("bibtex", "ris", "csljson"):
        assert "Withdrawn." in shown(gone, form=form)
    local = shown(Paper("local:7", "The title", "A"), form="bibtex")
    assert local == "@misc{anonymoustitle,\n  title = {{The title}},\n  key = {thetitle},\n}\n"


TITLES = {  # as TeX reads them
    "A & B, 5%, C#, d_e, f^2": r"A \& B, 5\%, C\#, d\_e, f$^2$",
    r"A \& B, 5\%, \'e, \^e": r"A \& B, 5\%, \'e, \^e",
    r"$a_1 & b^2$ and $x#y%$": r"$a_1 & b^2$ and $x\#y\%$",
    r"X \to \pi^0 \bar D^{*0}, H_{ij}, {\lambda}": r"X $\to$ $\pi^0$ $\bar D^{*0}$, H$_{ij}$, {$\lambda$}",
    r"α-particles, $β→γ$, \(x^2\), \own, ^": r"$\alpha$-particles, $\beta \to \gamma $, $x^2$, \own, \^{}",
    r"costs $5, and a_b": r"costs \$5, and a\_b",
    r"\$\pi": r"\$$\pi$",
    r"at \sqrt{s_{NN}} = 1, 360{\deg}": r"at $\sqrt{s_{NN}}$ = 1, 360{$\deg$}",
    "{Networks of Splicing": "Networks of Splicing",
    "in medium}": "in medium",
    "]{A}} b {{c}": "]{A} b {c}",
    r"sets \{a, b": "sets a, b",
    r"sets \{a, b\} {c}": r"sets \{a, b\} {c}",
    r"\} {a \{ b}": " {a  b}",
    "ends with \\": "ends with \\ ",
    'H\x7f\\"older \x1b[31m b': 'H\\"older [31m b',
}


@pytest.mark.parametrize("title", TITLES)
def test_what_is_special_is_escaped_outside_formulas_and_braces_come_in_pairs(title: str) -> None:
    [line] = [line for line in shown(replace(TWEETS, title=title), form="bibtex").splitlines() if " title =" in line]
    assert line == f"  title = {{{{{TITLES[title]}}}}},"


def read(entries: str) -> Iterator[tuple[str, str, str]]:
    """(key, id, title) as bibtexparser and pybtex read them alike, without the braces that keep the case."""
    library = bibtexparser.parse_string(entries)
    assert not library.failed_blocks
    others = parse_string(entries, "bibtex").entries
    assert [entry.key for entry in library.entries] == list(others)
    for entry in library.entries:
        title = entry["title"]
        assert re.sub(r"\s+", " ", title).strip() == others[entry.key].fields["title"].strip()
        assert (title[0], title[-1]) == ("{", "}")
        yield entry.key, entry["eprint"], title[1:-1]


def plain(title: str) -> str:
    """A title without what escapes, pairs or spaces it: for a comparison of what was written with what was read."""
    for name, char in SYMBOLS.items():
        title = title.replace(char, name) if not char.isascii() else title
    return re.sub(r"[\\{}\s$()]", "", title.replace("\\^{}", "^"))


def test_the_papers_of_the_sample_are_read_back() -> None:
    with Snapshot() as sample:
        found = [parse(line) for line in list(sample.lines())[::10]]
    entries = list(read(shown(*found, form="bibtex")))
    assert [(one.id, plain(one.title)) for one in found] == [(of, plain(title)) for _key, of, title in entries]
    assert len({key for key, *_others in entries}) == len(found)
    listed = rispy.loads(shown(*found, form="ris"))
    assert [one["accession_number"] for one in listed] == [f"arXiv:{one.id}" for one in found]
    assert [len(one["authors"]) for one in listed] == [len(authors(one)) for one in found]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bibtex") is None, reason="needs bibtex (apt: texlive-binaries)")
@pytest.mark.parametrize("style", ["plain", "alpha", "abbrv", "unsrt"])
def test_bibtex_itself_compiles_the_sample_without_a_warning(tmp_path: Path, style: str) -> None:
    with Snapshot() as sample:
        found = [parse(line) for line in sample.lines()]
    found += [replace(TWEETS, id=f"1802.06{n:03}", title=title) for n, title in enumerate(TITLES)]
    found += [replace(TWEETS, id=f"1802.07{n:03}", authors="") for n in range(20)]
    (tmp_path / "found.bib").write_text(shown(*found, form="bibtex"), encoding="utf-8")
    aux = ["\\relax", "\\citation{*}", f"\\bibstyle{{{style}}}", "\\bibdata{found}"]
    (tmp_path / "found.aux").write_text("\n".join(aux) + "\n")
    done = subprocess.run(["bibtex", "found"], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stdout.count(b"Warning")) == (0, 0), done.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "found.bbl").read_bytes().count(b"\\bibitem") == len(found)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(st.lists(st.sampled_from(["{", "}", "\\", "$", "%", "&", "_", "^", '"', "@", ",", "a", " b", "=", "#", "é"])))
def test_no_title_breaks_an_entry(pieces: list[str]) -> None:
    title = "A" + "".join(pieces)
    [(_key, identifier, read_title)] = read(shown(replace(TWEETS, title=title, authors="A. B"), form="bibtex"))
    assert (identifier, plain(read_title)) == (TWEETS.id, plain(title))


NAMES = {
    "Shashank Gupta": [("Gupta", "Shashank", "")],
    "Ludwig van Beethoven and Juan de la Cruz": [("van Beethoven", "Ludwig", ""), ("de la Cruz", "Juan", "")],
    "A. Di Paola, Curtis G. Callan, Jr.": [("Di Paola", "A.", ""), ("Callan", "Curtis G.", "Jr.")],
    "Plato": [("Plato", "", "")],
    "A. Uno And B. Due, and\N{NO-BREAK SPACE}C. Tre": [("Uno", "A.", ""), ("Due", "B.", ""), ("Tre", "C.", "")],
    "The BABAR Collaboration, J. P. Lees (SLAC), et al.": [("The BABAR Collaboration", "", ""), ("Lees", "J. P.", "")],
    r"P. Erd\H{o}s, J. Gar{\c{c}}on": [("Erdős", "P.", ""), ("Garçon", "J.", "")],
    "": [],
}


@pytest.mark.parametrize("written", NAMES)
def test_a_name_is_taken_apart(written: str) -> None:
    assert authors(Paper("0704.0001", "T", "A", written)) == [Author(*name) for name in NAMES[written]]


def test_names_that_the_snapshot_has_taken_apart_go_first() -> None:
    names = "Callan, Jr, Curtis G.; Li, and Wei; Collaboration, CMS; Erd\\H{o}s, P."
    assert authors(Paper("0704.0001", "T", "A", "x", names=names)) == [
        Author("Callan", "Curtis G.", "Jr"),
        Author("Li", "Wei"),
        Author("CMS Collaboration"),
        Author("Erdős", "P."),
    ]


@pytest.mark.parametrize(
    ("written", "short"),
    [("", ""), ("A. Gupta", "Gupta"), ("A. B, C. D", "B and D"), ("A. B, C. D, E. F", "B et al.")],
)
def test_a_list_names_the_first_authors(written: str, short: str) -> None:
    assert first_authors(Paper("0704.0001", "T", "A", written)) == short


MARKDOWN = """\
## [Adverse \\\\*Drug\\\\* Reactions](https://arxiv.org/abs/1802.05130)

1. [Emotions\\\\_in \\\\[Tweets\\\\]](https://arxiv.org/abs/1802.05121) (0.916): Lovelace, 2018, cs.IR cs.CL

*It is short.*

*ranked by vectors (dense)*
""".replace("\\\\", "\\")


def test_markdown_is_a_list_of_links() -> None:
    hit = Paper("1802.05121", "Emotions_in [Tweets]", "", "Ada Lovelace", ("cs.IR", "cs.CL"))
    asked = replace(TWEETS, title="Adverse *Drug* Reactions")
    answer = Answer([Hit(1, hit, 0.9163)], (asked,), notes=("It is short.",))
    assert "".join(answers([answer], "md")) == MARKDOWN
    page = shown(GRAVITY, form="md")
    assert page.startswith("## [Discrete Quantum Gravity](https://arxiv.org/abs/hep-th/9108006)\n")
    assert page.endswith("- DOI: 10.1142/S0217732391004140\n\nIt is shown.\n")
