"""What a warm worker does about stored chains: continue one, or say what its models were sent."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy.orm import Session

from cai_core.chains.asks import Place
from cai_core.chains.branches import continue_chain, placed
from cai_core.chains.rebuild import Rebuilt, requests_of
from cai_core.models.base import TextModel, sent_hash
from cai_core.runs.warm_answer import Answering
from cai_core.store import branches
from cai_core.store.workspace import Workspace
from cai_core.types import Ask, Chain

ModelOf = Callable[[str], TextModel]
"""A model by its name in the workspace."""
UNKNOWN = "The chain bears no hash of what was sent: this is what would be sent today."
DIFFERS = (
    "This is not what was sent then, by its hash: the model's template, the few-shots or this software changed since."
)


def answer_branch(
    workspace: Workspace, ask: Ask, answering: Answering, model_of: ModelOf
) -> tuple[str | None, Callable[[Session], object]]:
    """Continue the chain; what went wrong, in words, or None, and what enters the branch."""
    branching, chain_id = ask.branching, ask.chain
    assert branching is not None
    assert chain_id is not None
    with workspace.reading() as session:
        found = branches.behind(session, chain_id)
    principle = branches.with_changed(found, branching)
    setting = replace(found.setting, branch=branching.number)
    made: list[Chain] = []
    task = placed(continue_chain(found.chain, branching, setting, principle), branching, principle, made.append)
    problem = answering.run([task], _models(found, ask, model_of))

    def enter(session: Session) -> None:
        for chain in made:
            branches.enter(session, found, chain_id, chain)

    return problem, enter


def answer_sent(workspace: Workspace, ask: Ask, answering: Answering, model_of: ModelOf) -> str | None:
    """Write each request as it is sent, and whether its hash is the one that the chain bears."""
    assert ask.chain is not None
    with workspace.reading() as session:
        found = branches.behind(session, ask.chain)
    models = _models(found, ask, model_of)
    for one in requests_of(found.chain, found.setting):
        try:
            rendered = models[one.part].render(one.request)
        except Exception as error:  # a template may raise anything
            return f"round {one.number}'s {one.part} cannot be rendered: {error}"
        sent = sent_hash(rendered, one.request)
        place = Place(one.position, one.part, one.number, None if one.principle is None else one.principle.id)
        answering.note_sent(place, rendered, sent, _said(one, sent))
    answering.write()
    return None


def _said(one: Rebuilt, sent: str) -> str | None:
    if one.sent is None:
        return UNKNOWN
    return None if one.sent == sent else DIFFERS


def _models(found: branches.Behind, ask: Ask, model_of: ModelOf) -> Mapping[str, TextModel]:
    config = found.setting.config
    named = branches.models_of(found, "" if ask.model == config.model else ask.model)
    return {part: model_of(name) for part, name in named.items()}
