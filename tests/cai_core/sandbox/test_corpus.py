"""The corpus: reproducible, without a test combination, in the very form of the templates, with the stated shares."""

import re
from itertools import islice
from random import Random

import pytest

from cai_core.chains import templates as chain_templates
from cai_core.preferences import templates as comparison_templates
from cai_core.sandbox import episodes, formats, world
from cai_core.sandbox.corpus import (
    CARELESS,
    LESSONS,
    SHARES,
    Ability,
    Document,
    curriculum,
    document,
    documents,
    last_part,
)
from cai_core.sandbox.gold import VerdictKind, finds_harm, judge
from cai_core.types import ComparisonShot, CritiqueRevisionShot, Role, Split, assistant, user

SIZE = 4000


@pytest.fixture(scope="module")
def sample() -> list[Document]:
    return list(islice(documents(1), SIZE))


def test_the_same_seed_gives_the_same_documents(sample: list[Document]) -> None:
    assert sample[:500] == list(islice(documents(1), 500))
    assert document(1, 321) == sample[321] == next(documents(1, start=321))
    assert sample[:50] != list(islice(documents(2), 50))


def test_only_train_combinations_appear(sample: list[Document]) -> None:
    for doc in sample:
        for turn in doc.turns:
            said = re.sub(r"\b(your|their)\b", "my", turn.content)
            assert all(world.split_of(combo) == Split.TRAIN for combo in world.find_combos(said))


def test_shares_and_lengths(sample: list[Document]) -> None:
    for ability, share in SHARES.items():
        assert sum(doc.ability == ability for doc in sample) / SIZE == pytest.approx(share, abs=0.03)
    assert max(sum(len(turn.content.split()) for turn in doc.turns) for doc in sample) < 1300


def test_documents_alternate_and_end_with_the_assistant(sample: list[Document]) -> None:
    for doc in sample:
        roles = [turn.role for turn in doc.turns]
        assert roles == [Role.USER, Role.ASSISTANT] * (len(roles) // 2)


def test_the_vocabulary_is_small(sample: list[Document]) -> None:
    words = {word for doc in sample for turn in doc.turns for word in re.findall(r"[a-z']+", turn.content.lower())}
    assert len(words) < 1350


def test_plain_answers_behave_as_stated() -> None:
    rng = Random(0)
    kinds = {"harm": [0, 0], "help": [0, 0]}
    for _ in range(4000):
        *turns, last = episodes.plain(rng)
        found = judge(tuple(turns), last.content)
        asked = world.find_combo(turns[-1].content)
        assert asked is not None
        harm = asked.kind.value == "red_team"
        tally = kinds["harm" if harm else "help"]
        tally[0] += found.harmful if harm else found.verdict == VerdictKind.HELPFUL
        tally[1] += 1
    assert 0.80 < kinds["harm"][0] / kinds["harm"][1] < 0.88
    assert 0.80 < kinds["help"][0] / kinds["help"][1] < 0.90


def test_revisions_are_mostly_engaged_or_repeat(sample: list[Document]) -> None:
    single = [doc.turns for doc in sample if doc.ability == Ability.CHAIN and doc.turns[-4].content[:9] == "Critique "]
    after_harm, repeats, quiet = [], 0, 0
    for turns in single:
        critique, revision, response = turns[-3].content, turns[-1].content, turns[-5].content
        prompt = (turns[-6],)
        if "harmful" in critique or "wrong to help" in critique:
            after_harm.append(judge(prompt, revision).verdict)
        elif "othing" in critique or "no problem" in critique or "fine as" in critique:
            quiet += 1
            repeats += revision == response
    assert repeats == quiet > 100
    assert 0.7 < after_harm.count(VerdictKind.ENGAGED) / len(after_harm) < 0.82


def test_the_forms_equal_the_templates() -> None:
    said = (user("One?"), assistant("Two."), user("Three?"))
    shown = (*said, assistant("Four."))
    shot = CritiqueRevisionShot(shown, "Find.", "Found.", "Mend.", "Mended.")
    assert formats.chain_turns(shown, "Find.", "Found.", "Mend.", "Mended.") == chain_templates.shot_turns(shot)
    assert formats.direct_turns(shown, "Mend.", "Mended.") == chain_templates.shot_turns(shot, critique=False)
    for reasoning in (None, "Because."):
        pair = ComparisonShot(said, "Which?", "First.", "Second.", "B", reasoning)
        ours = formats.comparison_turns(said, "Which?", "First.", "Second.", "B", reasoning)
        assert ours == comparison_templates.shot_turns(pair)


def test_the_curriculum_has_lessons_first_and_then_the_corpus() -> None:
    read = list(islice(curriculum(3), LESSONS + 200))
    lessons = read[:LESSONS]
    kinds = (Ability.TOPIC, Ability.CHAIN, Ability.COMPARISON, Ability.REASONING)
    asked, critiques, direct, reasoned = ([one for one in lessons if one.ability == kind] for kind in kinds)
    assert len(asked) + len(critiques) + len(direct) + len(reasoned) == LESSONS
    assert min(map(len, (asked, critiques, direct, reasoned))) > 0.1 * LESSONS
    assert all(len(one.turns) == 2 for one in direct + reasoned)
    assert all(one.turns[-2].content.startswith("Critique Request: ") for one in critiques)
    assert all("so it applies" in one.turns[-1].content for one in asked if "Yes." in one.turns[-1].content)
    assert all("so it does not apply" in one.turns[-1].content for one in asked if "No." in one.turns[-1].content)
    assert read[LESSONS:] == list(islice(documents(3), 200))
    assert read[:50] == list(islice(curriculum(3), 50))


def test_the_last_part_has_a_careless_critic() -> None:
    blamed = []
    for one in islice(last_part(3), 12_000):
        texts = [turn.content for turn in one.turns if turn.role == Role.ASSISTANT]
        if one.ability == Ability.CHAIN and len(texts) == 3 and "so it does not apply" in texts[1]:
            harmful = judge(one.turns[:-5], texts[0]).harmful
            blamed += [finds_harm(texts[1])] if harmful else []
    assert len(blamed) > 150
    assert abs(sum(blamed) / len(blamed) - CARELESS) < 0.08
    assert next(last_part(3)) == next(last_part(3)) != next(last_part(4))
