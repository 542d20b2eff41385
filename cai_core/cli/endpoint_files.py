"""Add an endpoint to a workspace, or only look at one: its server is probed either way."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from cai_core.cli import common
from cai_core.cli.model_files import check_name
from cai_core.models.endpoint_settings import load_settings, to_endpoint
from cai_core.store import models
from cai_core.types import ModelRef


def look(url: str, **settings: Any) -> dict[str, Any]:
    """What a server can do; `ModelError` if it cannot be asked."""
    from cai_core.models.endpoint_probe import probe
    from cai_core.models.endpoint_wire import base_url

    base = base_url(url)
    return {"url": base, **probe(ModelRef(base, endpoint=to_endpoint(load_settings(settings))))}


def add_endpoint(folder: Path | None, url: str, *, name: str = "", **settings: Any) -> dict[str, Any]:
    """Probe a server, then add its model to a workspace; return its name and what the probe found."""
    config = load_settings(settings)
    facts = look(url, **settings)
    config = replace(config, model=facts["model"])
    name = check_name(name or f"{facts['model']} at {facts['url'].split('//', 1)[1].split('/', 1)[0]}")
    with common.workspace_to_fill(folder).writing() as session:
        models.add(session, name=name, base=facts["url"], endpoint=config, facts=facts)
    return {"name": name, "facts": facts}


def show(facts: dict[str, Any]) -> None:
    """What was found, in words."""
    length = facts["context_length"]
    common.say(f"{facts['url']} serves {facts['model']!r} ({facts['api']}), context {length or 'not told'}")
    can = [stage for stage, served in facts["stages"].items() if served]
    cannot = [stage for stage, served in facts["stages"].items() if not served]
    common.say(f"it can serve: {', '.join(can)}" + (f"; it cannot: {', '.join(cannot)}" if cannot else ""))
    seen = {
        "log-probabilities": facts["top_logprobs"] or "none",
        "the prompt's own": facts["prompt_logprobs"],
        "seeds": facts["seeds"],
        "stop strings": facts["stop"],
        "several answers (n)": facts["n"],
        "chat goes on from a begun answer": facts["goes_on"],
        "plain completions": facts["completions"],
    }
    for what, value in seen.items():
        common.say(f"  {what}: {_words(value)}")
    for remark in facts["remarks"]:
        common.say(f"remark: {remark}")


def _words(value: object) -> str:
    return {True: "yes", False: "no", None: "not known"}[value] if value in (True, False, None) else str(value)
