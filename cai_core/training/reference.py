"""Checks that RL starts from SL-CAI and stays near it: the policy, TRL's reference, SL-CAI from disk, and the base.

A policy made of a new adapter on the base, or a reference that is the base, trains without a word of complaint and
gives another method than the paper's.
"""

from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict, load_peft_weights
from torch import Tensor
from torch.nn import functional as F
from trl.trainer.utils import use_adapter

from cai_core.errors import ModelError
from cai_core.types import ModelRef

SAME = 1e-3 if torch.cuda.is_available() else 1e-6
"""Nats a token. One model computed in two ways stays below."""
REFERENCE = "ref"
"""What TRL calls the frozen copy it takes of a policy's adapter."""
FROM_DISK = "sl_cai"
"""What SL-CAI's adapter is called while it is compared with."""
TOKENS = 64
"""So many tokens at the end of each sequence are compared."""


def check_start(model: PeftModel, sl_cai: ModelRef, sequences: Sequence[Sequence[int]]) -> dict[str, float]:
    """Compare the policy before its first step with what it must and must not be, on these token ids.

    Returns KL divergences of the policy in nats, means over tokens: `kl_sl_cai` from SL-CAI's adapter loaded anew,
    `kl_reference` from TRL's reference (absent without a penalty), `kl_base` from the base. Raises `ModelError` where
    the first two are not about zero, or where the third is although SL-CAI has an adapter.
    """
    found = {
        "kl_sl_cai": _divergence_from_disk(model, sl_cai, sequences),
        "kl_base": divergence(model, sequences, None),
    }
    if REFERENCE in model.peft_config:
        found["kl_reference"] = divergence(model, sequences, REFERENCE)
    # Put so that what is not a number fails too.
    if not found["kl_sl_cai"] <= SAME:
        raise _wrong(f"the policy is {found['kl_sl_cai']:.3g} nats a token away from SL-CAI in {sl_cai.adapter}")
    if not found.get("kl_reference", 0.0) <= SAME:
        raise _wrong(f"the KL penalty's reference is {found['kl_reference']:.3g} nats a token away from the policy")
    if sl_cai.adapter is not None and not found["kl_base"] > SAME:
        raise _wrong(f"with SL-CAI's adapter {sl_cai.adapter} the policy is still its base {sl_cai.base}")
    return found


def _divergence_from_disk(model: PeftModel, sl_cai: ModelRef, sequences: Sequence[Sequence[int]]) -> float:
    """From the base with SL-CAI's adapter, put for a while beside the policy's: no second base is in memory."""
    if sl_cai.adapter is None:
        return divergence(model, sequences, None)
    # A new adapter is drawn before its weights are read, and RL samples with the very numbers that would take.
    with torch.random.fork_rng([model.device] if model.device.type == "cuda" else []):
        model.load_adapter(sl_cai.adapter, FROM_DISK)
    try:
        return divergence(model, sequences, FROM_DISK)
    finally:
        model.delete_adapter(FROM_DISK)


def check_reference(model: PeftModel, sl_cai: ModelRef) -> None:
    """Raise `ModelError` unless TRL's reference still is SL-CAI's adapter, weight for weight."""
    if sl_cai.adapter is None or REFERENCE not in model.peft_config:
        return
    now, then = (
        get_peft_model_state_dict(model, adapter_name=REFERENCE),
        load_peft_weights(sl_cai.adapter, device="cpu"),
    )
    if now.keys() != then.keys() or any(
        not torch.equal(now[name].cpu(), then[name].to(now[name].dtype)) for name in now
    ):
        raise ModelError(
            f"RL was ended: the KL penalty's reference is no longer SL-CAI's adapter in {sl_cai.adapter}, so the "
            "policy was held to another model. Do not use what it saved since the snapshot before, see that nothing "
            "writes to that folder or to the run's checkpoints, and start RL anew."
        )


@torch.no_grad()
def divergence(policy: PeftModel, sequences: Sequence[Sequence[int]], adapter: str | None) -> float:
    """KL(policy ‖ its base with this adapter, or with none) in nats, mean over tokens."""
    total, count = 0.0, 0
    for sequence in sequences:
        ids = torch.tensor([sequence], device=policy.device)
        p = _log_probs(policy, ids)  # (T, vocabulary)
        with use_adapter(policy, adapter):  # afterwards the one before is active again, and alone trains
            q = _log_probs(policy, ids)
        total += F.kl_div(q, p, log_target=True, reduction="sum").item()
        count += len(p)
    return total / count


def _log_probs(model: Any, ids: Tensor) -> Tensor:
    """Of every next token after each of the last tokens of `ids` (1, T'): (T, vocabulary), in float32."""
    logits: Tensor = model(input_ids=ids, logits_to_keep=TOKENS).logits[0]
    return F.log_softmax(logits.float(), dim=-1)


def _wrong(what: str) -> ModelError:
    return ModelError(
        f"RL cannot start: {what}. The policy and the reference must both be SL-CAI: choose the snapshot of a finished "
        "sft run, and do not change its folder while RL runs."
    )
