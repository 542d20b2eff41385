"""`cai-studio app`: the pages, on this machine alone."""

import importlib.util
import os
import re
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cai_core.cli import common
from cai_core.errors import CAIError
from cai_core.store.workspace import HOME

ADDRESS = "127.0.0.1"

FLAGS = {
    # As flags: Streamlit reads a config file from the current folder only, and its defaults listen everywhere.
    "server.address": ADDRESS,
    "server.headless": "true",
    "server.showEmailPrompt": "false",
    "server.enableXsrfProtection": "true",
    "server.enableCORS": "true",
    "server.enableStaticServing": "false",
    "server.fileWatcherType": "none",
    "server.maxUploadSize": "20",
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": ADDRESS,
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "runner.magicEnabled": "false",
}


def serve(
    folder: common.Folder = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8501,
    known_as: Annotated[
        str, typer.Option(help="Host name under which a reverse proxy on this machine hands it on (docs/sharing.md).")
    ] = ADDRESS,
) -> None:
    """Open the app on 127.0.0.1; the workspace is made if it is not there."""
    check_host(known_as)
    home = common.workspace(folder)
    path = home.folder
    home.close()
    check_port(port)
    typer.echo(f"CAI Studio: http://{ADDRESS}:{port}  (workspace {path}; Ctrl-C ends it, runs go on)")
    sys.stdout.flush()
    environment = {**os.environ, HOME: str(path)}
    os.execve(sys.executable, streamlit_command(port, known_as), environment)


def streamlit_command(port: int, known_as: str = ADDRESS) -> list[str]:
    """The command that serves the app; every setting that guards it is a flag.

    Pages of `known_as` may open its websocket, beside those of this machine. It listens on 127.0.0.1 all the same.
    """
    settings = {**FLAGS, "server.port": str(port), "browser.serverAddress": known_as}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    # -P: what lies in the current folder, a db.py or an app.py, is not ours to import.
    return [sys.executable, "-P", "-m", "streamlit", "run", str(server_file()), *flags]


def server_file() -> Path:
    """`app/server.py`, found and not imported: this process needs nothing of it."""
    spec = importlib.util.find_spec("app")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (file := Path(place) / "server.py").is_file():
            return file
    raise CAIError("the app's files are not installed (no app/server.py). Install cai-studio again, or use `make run`.")


def check_host(name: str) -> None:
    """A host name alone, as it stands in an address: no scheme, no port, no path."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", name):
        raise CAIError(
            f"--known-as {name[:80]!r} is no host name. Give the name alone, without https://, port or path: "
            "--known-as cai.example.org."
        )


def check_port(port: int) -> None:
    """A port in use is an error here, not a traceback of the server's."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise CAIError(
                f"port {port} on {ADDRESS} cannot be used: {error.strerror}. Close what uses it, or choose another "
                f"with --port, for example --port {port + 1 if port < 65535 else 8502}."
            ) from None
