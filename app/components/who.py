"""Who writes: a browser by its cookie, or a login where one is configured; and the name that stands with versions."""

import hashlib
from importlib.util import find_spec

import streamlit as st

from app.components.notice import act, problem
from app.components.text import inline
from app.resources import workspace
from cai_core.store import people

COOKIE = "cai_studio_browser"
NAME = "who.name"


def log_in_first() -> None:
    """Where a login is configured nothing is shown to who has not logged in."""
    user = st.user.to_dict()
    if "is_logged_in" not in user or user["is_logged_in"]:
        return
    st.title("CAI Studio")
    st.caption("This workspace is shared: log in to read it and to write in it.")
    if find_spec("authlib") is None:
        problem("A login is configured, but what it needs is not installed here: pip install 'cai-studio[auth]'.")
    else:
        st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)
    st.stop()


def person_id() -> int:
    """The person's row, made at the first visit."""
    key, name = _key_and_name()
    with workspace().reading() as session:
        found = people.find(session, key)
        if found is not None and not name:
            return found
        if found is not None and people.name_of(session, found):
            return found
    with workspace().writing() as session:
        return people.add(session, key, name)


def author() -> str:
    """The name as it stands with versions; '' if it was not asked yet."""
    me = person_id()
    with workspace().reading() as session:
        return people.name_of(session, me)


def keep_author() -> str:
    """The name, as `author` has it or as it stands in the field this moment; `PersonError` where there is none."""
    return author() or _keep(str(st.session_state.get(NAME) or ""))


def ask_name() -> None:
    """The field for the name, where it is not known yet."""
    if not author():
        _field()


def you_write_as() -> None:
    """The name, and a way to change it."""
    name = author()
    if not name:
        return
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
        inline(f"You write as {name}")
        with st.popover("Change", type="tertiary"):
            st.caption("What you saved keeps the name it was saved under.")
            _field()
            if st.user.to_dict().get("is_logged_in"):
                st.button("Log out", icon=":material/logout:", on_click=st.logout)


def _field() -> None:
    st.text_input(
        "Your name",
        key=NAME,
        max_chars=people.LONGEST_NAME,
        placeholder="As it should stand with what you save",
        on_change=act,
        args=(_keep_name,),
    )


def _keep_name() -> str:
    typed = str(st.session_state.get(NAME) or "")
    return f"What you save stands under {_keep(typed)} from now on." if typed.strip() else ""


def _keep(name: str) -> str:
    me = person_id()
    with workspace().writing() as session:
        return people.rename(session, me, name)


def _key_and_name() -> tuple[str, str]:
    """The person's key, and the login's name, if there is one."""
    user = st.user.to_dict()
    if user.get("is_logged_in"):
        subject = str(user.get("sub") or user.get("email"))
        name = str(user.get("name") or user.get("email") or "")
        return f"login:{subject}", "".join(filter(str.isprintable, name))[: people.LONGEST_NAME].strip()
    cookie = st.context.cookies.get(COOKIE)
    if not cookie or not isinstance(cookie, str):  # a page that is drawn without a browser has a stand-in for cookies
        return "browser:none", ""
    return f"browser:{hashlib.sha256(cookie.encode()).hexdigest()[:32]}", ""
