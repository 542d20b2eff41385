"""A strict stand-in for an OpenAI-compatible server: vLLM's shapes, unknown fields refused, trouble on demand.

What it answers depends on what it is sent alone, so a test knows whose answer is whose.
"""

import hashlib
import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "fake-1"
COMMON = {"model", "max_tokens", "temperature", "top_p", "top_k", "seed", "stop", "n", "stream", "stream_options"}
CHAT_FIELDS = {*COMMON, "messages", "logprobs", "top_logprobs", "add_generation_prompt", "continue_final_message"}
TEXT_FIELDS = {*COMMON, "prompt", "logprobs", "prompt_logprobs", "echo"}
BEGUN = {"add_generation_prompt", "continue_final_message"}
TROUBLES = ("429", "429-date", "500", "503", "hang", "cut", "drop", "fewer", "swap", "empty", "two", "no-json")

Body = dict[str, Any]


@dataclass
class Fake:
    """What the server can do, whom it lets in, and what it was asked."""

    url: str = ""
    key: str | None = None
    """None lets everybody in."""
    trouble: Callable[[int, Body], str | None] = lambda number, body: None
    """What goes wrong with the request of this number, from 0, beginning with those that reach an API."""
    unknown_fields: frozenset[str] = frozenset()
    """Fields that this server does not know and refuses, besides those that nobody knows."""
    ignores: frozenset[str] = frozenset()
    """Fields that it takes and does nothing with."""
    paths: frozenset[str] = frozenset({"chat/completions", "completions", "models"})
    context: int = 100_000
    """Words that fit it."""
    most_logprobs: int = 20
    tokens: Callable[[Body], dict[str, float]] = lambda body: soft_tokens(body)
    """The likeliest first tokens and their probabilities."""
    thinks: str = ""
    """Written before each answer."""
    usage: bool = True
    refuses: Callable[[Body], str | None] = lambda body: None
    """Why it answers 400, if it does."""
    seen: list[Body] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    """How often each body was answered with its own whole answer."""
    flying: int = 0
    most_flying: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    released: threading.Event = field(default_factory=threading.Event)
    """Set: what hangs goes on."""


@contextmanager
def serving(fake: Fake | None = None) -> Iterator[Fake]:
    """Run it; every connection is closed at the end."""
    fake = fake or Fake()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def few_times(trouble: Callable[[int, Body], str | None], most: int = 3) -> Callable[[int, Body], str | None]:
    """The same trouble, at most so often for any one request: fewer than the tries that a row has."""
    met: Counter[str] = Counter()
    lock = threading.Lock()

    def limited(number: int, body: Body) -> str | None:
        with lock:
            kind = trouble(number, body) if met[prompt_of(body)] < most else None
            met[prompt_of(body)] += kind is not None
            return kind

    return limited


def prompt_of(body: Body) -> str:
    """What a request says, in one text."""
    if "prompt" in body:
        return str(body["prompt"])
    return "\n".join(f"{turn['role']}: {turn['content']}" for turn in body["messages"])


def words_for(prompt: str, body: Body, number: int = 0) -> list[str]:
    """The answer to a prompt, in tokens: by the prompt alone when greedy, else by the seed too."""
    drawn = f"{body.get('seed')}/{number}" if body.get("temperature", 1.0) else ""
    digest = hashlib.sha256(f"{prompt}\x1f{drawn}".encode()).hexdigest()
    return ["Answer", f" {digest[:8]}", " to", f" {digest[8:12]}", "."]


def text_for(prompt: str, body: Body) -> str:
    """The whole answer to a prompt."""
    return "".join(words_for(prompt, body))


