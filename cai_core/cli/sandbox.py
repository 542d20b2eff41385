"""`cai-studio sandbox ...`: the built-in world and its model."""

from pathlib import Path
from typing import Annotated

import typer

from cai_core.cli import common
from cai_core.errors import CAIError
from cai_core.types import PromptKind, Split

app = typer.Typer(help="The built-in world: pretrain its model, measure it, print its prompts.", no_args_is_help=True)


@app.command()
def pretrain(
    seed: Annotated[int, typer.Option(help="Seed of corpus and training.")],
    out: Annotated[Path | None, typer.Option(help="Folder; else that of the model that ships.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1000, help="Train on fewer or more tokens than the recipe.")] = None,
    as_json: common.Json = False,
) -> None:
    """Train the sandbox model again, from its corpus up, and measure it; about an hour on two cores.

    Stopped or killed, the same command goes on where it was.
    """
    from cai_core.evaluation.abilities import measure_folder
    from cai_core.models.files import SANDBOX_FOLDER
    from cai_core.sandbox.corpus import curriculum, last_part
    from cai_core.training.pretrain import Recipe, log_steps
    from cai_core.training.pretrain import pretrain as train

    recipe = Recipe() if tokens is None else Recipe(tokens=tokens)
    folder = out or SANDBOX_FOLDER
    first, last = ((document.turns for document in part(seed)) for part in (curriculum, last_part))
    manifest = train(first, last, seed=seed, recipe=recipe, folder=folder, on_step=log_steps())
    manifest["abilities"] = measure_folder(folder)
    if as_json:
        common.print_json(manifest)
    else:
        steps = sum(manifest[part]["steps"] for part in ("first_part", "last_part"))
        common.say(f"{steps} steps, loss {manifest['last_part']['last_loss']:.3f}, {manifest['seconds']:.0f} seconds.")


@app.command()
def abilities(
    count: Annotated[int, typer.Option(min=10, help="Cases for each ability.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of prompts and sampling.")] = 0,
    split: Annotated[Split, typer.Option(help="Combinations to ask about.")] = Split.TEST,
    as_json: common.Json = False,
) -> None:
    """Measure by gold what the sandbox model can do."""
    from cai_core.evaluation.abilities import BANDS, measure_abilities
    from cai_core.models.load import load_text_model
    from cai_core.types import ModelRef

    found = measure_abilities(load_text_model(ModelRef("sandbox")), count=count, seed=seed, split=split)
    if as_json:
        common.print_json(found)
        return
    meant = {name: f"{low:g} to {high:g}" for name, (low, high) in BANDS.items()}
    common.print_table(
        ["ability", "measured", "meant to be"], [[name, value, meant.get(name)] for name, value in found.items()]
    )


@app.command()
def prompts(
    kind: Annotated[PromptKind, typer.Option(help="What the prompts are for.")],
    split: Annotated[Split, typer.Option(help="Split.")] = Split.TRAIN,
    count: Annotated[int, typer.Option(min=1, max=100_000)] = 10,
    seed: Annotated[int, typer.Option()] = 0,
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    as_json: common.Json = False,
) -> None:
    """Print prompts of the sandbox's world."""
    from cai_core.sandbox.prompts import prompts as write
    from cai_core.store.prompts import turns_to_json

    try:
        found = write(kind, split, count, seed, topic)
    except ValueError as error:
        raise CAIError(f"{error}. Ask for fewer, or for another topic.") from None
    if as_json:
        common.print_json([{"uid": p.uid, "topic": p.topic, "turns": turns_to_json(p.turns)} for p in found])
        return
    for prompt in found:
        typer.echo(f"[{prompt.topic}] " + " | ".join(turn.content for turn in prompt.turns))
