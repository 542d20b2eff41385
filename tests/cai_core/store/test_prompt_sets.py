"""What is done to many prompts at once: counted, in one transaction, and never to what runs have used."""

import pytest
from sqlalchemy import select

from cai_core.errors import PromptError
from cai_core.store import prompt_sets, prompts
from cai_core.store.prompt_splits import read_shares, split_of
from cai_core.store.workspace import Workspace
from cai_core.types import Prompt, PromptKind, Split, prompt_uid, user
from db import search
from db.queries.prompt_filter import PromptFilter
from db.schema import PromptRow, RunPromptRow, RunRow

MINE = PromptFilter(source="mine")
LONG = "please tell me in a few plain words how a kettle is cleaned of its lime without any harsh thing number"


def add(workspace: Workspace, *texts: str, split: Split = Split.TRAIN, source: str = "mine") -> list[int]:
    made = [
        Prompt(prompt_uid((user(text),)), (user(text),), PromptKind.HELPFUL, split, source, tags=("first",))
        for text in texts
    ]
    with workspace.writing() as session:
        prompts.add(session, made)
        ids = prompts.ids_by_uid(session, [one.uid for one in made])
    return [ids[one.uid] for one in made]


def use(workspace: Workspace, *ids: int) -> None:
    """Let a run take these as its inputs."""
    with workspace.writing() as session:
        run = RunRow(uid="r", kind="chains", config={}, seed=0, code_revision="")
        session.add(run)
        session.flush()
        session.add_all(RunPromptRow(run_id=run.id, position=n, prompt_id=one) for n, one in enumerate(ids))


def column(workspace: Workspace, name: str) -> list[object]:
    with workspace.reading() as session:
        rows = select(getattr(PromptRow, name)).where(PromptRow.source == "mine").order_by(PromptRow.id)
        return list(session.scalars(rows))


def test_a_tag_goes_on_once_and_comes_off(opened: Workspace) -> None:
    add(opened, "a", "b", "c")
    with opened.writing() as session:
        assert prompt_sets.tag(session, MINE, "  hard   ones ") == prompt_sets.Tagged(3, 0)
        assert prompt_sets.tag(session, MINE, "hard ones") == prompt_sets.Tagged(0, 3)
    assert column(opened, "tags") == [["first", "hard ones"]] * 3
    with opened.writing() as session:
        only = PromptFilter(source="mine", tag="hard ones")
        assert prompt_sets.untag(session, only, "hard ones").changed == 3
        assert prompt_sets.untag(session, MINE, "hard ones") == prompt_sets.Tagged(0, 3)
    assert column(opened, "tags") == [["first"]] * 3


@pytest.mark.parametrize("tag", ["", "   ", "x" * 81, "a\x00b"])
def test_what_cannot_be_a_tag_is_refused(opened: Workspace, tag: str) -> None:
    with pytest.raises(PromptError, match="cannot be a tag"), opened.writing() as session:
        prompt_sets.tag(session, MINE, tag)


def test_splits_follow_uid_shares_and_seed(opened: Workspace) -> None:
    add(opened, *map(str, range(40)))
    shares = read_shares("train=.5,test=.5")
    with opened.writing() as session:
        done = prompt_sets.split(session, MINE, shares, seed=3)
    splits = column(opened, "split")
    assert splits == [split_of(str(uid), shares, 3) for uid in column(opened, "uid")]
    assert (done.changed, done.unchanged, done.kept) == (splits.count("test"), splits.count("train"), 0)
    assert dict(done.splits) == {"train": splits.count("train"), "test": splits.count("test")}


