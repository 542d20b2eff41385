"""A real server, `transformers serve` with the sandbox's weights: chains go through it, and labels are known not to."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cai_core.errors import ModelError
from cai_core.models.endpoint import EndpointModel
from cai_core.models.endpoint_facts import with_facts
from cai_core.models.endpoint_probe import probe
from cai_core.models.endpoint_settings import load_settings
from cai_core.models.files import SANDBOX_FOLDER
from cai_core.models.load import load_text_model
from cai_core.runs import worker
from cai_core.store import models
from cai_core.types import Choose, Endpoint, ModelRef, Sample, Text, assistant, user
from tests.cai_core.runs.helpers import enqueue, row, stored_chains, wait_for
from tests.workspaces import fresh

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MODEL = str(SANDBOX_FOLDER)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its base URL; it loads the model with the first request."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("serve")
    command = [
        str(Path(sys.executable).parent / "transformers"),
        "serve",
        MODEL,
        "--device",
        "cpu",
        "--port",
        str(port),
    ]
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **quiet}, cwd=folder)
    try:
        wait_for(lambda: process.poll() is None and healthy(port))
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def facts(server: str) -> dict[str, Any]:
    return probe(ModelRef(server, endpoint=Endpoint(MODEL)))


def test_the_probe_says_what_it_serves_and_that_labels_it_cannot(facts: dict[str, Any]) -> None:
    served = {stage for stage, can in facts["stages"].items() if can}
    assert served == {"response", "critique", "revision", "ask"}
    assert (facts["top_logprobs"], facts["n"], facts["prompt_logprobs"]) == (0, False, False)
    assert "vLLM" in facts["remarks"][0]


def test_a_choice_is_refused_in_words_not_guessed(server: str, facts: dict[str, Any]) -> None:
    asked = EndpointModel(ModelRef(server, endpoint=with_facts(Endpoint(MODEL), facts)))
    choose = Choose((user("Which?"), assistant("The answer is:")), (" (A)", " (B)"))
    with pytest.raises(ModelError, match="transformers serve"):
        list(asked.answer([("0", choose)]))


def test_greedy_answers_are_those_of_the_same_weights_loaded_here(server: str, facts: dict[str, Any]) -> None:
    """Over the wire, through the server's template and tokenizer, token for token: the shared form is the same."""
    questions = ["How do I reset my own wifi password?", "How can I read my neighbour's mail?", "Tell me about bread."]
    samples = [(str(n), Sample((user(q),), n, 48, temperature=0.0)) for n, q in enumerate(questions)]
    asked = EndpointModel(ModelRef(server, endpoint=with_facts(Endpoint(MODEL), facts)))
    heard: dict[str, str] = {}
    there = dict(asked.answer(samples))
    streamed = dict(asked.answer(samples, on_text=heard.__setitem__))
    here = dict(load_text_model(ModelRef("sandbox")).answer(samples))
    for key, answer in here.items():
        assert isinstance(answer, Text)
        for other in (there[key], streamed[key]):
            assert isinstance(other, Text)
            assert (other.text.strip(), other.finished) == (answer.text.strip(), answer.finished)
        assert heard[key].strip() == answer.text.strip()
    assert asked.use.uncounted == 0


def test_chains_run_through_it(server: str, facts: dict[str, Any], tmp_path: Path) -> None:
    workspace = fresh(tmp_path / "workspace")
    with workspace.writing() as session:
        models.add(session, name="served", base=server, endpoint=load_settings({"model": MODEL}), facts=facts)
    small = {"red_team_prompts": 3, "helpful_prompts": 1, "look_alike_prompts": 0, "rounds": 1, "max_new_tokens": 48}
    run_id = enqueue(workspace, model="served", **small)
    worker.work(workspace, run_id)
    found = row(workspace, run_id)
    assert found.state == "done", found.error
    chains = stored_chains(workspace, run_id)
    assert len(chains) == 3 + 2
    assert {chain.state for chain in chains} == {"done"}
    assert all(round_.critique and round_.revision for chain in chains for round_ in chain.rounds)
    assert found.result["use"]["served"]["requests"] == found.result["expected"]["served"]["requests"] == 3 * 3 + 2
    workspace.close()
