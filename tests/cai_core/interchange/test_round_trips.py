"""What is written in a format and read back: the same constitution, up to what the format says that it cannot hold."""

import json
from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cai_core.errors import ConstitutionError
from cai_core.interchange import formats
from cai_core.interchange.entries import title_of
from cai_core.interchange.report import Export, ReadOptions, accepted
from cai_core.types import ComparisonShot, Constitution, Principle
from tests.cai_core.interchange.generated import constitutions, plain_constitutions

LONG = Constitution(
    "long",
    "",
    (Principle("long", "Long", critique_request="{x} " * 25_000 + "x", revision_request="\U0001f600" * 100_000),),
)


def there_and_back(constitution: Constitution, format: str, seed: int = 0) -> tuple[Export, Constitution]:
    """Written, recognised by its content, and read."""
    made = formats.write(constitution, format)
    assert formats.detect(made.files) == format
    report = formats.read(made.files, options=ReadOptions(name=constitution.name, seed=seed))
    assert not report.refused
    return made, accepted(report)


def critiques(constitution: Constitution) -> list[Principle]:
    return [one for one in constitution.principles if one.enabled and one.critique_request is not None]


def comparisons(constitution: Constitution) -> list[Principle]:
    return [one for one in constitution.principles if one.enabled and one.comparison is not None]


def listed(made: Export, words: str) -> bool:
    return any(words in line for line in made.lost)


def check_listed(made: Export, before: list[Principle], after: list[Principle]) -> None:
    """A field is listed exactly where some principle's comes back as something else."""
    for field in ("id", "title", "kind", "tags", "weight", "comparison"):
        changed = any(getattr(a, field) != getattr(b, field) for a, b in zip(before, after, strict=True))
        assert changed == any(line.startswith(f"{field} of ") for line in made.lost), (field, made.lost)


@given(constitutions)
@settings(max_examples=40)
@example(LONG)
def test_cai_holds_everything(constitution: Constitution) -> None:
    made, again = there_and_back(constitution, "cai")
    assert again == constitution
    assert made.lost == ()


@given(constitutions)
@settings(max_examples=40)
@example(LONG)
def test_hf_holds_the_critique_halves_and_their_few_shots(constitution: Constitution) -> None:
    kept = critiques(constitution)
    assume(kept)
    made, again = there_and_back(constitution, "hf")
    assert again.principles == tuple(
        Principle(
            f"critique{number}",
            title_of(one.critique_request or ""),
            critique_request=one.critique_request,
            revision_request=one.revision_request,
        )
        for number, one in enumerate(kept)
    )
    assert again.few_shots == replace(constitution.few_shots, comparison=(), comparison_with_reasoning=())
    check_listed(made, kept, list(again.principles))
    left = len(constitution.few_shots.comparison) + len(constitution.few_shots.comparison_with_reasoning)
    assert listed(made, f"{left} comparison few-shots") == bool(left)
    assert listed(made, "the description") == bool(constitution.description)


@given(constitutions)
@settings(max_examples=40)
@example(LONG)
def test_langchain_holds_the_critique_halves_under_their_ids(constitution: Constitution) -> None:
    kept = critiques(constitution)
    assume(kept)
    made, again = there_and_back(constitution, "langchain")
    said = [(one.id, one.critique_request, one.revision_request) for one in kept]
    assert [(one.id, one.critique_request, one.revision_request) for one in again.principles] == said
    check_listed(made, kept, list(again.principles))
    for one in constitution.principles:
        assert one in kept or any("left out" in line and one.id in line for line in made.lost)


@given(constitutions, st.integers(0, 3))
@settings(max_examples=40)
@example(LONG, 0)
def test_the_paper_holds_both_halves_apart(constitution: Constitution, seed: int) -> None:
    halves = [*critiques(constitution), *comparisons(constitution)]
    assume(halves)
    made, again = there_and_back(constitution, "paper", seed)
    both = len(critiques(constitution))
    for one, back in zip(halves[:both], again.principles[:both], strict=True):
        assert (back.critique_request, back.revision_request) == (one.critique_request, one.revision_request)
        assert (back.id, back.comparison) == (one.id, None)
    for one, back in zip(halves[both:], again.principles[both:], strict=True):
        assert (back.comparison, back.critique_request) == (one.comparison, None)
    for name in ("critique_revision", "comparison", "comparison_with_reasoning"):
        before, after = getattr(constitution.few_shots, name), getattr(again.few_shots, name)
        (left,) = [line for line in made.lost if line.startswith(f"{name} few-shot") and "left out" in line] or [""]
        kept = [_bare(shot) for number, shot in enumerate(before, 1) if str(number) not in left]
        assert [_bare(shot) for shot in after] == kept


def _bare(shot: object) -> object:
    """A few-shot without what the paper's files leave open."""
    if not isinstance(shot, ComparisonShot):
        return shot
    if shot.reasoning is not None:
        return replace(shot, comparison="")
    sides = (shot.response_a, shot.response_b)
    better, worse = sides if shot.answer == "A" else sides[::-1]
    return (shot.conversation, better, worse)


@given(plain_constitutions)
@settings(max_examples=40)
def test_the_paper_leaves_no_few_shot_out_whose_texts_are_plain(constitution: Constitution) -> None:
    assume(critiques(constitution) or comparisons(constitution))
    made, again = there_and_back(constitution, "paper")
    assert not listed(made, "few-shot 1 left out")
    assert not listed(made, "few-shot 2 left out")
    kinds = ("critique_revision", "comparison", "comparison_with_reasoning")
    before, after = constitution.few_shots, again.few_shots
    assert [len(getattr(before, kind)) for kind in kinds] == [len(getattr(after, kind)) for kind in kinds]


@given(constitutions)
@settings(max_examples=20)
def test_the_same_text_is_written_each_time_and_reading_it_twice_changes_nothing(constitution: Constitution) -> None:
    assume(critiques(constitution))
    for format in formats.WRITERS:
        made, again = there_and_back(constitution, format)
        assert formats.write(constitution, format) == made
        once_more, same = there_and_back(again, format)
        assert same.principles == again.principles
        if format != "cai":
            assert all(json.loads(text) for text in once_more.files.values())


@pytest.mark.parametrize("format", ["hf", "langchain", "paper"])
def test_nothing_to_write_is_said(format: str) -> None:
    constitution = Constitution("c", "", (Principle("a", "A", comparison="Which?", enabled=False),))
    with pytest.raises(ConstitutionError, match="enable"):
        formats.write(constitution, format)


@pytest.mark.parametrize("format", formats.WRITERS)
def test_what_is_no_constitution_is_not_written(format: str) -> None:
    with pytest.raises(ConstitutionError, match="blank"):
        formats.write(Constitution("c", "", (Principle("a", " ", comparison="Which?"),)), format)
