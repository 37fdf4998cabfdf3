"""Notices of withdrawal in comments, titles and abstracts, real and made up, beside what only looks like one."""

from __future__ import annotations

import time

import pytest

from lunacy.paper import Paper
from lunacy.withdrawn import is_withdrawn

COMMENTS = [
    # as arXiv's authors and administrators write them
    "This paper has been withdrawn",
    "This paper has been withdrawn by the author due to a crucial error in equation 3",
    "This paper has been withdrawn by the author(s) due to crucial errors in the table on page 2",
    "Withdrawn due to fatal error",
    "withdrawn",
    "WITHDRAWN by arXiv administration",
    "withdrawn ; a mistake in the proof",
    "withdrawn, result incorrect",
    "withdrawn due to unlikely result",
    "Withdrawn to rework Theorem 1.2",
    "Withdrawn - the material was expanded in individual papers on the Conjectures of Leopoldt, Iwasawa and Gross",
    "Withdrawn since main results were integrated into the new version of arXiv 1211.3645 as applications",
    "Paper withdrawn",
    "LaTeX2e, 9 pages. Paper withdrawn. (Lemma 2.1 is false.)",
    "6 pages, LaTeX. (Paper is being withdrawn: original conclusion is incorrect for the nonabelian case.)",
    "7 pages + uuencoded postscript file of 3 figures. Withdrawn pending publication",
    "The paper, while correct, has been withdrawn, as the main result turned out to be an easy consequence",
    "10 pages, 3 figures This conference proceeding manuscript is withdrawn because it was never included",
    "This paper has been withdrawn because the equation (2.10) is not correct. The proof of Theorem 1.4 is false",
    "This submission has been withdrawn by arXiv administrators because of inappropriate authorship claims",
    "arXiv admin note: submission has been withdrawn by arXiv administrators due to inappropriate text reuse",
    "arXiv admin note: This submission has been withdrawn by arXiv administrators due to inflammatory content",
    "This submission has been removed by arXiv admins because it contains referee reports",
    "8 pages, 8 figures; This submission is a duplicate of arXiv:q-bio/0602024, and has been removed",
    "v3, withdrawn",
    "v2: many explanations were added, v3: this preprint has been withdrawn. everything is in arXiv:0907.1506",
    "The contents of this paper is merged into math.RT/0601155. To avoid possible confusion, I withdraw this paper",
    "I am withdrawing this article",
    "Since the draft was too sketchy to be useful, I has decided to withdraw.",
    "Hi, I just wish to withdraw this paper from the site until further notice. Thanks",
    "This paper is withdrwan due to duplication in DBLP site",
    "The paper has been withdraw by the authors due to a potential conflict",
    "withdrawal of the article",
    "withdrawing based on the journal's policy",
    "Withdraw due to unqualified content and opinions of other authors",
    "All of the co-authors of this article agree to withdraw it, because it is not ready yet for its submission",
    "We find some essential error, so we apply to withdrawal this paper",
    "For Section 2, the author noticed that we did not have a bicomplex. Thus, it should be withdrawn",
    "Found a counterexample of the method in the proof, this paper has been withdrawn by the author",
    "It was brought to our attention that there is a sign issue, so this paper is withdrawn by the authors",
    "This work has been merged with arXiv:1010.0326 with some changes and therefore has been withdrawn",
    "Article withdrawn and moved to arXiv:1106.3354v2 (no changes made, arXiv entries merged)",
    "Published in J. Phys. Chem. B, withdrawn to comply with the publication policies of the ACS",
    "This paper has been withdrawn from the arXiv. A peer-reviewed version is now published",
    "This version is withdrawn because an updated version is uploaded by a co author on arXiv:1411.1182",
    "This article has been retracted by the decision of the Editorial Board. There is a significant overlap",
    "We want to withdraw the paper and put part of the estimates in another paper",
    # made up
    "This article was retracted",
    "5 pages. This submission has been retracted",
    "Retracted: the data were contaminated",
    "has been superseded and withdrawn",
    "Superseded by arXiv:2001.00001 and withdrawn",
    "The authors have withdrawn this paper",
    "Due to an error in Section 3 the paper is withdrawn",
    "Because of an error in the proof of Theorem 1, this article has been retracted",
    "Lemma 2 is wrong, paper withdrawn",
    "12 pages, 4 figures. {\\bf This Paper Has Been Withdrawn}",
    "%auto-ignore [WITHDRAWN]",
    "withdrawn by request of the funding agency",
    "Withdrawal requested by the authors",
    "Temporarily withdrawn",
    "A version without the error will follow. Withdrawn for now.",
    "This manuscript has been withdrawn by its authors pending further analysis",
    "Author has withdrawn the paper",
    "withdrawn, superseded by arXiv:0805.1234",
    "Duplicate of arXiv:1234.56789, withdrawn",
    "This preprint is retracted because of a mistake in Prop. 2",
    "The results of this paper are wrong. It has been withdrawn",
    "The proof of Lemma 3 contains a gap, the paper is therefore withdrawn",
    "The proof of Lemma 3 contains a gap; therefore withdrawn",
    "There is an error in the main theorem and the paper has been withdrawn",
    "We found that the main claim is not correct and withdraw the paper",
    "Main claim is not correct, hence withdrawn",
    "This old paper has been withdrawn",
    "Withdrawn due to an error in the first version",
    "The authors wish to withdraw this manuscript",
    "Please withdraw this paper",
    "Withdrawn from the arXiv by the author",
]

