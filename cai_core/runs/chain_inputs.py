"""The exact inputs of stored chains, built again to go out with them. Tokenizers are loaded for it, weights are not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session

from cai_core.chains.rebuild import requests_of
from cai_core.errors import CAIError, DataFileError
from cai_core.interchange.rows import Export, ReadRecord
from cai_core.models.base import TextModel, sent_hash
from cai_core.models.load import load_text_model
from cai_core.store import branches, models
from cai_core.store.chain_exports import OWN, export_chains
from cai_core.store.workspace import Workspace
from cai_core.types import Chain
from db.queries.chain_filter import ChainFilter

FROM_A_FILE = "its chain came in a file without them"
DIFFERS = "the model's template, the few-shots or this software changed since"


def export_with_inputs(
    workspace: Workspace, path: Path, wanted: ChainFilter, *, format: str = OWN, runs: Sequence[int] = ()
) -> Export:
    """As `export_chains`, each call with its exact input; the report says of how many there is none, and why."""
    if format != OWN:
        raise DataFileError(f"{format} has no place for exact inputs; only {OWN} holds them.")
    inputs = Inputs(workspace.folder)
    export = export_chains(workspace, path, wanted, format=format, runs=runs, with_inputs=inputs.add)
    return replace(export, lost=(*export.lost, *inputs.lost()))


class Inputs:
    """Adds exact inputs to chains: those that are stored, else built again and held against the hash of then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._models: dict[str, TextModel | CAIError] = {}
        self._missing: Counter[str] = Counter()

    def add(self, session: Session, record: ReadRecord) -> ReadRecord:
        """The record with every input that is known for sure."""
        wanted = _calls(record.chain) - record.inputs.keys()
        if not wanted:
            return record
        try:
            found, why = self._built(session, record.number)
        except CAIError as error:
            found, why = {}, str(error)
        inputs = dict(record.inputs) | {position: text for position, text in found.items() if position in wanted}
        self._missing[why] += len(wanted - inputs.keys())
        return replace(record, inputs=dict(sorted(inputs.items())))

    def lost(self) -> list[str]:
        """What is not there, a sentence for each reason."""
        return [f"the exact input of {count:,} calls: {why}" for why, count in self._missing.items() if count]

    def _built(self, session: Session, chain_id: int) -> tuple[dict[int, str], str]:
        """The inputs of a chain's calls by position, and why others are not among them."""
        behind = branches.behind(session, chain_id)
        if behind.imported:
            return {}, FROM_A_FILE
        names = branches.models_of(behind, "")
        found = {}
        for one in requests_of(behind.chain, behind.setting):
            rendered = self._model(session, names[one.part]).render(one.request)
            if sent_hash(rendered, one.request) == one.sent:
                found[one.position] = rendered
        return found, DIFFERS

    def _model(self, session: Session, name: str) -> TextModel:
        if name not in self._models:
            try:
                ref = models.to_ref(models.get(session, name), self._folder)
                self._models[name] = load_text_model(ref, late=True)
            except CAIError as error:
                self._models[name] = error
        model = self._models[name]
        if isinstance(model, CAIError):
            raise model
        return model


def _calls(chain: Chain) -> set[int]:
    """The positions of the calls whose hash a chain bears."""
    sent = [chain.sent]
    for one in chain.rounds:
        sent += [one.critique_sent, one.revision_sent]
    return {position for position, hash in enumerate(sent) if hash is not None}
