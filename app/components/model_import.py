"""Adding a model: the check loads it, so it happens in a process of its own, never in the app's."""

import subprocess
import sys

import streamlit as st

from app.components.notice import act
from app.resources import workspace
from cai_core.errors import ModelError

CHECK_WITHIN = 600
"""Seconds a check may take; loading a large model from a slow disk takes minutes."""


def import_form() -> None:
    """Name and weights of a model to add."""
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
    """Run the command line's import; its error is ours."""
    if not name or not base:
        raise ModelError("a model needs a name and a base: a folder, or a Hub id. Fill in both.")
    command = [sys.executable, "-m", "cai_core.cli", "import", "model", f"--workspace={workspace().folder}"]
    command += [f"--name={name}", *([f"--adapter={adapter}"] if adapter else []), "--", base]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CHECK_WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"checking {base} took longer than {CHECK_WITHIN} s. Try a copy on a local disk.") from None
    if done.returncode:
        raise ModelError(done.stderr.strip() or done.stdout.strip() or f"the check of {base} ended without a word.")
    return f"Added {name}."