TITLES = [
    "RETRACTED: On photons and pairs",
    "Retracted: On photons",
    "RETRACTED ARTICLE: On photons",
    "[RETRACTED] On photons",
    "Withdrawn: On photons",
    "[Withdrawn] On photons",
    "WITHDRAWN - On photons",
    "WITHDRAWN",
    "On photons (withdrawn)",
    "On photons [withdrawn by the authors]",
    "On photons - WITHDRAWN",
    "On photons (this paper has been withdrawn)",
    "Paper withdrawn",
    "This paper has been withdrawn",
    "Paper withdrawn by the author",
    "Retraction notice: On photons",
]

ABSTRACTS = [
    "This paper has been withdrawn by the authors. Quantum radiative characteristics of black holes are studied.",
    "It is shown that any denumerable list is incomplete. Paper withdrawn (its essential part is in math.GM/0108119).",
    "I withdraw my paper from arXiv because there is a technical error in the proof of Theorem 1.1.",
    "I have withdrawn the paper, after having incorporated it into another.",
    "This article has been withdrown by the author.",
    "There are some problems with this paper, and it is being withdrawn.",
    "This paper has been temprally withdrawn by the author",
    "We prove the conjecture of Smith. This paper has been withdrawn due to an error in Lemma 4.",
    "[This paper has been withdrawn.] We prove the conjecture of Smith.",
    "\\textbf{Withdrawn.} We prove the conjecture of Smith.",
    "This paper (math.GT/0601001) is withdrawn, as Theorem 1 is known.",
    "The present paper has been retracted.",
    "Removed by arXiv administrators because submission violated the terms of arXiv's license agreement.",
    "This submission is a duplicate of arXiv:q-bio/0602024 and has been removed.",
    "The paper was removed.",
    "Withdrawn and replaced by arXiv:1234.56789.",
    "Retracted because the data were contaminated.",
]

MENTIONS = [
    # as authors write them
    "26 pages; v2 semi-stable claims withdrawn; v3 references updated; v4 corrected sections 1.4 & 1.5",
    "In this new version, the part concerning the coniveau filtration has been withdrawn to be published separately",
    "Early version submitted to Fundamenta Mathematicae (16 June 2008), later withdrawn, in order to rewrite",
    "To revamp and replace arXiv:0804.3196 which was withdrawn due to nontrivial errors",
    "guaranteed minimun withdrawal benefit (GMWB) products, (29 pages, 8 figures)",
    "This paper is largely a reorganization of Part I of the withdrawn article arXiv:1111.5992v5; v2) improved",
    "v2: minor changes; v3: temporarily withdrawn; v4: total rewrite; v5: some changes to the topological arguments",
    "Replaces all previous versions: Section 11 has been withdrawn completely from this paper for extensive revisions",
    "6 pages. An earlier claim to an 'algebraic' proof has been withdrawn. The author thanks Prof. Akihiko Hida",
    "Accepted to ENTCS. Withdrawn from ENTCS in 2014 in virtue to submission to other venue",
    "37 pages; v3: major rewrite - retracted the CFT model accordingly; v4: JHEP version",
    "53 pages. Contains the results of the withdrawn preprint arXiv:1401.1050",
    "19 pages. Section 5.3 of the first version has been withdrawn. Several typos have been also corrected",
    "we have decided to retract our paper from CoRL 2017",
    # made up
    "v2 withdrawn, v3 corrected",
    "Version 2 was withdrawn. Version 3 corrects Lemma 1",
    "Section 4 was withdrawn; otherwise as published",
    "Theorem 3 has been withdrawn",
    "the claim of Section 2 is retracted",
    "Replaces the withdrawn arXiv:1234.56789",
    "This is a revised version of the withdrawn paper math/0601001",
    "A corrected version of a paper that has been withdrawn",
    "supersedes arXiv:1234.56789 (withdrawn)",
    "arXiv:1234.56789 has been withdrawn and merged into this paper",
    "The first version of this paper was withdrawn because of an error, which is now corrected",
    "An earlier version was withdrawn",
    "Another paper of ours on this was withdrawn",
    "Withdrawn from the journal Foo, but the results stand",
    "This paper was withdrawn from NeurIPS 2020 and resubmitted to ICML",
    "Comment on a retracted article",
    "Corrects the retracted paper [5]",
    "This paper was accidentally withdrawn",
    "This paper was never withdrawn",
    "Previously withdrawn, now corrected",
    "The paper was withdrawn; this version corrects the error",
    "5 pages; on deformation retracts",
    "withdrawal of the probe is modelled too",
    "some typos removed; Lemma 6 has been removed",
    "Section 4 withdrawn",
    "Original version withdrawn; this is a complete rewrite",
    "A previous version of this article contained an error and was withdrawn",
    "Version 1 was withdrawn due to a mistake; the present version is correct",
    "Resubmission of a paper withdrawn in 2005",
    "Merges the (now withdrawn) arXiv:1234.56789 and arXiv:1234.56780",
    "contains material from withdrawn arXiv:1234.56789",
    "We thank N. N. for pointing out the error in the withdrawn v1",
    "Reference [3] has been withdrawn",
    "J. Doe has withdrawn his name",
    "Submitted to PRL, then withdrawn and submitted to PRB",
    "It was withdrawn by mistake",
    "This paper hasn't been withdrawn",
    "We withdrew Theorem 2",
]

