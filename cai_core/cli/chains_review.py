"""`cai-studio chains list|show|review|undo|agreement` and `cai-studio chains filters`: reading and reviewing chains."""

import getpass
from dataclasses import asdict, fields
from enum import StrEnum
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.cli.chains import ChainId, app
from cai_core.errors import ReviewError
from cai_core.types import Verdict

filters_app = typer.Typer(help="Filters of chains, saved by name.", no_args_is_help=True)

Conditions = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="KEY=VALUE", help="A condition, such as gate=refusal; may be repeated."),
]
Saved = Annotated[str, typer.Option("--saved", metavar="NAME", help="Start from a saved filter.")]
As = Annotated[str, typer.Option("--as", metavar="NAME", help="Who says it; else the login's name.")]
SHORT = 80
"""Characters of a text in a list."""


class QueueName(StrEnum):
    """Orders to read chains in."""

    ALL = "all"
    UNREVIEWED = "unreviewed"
    FLAGGED = "flagged"
    GATES = "gates"
    CHANGED = "changed"
    RANDOM = "random"


@app.command("list")
def list_chains(
    folder: common.Folder = None,
    conditions: Conditions = None,
    saved: Saved = "",
    queue: Annotated[QueueName, typer.Option(help="In which order.")] = QueueName.ALL,
    name: As = "",
    seed: Annotated[int, typer.Option(help="Of the order drawn.")] = 0,
    after: Annotated[int | None, typer.Option(metavar="ID", help="Only what follows this chain.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 50,
    as_json: common.Json = False,
) -> None:
    """Chains that pass a filter, in the order of a queue."""
    from db.queries.chains import chain_detail
    from db.queries.reviews import Queue, next_in, standing

    workspace = common.workspace(folder, create=False)
    wanted = common.chain_filter(workspace, conditions, saved)
    person = _person(folder, name) if queue is QueueName.UNREVIEWED else None
    rows: list[dict[str, Any]] = []
    with workspace.reading() as session:
        order, here = Queue(queue.value, person, seed), after
        while len(rows) < limit and (here := next_in(session, wanted, order, here)) is not None:
            chain = chain_detail(session, here)
            if chain is None or (rows and here == rows[0]["id"]):
                break
            rows.append(_told(chain, standing(session, [here]).get(here, [])))
    if as_json:
        common.print_json([{name: row[name] for name in _LISTED} for row in rows])
        return
    columns = ["chain", "run", "prompts", "rounds", "gates", "verdicts", "last text"]
    common.print_table(columns, [[*_line(row)] for row in rows])


@app.command()
def show(chain_id: ChainId, folder: common.Folder = None, as_json: common.Json = False) -> None:
    """One chain: conversation, response, and every round with what is known of it."""
    from db.queries.chains import chain_detail
    from db.queries.reviews import standing

    workspace = common.workspace(folder, create=False)
    with workspace.reading() as session:
        chain = chain_detail(session, chain_id)
        said = standing(session, [chain_id]).get(chain_id, [])
    if chain is None:
        raise ReviewError(f"there is no chain {chain_id} in this workspace. `cai-studio chains list` shows them.")
    found = _told(chain, said)
    if as_json:
        common.print_json(found)
        return
    common.say(f"chain {chain.id} of run {chain.run}, {chain.kind}, {chain.state}, model {chain.model}")
    for role, text in chain.turns:
        _say(role, text)
    _say("response", chain.response, found["gates"])
    for one, told in zip(chain.rounds, found["rounds"], strict=True):
        _say(f"round {one.number}, {one.principle_slug}: critique", one.critique, told["critique_gates"])
        _say(f"round {one.number}, {one.principle_slug}: revision", one.revision, told["revision_gates"])
    for verdict in found["verdicts"]:
        common.say(f"{verdict['name']}: {verdict['verdict']} {verdict['note']}".rstrip())


@app.command()
def review(
    chain_id: ChainId,
    verdict: Annotated[Verdict, typer.Argument(help="none takes the former one back.")],
    folder: common.Folder = None,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    name: As = "",
    as_json: common.Json = False,
) -> None:
    """Say what you think of a chain; what you said before is kept as past."""
    from cai_core.store import reviews

    workspace, person = common.workspace(folder, create=False), _person(folder, name)
    with workspace.writing() as session:
        new = reviews.give(session, chain_id, person, verdict, note)
    with workspace.reading() as session:
        stands = reviews.standing(session, chain_id, person)
        told = {"chain": chain_id, "verdict": stands.verdict if stands else "none", "new": new}
    if as_json:
        common.print_json(told)
    else:
        common.say(f"chain {chain_id}: {told['verdict']}{'' if new else ', as before'}.")


@app.command()
def undo(folder: common.Folder = None, name: As = "", as_json: common.Json = False) -> None:
    """Take back what you said last; what stood before it stands again."""
    from cai_core.store import reviews

    workspace, person = common.workspace(folder, create=False), _person(folder, name)
    with workspace.writing() as session:
        found = reviews.undo(session, person)
    if as_json:
        common.print_json(None if found is None else asdict(found))
    elif found is None:
        common.say("There is nothing of yours to take back.")
    else:
        common.say(f"chain {found.chain}: {found.verdict} is taken back, {found.stands} stands.")


@app.command()
def agreement(folder: common.Folder = None, as_json: common.Json = False) -> None:
    """How far every two reviewers agree on the chains that both spoke of."""
    from cai_core.evaluation.reviewing import Agreement, agreements
    from cai_core.store import reviews

    with common.workspace(folder, create=False).reading() as session:
        found = agreements(reviews.confusions(session))
    if as_json:
        common.print_json([asdict(one) for one in found])
        return
    rows: list[list[object]] = [[_short(getattr(one, field.name)) for field in fields(Agreement)] for one in found]
    common.print_table([field.name for field in fields(Agreement)], rows)


@filters_app.command("list")
def list_filters(folder: common.Folder = None, as_json: common.Json = False) -> None:
    """The saved filters."""
    from cai_core.store import filters
    from db.queries.chain_filter import dump_filter

    with common.workspace(folder, create=False).reading() as session:
        found = {name: dump_filter(filters.load(session, name)) for name in filters.names(session)}
    if as_json:
        common.print_json(found)
    for name, conditions in [] if as_json else found.items():
        common.say(f"{name}: {', '.join(f'{key}={value}' for key, value in conditions.items()) or 'all chains'}")


@filters_app.command("save")
def save_filter(
    name: Annotated[str, typer.Argument(metavar="NAME")], folder: common.Folder = None, conditions: Conditions = None
) -> None:
    """Save conditions under a name; the same name again changes it."""
    from cai_core.store import filters

    workspace = common.workspace(folder, create=False)
    wanted = common.chain_filter(workspace, conditions)
    with workspace.writing() as session:
        filters.save(session, name, wanted, author=getpass.getuser())
    common.say(f"saved as {name.strip()}.")


@filters_app.command("drop")
def drop_filter(name: Annotated[str, typer.Argument(metavar="NAME")], folder: common.Folder = None) -> None:
    """Forget a saved filter."""
    from cai_core.store import filters

    with common.workspace(folder, create=False).writing() as session:
        filters.drop(session, name)
    common.say(f"{name} is forgotten.")


def _person(folder: Any, name: str) -> int:
    """The person of this name at the command line, added at the first word."""
    from cai_core.store import people

    name = people.check_name(name or getpass.getuser())
    with common.workspace(folder, create=False).writing() as session:
        return people.add(session, f"cli:{name}", name)


_LISTED = ("id", "run", "kind", "topic", "state", "branch", "hits", "verdicts", "last_text")


def _told(chain: Any, said: Any) -> dict[str, Any]:
    """A chain as plain JSON values, gates by their names."""
    from db.schema_chains import GATES

    def named(bits: int | None) -> list[str] | None:
        return None if bits is None else [gate for number, gate in enumerate(GATES) if bits & 1 << number]

    whole = asdict(chain)
    rounds = [
        {**one, "critique_gates": named(one["critique_gates"]), "revision_gates": named(one["revision_gates"])}
        for one in whole["rounds"]
    ]
    each = [one[side] for one in whole["rounds"] for side in ("critique_gates", "revision_gates")]
    every = [chain.gates, *each]
    hits = 0
    for bits in every:
        hits |= bits or 0
    verdicts = [{"name": one.name, "verdict": one.verdict, "note": one.note, "at": one.at.isoformat()} for one in said]
    last = chain.rounds[-1].revision if chain.rounds else chain.response
    return {
        **whole,
        "gates": named(chain.gates),
        "rounds": rounds,
        "hits": named(hits),
        "verdicts": verdicts,
        "last_text": last,
    }


def _line(row: dict[str, Any]) -> list[object]:
    verdicts = ", ".join(f"{one['name']} {one['verdict']}" for one in row["verdicts"])
    last = " ".join((row["last_text"] or "").split())
    shown = last if len(last) <= SHORT else last[:SHORT] + "…"
    return [row["id"], row["run"], row["kind"], len(row["rounds"]), ", ".join(row["hits"]), verdicts, shown]


def _say(what: str, text: str | None, gates: list[str] | None = None) -> None:
    common.say(f"--- {what}{': ' + ', '.join(gates) if gates else ''} ---")
    common.say(common.on_terminal("(none)" if text is None else text))


def _short(value: object) -> object:
    return f"{value:.2f}" if isinstance(value, float) else value
