"""The server: Streamlit behind security headers. Started by `cai-studio app`, which finds this file.

Whatever a page might draw by mistake, the browser loads nothing from another host and no other site frames it. Each
browser gets a cookie with a random value, by which its unsaved drafts are found again.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection

from app.whole_callbacks import keep_callbacks_whole

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]

PRERENDER_HASH = "sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA="
"""Streamlit 1.67's only inline script."""

POLICY = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' '{PRERENDER_HASH}'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws://127.0.0.1:* ws://localhost:*",
        "frame-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "object-src 'none'",
    )
)

COOKIE = "cai_studio_browser"
YEAR = 365 * 24 * 3600
"""In seconds: how long a browser is known."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Adds `HEADERS` to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on; the headers join the response's first message."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class BrowserCookie:
    """Gives a browser that has none the cookie `COOKIE`, with the page itself and with nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on; the cookie joins a page's first message."""

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", new_cookie(secure=scope.get("scheme") == "https"))
            await send(message)

        await self.app(scope, receive, with_cookie if _is_new(scope) else send)


def _is_new(scope: Message) -> bool:
    """Whether a browser that has no cookie asks for a page: of the files behind it each would bring another one."""
    if scope["type"] != "http":
        return False
    request = HTTPConnection(scope)
    return "text/html" in request.headers.get("accept", "") and COOKIE not in request.cookies


def new_cookie(*, secure: bool) -> str:
    """A cookie's header, with a random value.

    Lax, not strict: a strict one is not sent when a link on another site leads here, and the browser would be taken
    for a new one. It opens nothing: requests of other sites carry neither, and the server checks where they come from.
    """
    parts = f"{COOKIE}={token_urlsafe(24)}; Max-Age={YEAR}; Path=/; HttpOnly; SameSite=Lax"
    return f"{parts}; Secure" if secure else parts


keep_callbacks_whole()
app = st.App(Path(__file__).with_name("main.py"), middleware=[Middleware(SecurityHeaders), Middleware(BrowserCookie)])