def soft_tokens(body: Body) -> dict[str, float]:
    """A little over nine tenths on A and B, split by the prompt."""
    share = int(hashlib.sha256(prompt_of(body).encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return {"A": 0.05 + 0.8 * share, "B": 0.85 - 0.8 * share, " The": 0.05, "C": 0.02}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that has gone is none of its business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one go: two packets would wait for each other's receipt
    fake: Fake

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self._path() not in self.fake.paths:
            return self._fail(404, "Not Found")
        if self._locked():
            return None
        return self._send({"object": "list", "data": [{"id": MODEL, "max_model_len": self.fake.context}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        fake = self.fake
        if self._locked():
            return
        if self._path() not in fake.paths:
            return self._fail(404, "Not Found")
        with fake.lock:
            number = len(fake.seen)
            fake.seen.append(body)
            fake.headers.append({name.lower(): value for name, value in self.headers.items()})
            fake.flying += 1
            fake.most_flying = max(fake.most_flying, fake.flying)
        try:
            self._answer(number, body)
        finally:
            with fake.lock:
                fake.flying -= 1

    def _path(self) -> str:
        return self.path.removeprefix("/v1/")

    def _locked(self) -> bool:
        wanted = self.fake.key
        if wanted is None or self.headers.get("authorization") == f"Bearer {wanted}":
            return False
        self._fail(401, f"Incorrect API key provided: {self.headers.get('authorization')}")
        return True

    def _answer(self, number: int, body: Body) -> None:
        if (wrong := self._wrong(body)) is not None:
            return self._fail(*wrong)
        trouble = self.fake.trouble(number, body)
        if trouble is not None:
            return self._trouble(trouble, body)
        body = {name: value for name, value in body.items() if name not in self.fake.ignores}
        with self.fake.lock:
            self.fake.answered[json.dumps(body, sort_keys=True)] += 1
        if body.get("stream"):
            return self._stream(body)
        return self._send(self._reply(body))

    def _wrong(self, body: Body) -> tuple[int, str] | None:
        known = (CHAT_FIELDS if self._path().startswith("chat") else TEXT_FIELDS) - self.fake.unknown_fields
        if strange := sorted(set(body) - known):
            return 400, f"Extra inputs are not permitted: {strange}"
        if body.get("model") != MODEL:
            return 404, f"The model `{body.get('model')}` does not exist."
        listed = body.get("top_logprobs", body.get("logprobs") if self._path() == "completions" else 0)
        if int(listed or 0) > self.fake.most_logprobs:
            return 400, f"Requested sample logprobs of {listed}, which is greater than max allowed"
        if len(prompt_of(body).split()) + body["max_tokens"] > self.fake.context:
            return 400, f"This model's maximum context length is {self.fake.context} tokens."
        if "messages" in body and body.get("continue_final_message") and body["messages"][-1]["role"] != "assistant":
            return 400, "The final message is not the assistant's."
        words = self.fake.refuses(body)
        return None if words is None else (400, words)

    def _trouble(self, kind: str, body: Body) -> None:
        if kind == "hang":
            self.fake.released.wait(60)
            self.close_connection = True
        elif kind == "drop":
            self.close_connection = True
        elif kind == "429-date":
            self._fail(429, "Too many requests", {"Retry-After": formatdate(0, usegmt=True)})
        elif kind.startswith("429-"):
            self._fail(429, "Too many requests", {"Retry-After": kind.removeprefix("429-")})
        elif kind.isdigit():
            self._fail(int(kind), "Trouble", {"Retry-After": "0"} if kind == "429" else {})
        else:
            self._send_bytes(self._spoilt(kind, body))

    def _spoilt(self, kind: str, body: Body) -> bytes:
        reply = self._reply(body)
        whole = json.dumps(reply).encode()
        if kind == "swap":
            other = {**body, "messages": [{"role": "user", "content": "another"}], "prompt": "another"}
            return json.dumps({**self._reply(other), "id": "chatcmpl-cai-" + "0" * 32}).encode()
        if kind == "fewer":
            return json.dumps({**reply, "choices": []}).encode()
        if kind == "two":
            return json.dumps({**reply, "choices": [{**reply["choices"][0], "index": i} for i in (1, 0)]}).encode()
        return {"cut": whole[: len(whole) // 2], "empty": b"", "no-json": b"<html>Bad gateway</html>"}[kind]

    def _prompt(self, body: Body) -> str:
        """As the model reads it: an answer begun is gone on from only where that was asked for."""
        text = prompt_of(body)
        return text if body.get("continue_final_message") or "prompt" in body else text + "\nassistant:"

    def _texts(self, body: Body) -> list[tuple[str, str]]:
        """Text and finish reason of each choice."""
        found = []
        for number in range(body.get("n", 1)):
            words = words_for(prompt_of(body), body, number)
            text = self.fake.thinks + "".join(words[: body["max_tokens"]])
            cut = min((text.index(stop) for stop in body.get("stop", []) if stop in text), default=len(text))
            ended = cut < len(text) or body["max_tokens"] >= len(words)
            found.append((text[:cut], "stop" if ended else "length"))
        return found

    def _reply(self, body: Body) -> Body:
        chat = "messages" in body and self._path().startswith("chat")
        choices = []
        for index, (text, reason) in enumerate(self._texts(body)):
            said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
            choices.append({"index": index, **said, "finish_reason": reason, "logprobs": self._logprobs(body, chat)})
            if body.get("prompt_logprobs"):
                choices[-1]["prompt_logprobs"] = [None]
        usage = {"prompt_tokens": len(self._prompt(body).split()), "completion_tokens": min(5, body["max_tokens"])}
        more = {"usage": {**usage, "total_tokens": sum(usage.values())}} if self.fake.usage else {}
        return {"id": f"chatcmpl-{self.headers.get('x-request-id')}", "model": MODEL, "choices": choices, **more}

    def _logprobs(self, body: Body, chat: bool) -> Any:
        if not body.get("logprobs"):
            return None
        top = sorted(((math.log(p), token) for token, p in self.fake.tokens(body).items()), reverse=True)
        top = top[: body.get("top_logprobs", body["logprobs"])]
        if not chat:
            return {"tokens": [top[0][1]], "token_logprobs": [top[0][0]], "top_logprobs": [{t: p for p, t in top}]}
        return {"content": [{"token": top[0][1], "top_logprobs": [{"token": t, "logprob": p} for p, t in top]}]}

    def _stream(self, body: Body) -> None:
        reply = self._reply(body)
        [choice] = reply.pop("choices")
        text = choice.get("text") or choice["message"]["content"]
        events = []
        for piece in [text[i : i + 3] for i in range(0, len(text), 3)]:
            said = {"text": piece} if "text" in choice else {"delta": {"content": piece}}
            events.append({"id": reply["id"], "choices": [{"index": 0, **said, "finish_reason": None}]})
        last = {"text": ""} if "text" in choice else {"delta": {}}
        events.append({**reply, "choices": [{"index": 0, **last, "finish_reason": choice["finish_reason"]}]})
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        self._send_bytes("".join([*lines, "data: [DONE]\n\n"]).encode(), "text/event-stream")

    def _fail(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self._send({"error": {"message": message, "code": status}}, status, headers)

    def _send(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send_bytes(json.dumps(value).encode(), "application/json", status, headers)

    def _send_bytes(
        self, content: bytes, kind: str = "application/json", status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
