"""What a run found, in words, with units and with how many it is over."""

from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from app.components.run_results import plain
from app.components.run_use import KEPT_APART, use_lines
from app.components.text import facts

WORDS = {
    "rows": "Rows",
    "states": "State",
    "untold": "Of which the judge could not tell",
    "states.order_inconsistent": "changes with the order",
    "states.pass": "passes",
    "states.fail": "fails",
    "states.unjudged": "to be read",
    "recalled": "Taken over from another run",
    "recalled.run": "run",
    "recalled.of": "of so many answers",
    "recalled.rows": "whole rows",
    "recalled.why_not": "why nothing could be",
    "cut": "Cut at the token limit",
    "prompts": "Prompts drawn",
    "prompts_missing": "Prompts wanted but not there",
    "red_team": "red team",
    "look_alike": "look-alikes",
    "gold_agreement": "On gold's side",
    "order_inconsistent": "The two orders disagree",
    "bounded": "Labels that rest on a bound, an option not being listed",
    "ece": "Calibration error (ECE)",
    "trained": "Trained on",
    "tokens": "Tokens that carry loss, one epoch",
    "steps": "Optimiser steps",
    "left_out": "Left out of training",
    "left_out_by_source": "Left out of training, by source",
    "labels_left_out": "Labels left out",
    "examples": "Texts of the chains",
    "trained_revision": "revisions trained on",
    "trained_sample": "plain samples trained on",
    "left_out_cut": "left out, cut at the token limit",
    "left_out_empty": "left out, empty",
    "left_out_failed": "left out, failed",
    "left_out_later_round": "left out, of a later round",
    "left_out_earlier_round": "left out, not the last revision",
    "left_out_skipped": "left out, nothing was revised",
    "left_out_unrevised": "left out, without any revision",
    "left_out_replaced": "left out, replaced by a hand edit",
    "left_out_rejected": "left out, rejected",
    "left_out_not_accepted": "left out, not accepted",
    "left_out_ratio": "left out, over the helpful share",
    "heldout_too_long": "held out and too long",
    "heldout.examples": "examples",
    "heldout.loss": "loss of the snapshot, nats a token",
    "heldout.step": "measured at step",
    "stopped_early": "Stopped early",
    "heldout": "Held out",
    "all": "all sources",
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "heldout.ece": "calibration error (ECE)",
    "length_correlation": "Score and length, Pearson's correlation",
    "reload_difference": "Largest change after loading again, of a log-probability or score",
    "start": "Before the first step",
    "kl_sl_cai": "KL from SL-CAI",
    "kl_base": "KL from the base",
    "kl_reference": "KL from the penalty's reference",
    "policy": "Began from",
    "preference_model": "Rewarded by",
    "judge": "Judge",
    "split": "Prompts of",
    "anchor": "Stands at zero",
    "battles": "Battles",
    "separable": "a model never lost, one virtual tie a pair bounds its rating",
    "a": "first wins",
    "b": "second wins",
}
UNITS = {"log_loss": "nats", "kl_sl_cai": "nats a token", "kl_base": "nats a token", "kl_reference": "nats a token"}
SILENT = ("outcomes", "order", "n", "gold_compared", "heldout_accuracy", "model")
"""Said as part of another line, or nothing that a reader looks for by name."""
COMPARED = "compared"
"""What another version changed; the page that compares versions draws it."""


def findings(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(words, value) of every figure; lists are left to the pages that draw them."""
    yield from use_lines(result)
    result = {name: value for name, value in result.items() if name not in (*KEPT_APART, COMPARED)}
    states = result.get("states")
    labelled = states.get("labelled") if isinstance(states, Mapping) else None
    over = {"gold_agreement": (result.get("gold_compared"), "labels"), "order_inconsistent": (labelled, "labels")}
    yield from _flat(result, over, "", "")


def _flat(
    values: Mapping[str, Any], over: Mapping[str, tuple[object, str]], group: str, ahead: str
) -> Iterator[tuple[str, str]]:
    """`group` is the outermost name, `ahead` what is said before a figure, `over` how many of what it is over."""
    for name, value in values.items():
        word = WORDS.get(f"{group}.{name}") or WORDS.get(name) or name.replace("_", " ")
        if isinstance(value, Mapping):
            own = {key: (value["n"], "pairs") for key in ("accuracy", "log_loss", "ece") if "n" in value}
            said = ahead if name in SILENT else f"{ahead}, {word}" if ahead else word
            yield from _flat(value, own, group or name, said)
        elif not isinstance(value, list) and name not in SILENT:
            words = f"{ahead}: {word}" if ahead else word[:1].upper() + word[1:]
            yield words, _value(name, value, *over.get(name, (None, "")))


def _value(name: str, value: object, n: object, what: str) -> str:
    if value is None:
        return plain(value)
    unit = f" {UNITS[name]}" if name in UNITS else ""
    return f"{plain(value)}{unit}{f' of {n} {what}' if n is not None else ''}"


def show_findings(result: Mapping[str, Any]) -> None:
    """Draw them, or say that there are none."""
    found = list(findings(result))
    if found:
        facts(found)
    else:
        st.caption("Nothing yet.")
