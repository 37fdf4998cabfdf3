"""Authors: whatever the spelling of a name, there and in the question, it is found; and nobody else is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunacy import build_index, open_index
from lunacy.errors import UsageError
from lunacy.filter import Filter
from lunacy.letters import plain
from lunacy.names import authors_of, folded, readings
from lunacy.pipeline import refresh_derived
from lunacy.store import verify
from tests.conftest import FakeEmbedder, record
from tests.spellings import LETTERS, STYLES, in_plain, in_second, in_tex
from tests.test_cli import run


def finds(asked: str, authors: str, names: str = "") -> bool:
    """Whether some author in a list may be the one who is asked for."""
    return any(
        reading.finds(folded(name)) and any(f" {key}" in folded(name) for key in reading.key)
        for reading in readings(asked)
        for name in authors_of(authors, names)
    )


FOUND = [
    ("Hinton", "Geoffrey E. Hinton"),
    ("hint", "Geoffrey E. Hinton"),
    ("GEOFFREY HINTON", "Geoffrey E. Hinton"),
    ("Hinton Geoffrey", "Geoffrey E. Hinton"),
    ("Hinton, Geoffrey", "Geoffrey E. Hinton"),
    ("G. Hinton", "Geoffrey E. Hinton"),
    ("G Hinton", "Geoffrey E. Hinton"),
    ("Hinton, G", "Geoffrey E. Hinton"),
    ("Hinton G.", "Geoffrey E. Hinton"),
    ("GE Hinton", "Geoffrey E. Hinton"),
    ("G.E. Hinton", "Geoffrey E. Hinton"),
    ("G. E. Hinton", "Geoffrey E. Hinton"),
    ("Hinton, G.E.", "Geoffrey E. Hinton"),
    ("Hinton, GE", "Geoffrey E. Hinton"),
    ("Geoffrey Hinton", "G. E. Hinton"),
    ("Geoffrey Hinton", "G.E. Hinton"),
    ("Geoffrey Hinton", "G Hinton"),
    ("Geoffrey Hinton", "GE Hinton"),
    ("Geoffrey Everest Hinton", "G. E. Hinton"),
    ("Geoffrey Hinton", "Hinton G. E."),
    ("Yuri Manin", "Yu. I. Manin"),
    ("Yu, Philip", "Philip S. Yu"),
    ("Xu Yang", "XU Yang"),
    ("XU Yang", "Yang Xu"),
    ("Jean-Pierre Serre", "J.-P. Serre"),
    ("Jean-Pierre Serre", "J. -P. Serre"),
    ("Jean Pierre Serre", "Jean-Pierre Serre"),
    ("Jeanpierre Serre", "Jean-Pierre Serre"),
    ("Jean-Pierre Serre", "Jeanpierre Serre"),
    ("J.-P. Serre", "Jean-Pierre Serre"),
    ("JP Serre", "Jean-Pierre Serre"),
    ("Jean‐Pierre Serre", "Jean-Pierre Serre"),
    ("Levy", "Aurélien Benoit-Lévy"),
    ("Benoit Levy", "A. Benoit-Lévy"),
    ("O'Brien", "K. O’Brien"),
    ("OBrien", "K. O'Brien"),
    ("O'Brien", "K. OBrien"),
    ("O Brien", "K. O'Brien"),
    ("O’Brien", "K. O\\'Brien"),
    ("O`Brien", "K. O´Brien"),
    ("OFarrill", "José Figueroa-O'Farrill"),
    ("Avenia", "Pietro d'Avenia"),
    ("van der Waals", "J. D. van der Waals"),
    ("Waals", "J. D. van der Waals"),
    ("Waals, J. D. van der", "J. D. van der Waals"),
    ("van der Waals, Johannes", "J. D. van der Waals"),
    ("Johannes Diderik van der Waals", "J. D. van der Waals"),
    ("'t Hooft", "G. 't Hooft"),
    ("t Hooft", "G. 't Hooft"),
    ("Hooft, Gerard 't", "G. 't Hooft"),
    ("'t Hooft, Gerard", "Gerard ’t Hooft"),
    ("de la Cruz", "Maria de la Cruz"),
    ("Cruz, M. de la", "María de la Cruz"),
    ("Callan", "Curtis G. Callan, Jr., Paul Ginsparg"),
    ("Callan Jr.", "Curtis G. Callan, Jr., Paul Ginsparg"),
    ("Callan, C. G., Jr.", "Curtis G. Callan Jr"),
    ("Goddard III", "William A. Goddard III"),
    ("William Goddard", "W. A. Goddard, III"),
    ("CMS Collaboration", "CMS Collaboration"),
    ("ATLAS Collaboration", "G. Aad, for the ATLAS Collaboration"),
    ("ATLAS Collaboration", "G. Aad (on behalf of the ATLAS Collaboration)"),
    ("Chen", "Mingshui Chen for the CMS Collaboration"),
    ("Person", "A. Person (CERN), B. Other (2)"),
    ("B. Other", "A. Person (CERN, Geneva), B. Other (2)"),
    ("B. Other", "A. Person ((1) CERN), and B. Other"),
    ("Other", "A. Person (CERN, B. Other"),
    ("Planner", "A. Person (with an appendix by P. Planner)"),
    ("Aggarwal", "WA98 Collaboration, M. M. Aggarwal et al"),
    ("Müller", "Hans Muller"),
    ("Müller", "Hans Mueller"),
    ("Mueller", "Hans Müller"),
    ("Muller", "Hans Müller"),
    ("Jurgen Mueller", "Jürgen Müller"),
    ("Soerensen", "S. Sørensen"),
    ("Aakesson", "T. Åkesson"),
    ("Djordjevic", "M. Đorđević"),
    ("Dordevic", "M. Đorđević"),
    ("Lukasz", "Łukasz Kowalski"),
    ("Strassen", "V. Straßen"),
    ("Ostrogradskiy", "A. Ostrogradskiy and B. Other"),
    ("Манин", "Ю. И. МАНИН"),
    ("Ю. Манин", "Юрий Манин"),
    ("Παπαδάκη", "Ε. ΠΑΠΑΔΑΚΗ"),
    ("飞飞", "李 飞飞"),
    ("Nystrom", 'Kaj\tNystr\\"om'),
    ("Goesswein", 'Michael G\\"o{\\ss}wein'),
    ("Swiech", "Andrzej \\'Swi\\k{e}ch"),
    ("Susuzlu, Idem", "\\.Idem Susuzlu"),
    ("Bovdi", "V. ~Bovdi, V. ~Rudko"),
    ("Siskins", "Makars~Šiškins"),
    ("Kone", "Mamadou Ibrahima Kone\\', Jo\u00ebl Blot"),
    ("Sopena", "Eric Sopena, Â\\' Sopena"),
    ("Mares", "Ji{ř}í J. Mare\\v s"),
    ("San-Martin", "Jes\\us San-Mart\\ın"),
    ("Muller", "C. M\x7fuller"),
    ("Smith", "J.\\,Smith"),
    ("Anne Smith", "\\textbf{Ann}e Smith"),
    ("Nguyen", "Tr\\'{\\^e}n Nguy\\~{\\^e}n"),
]

NOT_FOUND = [
    ("Li", "Philip S. Yu"),
    ("Inton", "Geoffrey E. Hinton"),
    ("Donald", "A. MacDonald"),
    ("Hinton", "H. Smith"),
    ("Li", "L. Smith"),
    ("Geoffrey Hinton", "George Hinton"),
    ("Geoffrey Hinton", "H. Geoffrey"),
    ("Geoffrey Hinton", "Alan G. Hinton"),
    ("Everest Geoffrey Hinton", "G. E. Hinton"),
    ("G. Hinton", "E. Hinton"),
    ("Yu Li", "Y. Lin"),
    ("Li Li", "Li Wei"),
    ("Yu Yuan", "Yuan Zhang"),
    ("J. J. Thomson", "J. Thomson"),
    ("Jane Smith", "Jane Doe, John Smith"),
    ("Jane Smith", "Jane Doe and John Smith"),
    ("Jane Smith", "Jane Doe; John Smith"),
    ("Jane Smith", "Jane Doe & John Smith"),
    ("Jane Smith", "Jane Doe (CERN) and John Smith"),
    ("Jane Smith", "Jane Doe, and John Smith"),
    ("Jane Smith", "Jane Doe,John Smith"),
    ("CERN", "A. Person (CERN), B. Person (2)"),
    ("Geneva", "A. Person (CERN, Geneva), B. Person (2)"),
    ("Callan III", "Curtis G. Callan, Jr."),
    ("Muller", "Hans Mueller"),
    ("Манин", "Y. Manin"),
    ("CMS Collaboration", "CDF Collaboration"),
    ("Hinton", ""),
]


@pytest.mark.parametrize(("asked", "authors"), FOUND)
def test_who_is_asked_for_is_found(asked: str, authors: str) -> None:
    assert finds(asked, authors)


@pytest.mark.parametrize(("asked", "authors"), NOT_FOUND)
def test_who_is_not_asked_for_is_not_found(asked: str, authors: str) -> None:
    assert not finds(asked, authors)


def test_the_parsed_names_count_beside_the_list() -> None:
    assert finds("Jane Smith", "Smith Jane Doe John", "Smith, Jane; Doe, John")
    assert finds("Doe", "", "Smith, Jane; Doe, John, Jr.")
    assert finds("Jane Smith", "Jane Smith", "Doe, John")
    assert not finds("Jane Doe", "", "Smith, Jane; Doe, John")


@given(st.text() | st.text("'`\"^~=.{}\\uvHckoOlLaAeEiI $,;-\u0301\u0308\u00b4ﬁ½ĳ"))
def test_plain_letters_stay_as_they_are(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert not set(once) & set("\\{}$~`")


accented = "".join(chr(code) for code in range(0xC0, 0x180) if chr(code).isalpha() and chr(code) not in "ĸŉĿŀĦħŦŧſĲĳŁł")
letter = st.sampled_from(accented + "".join(LETTERS) + "abcdefghijklmnopqrstuvwxyz")
word = st.text(letter, min_size=2, max_size=8).map(str.capitalize)
person = st.builds("{} {}".format, word, word)


@given(person, st.integers(0, STYLES - 1), st.integers(0, STYLES - 1))
def test_a_name_is_found_in_each_spelling_by_each(name: str, style: int, other: int) -> None:
    spellings = [name, in_plain(name), in_tex(name, style)]
    for asked in (*spellings, in_tex(name, other)):
        assert finds(asked, f"A. Other, {name}"), asked
        assert finds(asked, f"A. Other and {in_tex(name, style)}"), asked
    first, last = name.split()
    assert finds(f"{in_tex(last, style)}, {in_tex(first, other)}", name)
    assert finds(f"{in_plain(last)}, {in_plain(first)[0]}.", in_tex(name, style))
    assert finds(in_second(name), name)
    assert finds(name, f"{in_second(name)}, B. Other")


@given(
    st.lists(st.sampled_from(["Ann", "de", "G.", "GE", "O'Brien", "Li-Na", "Jr.", "MacDuff", "x", "St.J."]), max_size=5)
)
def test_a_simple_name_is_folded_as_any_other(words: list[str]) -> None:
    name = " ".join(words)
    assert folded(name) == folded(f"{name} \u200b")  # the same, but not simple


@given(st.lists(person.filter(lambda name: " Al" not in name), min_size=1, max_size=5, unique=True))
def test_lists_are_split_alike_however_they_are_written(people: list[str]) -> None:
    for text in (
        ", ".join(people),
        " and ".join(people),
        ", and ".join(people),
        "; ".join(people),
        ",".join(people),
        " (CERN), ".join(people),
        ",, ".join(people),
        " & ".join(people) + " et al.",
    ):
        assert authors_of(text) == people


RECORDS = [
    record("2401.00001", authors="Hans Müller, Jos\\'e Garc{\\'\\i}a"),
    record("2401.00002", authors='H. M{\\"u}ller and Łukasz O’Brien', authors_parsed=None),
    record("2401.00003", authors="Mueller Hans", authors_parsed=[["Mueller", "Hans", ""]]),
    record("2401.00004", authors="Anna Muller (CERN), Hans Meier", authors_parsed=[["Muller", "Anna", "", "CERN"]]),
    record("2401.00005", authors=None, authors_parsed=[["García", "José", "Jr."], ["O'Brien", "Lukasz", ""]]),
    record(
        "2401.00006", authors="Jose Garcia Hans Meier", authors_parsed=[["Garcia", "Jose", ""], ["Meier", "Hans", ""]]
    ),
    record("2401.00007", authors="Ada Lovelace", authors_parsed={"strange": 1}),
]
QUESTIONS = {
    ("Müller",): [1, 2, 3, 4],
    ("Mueller",): [1, 2, 3],
    ('M\\"uller',): [1, 2, 3, 4],
    ("Hans Müller",): [1, 2, 3],
    ("Hans Muller",): [1, 2],
    ("H. Müller",): [1, 2, 3],
    ("Garcia, José",): [1, 5, 6],
    ("Garcia Jr.",): [5],
    ("Lukasz OBrien",): [2, 5],
    ("O'Brien", "Muller"): [2],
    ("Meier", "Garcia"): [6],
    ("Jose Meier",): [6],  # in `authors` nothing says where one name ends
    ("CERN",): [],
    ("Lovelace",): [7],
}


@pytest.fixture(params=["kept", "read"])
def folder(request: pytest.FixtureRequest, write_snapshot: Callable[..., Path], tmp_path: Path) -> Path:
    """An index of RECORDS, with and without the cache of names."""
    build_index(write_snapshot(RECORDS), into=tmp_path / "index", embedder=FakeEmbedder())
    if request.param == "kept":
        refresh_derived.refresh_caches(tmp_path / "index", least_rows=1)
    assert verify(tmp_path / "index") == []
    return tmp_path / "index"


@pytest.mark.parametrize("author", QUESTIONS, ids=" + ".join)
def test_an_index_finds_the_papers_of_its_authors(folder: Path, author: tuple[str, ...]) -> None:
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        hits = ix.similar_to_text("a text", top=10, author=author)
    assert sorted(hit.id for hit in hits) == [f"2401.0000{place}" for place in QUESTIONS[author]]


def test_the_command_takes_names(folder: Path) -> None:
    result = run(
        "query", "2401.00007", "--index", folder, "--author", "Garcia, J", "--author", "hans", "--format", "ids"
    )
    assert (result.exit_code, result.stdout.split()) == (0, ["2401.00001", "2401.00006"]) or set(
        result.stdout.split()
    ) == {"2401.00001", "2401.00006"}


@pytest.mark.parametrize(
    ("author", "said"),
    [
        ("...", "has no letters; give part of a name, such as Hinton"),
        ("\\'", "has no letters"),
        ("Hinton and LeCun", "is more than one name; give each on its own"),
        ("Hinton; LeCun", "is more than one name; give each on its own"),
        ("a " * 5000, "has 10,000 characters; give one name, or part of it"),
    ],
)
def test_what_is_no_name_is_refused(author: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Filter(author=(author,))


@pytest.mark.parametrize(
    "piece",
    [
        "a ",
        "a-",
        "\\'",
        "{\\'",
        "(",
        "()",
        ", ",
        " and",
        "et al",
        "A",
        "é",
        "Jr, ",
        "by ",
        "~",
        "\\ ",
        "$",
        "by (",
        ", for ",
        "& ",
        "\\v ",
    ],
)
def test_a_long_list_of_authors_is_read_in_no_time(piece: str) -> None:
    long = piece * (100_000 // len(piece)) + "x"
    started = time.process_time()
    names = [folded(name) for name in authors_of(long)]
    for reading in readings(("a-" * 4 + "a ") * 10):
        assert [reading.finds(name) for name in names[:100]]
    assert time.process_time() - started < 5