def test_what_a_run_has_used_keeps_its_split_unless_told(opened: Workspace) -> None:
    ids = add(opened, *map(str, range(6)))
    use(opened, *ids[:2])
    with opened.writing() as session:
        done = prompt_sets.split(session, MINE, read_shares("test"), seed=0)
    assert (done.changed, done.kept, done.used_changed) == (4, 2, 0)
    assert column(opened, "split") == ["train"] * 2 + ["test"] * 4
    with opened.writing() as session:
        done = prompt_sets.split(session, MINE, read_shares("test"), seed=0, used_too=True)
    assert (done.changed, done.kept, done.used_changed, done.out_of_train) == (2, 0, 2, 2)
    assert dict(done.splits) == {"test": 6}


def test_a_sample_is_drawn_by_seed_into_a_tag_that_nothing_has(opened: Workspace) -> None:
    add(opened, *map(str, range(30)))
    drawn = []
    for seed, name in ((1, "one"), (1, "again"), (2, "two")):
        with opened.writing() as session:
            assert prompt_sets.sample(session, MINE, 7, seed=seed, tag=name) == 7
        drawn.append({n for n, tags in enumerate(column(opened, "tags")) if name in tags})  # type: ignore[operator]
    assert drawn[0] == drawn[1] != drawn[2]
    with pytest.raises(PromptError, match="in use"), opened.writing() as session:
        prompt_sets.sample(session, MINE, 7, seed=1, tag="one")
    with opened.writing() as session:
        assert prompt_sets.sample(session, MINE, 700, seed=1, tag="all") == 30


def test_near_duplicates_are_found_and_what_is_used_stays(opened: Workspace) -> None:
    ids = add(opened, f"{LONG} 1", f"{LONG} 2", f"{LONG} 3", "something quite different that is said here only")
    use(opened, ids[2])
    found = prompt_sets.near_duplicates(opened, "mine", 0.8)
    assert set(found.ids) == {ids[0], ids[1]}
    assert {stays for stays, _, _ in found.pairs} == {ids[2]}
    assert (found.looked_at, found.used_pairs, found.across) == (4, (), 0)
    with opened.writing() as session:
        assert prompt_sets.tag_duplicates(session, found, "again").changed == 2
        assert prompt_sets.remove_duplicates(session, found) == prompt_sets.Removal(2, 0, ())
    assert column(opened, "id") == [ids[2], ids[3]]
    assert not prompt_sets.near_duplicates(opened, "mine", 0.8).ids


def test_two_that_are_used_are_named_and_stay(opened: Workspace) -> None:
    ids = add(opened, f"{LONG} 1")
    ids += add(opened, f"{LONG} 2", split=Split.TEST)
    use(opened, *ids)
    found = prompt_sets.near_duplicates(opened, "mine", 0.8)
    assert (found.ids, [pair[:2] for pair in found.used_pairs], found.across) == ((), [tuple(ids)], 1)
    with pytest.raises(PromptError, match="no prompt set 'none'"):
        prompt_sets.near_duplicates(opened, "none", 0.8)


def test_a_near_duplicate_that_a_run_took_meanwhile_stays(opened: Workspace) -> None:
    ids = add(opened, f"{LONG} 1", f"{LONG} 2")
    found = prompt_sets.near_duplicates(opened, "mine", 0.8)
    use(opened, ids[1])
    with opened.writing() as session:
        assert prompt_sets.remove_duplicates(session, found) == prompt_sets.Removal(0, 1, (ids[1],))
    assert column(opened, "id") == ids


def test_removal_takes_the_unused_and_their_words(opened: Workspace) -> None:
    ids = add(opened, "one zyxwv", "two zyxwv", "three zyxwv")
    use(opened, ids[1])
    with opened.writing() as session:
        assert prompt_sets.remove(session, MINE) == prompt_sets.Removal(2, 1, (ids[1],))
        found = search.matching(search.Index.PROMPTS, "zyxwv")
        assert found is not None
        assert list(session.scalars(found)) == [ids[1]]
    assert add(opened, "one zyxwv") != ids[:1]
    with opened.writing() as session:
        assert list(session.scalars(found)) == [ids[1], *column(opened, "id")[1:]]
