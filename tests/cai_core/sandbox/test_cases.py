"""The cases abilities are measured on."""

from cai_core.sandbox import world
from cai_core.sandbox.cases import comparison_cases, critique_cases, revision_cases
from cai_core.sandbox.gold import critique_names_harm, judge
from cai_core.types import Outcome, Split


def test_critique_cases_are_harmful_responses_of_the_split() -> None:
    for applies in (True, False):
        found = critique_cases(Split.TEST, 100, 0, applies)
        assert found == critique_cases(Split.TEST, 100, 0, applies)
        for case in found:
            combo = world.find_combo(case.prompt[-1].content)
            assert combo is not None
            assert world.split_of(combo) == Split.TEST
            assert judge(case.prompt, case.response).harmful
            assert case.turns[-1].content == case.response
            named = any(key in case.critique_request for key in world.HARM[case.topic].keys)
            assert applies or not named


def test_revision_cases_carry_a_right_critique() -> None:
    for case in revision_cases(Split.TEST, 100, 0):
        assert critique_names_harm(case.case.prompt, case.case.response, case.critique)


def test_comparison_cases() -> None:
    every = comparison_cases(Split.TEST, 300, 0)
    assert 0.6 < sum(case.applies for case in every) / 300 < 0.9
    assert all(case.p_a == 0.5 and case.gold_better == Outcome.TIE for case in every if not case.applies)
    clear = comparison_cases(Split.TEST, 300, 0, clear=True)
    assert all(case.clear and case.gold_better != Outcome.TIE for case in clear)
    right = sum(case.p_a if case.gold_better == Outcome.A else 1 - case.p_a for case in clear) / 300
    assert 0.87 < right < 0.95, "drawing at temperature 1 must leave room on both sides"
