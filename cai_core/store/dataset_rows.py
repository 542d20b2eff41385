"""Which texts of the chains become examples, in SQL: a million of them are looked through without being read.

Every text has one fate. It trains, as a revision or as a plain sample, or it is left out for the first of the reasons
below that holds. Where somebody edited a chain, the newest branch stands for it and its parent's texts are left out.
"""

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from cai_core.chains.critique_revision import CUT
from cai_core.config.datasets import Recipe
from cai_core.errors import DatasetError
from cai_core.types import PromptKind, RowState, Verdict, derive_seed
from db.queries.chain_filter import ChainFilter, filtered, read_filter
from db.schema import PromptRow
from db.schema_chains import ChainRow, ReviewRow, RevisionRow

TRAINED_REVISION = "trained_revision"
TRAINED_SAMPLE = "trained_sample"
TRAINED = (TRAINED_REVISION, TRAINED_SAMPLE)
LEFT_OUT = {
    "left_out_replaced": "somebody edited the chain, and the newest branch stands for it",
    "left_out_rejected": "somebody rejects the chain",
    "left_out_not_accepted": "nobody accepts the chain",
    "left_out_later_round": "of a later round than is taken",
    "left_out_skipped": "nothing was revised, for the critique found nothing",
    "left_out_earlier_round": "not the chain's last revision",
    "left_out_unrevised": "the answer to a red-team prompt without any revision",
    "left_out_cut": "cut at the token limit",
    "left_out_empty": "empty",
    "left_out_failed": "the chain failed before its next text",
    "left_out_ratio": "more than the share of helpful samples lets in",
}
"""Reasons in their order, and what they mean."""
SPACES = "".join(filter(str.isspace, map(chr, range(0x3001))))
"""What `str.strip` takes off."""
BATCH = 10_000


@dataclass(frozen=True)
class Chosen:
    """The examples of a recipe, by row: chain, round (0: the initial response) and whether it is held out."""

    chains: "array[int]"
    rounds: "array[int]"
    heldout: "array[int]"
    counts: dict[str, Any]

    def __iter__(self) -> Iterator[tuple[int, int, bool]]:
        for chain_id, number, held in zip(self.chains, self.rounds, self.heldout, strict=True):
            yield chain_id, number, bool(held)


def choose(session: Session, recipe: Recipe) -> Chosen:
    """The examples, in an order that no row id decides: by prompt, sample, branch, chain and round."""
    chains, rounds, prompts, draws = array("q"), array("h"), array("q"), array("q")
    plain, edited, drawn_prompts = array("b"), array("b"), array("q")
    fates, last, runs = failed(session, recipe), "", set[int]()
    order = (PromptRow.uid, ChainRow.sample, ChainRow.branch, ChainRow.uid, RevisionRow.round)
    rows = _texts(recipe).order_by(*order).execution_options(yield_per=BATCH)
    for chain_id, number, prompt_uid, uid, branch, run_id, fate in session.execute(rows):
        fates[fate] += 1
        if fate not in TRAINED:
            continue
        if prompt_uid != last:
            last = prompt_uid
            drawn_prompts.append(derive_seed(recipe.seed, "held out", prompt_uid))
        chains.append(chain_id)
        rounds.append(number)
        prompts.append(len(drawn_prompts) - 1)
        plain.append(fate == TRAINED_SAMPLE)
        edited.append(branch > 0)
        draws.append(0 if recipe.helpful_share is None else derive_seed(recipe.seed, "mix", uid, number))
        runs.add(run_id)
    is_plain = np.array(plain, dtype=bool)
    kept = _mixed(is_plain, np.array(draws), recipe.helpful_share)
    of_prompt = np.array(prompts)[kept]
    held = _held(of_prompt, np.array(drawn_prompts), recipe.heldout)
    counts = {
        "examples": len(kept),
        "train": int((~held).sum()),
        "heldout": int(held.sum()),
        "prompts": len(np.unique(of_prompt)),
        "heldout_prompts": len(np.unique(of_prompt[held])),
        "revisions": int((~is_plain[kept]).sum()),
        "samples": int(is_plain[kept].sum()),
        "edited": int(np.array(edited)[kept].sum()),
        "left_out": _reasons(fates, len(chains) - len(kept)),
        "runs": sorted(runs),
    }
    return Chosen(_taken(chains, kept), _taken(rounds, kept), array("b", held.tolist()), counts)


def count(session: Session, recipe: Recipe) -> dict[str, Any]:
    """What `choose` would count, as far as it can be told without a draw: examples, and what is left out and why."""
    fates = failed(session, recipe)
    texts = _texts(recipe).subquery()
    edits = func.sum(case((and_(texts.c.branch > 0, texts.c.fate.in_(TRAINED)), 1), else_=0))
    edited = 0
    for fate, number, edits_there in session.execute(select(texts.c.fate, func.count(), edits).group_by(texts.c.fate)):
        fates[fate] += number
        edited += edits_there
    revisions, samples = shares(fates[TRAINED_REVISION], fates[TRAINED_SAMPLE], recipe.helpful_share)
    over = fates[TRAINED_REVISION] + fates[TRAINED_SAMPLE] - revisions - samples
    counts = {"examples": revisions + samples, "revisions": revisions, "samples": samples, "edited": edited}
    return {**counts, "left_out": _reasons(fates, over)}


