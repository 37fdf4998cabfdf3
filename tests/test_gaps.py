"""`lunacy gaps`: what a draft may have overlooked is near to its references, and is none of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest

import lunacy
from lunacy.errors import UsageError
from lunacy.query.drafts import read_references
from lunacy.query.gaps import Gaps, find_gaps
from lunacy.references import Draft, Reference
from tests.conftest import DIM, FakeEmbedder, lines, record, vector_of
from tests.test_cli import run

FIELDS = ("graphs", "strings", "tweets")
N = 20


def identifier(field: int, number: int) -> str:
    return f"{14 + number // 10}{field + 1:02}.{number + 1:05}" if number >= 10 else f"14{field + 1:02}.{number + 1:04}"


RECORDS = [
    record(
        identifier(field, number),
        title=f"The {FIELDS[field]} paper of number {number} and its kin",
        abstract=f"On {FIELDS[field]}, {FIELDS[field]} of kind {number}.",
        authors=f"A. Author{field}x{number}",
    )
    for field in range(3)
    for number in range(N)
]


def near_field(field: int, number: int) -> np.ndarray:
    vector = vector_of(FIELDS[field], DIM) + 0.6 * vector_of(f"{field} {number}", DIM)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    base = tmp_path_factory.mktemp("gaps")
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    np.save(base / "v.npy", np.array([near_field(field, number) for field in range(3) for number in range(N)]))
    lunacy.build_index(base / "snapshot.jsonl", into=base / "ix", vectors=base / "v.npy", model="fake/model")
    return str(base / "ix")


@pytest.fixture
def ix(index: str) -> Iterator[lunacy.Index]:
    with lunacy.open_index(index, embedder=FakeEmbedder()) as opened:
        yield opened


def drafted(field: int, numbers: range, **draft: str) -> Draft:
    """A draft that refers to papers of a field, by key p0, p1, ..."""
    ids = [identifier(field, number) for number in numbers]
    return Draft(tuple(Reference("line 1", f"p{one}", ids=(one,)) for one in ids), **draft)


def ids_of(found: Gaps) -> list[str]:
    return [one.hit.id for one in found.gaps]


def test_what_is_overlooked_is_of_the_field_of_the_references_and_none_of_them(ix: lunacy.Index) -> None:
    found = find_gaps(ix, drafted(0, range(5)), top=N - 5, any_date=True)
    assert set(ids_of(found)) == {identifier(0, number) for number in range(5, N)}
    assert [one.hit.rank for one in found.gaps] == list(range(1, N - 4))
    assert [one.hit.score for one in found.gaps] == sorted((one.hit.score for one in found.gaps), reverse=True)


def test_one_stray_reference_spoils_nothing(ix: lunacy.Index) -> None:
    both = Draft((*drafted(0, range(8)).references, *drafted(1, range(1)).references))
    assert set(ids_of(find_gaps(ix, both, top=N - 8))) == {identifier(0, number) for number in range(8, N)}


def test_each_paper_comes_with_the_references_that_are_nearest_to_it(ix: lunacy.Index) -> None:
    found = find_gaps(ix, drafted(2, range(5)), top=3)
    for gap in found.gaps:
        place = [one["id"] for one in RECORDS].index(gap.hit.id)
        cosines = {
            f"p{identifier(2, one)}": float(near_field(2, one) @ near_field(2, place - 2 * N)) for one in range(5)
        }
        best = sorted(cosines, key=lambda one: -cosines[one])[:3]
        assert [one.name for one in gap.near] == [one for one in best if cosines[one] >= cosines[best[0]] - 0.15]
        assert gap.near[0].cosine == pytest.approx(cosines[best[0]], abs=1e-5)
        assert gap.why.startswith(f"near {best[0]} (0.")


def test_what_was_posted_after_the_draft_is_listed_only_when_asked_for(ix: lunacy.Index) -> None:
    draft = drafted(0, range(5), date="2014")
    assert set(ids_of(find_gaps(ix, draft, top=5))) == {identifier(0, number) for number in range(5, 10)}
    assert any(one.startswith("15") for one in ids_of(find_gaps(ix, draft, top=15, any_date=True)))


def test_the_draft_itself_and_what_it_may_refer_to_is_not_listed(ix: lunacy.Index) -> None:
    titles = [RECORDS[number]["title"] for number in (5, 6)]
    unsure = Reference("line 9", "x", title=titles[1], surname="Somebody", year=1950)
    untitled = Reference("line 10", title="$\\to$")  # has no letter, and says nothing of any other title
    draft = Draft((*drafted(0, range(5)).references, untitled, unsure), title=titles[0].upper())
    found = find_gaps(ix, draft, top=N)
    assert found.references[-1].why_not
    assert not {identifier(0, 5), identifier(0, 6)} & set(ids_of(found))


def test_a_draft_that_is_in_the_index_is_no_reference_of_its_own(ix: lunacy.Index) -> None:
    title = RECORDS[5]["title"]
    known = drafted(0, range(5)).references
    own = Reference("line 3", ids=(identifier(0, 5),))  # as the first page of a PDF mentions it
    for head in (title, f"{title[:24]}\n{title[24:]}\nA. Body\nAbstract"):
        draft = Draft((*known, own), title=head.splitlines()[0], head=head)
        found = find_gaps(ix, draft, top=N)
        assert [one.reference for one in found.references] == list(known)
        assert identifier(0, 5) not in ids_of(found)


def test_an_abstract_alone_will_do_and_nothing_at_all_is_refused(ix: lunacy.Index) -> None:
    draft = Draft((), "A title", "On strings, strings of kind 3.")
    assert len(find_gaps(ix, draft, top=7).gaps) == 7
    with pytest.raises(UsageError, match="none of the 1 references is in the index, and there is no abstract"):
        find_gaps(ix, Draft((Reference("line 1", title="Nothing like it"),), "A title"))
    with pytest.raises(UsageError, match="there are no references, and there is no abstract"):
        find_gaps(ix, Draft((), "A title"))


def test_the_command_says_what_it_found_and_lists_in_every_form(index: str, tmp_path: Path) -> None:
    ids = [identifier(1, number) for number in range(4)]
    (tmp_path / "refs.bib").write_text(
        "".join(f"@misc{{k{one}, eprint={{{one}}}}}\n" for one in ids) + "@misc{z, title={Q}}"
    )
    done = run("gaps", tmp_path / "refs.bib", "--index", index, "--top", 3, "--format", "json")
    assert done.stderr.splitlines()[-2:] == [
        "lunacy: line 5: z Q: no paper in the index has this title",
        "lunacy: 4 of 5 references are in the index: 4 by id",
    ]
    told = orjson.loads(done.stdout)
    assert [one["id"] for one in told["references"]] == [*ids, None]
    assert [(one["how"] if one["id"] else one["why_not"]) for one in told["references"]][3:] == [
        "id",
        "no paper in the index has this title",
    ]
    assert [one["rank"] for one in told["gaps"]] == [1, 2, 3]
    assert told["gaps"][0]["near"][0]["key"].startswith("k14")
    table = run("gaps", tmp_path / "refs.bib", "--index", index, "--top", 3, "--format", "table").stdout
    assert table.count("near k14") == 3
    assert (
        run("gaps", tmp_path / "refs.bib", "--index", index, "--top", 3, "--format", "md").stdout.count("near k14") == 3
    )
    listed = run("gaps", tmp_path / "refs.bib", "--index", index, "--top", 3, "--format", "ids").stdout.split()
    assert listed == [one["id"] for one in told["gaps"]]


def test_a_list_of_ids_is_a_draft_too(index: str, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("\n".join(identifier(2, number) for number in range(4)))
    notes: list[str] = []
    assert len(read_references(str(tmp_path / "ids.txt"), notes.append).references) == 4
    assert run("gaps", tmp_path / "ids.txt", "--index", index, "--top", 2).stdout.count('"rank":') == 2
    missing = run("gaps", tmp_path / "none.bib", "--index", index)
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "none.bib: No such file or directory" in missing.stderr
