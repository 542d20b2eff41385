"""What trains and what does not."""

from cai_core.chains.critique_revision import CUT
from cai_core.chains.examples import sft_examples
from cai_core.types import Chain, Principle, Prompt, PromptKind, Round, RowState, Split, assistant, prompt_uid, user

PRINCIPLE = Principle("p", "t", critique_request="c", revision_request="r")


def chain(
    kind: PromptKind = PromptKind.RED_TEAM,
    revisions: tuple[tuple[str, bool], ...] = (),
    state: RowState = RowState.DONE,
    response: str | None = "initial",
    error: str | None = None,
) -> Chain:
    turns = (user("one"), assistant("two"), user("three"))
    rounds = tuple(Round(n + 1, PRINCIPLE, "c", text, "", "", done) for n, (text, done) in enumerate(revisions))
    return Chain(Prompt(prompt_uid(turns), turns, kind, Split.TRAIN, "s"), 0, 1, response, rounds, state, error=error)


def test_revisions_up_to_round_n_train_and_the_initial_response_never() -> None:
    whole = chain(revisions=(("r1", True), ("r2", True), ("r3", True)))
    examples, counts = sft_examples([whole], rounds=2)
    assert [example.turns[-1] for example in examples] == [assistant("r1"), assistant("r2")]
    assert all(example.turns[:-1] == whole.prompt.turns for example in examples)
    assert examples[1].key == f"chain {whole.prompt.uid}/0 round 2"
    assert counts == {"trained_revision": 2, "left_out_later_round": 1}
    assert len(sft_examples([whole], rounds=0)[0]) == 3


def test_cut_and_empty_texts_are_left_out_and_counted() -> None:
    examples, counts = sft_examples([chain(revisions=(("r1", False), (" \n", True), ("r3", True)))], rounds=0)
    assert [example.turns[-1].content for example in examples] == ["r3"]
    assert counts == {"left_out_cut": 1, "left_out_empty": 1, "trained_revision": 1}


def test_a_failed_chain_trains_its_finished_rounds_and_is_counted() -> None:
    failed = [
        chain(revisions=(("r1", True),), state=RowState.TOO_LONG),
        chain(state=RowState.FAILED, response=None),
        chain(state=RowState.FAILED),
        chain(PromptKind.HELPFUL, state=RowState.FAILED, response=None),
    ]
    examples, counts = sft_examples(failed, rounds=0)
    assert [example.turns[-1].content for example in examples] == ["r1"]
    assert counts == {"left_out_failed": 4, "trained_revision": 1}


def test_plain_samples_train() -> None:
    given = [
        chain(PromptKind.HELPFUL),
        chain(PromptKind.LOOK_ALIKE),
        chain(PromptKind.HELPFUL, response=""),
        chain(PromptKind.HELPFUL, error=CUT),
        chain(PromptKind.RED_TEAM),
    ]
    examples, counts = sft_examples(given, rounds=0)
    assert [example.kind for example in examples] == [PromptKind.HELPFUL, PromptKind.LOOK_ALIKE]
    assert counts == {"trained_sample": 2, "left_out_empty": 1, "left_out_cut": 1}
