"""`cai-studio ask`: put a question to a warm model and watch the answer being written."""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.errors import PromptError
from cai_core.store.workspace import Workspace

TICK = 0.05
"""Seconds between two looks at the answer."""


def ask(
    prompt: Annotated[str, typer.Argument(help="What a person would write to the model.")],
    folder: common.Folder = None,
    model: Annotated[str, typer.Option(help="Model by name.")] = "sandbox",
    constitution: Annotated[str, typer.Option(help="Where the principle is from: NAME, or NAME@3.")] = "sandbox",
    principle: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Criticise and revise under it; may be given again. Else only a response."),
    ] = None,
    samples: Annotated[int, typer.Option(help="How many responses, each criticised and revised.")] = 1,
    response_a: Annotated[
        str | None,
        typer.Option(metavar="TEXT|FILE", help="Compare this response with the other under each principle."),
    ] = None,
    response_b: Annotated[str | None, typer.Option(metavar="TEXT|FILE", help="The other response.")] = None,
    temperature: Annotated[float, typer.Option(help="0 is greedy.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(help="Longest response, critique or revision.")] = 256,
    few_shots: Annotated[int, typer.Option(help="Examples in front of what is asked under a principle.")] = 2,
    seed: Annotated[int, typer.Option(help="As a run's: a chains run of this seed would write the same.")] = 0,
    as_json: common.Json = False,
) -> None:
    """Ask a warm model: responses, their critique and revision under principles, or which of two these prefer.

    Ctrl-C stops it.
    """
    from cai_core.runs import warm_queue
    from cai_core.types import Ask, AskKind, AskState, user

    workspace = common.workspace(folder, create=folder is None)
    pair = response_a is not None or response_b is not None
    under = pair or bool(principle)
    kind = AskKind.COMPARE if pair else AskKind.CRITIQUE_REVISION if under else AskKind.SAMPLE
    asked = Ask(
        kind=kind,
        model=model,
        turns=(user(prompt),),
        seed=seed,
        temperature=temperature,
        max_new_tokens=max_tokens,
        constitution=constitution if under else None,
        principles=tuple(principle or ()),
        few_shots=few_shots if under else 0,
        samples=samples,
        response_a=text_of(response_a),
        response_b=text_of(response_b),
    )
    ask_id = warm_queue.ask(workspace, asked)
    try:
        found = follow_ask(workspace, ask_id, quiet=as_json)
    except KeyboardInterrupt:
        found = stop_ask(workspace, ask_id)
    if as_json:
        common.print_json(found)
    else:
        _say_labels(found["labels"])
    if found["state"] == AskState.STOPPED:
        common.say(f"ask {ask_id} is stopped.", error=True)
        raise typer.Exit(130)
    if found["state"] == AskState.FAILED:
        common.say(f"ask {ask_id} has no whole answer: {found['error']}", error=True)
        raise typer.Exit(1)


def text_of(given: str | None) -> str | None:
    """A response as it was given, or what is in the file of this name."""
    if given is None or not _names_a_file(given):
        return given
    path = Path(given)
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path} cannot be read as text: {error}. Give a text file in UTF-8, or the text.") from None


def _names_a_file(given: str) -> bool:
    try:
        return Path(given).is_file()
    except OSError:  # longer than a name may be
        return False


def _say_labels(labels: list[dict[str, Any]]) -> None:
    """A line a principle: that A is preferred, averaged and in each order."""
    width = max((len(one["principle"]) for one in labels), default=0)
    for one in labels:
        if one.get("p_a") is None:
            why = one.get("error") or "it was not told in both orders"
            common.say(f"{common.on_terminal(one['principle']):{width}}  could not tell: {common.on_terminal(why)}")
        else:
            orders = "  ".join(f"{name} {_share(value)}" for name, value in one["orders"].items())
            flag = "  orders disagree" if one["order_disagrees"] else ""
            common.say(f"{common.on_terminal(one['principle']):{width}}  p_a {one['p_a']:.2f}  ({orders}){flag}")


def _share(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"


def follow_ask(workspace: Workspace, ask_id: int, *, quiet: bool) -> dict[str, Any]:
    """Print what is written as it is written; the whole of it at the end."""
    from cai_core.runs import warm_queue
    from cai_core.store import asks

    shown = _Shown(quiet)
    while True:
        warm_queue.kick(workspace)
        with workspace.reading() as session:
            found = asks.summary(asks.get(session, ask_id))
            waits = warm_queue.waits_for(session, ask_id)
        shown.show(found, waits)
        if found["state"] not in asks.OPEN:
            shown.end()
            return found
        time.sleep(TICK)


def stop_ask(workspace: Workspace, ask_id: int) -> dict[str, Any]:
    """Ask it to stop, and wait until it has; it may also have ended in that moment."""
    from cai_core.errors import RunError
    from cai_core.runs import warm_queue

    with suppress(RunError):
        warm_queue.request_stop(workspace, ask_id)
    return follow_ask(workspace, ask_id, quiet=True)


class _Shown:
    """What of the answer is on the terminal: part after part, though several may be written at once."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._part, self._length, self._said = -1, 0, ""

    def show(self, found: dict[str, Any], waits: str) -> None:
        """Print what is new, as far as the first part that is still being written; all there is once it is over."""
        if self._quiet:
            return
        if waits and waits != self._said:
            common.say(f"({waits})", error=True)
        self._said = waits
        for number, part in enumerate(found["parts"]):
            text = part["text"] or ""
            if number < self._part:
                continue
            if text:
                if number > self._part:
                    self.end()
                    common.say(f"{_title(found, part)}:")
                    self._part, self._length = number, 0
                sys.stdout.write(common.on_terminal(text[self._length :]))
                self._length = max(self._length, len(text))
            if part["finished"] is None and found["ended_at"] is None:
                break
        sys.stdout.flush()

    def end(self) -> None:
        """End the line of the part that was written last."""
        if not self._quiet and self._part >= 0:
            sys.stdout.write("\n")


def _title(found: dict[str, Any], part: dict[str, Any]) -> str:
    """'Critique 2, privacy': the sample where there are several, or a chain's round, and the principle."""
    sample = f" {part['sample'] + 1}" if found["samples"] > 1 else ""
    if found.get("chain") is not None and part["sample"]:
        sample = f" {part['sample']}"
    principle = part["principle"] if len(found["principles"]) > 1 else None
    return str(part["part"]).capitalize() + sample + (f", {common.on_terminal(principle)}" if principle else "")
