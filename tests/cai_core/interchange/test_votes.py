"""Voted statements as candidates: agreement worked by hand, in both layouts, and nothing unknown taken for zero."""

import pytest

from cai_core.errors import ConstitutionError
from cai_core.interchange import formats
from cai_core.interchange.report import ImportReport, ReadOptions, accepted

WIDE = """\
comment-id,comment,Total Agrees,total_disagrees,PASSES,group-a-agrees,group-a-disagrees,group-b-agree,group-b-disagree
7,"The AI should be helpful, always",6,2,2,4,0,2,2
8,Choose the response that is kind,9,1,0,4,1,5,0
9,"say ""please""
twice",1,3,0,,,1,3
"""
LONG = """\
Statement;Group;Agree;Disagree;Pass
One;left;3;1;0
One;right;0;4;0
Two;left;1;1;2
Two;overall;9;1;0
"""


def read(text: str, least: float = 0.0) -> ImportReport:
    assert formats.detect({"poll.csv": text}) == "votes"
    return formats.read({"poll.csv": text}, options=ReadOptions(min_agreement=least))


def notes(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(entry.number, entry.state.value, entry.note) for entry in report.entries]


def test_a_row_a_statement_with_columns_of_groups() -> None:
    report = read(WIDE)
    assert notes(report) == [
        (2, "changed", "60% agree, 100% agree in group a, 50% agree in group b"),
        (3, "ok", "90% agree, 80% agree in group a, 100% agree in group b"),
        (4, "changed", "25% agree, 25% agree in group b"),
    ]
    helpful, kind, please = accepted(report).principles
    assert helpful.id == "the-ai-should-be-helpful-always"
    assert helpful.tags == ("60% agree", "100% agree in group a", "50% agree in group b")
    said = 'Choose the response that is more in keeping with this statement: "The AI should be helpful, always"'
    assert helpful.comparison == said
    assert kind.comparison == "Choose the response that is kind"
    assert (please.title, please.critique_request) == ('say "please" twice', None)
    assert "columns: comment-id" in report.lost


def test_a_row_a_statement_and_group() -> None:
    report = read(LONG)
    assert notes(report) == [
        (2, "changed", "38% agree, 75% agree in left, 0% agree in right"),  # 3 of 8
        (4, "changed", "90% agree, 25% agree in left"),
    ]
    assert [one.id for one in accepted(report).principles] == ["One", "Two"]


@pytest.mark.parametrize(("least", "ids"), [(0.5, ["the-ai-should-be-helpful-always", "kind"]), (0.51, ["kind"])])
def test_a_threshold_holds_overall_and_in_every_group(least: float, ids: list[str]) -> None:
    report = read(WIDE, least)
    assert [one.id.replace("choose-the-response-that-is-", "") for one in accepted(report).principles] == ids
    assert not report.refused
    out = [entry for entry in report.entries if entry.state.value == "left_out"]
    assert len(out) == 3 - len(ids)
    assert out[-1].note == f"25% agree, 25% agree in group b; {least:.0%} is asked for"


def test_an_exact_threshold_is_reached() -> None:
    assert len(accepted(read("statement,agree,disagree\nOne,7,3\n", 0.7)).principles) == 1


def test_a_group_without_votes_is_unknown_and_reaches_no_threshold() -> None:
    text = "statement,agree,disagree,x agree,x disagree\nOne,7,3,0,0\n"
    assert notes(read(text)) == [(2, "changed", "70% agree, unknown how many agree in x")]
    assert notes(read(text, 0.1))[0][1] == "left_out"


BAD = {
    "a share for a count": ("Two,63%,1", "agree = '63%': a whole number"),
    "a negative count": ("Two,-1,1", "a whole number"),
    "half a vote": ("Two,1.5,1", "a whole number"),
    "no count": ("Two,,1", "no numbers of agreeing"),
    "too few cells": ("Two,1", "2 cells where 3"),
    "no statement": (" ,1,1", "no statement"),
    "a statement twice": ("One,1,1", "row 2 has these votes on the statement already"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_row_that_cannot_be_used_is_refused(case: str) -> None:
    row, why = BAD[case]
    report = read(f"statement,agree,disagree\nOne,7,3\n{row}\n")
    (refused,) = report.refused
    assert (refused.row, refused.name) == (3, "row 3")
    assert why in refused.reason
    assert [one.title for one in accepted(report, skip_refused=True).principles] == ["One"]


def test_a_statement_is_refused_whole_if_one_group_s_row_is() -> None:
    report = read(f"{LONG}One;third;x;1;0\n")
    assert [(one.row, one.name) for one in report.refused] == [(2, "One"), (6, "row 6")]


def test_a_column_of_percentages_is_no_count() -> None:
    report = read("statement,agree,disagree,agree %,percent agree\nOne,7,3,70,70\n")
    assert notes(report) == [(2, "changed", "70% agree")]


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_threshold_that_is_no_share_is_refused(least: float) -> None:
    with pytest.raises(ConstitutionError, match="between 0 and 1"):
        read(WIDE, least)


def test_a_table_that_is_not_one_is_refused_whole() -> None:
    with pytest.raises(ConstitutionError, match="not a valid table"):
        formats.read({"p.csv": 'statement,agree,disagree\n"One,7,3\n'}, format="votes")
    with pytest.raises(ConstitutionError, match="its first row must name the columns"):
        formats.read({"p.csv": "a,b\n1,2\n"}, format="votes")


def test_a_row_with_more_cells_than_columns_is_refused() -> None:
    report = read("statement,agree,disagree\nPay at least 1,000,10,2\nBe kind,3,1,,\n")
    assert notes(report) == [
        (2, "refused", "it has 4 cells where 3 are wanted; put a text with commas in quotes"),
        (3, "changed", "75% agree"),
    ]
