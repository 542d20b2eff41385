"""`cai-studio ask`: put a question to a warm model and watch the answer being written."""

import sys
import time
from contextlib import suppress
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.store.workspace import Workspace

TICK = 0.05
"""Seconds between two looks at the answer."""


def ask(
    prompt: Annotated[str, typer.Argument(help="What a person would write to the model.")],
    folder: common.Folder = None,
    model: Annotated[str, typer.Option(help="Model by name.")] = "sandbox",
    constitution: Annotated[str, typer.Option(help="Where the principle is from: NAME, or NAME@3.")] = "sandbox",
    principle: Annotated[
        str | None, typer.Option(metavar="ID", help="Criticise and revise under it; else only a response is written.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="0 is greedy.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(help="Longest response, critique or revision.")] = 256,
    few_shots: Annotated[int, typer.Option(help="Examples in front of critique and revision.")] = 2,
    seed: Annotated[int, typer.Option(help="As a run's: a chains run of this seed would write the same.")] = 0,
    as_json: common.Json = False,
) -> None:
    """Ask a warm model: a response, and under a principle its critique and revision. Ctrl-C stops it."""
    from cai_core.runs import warm_queue
    from cai_core.types import Ask, AskKind, AskState, user

    workspace = common.workspace(folder, create=folder is None)
    asked = Ask(
        kind=AskKind.CRITIQUE_REVISION if principle is not None else AskKind.SAMPLE,
        model=model,
        turns=(user(prompt),),
        seed=seed,
        temperature=temperature,
        max_new_tokens=max_tokens,
        constitution=constitution if principle is not None else None,
        principle=principle,
        few_shots=few_shots if principle is not None else 0,
    )
    ask_id = warm_queue.ask(workspace, asked)
    try:
        found = _follow(workspace, ask_id, quiet=as_json)
    except KeyboardInterrupt:
        found = _stopped(workspace, ask_id)
    if as_json:
        common.print_json(found)
    if found["state"] == AskState.STOPPED:
        common.say(f"ask {ask_id} is stopped.", error=True)
        raise typer.Exit(130)
    if found["state"] == AskState.FAILED:
        common.say(f"ask {ask_id} has no whole answer: {found['error']}", error=True)
        raise typer.Exit(1)


def _follow(workspace: Workspace, ask_id: int, *, quiet: bool) -> dict[str, Any]:
    """Print what is written as it is written; the whole of it at the end."""
    from cai_core.runs import warm_queue
    from cai_core.store import asks

    shown = _Shown(quiet)
    while True:
        warm_queue.kick(workspace)
        with workspace.reading() as session:
            found = asks.summary(asks.get(session, ask_id))
            waits = warm_queue.waits_for(session, ask_id)
        shown.show(found["parts"], waits)
        if found["state"] not in asks.OPEN:
            shown.end()
            return found
        time.sleep(TICK)


def _stopped(workspace: Workspace, ask_id: int) -> dict[str, Any]:
    """Ask it to stop, and wait until it has; it may also have ended in that moment."""
    from cai_core.errors import RunError
    from cai_core.runs import warm_queue

    with suppress(RunError):
        warm_queue.request_stop(workspace, ask_id)
    return _follow(workspace, ask_id, quiet=True)


class _Shown:
    """What of the answer is on the terminal."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._part, self._length, self._said = -1, 0, ""

    def show(self, parts: list[dict[str, Any]], waits: str) -> None:
        """Print what is new."""
        if self._quiet:
            return
        if waits and waits != self._said:
            common.say(f"({waits})", error=True)
        self._said = waits
        for number, part in enumerate(parts):
            text = part["text"] or ""
            if number < self._part or not text:
                continue
            if number > self._part:
                self.end()
                common.say(f"{part['part'].capitalize()}:")
                self._part, self._length = number, 0
            sys.stdout.write(on_terminal(text[self._length :]))
            self._length = max(self._length, len(text))
        sys.stdout.flush()

    def end(self) -> None:
        """End the line of the part that was written last."""
        if not self._quiet and self._part >= 0:
            sys.stdout.write("\n")


def on_terminal(text: str) -> str:
    """A model's text without what a terminal would obey: control characters are written out."""
    return "".join(map(_seen, text))


def _seen(character: str) -> str:
    shown = character in "\n\t" or character.isprintable() or (character.isspace() and character > "\xa0")
    return character if shown else repr(character)[1:-1]
