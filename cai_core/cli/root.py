"""The tree of commands."""

import typer

from cai_core.cli import (
    ask,
    cases,
    chains,
    chains_review,
    compare,
    constitution,
    data,
    database,
    datasets,
    demo,
    doctor,
    models,
    prompt_sets,
    removing,
    rounds,
    runs,
    sandbox,
    serve,
    storage,
)

app = typer.Typer(
    name="cai-studio",
    help="Constitutional AI as a workbench: write principles, watch a model revise itself, train it, measure it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("app")(serve.serve)
app.command("demo")(demo.demo)
app.command("ask")(ask.ask)
app.command("run")(runs.run)
app.add_typer(runs.app, name="runs")
app.add_typer(data.import_app, name="import")
app.add_typer(data.export_app, name="export")
app.add_typer(constitution.app, name="constitution")
constitution.app.command("compare")(compare.compare)
app.add_typer(cases.app, name="cases")
app.add_typer(chains.app, name="chains")
chains.app.add_typer(chains_review.filters_app, name="filters")
app.command("rounds")(rounds.rounds)
app.add_typer(datasets.app, name="datasets")
app.add_typer(prompt_sets.app, name="prompts")
app.add_typer(models.app, name="models")
runs.app.command("delete")(removing.delete_run)
datasets.app.command("delete")(removing.delete_dataset)
models.app.command("delete")(removing.delete_model)
app.add_typer(sandbox.app, name="sandbox")
app.command("storage")(storage.storage)
app.command("doctor")(doctor.doctor)
app.add_typer(database.app, name="db")
