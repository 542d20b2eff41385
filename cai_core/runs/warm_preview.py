"""A preview that somebody waits for: some examples of a dataset, through the very function that training uses."""

import json

from cai_core.runs.warm_answer import Answering
from cai_core.store import datasets
from cai_core.store.workspace import Workspace
from cai_core.types import Ask, ModelRef

LENGTHS, EXAMPLE = "lengths", "example"
"""Its parts: figures of the whole, then one a row; each is a JSON object."""


def answer_preview(answering: Answering, workspace: Workspace, ask: Ask, ref: ModelRef) -> None:
    """Answer it whole. No weights are loaded: the tokenizer is all it takes."""
    from cai_core.training.preview import LOOKED_AT, preview, to_json

    with workspace.reading() as session:
        row = datasets.get(session, ask.dataset or "")
        examples = datasets.spread(session, row, LOOKED_AT, seed=ask.seed)
    found = to_json(preview(ref, examples, max_length=ask.max_length, rows=ask.samples))
    rows = found.pop("rows")
    answering.tell([(LENGTHS, json.dumps(found)), *((EXAMPLE, json.dumps(one)) for one in rows)])
