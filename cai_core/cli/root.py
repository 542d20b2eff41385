"""The tree of commands."""

import typer

from cai_core.cli import ask, constitution, data, database, demo, doctor, runs, sandbox, serve

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
app.command("export")(data.export)
app.add_typer(constitution.app, name="constitution")
app.add_typer(sandbox.app, name="sandbox")
app.command("doctor")(doctor.doctor)
app.add_typer(database.app, name="db")
