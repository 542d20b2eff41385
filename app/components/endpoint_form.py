"""The form of an endpoint: a server that answers for a model. The key is never typed here, only its variable's name."""

from collections.abc import Callable

import streamlit as st

from app.components.notice import act
from cai_core.errors import ModelError
from cai_core.models.endpoint_settings import load_settings

PREFIX = "models.endpoint."
TEXTS = ("name", "url", "model", "key_env")
LIMITS = ("max_requests", "timeout", "price_in", "price_out")


def endpoint_form(add: Callable[[dict[str, str]], str]) -> None:
    """Where the server is, what it serves, and within which limits it is asked; `add` is given the fields' texts."""
    with st.container(border=True):  # a form would send nothing before its button, and lose it on a switch of pages
        name, url = st.columns([2, 3])
        name.text_input("Name", key=f"{PREFIX}name", placeholder="What runs call it", persist_state="session")
        url.text_input(
            "Base URL",
            key=f"{PREFIX}url",
            placeholder="http://127.0.0.1:8000/v1",
            help="Of any OpenAI-compatible server: vLLM, SGLang, llama.cpp or a paid service.",
            persist_state="session",
        )
        model, key_env, api = st.columns([2, 2, 1])
        model.text_input(
            "Model", key=f"{PREFIX}model", placeholder="Empty: the only one it lists", persist_state="session"
        )
        key_env.text_input(
            "Variable of its key",
            key=f"{PREFIX}key_env",
            placeholder="None, or a name such as MY_KEY",
            help="Set it where the app is started. The key itself is stored nowhere.",
            persist_state="session",
        )
        api.selectbox("API", ("chat", "completions"), key=f"{PREFIX}api", persist_state="session")
        _limits()
        st.button("Probe and add", type="primary", icon=":material/add:", on_click=act, args=(_send, add))


def _limits() -> None:
    requests, timeout, price_in, price_out = st.columns(4)
    requests.number_input("Most requests at once", 1, 4096, 64, key=f"{PREFIX}max_requests", persist_state="session")
    timeout.number_input("Seconds for an answer", 1.0, 86_400.0, 300.0, key=f"{PREFIX}timeout", persist_state="session")
    price_in.number_input("Price of 1 M tokens in", 0.0, 1e6, None, key=f"{PREFIX}price_in", persist_state="session")
    price_out.number_input("Price of 1 M tokens out", 0.0, 1e6, None, key=f"{PREFIX}price_out", persist_state="session")


def _send(add: Callable[[dict[str, str]], str]) -> str:
    found = {name: str(st.session_state[f"{PREFIX}{name}"] or "").strip() for name in (*TEXTS, "api")}
    numbers = {name: st.session_state[f"{PREFIX}{name}"] for name in LIMITS}
    return add(found | {name: str(value) for name, value in numbers.items() if value is not None})


def endpoint_words(values: dict[str, str]) -> list[str]:
    """The options of the command line's import; what cannot be right is refused before any process starts."""
    if not values["name"] or not values["url"]:
        raise ModelError("an endpoint needs a name and the base URL of its server. Fill in both.")
    from cai_core.models.endpoint_wire import base_url

    if values["key_env"]:
        load_settings({"model": values["model"], "key_env": values["key_env"]})
    given = [name for name in ("name", "model", "api", "key_env") if values[name]]
    words = [f"--{name.replace('_', '-')}={values[name]}" for name in given]
    limits = [f"--config={name}={values[name]}" for name in LIMITS if name in values]
    return [f"--endpoint={base_url(values['url'])}", *words, *limits]