def shares(revisions: int, samples: int, share: float | None) -> tuple[int, int]:
    """How many revisions and samples there may be so that the samples make up `share` of the examples."""
    if share is None:
        return revisions, samples
    if share == 1:
        return 0, samples
    wanted = round(revisions * share / (1 - share))
    return (revisions, wanted) if wanted <= samples else (round(samples * (1 - share) / share), samples)


def wanted_chains(recipe: Recipe) -> ChainFilter:
    """The recipe's filter; `DatasetError` says which condition is wrong."""
    try:
        return read_filter(recipe.filter)
    except ValueError as error:
        raise DatasetError(f"the filter cannot be used: {error}") from None


def failed(session: Session, recipe: Recipe) -> Counter[str]:
    """How many chains failed; the rounds that they finished train like any other, a branch's do not."""
    rows = filtered(select(func.count()).select_from(ChainRow), wanted_chains(recipe))
    number = session.scalar(rows.where(ChainRow.state != RowState.DONE.value)) or 0
    return Counter({"left_out_failed": number} if number else {})


def _texts(recipe: Recipe) -> Select[*tuple[Any, ...]]:
    """A row for each text that might train, with its fate."""
    columns = (
        ChainRow.id,
        func.coalesce(RevisionRow.round, 0).label("number"),
        PromptRow.uid.label("prompt_uid"),
        ChainRow.uid.label("chain_uid"),
        ChainRow.branch.label("branch"),
        ChainRow.run_id,
        _fate(recipe).label("fate"),
    )
    rows = select(*columns).select_from(ChainRow).outerjoin(RevisionRow, RevisionRow.chain_id == ChainRow.id)
    done = ChainRow.state == RowState.DONE.value
    alone = and_(ChainRow.response.is_not(None), or_(PromptRow.kind != PromptKind.RED_TEAM.value, done))
    return filtered(rows, wanted_chains(recipe)).where(
        or_(RevisionRow.id.is_not(None), alone), or_(ChainRow.branch == 0, done)
    )


def _fate(recipe: Recipe) -> ColumnElement[str]:
    """The first reason to leave a text out, or how it trains."""
    revised = RevisionRow.id.is_not(None)
    text = func.coalesce(RevisionRow.revision, ChainRow.response)
    plain_cut = and_(~revised, func.coalesce(ChainRow.error, "") == CUT)
    reasons: list[tuple[ColumnElement[bool], str]] = []
    if recipe.filter.get("branches") != "without":
        reasons.append((_replaced(), "left_out_replaced"))
    if recipe.verdicts != "all":
        reasons.append((_says(Verdict.REJECT), "left_out_rejected"))
    if recipe.verdicts == "accepted":
        reasons.append((~_says(Verdict.ACCEPT), "left_out_not_accepted"))
    if recipe.rounds:
        reasons.append((and_(revised, RevisionRow.round > recipe.rounds), "left_out_later_round"))
    reasons.append((and_(revised, RevisionRow.skipped), "left_out_skipped"))
    if recipe.last_only:
        reasons.append((and_(revised, _revised_again(recipe.rounds)), "left_out_earlier_round"))
    reasons += [
        (and_(~revised, PromptRow.kind == PromptKind.RED_TEAM.value), "left_out_unrevised"),
        (or_(and_(revised, ~RevisionRow.finished), plain_cut), "left_out_cut"),
        (func.trim(text, SPACES) == "", "left_out_empty"),
        (revised, TRAINED_REVISION),
    ]
    return case(*reasons, else_=TRAINED_SAMPLE)


def _replaced() -> ColumnElement[bool]:
    newer = aliased(ChainRow)
    same = (newer.run_id == ChainRow.run_id, newer.prompt_id == ChainRow.prompt_id, newer.sample == ChainRow.sample)
    return exists().where(*same, newer.branch > ChainRow.branch, newer.state == RowState.DONE.value)


def _says(verdict: Verdict) -> ColumnElement[bool]:
    return exists().where(ReviewRow.chain_id == ChainRow.id, ReviewRow.current, ReviewRow.verdict == verdict.value)


def _revised_again(rounds: int) -> ColumnElement[bool]:
    later = aliased(RevisionRow)
    again = (later.chain_id == RevisionRow.chain_id, later.round > RevisionRow.round, ~later.skipped)
    return exists().where(*again, *((later.round <= rounds,) if rounds else ()))


def _mixed(plain: NDArray[np.bool_], draws: NDArray[np.int64], share: float | None) -> NDArray[np.int64]:
    """Places of the examples that stay."""
    revisions, samples = shares(int((~plain).sum()), int(plain.sum()), share)
    stays = [_lowest(np.flatnonzero(side), draws, n) for side, n in ((~plain, revisions), (plain, samples))]
    return np.sort(np.concatenate(stays))


def _lowest(places: NDArray[np.int64], draws: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    return places if number >= len(places) else places[np.argsort(draws[places], kind="stable")[:number]]


def _held(prompts: NDArray[np.int64], draws: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Which examples are held out: all of the prompts that were drawn lowest."""
    there = np.unique(prompts)
    return np.isin(prompts, _lowest(there, draws, round(share * len(there))) if share else [])


def _taken(values: "array[int]", places: NDArray[np.int64]) -> "array[int]":
    return array(values.typecode, np.array(values)[places].tolist())


def _reasons(fates: Counter[str], over: int) -> dict[str, int]:
    """How many texts each reason left out, in the order of the reasons; none where there are none."""
    found = fates + Counter({"left_out_ratio": over})
    return {reason: found[reason] for reason in LEFT_OUT if found[reason]}
