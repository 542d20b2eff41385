"""Who writes: a browser by its cookie, a login where one is configured; nobody else's page otherwise."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.components import who
from app.server import COOKIE, BrowserCookie
from tests.app.conftest import MAIN, words


def cookies_set(scheme: str = "http", **headers: str) -> list[str]:
    """The cookies that the server sets for a request with these headers."""
    sent: list[dict[str, Any]] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: Any = {"type": "http", "scheme": scheme, "headers": raw, "path": "/", "method": "GET"}
    asyncio.run(BrowserCookie(page)(scope, None, send))  # type: ignore[arg-type]
    return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


def test_a_browser_that_asks_for_a_page_gets_a_cookie_once() -> None:
    """A random one, hidden from scripts; none with the page's files, none where there is one among others."""
    [first], [second] = cookies_set(accept="text/html"), cookies_set(accept="text/html,*/*")
    assert first.split(";")[0] != second.split(";")[0]
    name, value = first.split(";")[0].split("=")
    assert (name, len(value)) == (COOKIE, 32)
    assert first.split("; ")[1:] == ["Max-Age=31536000", "Path=/", "HttpOnly", "SameSite=Lax"]
    assert cookies_set(accept="*/*") == cookies_set() == []
    assert cookies_set(accept="text/html", cookie=f'odd={{"a": "b"}}; {COOKIE}=x; more=1') == []
    assert cookies_set("https", accept="text/html")[0].endswith("; Secure")


def test_a_key_is_the_cookie_s_hash_or_the_login_s_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cookie itself is nowhere in the database."""

    def key(cookies: dict[str, str], **user: object) -> tuple[str, str]:
        stand_in = SimpleNamespace(user=SimpleNamespace(to_dict=lambda: user), context=SimpleNamespace(cookies=cookies))
        monkeypatch.setattr(who, "st", stand_in)
        return who._key_and_name()

    one, two = key({COOKIE: "secret"}), key({COOKIE: "other"})
    assert one != two == key({COOKIE: "other"})
    assert one[0].startswith("browser:")
    assert "secret" not in one[0]
    assert key({}) == ("browser:none", "")
    assert key({COOKIE: "secret"}, is_logged_in=True, sub="7", name="Bob") == ("login:7", "Bob")
    assert key({}, is_logged_in=True, email="bob@example.com") == ("login:bob@example.com", "bob@example.com")
    assert key({COOKIE: "other"}, is_logged_in=False) == two


def test_where_a_login_is_configured_it_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page without it; and without what it needs the words say how to get that."""
    monkeypatch.setattr(who, "find_spec", lambda name: object())
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.user = {"is_logged_in": False}
    app.run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Log in"]
    assert "log in to read it" in words(app)
    app.user = {"is_logged_in": True, "sub": "7", "name": "Bob"}
    assert "Read the principles" in words(app.run())


def test_a_login_that_cannot_work_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(who, "find_spec", lambda name: None)
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.user = {"is_logged_in": False}
    app.run()
    assert "cai-studio[auth]" in words(app)
    assert not app.button
