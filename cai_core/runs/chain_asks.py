"""Asks about stored chains, as pages and the command line put them: what was sent, and a branch."""

from cai_core.runs import queue, warm_queue
from cai_core.store import asks, branches
from cai_core.store.workspace import Workspace
from cai_core.types import Branching


def ask_sent(workspace: Workspace, chain_id: int, model: str = "") -> int:
    """Have a chain's requests built again by its models, or by the one named; returns the ask's id at once."""
    with workspace.writing() as session:
        asked = branches.ask_for_sent(session, chain_id, model)
        ask_id = asks.add(session, asked, device=warm_queue.device_of(session, asked.model)).id
    warm_queue.kick(workspace)
    return ask_id


def ask_branch(
    workspace: Workspace, chain_id: int, branching: Branching, *, redraw: int | None = None, model: str = ""
) -> int:
    """Have a chain continued from a round that somebody changed; returns the ask's id at once."""
    if redraw is not None:
        queue.check_seed(redraw)
    with workspace.writing() as session:
        asked = branches.ask_for_branch(session, chain_id, branching, redraw=redraw, model=model)
        ask_id = asks.add(session, asked, device=warm_queue.device_of(session, asked.model)).id
    warm_queue.kick(workspace)
    return ask_id
