"""The wire to a server: one request sent, one reply read, whatever breaks on the way called by its name."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx2

from cai_core.errors import ModelError
from cai_core.models.endpoint_body import Call
from cai_core.models.endpoint_stream import Gathered, events
from cai_core.models.endpoint_trouble import Hitch, check_status, said_by
from cai_core.types import ModelRef

OnReply = Callable[[Any], None]
"""Called with the reply so far, in the shape of a whole one, as it grows."""
CONNECT_SECONDS = 10.0
_MINE = "cai-"
"""Begins the ids that requests are sent with, to tell ours from a server's own."""


def base_url(text: str) -> str:
    """A server's base URL as it is stored: without a slash at the end, with the usual /v1 where there is no path.

    Raises `ModelError` for what is no such URL, and for one that holds a password.
    """
    try:
        url = httpx2.URL(text.strip())
    except (httpx2.InvalidURL, TypeError, ValueError):
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ModelError(f"{text!r} is no base URL of a server. Give one such as http://127.0.0.1:8000/v1.")
    if url.userinfo:
        raise ModelError(
            f"the URL of {url.host} holds a name or password, which would be stored. Leave it out, put the key into an "
            "environment variable and name that."
        )
    path = url.path.rstrip("/")
    for whole in ("/chat/completions", "/completions"):
        path = path.removesuffix(whole)
    return str(url.copy_with(path=path or "/v1"))


def read_key(name: str | None) -> str | None:
    """The key in the environment variable of this name; None where none is named."""
    if not name:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise ModelError(
            f"the environment variable {name} is not set, and it should hold the server's key. Set it where the app "
            f"or the command is started: export {name}=..."
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ModelError(f"the environment variable {name} holds no key: there is a character in it that no key has.")
    return key


class Wire:
    """Connections to one server, in one event loop."""

    def __init__(self, ref: ModelRef, key: str | None) -> None:
        if ref.endpoint is None:
            raise ValueError(f"{ref.base!r} is no endpoint")
        self._ref, self._endpoint, self._key = ref, ref.endpoint, key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx2.AsyncClient(
            headers={**headers, "Content-Type": "application/json"},
            timeout=httpx2.Timeout(self._endpoint.timeout, connect=min(CONNECT_SECONDS, self._endpoint.timeout)),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=self._endpoint.max_requests),
            trust_env=not _is_here(ref.base),  # a proxy is for other hosts
        )

    async def close(self) -> None:
        """Close them."""
        await self._client.aclose()

    async def post(self, call: Call, on_reply: OnReply | None = None) -> Any:
        """Send a call, perhaps asking for the answer as it grows, and give the whole reply.

        Raises `Hitch`, `Refused` or `ModelError`, by what went wrong.
        """
        name = _MINE + uuid4().hex
        body = call.text.encode(errors="surrogatepass")
        if on_reply is not None:
            more = {"stream": True, "stream_options": {"include_usage": True}}
            body = json.dumps({**call.body, **more}, sort_keys=True, ensure_ascii=False).encode(errors="surrogatepass")
        # The client's own time-outs are each for one read: a server that drips would never be late.
        try:
            async with asyncio.timeout(self._endpoint.timeout):
                return await self._exchange("POST", call.path, body, name, on_reply)
        except TimeoutError:
            raise Hitch(f"no answer came within {self._endpoint.timeout:g} s", slow=True) from None

    async def get(self, path: str) -> Any:
        """Look something up, such as the list of models."""
        return await self._exchange("GET", path, None, _MINE + uuid4().hex, None)

    async def _exchange(self, method: str, path: str, body: bytes | None, name: str, on_reply: OnReply | None) -> Any:
        url = f"{self._ref.base}/{path}"
        try:
            async with self._client.stream(method, url, content=body, headers={"X-Request-Id": name}) as response:
                if response.status_code != 200 or on_reply is None or not _streams(response):
                    reply = self._whole(response, await response.aread())
                else:
                    reply = await self._gather(response.aiter_lines(), on_reply)
        except httpx2.TimeoutException as error:
            raise Hitch(
                f"no answer came in time ({type(error).__name__})", reached=_asked(error), slow=_asked(error)
            ) from None
        except httpx2.TransportError as error:
            words = str(error) or type(error).__name__
            raise Hitch(f"the connection to {self._ref.base} failed ({words})", reached=False) from None
        except httpx2.HTTPError as error:
            raise Hitch(f"the reply cannot be read ({error or type(error).__name__})") from None
        _check_id(name, response.headers.get("x-request-id"), reply)
        return reply

    def _whole(self, response: httpx2.Response, content: bytes) -> Any:
        """The JSON of a reply that came in one; raises what its status means."""
        try:
            reply = json.loads(content)
        except (ValueError, RecursionError):
            reply = None
        text = "" if reply is not None else content[:2000].decode(errors="replace")
        said = said_by(reply, text, self._key)
        if response.request.method == "GET" and response.status_code == 404:
            raise Hitch("the server does not tell this")
        check_status(
            response.status_code, response.headers, said, model=self._endpoint.model, key_env=self._endpoint.key_env,
            now=time.time(),
        )  # fmt: skip
        if not isinstance(reply, dict):
            raise Hitch("the reply is no whole JSON object")
        return reply

    async def _gather(self, lines: AsyncIterator[str], on_reply: OnReply) -> Any:
        """The reply that a stream adds up to."""
        gathered = Gathered()
        async for event in events(lines):
            if "error" in event:
                raise Hitch(f"the server broke off: {said_by(event, '', self._key)}")
            gathered.add(event)
            on_reply(gathered.reply)
        return gathered.reply


def _is_here(base: str) -> bool:
    host = httpx2.URL(base).host
    return host in ("localhost", "::1") or host.startswith("127.")


def _streams(response: httpx2.Response) -> bool:
    return "text/event-stream" in response.headers.get("content-type", "")


def _asked(error: httpx2.TimeoutException) -> bool:
    """Whether the server had the request and was too slow; no connection says nothing of its pace."""
    return not isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _check_id(name: str, header: str | None, reply: dict[str, Any]) -> None:
    """A server that repeats the ids it is sent repeats this one: a reply to another request is refused."""
    for found in (header, reply.get("id")):
        if isinstance(found, str) and _MINE in found and name not in found:
            raise Hitch("the reply belongs to another request")
