"""`cai-studio chains ...`: chains one by one."""

import getpass
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.errors import RunError
from cai_core.store.workspace import Workspace

app = typer.Typer(help="Chains: read them, review them, see what was sent, go on otherwise.", no_args_is_help=True)

ChainId = Annotated[int, typer.Argument(metavar="ID", max=common.MOST, help="A chain's number, as the page shows it.")]
Named = Annotated[str, typer.Option(help="Model by name; else the run's own. An imported chain has none.")]


@app.command()
def sent(chain_id: ChainId, folder: common.Folder = None, model: Named = "", as_json: common.Json = False) -> None:
    """Exactly what a chain's models were sent, built again, and whether its hash says the same."""
    from cai_core.cli.ask import follow_ask
    from cai_core.runs.chain_asks import ask_sent

    workspace = common.workspace(folder, create=False)
    if not model and (told := _told(workspace, chain_id)):
        _say_sent(chain_id, told, None, as_json)
        return
    found = follow_ask(workspace, ask_sent(workspace, chain_id, model), quiet=True)
    parts = [
        {name: part[name] for name in ("part", "principle", "sent", "rendered")}
        | {"round": part["sample"], "as_it_was": part["error"] is None, "note": part["error"]}
        for part in found["parts"]
    ]
    _say_sent(chain_id, parts, found["error"], as_json)
    _end(found)


def _told(workspace: Workspace, chain_id: int) -> list[dict[str, Any]]:
    """The exact inputs that came in with a chain from a file, as far as it had them."""
    from db.queries.chains import told_inputs

    with workspace.reading() as session:
        found = told_inputs(session, chain_id)
    return [
        {"part": one.part, "principle": one.principle, "sent": one.sent, "rendered": one.text}
        | {"round": one.round, "as_it_was": True, "note": None}
        for one in found
    ]


def _say_sent(chain_id: int, parts: list[dict[str, Any]], error: str | None, as_json: bool) -> None:
    if as_json:
        common.print_json({"chain": chain_id, "error": error, "requests": parts})
    for part in [] if as_json else parts:
        common.say(f"--- round {part['round']}, {part['part']}, {part['sent']} ---")
        common.say(common.on_terminal(part["rendered"]))
        if part["note"]:
            common.say(part["note"], error=True)


@app.command()
def branch(
    chain_id: ChainId,
    number: Annotated[int, typer.Option("--round", min=1, max=1000, help="The round in which something is changed.")],
    folder: common.Folder = None,
    critique: Annotated[str | None, typer.Option(metavar="TEXT|FILE", help="What the critique says.")] = None,
    revision: Annotated[str | None, typer.Option(metavar="TEXT|FILE", help="What the revision says.")] = None,
    principle: Annotated[str | None, typer.Option(metavar="ID", help="The principle of that round.")] = None,
    redraw: Annotated[int | None, typer.Option(metavar="SEED", help="Draw another principle by this seed.")] = None,
    author: Annotated[str, typer.Option(help="Who changes it; else the login's name.")] = "",
    model: Named = "",
    as_json: common.Json = False,
) -> None:
    """Change one thing in a round of a chain, and let it go on from there as a branch; the chain stays as it is."""
    from cai_core.cli.ask import follow_ask, stop_ask
    from cai_core.runs.chain_asks import ask_branch

    changed = _changed(number, critique, revision, principle, redraw, author)
    workspace = common.workspace(folder, create=False)
    ask_id = ask_branch(workspace, chain_id, changed, redraw=redraw, model=model)
    try:
        found = follow_ask(workspace, ask_id, quiet=as_json)
    except KeyboardInterrupt:
        found = stop_ask(workspace, ask_id)
    made = _made(workspace, ask_id)
    if as_json:
        common.print_json({"chain": made, "parent": chain_id, "state": found["state"], "error": found["error"]})
    elif made is not None:
        common.say(f"chain {made} is a branch of chain {chain_id} from round {number} on.")
    _end(found)


def _changed(
    number: int, critique: str | None, revision: str | None, principle: str | None, redraw: int | None, author: str
) -> Any:
    """The one change that is named."""
    from cai_core.cli.ask import text_of
    from cai_core.types import Branching, Edit

    named = [one is not None for one in (critique, revision, principle, redraw)]
    if sum(named) != 1:
        raise RunError("a branch changes one thing: give one of --critique, --revision, --principle and --redraw.")
    edit = Edit.CRITIQUE if critique is not None else Edit.REVISION if revision is not None else Edit.PRINCIPLE
    text = text_of(critique if critique is not None else revision)
    return Branching(number, edit, text, principle, author or _login())


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container's user may have no name


def _made(workspace: Workspace, ask_id: int) -> int | None:
    from db.queries.branches import branch_of_ask

    with workspace.reading() as session:
        return branch_of_ask(session, ask_id)


def _end(found: dict[str, Any]) -> None:
    from cai_core.types import AskState

    if found["state"] == AskState.STOPPED:
        common.say(f"ask {found['id']} is stopped.", error=True)
        raise typer.Exit(130)
    if found["state"] == AskState.FAILED:
        common.say(f"ask {found['id']} came to nothing: {found['error']}", error=True)
        raise typer.Exit(1)
