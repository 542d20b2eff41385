"""The filter of prompts, their sets, and what used one."""

import pytest

from cai_core.store.workspace import Workspace
from db import search
from db.queries.prompt_filter import PromptFilter, dump_filter, read_filter
from db.queries.prompts import (
    count_prompts,
    count_used,
    prompt_beside,
    prompt_detail,
    prompt_page,
    prompt_sets,
    tags,
    topics,
)
from db.schema import ModelRow, PromptRow, RunRow
from db.schema_battles import ResponseRow
from db.schema_chains import ChainRow


@pytest.fixture
def filled(opened: Workspace) -> Workspace:
    """Three prompts of two small sets beside those that ship."""
    with opened.writing() as session:
        run = RunRow(uid="r", kind="chains", config={}, seed=0, code_revision="", result={})
        session.add(run)
        session.flush()
        values = [
            ("a", "helpful", "train", "home", ["x", 'say "hi"'], None),
            ("a", "red_team", "test", "ärger", ["xx", "ä"], run.id),
            ("b", "helpful", "train", None, [], None),
        ]
        for n, (source, kind, split, topic, marks, by) in enumerate(values):
            row = PromptRow(uid=f"u{n}", source=source, kind=kind, split=split, topic=topic, tags=marks, run_id=by)
            row.turns = [{"role": "user", "content": f"text {n}"}]
            session.add(row)
            session.flush()
            search.add(session, search.Index.PROMPTS, [(row.id, f"text {n}")])
        ids = find(session, PromptFilter(source="a"))
        chain = ChainRow(uid="c", run_id=run.id, prompt_id=ids[0], sample=0, seed=0, state="done")
        model = session.query(ModelRow).first()
        assert model is not None
        answer = ResponseRow(run_id=run.id, model_id=model.id, prompt_id=ids[1], seed=0, state="done")
        session.add_all([chain, answer])
    return opened


def find(session: object, wanted: PromptFilter) -> list[int]:
    return [line.id for line in prompt_page(session, wanted).rows]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({"source": "a"}, 2),
        ({"source": "a", "kind": "helpful"}, 1),
        ({"source": "a", "split": "test"}, 1),
        ({"topic": "ärger"}, 1),
        ({"tag": "x"}, 1),
        ({"tag": 'say "hi"'}, 1),
        ({"tag": "ä"}, 1),
        ({"tag": '", "'}, 0),
        ({"tag": "%"}, 0),
        ({"run": "1"}, 1),
        ({"source": "a", "used": "yes"}, 2),
        ({"source": "b", "used": "no"}, 1),
        ({"source": "a", "text": "TEXT 1"}, 1),
        ({"source": "a", "text": '" OR ""'}, 0),
    ],
)
def test_conditions_compose(filled: Workspace, values: dict[str, str], count: int) -> None:
    wanted = read_filter(values)
    assert dump_filter(wanted) == values
    with filled.reading() as session:
        assert (count_prompts(session, wanted), len(find(session, wanted))) == (count, count)


@pytest.mark.parametrize(
    "values", [{"size": "1"}, {"kind": "bad"}, {"run": "x"}, {"run": "9" * 20}, {"used": "perhaps"}]
)
def test_what_is_no_filter_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"Accepted|none of|no whole number"):
        read_filter(values)


def test_sets_topics_and_tags_are_counted(filled: Workspace) -> None:
    with filled.reading() as session:
        sets = {one.name: one for one in prompt_sets(session)}
        assert (sets["a"].count, sets["a"].kinds, sets["a"].splits) == (
            2,
            {"helpful": 1, "red_team": 1},
            {"train": 1, "test": 1},
        )
        assert topics(session, "a") == ["home", "ärger"]
        assert dict(tags(session)) == {"x": 1, "xx": 1, 'say "hi"': 1, "ä": 1}
        assert count_used(session, PromptFilter(source="a")) == 2


def test_a_prompt_names_all_that_used_it(filled: Workspace) -> None:
    with filled.reading() as session:
        first, second = find(session, PromptFilter(source="a"))
        assert prompt_beside(session, PromptFilter(source="a"), first) == (None, second)
        one, other = prompt_detail(session, first), prompt_detail(session, second)
        assert one
        assert other
        assert [(use.id, use.kind) for use in one.chains.shown] == [(1, "chains")]
        assert (one.chains.count, one.responses.count, other.chains.count, other.responses.count) == (1, 0, 0, 1)
        assert (one.run, other.run, one.turns) == (None, 1, (("user", "text 0"),))
        assert prompt_detail(session, 10**6) is None