OTHER_TITLES = [
    "Retracted papers and their citations",
    "Withdrawn Participants in Clinical Trials",
    "Polytopal linear retractions",
    "Retract rationality and Noether's problem",
    "Viscous Withdrawal of Miscible Liquid Layers",
    "Self-Retracting Motion of Graphite Microflakes",
    'Remark to "Retraction: Conservative relativity principle" by A. Kholmetskii',
    "Why are papers withdrawn?",
    "Auctions with bids non-withdrawn",
    "Strong deformation retracts: a survey",
]

OTHER_ABSTRACTS = [
    "Withdrawn and retracted papers go on being cited.",
    "Retracted-tentacle dynamics of squids are measured.",
    "We show that the subspace is a deformation retract, and that the group is retracted onto it.",
    "We also withdraw our previous conjecture that the conductivity contains a universal contribution.",
    "Users expected the system to perform better, but retracted this evaluation after experience with the system.",
    "A theoretical term has physical meaning if it cannot be withdrawn without reducing the power of a theory.",
    "In this paper a rod is inserted, and then it is withdrawn from the bath because of drag.",
    "This paper studies why articles have been withdrawn from journals, and who withdraws them.",
    "Approved drugs are withdrawn from the market. This work finds them early.",
    "Agents may decide to withdraw only some of their weight from the coalitions.",
    "This paper presents a mechanism to withdraw incorrect grouping operations.",
    "The noise has been removed by averaging. The paper was dried.",
]


@pytest.mark.parametrize("comments", COMMENTS)
def test_a_notice_in_the_comments_is_one(comments: str) -> None:
    for written in (comments, comments.upper(), f"12 pages, 3 figures. {comments}"):
        assert is_withdrawn(Paper("1", "On groups", "We study groups.", comments=written)), written


@pytest.mark.parametrize("title", TITLES)
def test_a_notice_in_the_title_is_one(title: str) -> None:
    assert is_withdrawn(Paper("1", title, "We study photons."))


@pytest.mark.parametrize("abstract", ABSTRACTS)
def test_a_notice_in_the_abstract_is_one(abstract: str) -> None:
    for written in (abstract, abstract.upper()):
        assert is_withdrawn(Paper("1", "On groups", written))


@pytest.mark.parametrize("comments", MENTIONS)
def test_comments_on_a_part_or_on_another_paper_are_none(comments: str) -> None:
    for written in (comments, f"12 pages, 3 figures. {comments}"):
        assert not is_withdrawn(Paper("1", "On groups", "We study groups.", comments=written)), written


@pytest.mark.parametrize("title", OTHER_TITLES)
def test_a_title_about_withdrawal_or_retraction_is_none(title: str) -> None:
    assert not is_withdrawn(Paper("1", title, "We study photons."))


@pytest.mark.parametrize("abstract", OTHER_ABSTRACTS)
def test_an_abstract_about_withdrawal_or_retraction_is_none(abstract: str) -> None:
    assert not is_withdrawn(Paper("1", "On groups", abstract))


@pytest.mark.parametrize(
    "piece",
    ["section ", "withdrawn ", "this paper ", "(", "[(", "v1 withdrawn ", "has been ", "the withdrawn ", "retract ",
     "earlier version ", "removed ", "this submission ", "paper has been ", "% auto-ignore", "\\a "],
)  # fmt: skip
def test_a_long_text_is_read_in_no_time(piece: str) -> None:
    long = piece * (40_000 // len(piece)) + "withdr retract removed"
    started = time.process_time()
    is_withdrawn(Paper("1", long, long, comments=long))
    assert time.process_time() - started < 5
