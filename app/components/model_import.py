"""Adding a model: the check loads it, so it happens in a process of its own, never in the app's.

It may take minutes: the page does not wait for it, and neither a rerun nor a closed tab ends it.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import streamlit as st

from app.components.endpoint_form import endpoint_form, endpoint_words
from app.components.notice import act, problem, success
from app.components.run_badge import duration
from app.components.run_detail import log_tail
from app.components.run_progress import live
from app.components.text import chips
from app.resources import workspace
from cai_core.errors import ModelError


@dataclass(frozen=True, slots=True)
class Check:
    """A model that is being added, or was."""

    name: str
    base: str
    log: Path
    process: subprocess.Popen[bytes]
    began: float = field(default_factory=time.monotonic)


@st.cache_resource(show_spinner=False)
def checks() -> list[Check]:
    """Every check that this server started and nobody has read the end of, for all tabs."""
    return []


def import_form() -> None:
    """What model to add, weights or a server's, and how those being added stand."""
    weights, server = st.tabs(["Weights", "Endpoint"])
    with weights:
        _weights_form()
    with server:
        endpoint_form(add_endpoint)
    if checks():
        live(_show_checks, None in _standing(), _standing)


def _weights_form() -> None:
    with st.form("models.add"):
        name, base = st.columns([2, 3])
        name.text_input("Name", key="models.name", placeholder="What runs call it")
        base.text_input(
            "Base",
            key="models.base",
            placeholder="Folder, or Hub id such as org/model",
            help="Safetensors only; code from a model's repository is never run.",
        )
        st.text_input("Adapter", key="models.adapter", placeholder="None, or the folder of a LoRA adapter")
        st.form_submit_button("Check and add", type="primary", icon=":material/add:", on_click=_add)


def _add() -> None:
    values = {name: str(st.session_state[f"models.{name}"] or "").strip() for name in ("name", "base", "adapter")}
    act(add_model, values["name"], values["base"], values["adapter"])


def add_model(name: str, base: str, adapter: str) -> str:
    """Start the command line's import; what it says goes to a log."""
    if not name or not base:
        raise ModelError("a model needs a name and a base: a folder, or a Hub id. Fill in both.")
    return _start(name, base, command(name, base, adapter))


def add_endpoint(values: dict[str, str]) -> str:
    """Start the command line's import of an endpoint."""
    words = endpoint_words(values)
    return _start(values["name"], values["url"], [*_import_words(), *words])


def _start(name: str, base: str, words: list[str]) -> str:
    log = workspace().logs / f"import-{uuid4().hex}.log"
    paths = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    with log.open("wb") as file:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
    checks().append(Check(name, base, log, process))
    return f"{name} is being checked."


def command(name: str, base: str, adapter: str) -> list[str]:
    """What is run; the base comes last and is never taken for an option."""
    return [*_import_words(), f"--name={name}", *([f"--adapter={adapter}"] if adapter else []), "--", base]


def _import_words() -> list[str]:
    return [sys.executable, "-P", "-m", "cai_core.cli", "import", "model", f"--workspace={workspace().folder}"]


def _standing() -> tuple[int | None, ...]:
    """Exit codes; None while one runs."""
    return tuple(check.process.poll() for check in checks())


def _show_checks() -> None:
    for check in list(checks()):
        code = check.process.poll()
        with st.container(horizontal=True, vertical_alignment="center", key=f"check-{check.log.stem}"):
            if code is None:
                took = duration(time.monotonic() - check.began)
                chips([("checking", "blue")], title=check.name, note=f"{check.base} · {took}")
                st.button("Stop", key=f"stop-{check.log.stem}", on_click=check.process.terminate)
                continue
            if code == 0:
                success(f"Added {check.name}.")
            else:
                said = log_tail(check.log).strip() or "its check ended without a word."
                problem(f"{check.name} ({check.base}) was not added: {said}")
            st.button("Dismiss", key=f"dismiss-{check.log.stem}", on_click=_dismiss, args=(check,))


def _dismiss(check: Check) -> None:
    if check in checks():
        checks().remove(check)
