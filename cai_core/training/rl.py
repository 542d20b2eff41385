"""RL-CAI: reinforcement learning from the preference model, starting from SL-CAI (paper section 4.2).

Advantages are rewards minus the group's baseline, never divided by the group's spread: division would blow a margin of
0.1 up to that of a sure label, and erase what soft labels say. The penalty is the KL divergence from SL-CAI itself, so
the policy is SL-CAI's adapter, loaded to train, and its frozen copy beside it is the reference.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, PrinterCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from cai_core.config import RlConfig
from cai_core.errors import RunError
from cai_core.models.at_work import Row
from cai_core.models.local import LocalModel
from cai_core.models.preference import PreferenceScorer
from cai_core.models.rendering import Renderer
from cai_core.models.weights import context_length
from cai_core.training.arguments import common_arguments, micro_batch
from cai_core.training.callback import Reporter
from cai_core.training.checkpoints import load_result, newest_checkpoint, save_result, save_snapshot, snapshots
from cai_core.training.lora import causal_policy, count_parameters
from cai_core.training.reference import check_reference, check_start
from cai_core.types import (
    Conversation,
    Failed,
    ModelRef,
    OnStep,
    Prompt,
    Rollout,
    Sample,
    TrainingResult,
    assistant,
    derive_seed,
    user,
)

NEW_ADAPTER_RANK = 16
"""Rank of the adapter where the policy comes without one (a model with SL-CAI merged into it)."""

Score = Callable[[Sequence[Conversation]], Sequence[float]]
"""The preference model: its score, in logits, of each whole conversation."""

OnRollouts = Callable[[Sequence[Rollout]], None]


def train_rl(
    config: RlConfig,
    prompts: Sequence[Prompt],
    *,
    policy: ModelRef,
    preference_model: ModelRef,
    folder: Path,
    seed: int,
    on_step: OnStep,
    on_rollouts: OnRollouts,
) -> TrainingResult:
    """Train `policy` to score high with `preference_model` on `prompts`; resumes from `folder`, or returns if done.

    Each step, `on_rollouts` gets the step's responses before `on_step` gets its metrics. After a kill, the steps since
    the last checkpoint are taken, and reported, again. Facts: `prompts`, `left_out` (by reason), `steps`, and `start`,
    what `check_start` found before the first step.

    Raises `ModelError` if the policy that would train is not SL-CAI, the reference is not or does not stay SL-CAI, or
    SL-CAI is its bare base, and `RunError` if no prompt can be used.
    """
    if done := load_result(folder):
        return done
    scorer = PreferenceScorer(preference_model)
    model, tokenizer = causal_policy(policy, rank=NEW_ADAPTER_RANK, seed=seed)
    renderer = Renderer(tokenizer)
    room = context_length(model.config, tokenizer) - config.max_new_tokens
    usable, left_out = usable_prompts(prompts, renderer, room, ours=config.algorithm == "grpo")

    def snapshot(trained: PeftModel, step: int) -> None:
        check_reference(trained, policy)
        save_snapshot(trained, folder, step)

    reporter = Reporter(on_step, before_save=snapshot)
    reward = reward_function(scorer.score, usable, renderer, on_rollouts)
    trainer = rl_trainer(config, usable, reward, model, tokenizer, folder, seed, reporter)
    start = check_start(model, policy, [renderer.ids(prompt.turns) for prompt in usable[:8]])
    checkpoint = newest_checkpoint(folder)
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    facts = {"prompts": len(usable), "left_out": left_out, "steps": trainer.state.global_step, "start": start}
    if reporter.stopped:
        check_reference(model, policy)
        return TrainingResult(snapshots(folder), stopped=True, facts=facts)
    snapshot(model, trainer.state.global_step)
    return save_result(folder, facts)


def usable_prompts(
    prompts: Sequence[Prompt], renderer: Renderer, limit: int, *, ours: bool = False
) -> tuple[list[Prompt], dict[str, int]]:
    """Prompts of at most `limit` tokens that are sent as they are, and why the others are left out.

    Where the trainer samples (`ours` False), it tokenises by itself, and reads a special token where an untrusted
    prompt merely spells one. A prompt on which it differs from us for that is `special_tokens`, for any other cause
    `template_differs`. Where our engine samples, every prompt that fits is sent as it is.
    """
    usable: list[Prompt] = []
    left_out = {"too_long": 0, "special_tokens": 0, "template_differs": 0}
    for prompt in prompts:
        ids = renderer.ids(prompt.turns)
        if len(ids) > limit:
            left_out["too_long"] += 1
        elif ours or ids == _trainer_ids(renderer.tokenizer, trainer_prompt(prompt.turns, renderer)):
            usable.append(prompt)
        else:
            left_out["special_tokens" if renderer.spells_special(prompt.turns) else "template_differs"] += 1
    if not usable:
        raise RunError(
            f"none of {len(prompts)} prompts can be used: {left_out['too_long']} have over {limit} tokens, "
            f"{left_out['special_tokens']} spell special tokens of this model, and {left_out['template_differs']} its "
            "chat template or tokenizer changes (it may trim white space). Give other prompts or lower max_new_tokens."
        )
    return usable, left_out


PROBE = (user("question"),)
"""A prompt that no template and no tokenizer has a reason to change."""


def trainer_prompt(turns: Conversation, renderer: Renderer) -> list[dict[str, str]] | str:
    """A prompt as TRL takes it: the text that is sent, whatever the template, which might trim a message.

    TRL's tokenizer begins a text as it begins any; where that is not how the template begins a prompt, messages.
    """
    text, probe = _begun_by_itself(turns, renderer), _begun_by_itself(PROBE, renderer)
    if not renderer.has_template or _trainer_ids(renderer.tokenizer, probe) == renderer.ids(PROBE):
        return text
    return [{"role": turn.role.value, "content": turn.content} for turn in turns]


def _begun_by_itself(turns: Conversation, renderer: Renderer) -> str:
    """The text that is sent, without the beginning that the tokenizer adds."""
    return renderer.text(turns).removeprefix(renderer.begins_with)


def _trainer_ids(tokenizer: PreTrainedTokenizerBase, prompt: list[dict[str, str]] | str) -> list[int]:
    """The token ids TRL will send for a prompt."""
    if isinstance(prompt, str):
        return list(tokenizer(text=prompt)["input_ids"])
    rendered = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=True, return_dict=True)
    return list(rendered["input_ids"])


def reward_function(
    score: Score, prompts: Sequence[Prompt], renderer: Renderer, on_rollouts: OnRollouts
) -> Callable[..., list[float]]:
    """What TRL calls with a step's completions; `row` says which prompt each answers.

    The text is decoded and read anew by the preference model, whose tokenizer need not be the policy's. TRL stops at
    tokens alone, so what was said after a stop string is cut off here, as in sampling: it earns nothing. What is too
    long for the preference model has no score: it is counted, teaches nothing, and is no part of the others' baseline.
    """

    def preference(
        *, completions: Sequence[Any], row: Sequence[int], trainer_state: Any, log_metric: Any, **_: Any
    ) -> list[float]:
        answered = [prompts[i] for i in row]
        said = [text if isinstance(text, str) else text[0]["content"] for text in completions]
        texts = [renderer.answer(prompt.turns, text) for prompt, text in zip(answered, said, strict=True)]
        rewards = score([(*p.turns, assistant(text)) for p, text in zip(answered, texts, strict=True)])
        step = trainer_state.global_step + 1  # the step these will be learnt from
        rollouts = [
            Rollout(step, prompt.uid, text, reward)
            for prompt, text, reward in zip(answered, texts, rewards, strict=True)
            if not math.isnan(reward)
        ]
        log_metric("unscored", len(texts) - len(rollouts))
        on_rollouts(rollouts)
        return list(rewards)

    return preference


def rl_trainer(
    config: RlConfig,
    prompts: Sequence[Prompt],
    reward: Callable[..., list[float]],
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    seed: int,
    reporter: Reporter,
) -> GRPOTrainer | RLOOTrainer:
    """TRL's trainer, told so that one optimiser step is one generation of prompts × responses: always on policy.

    GRPO samples with our engine, by TRL's `rollout_func`; RLOO has no such hook, and samples with `generate`.
    """
    renderer = Renderer(tokenizer)
    order = prompt_order(len(prompts), total=config.steps * config.prompts_per_step, seed=seed)
    trainer_class, arguments = _algorithm(config, _arguments(config, folder, seed, count_parameters(model)))
    more: dict[str, Any] = {}
    if config.algorithm == "grpo":
        width = config.prompts_per_step * config.responses_per_prompt
        more["rollout_func"] = rollouts(LocalModel.of(model, tokenizer, width=width, share=0.1), prompts, config, seed)
        sent: Callable[[int], Any] = str  # rollouts are given the prompts alone: the number says which one it is
    else:
        sent = lambda i: trainer_prompt(prompts[i].turns, renderer)  # noqa: E731
    with warnings.catch_warnings():
        # TRL may change its hook: its version is pinned, and the tests hold it.
        warnings.filterwarnings("ignore", "You are using 'rollout_func'")
        trainer = trainer_class(
            model=model,  # and no peft_config: TRL then takes a copy of this very adapter as the reference
            reward_funcs=reward,
            args=arguments,
            train_dataset=Dataset.from_list([{"prompt": sent(i), "row": i} for i in order]),
            processing_class=tokenizer,
            callbacks=[reporter],
            **more,
        )
    trainer.remove_callback(PrinterCallback)  # each step is reported already
    return trainer


def rollouts(
    policy: LocalModel, prompts: Sequence[Prompt], config: RlConfig, seed: int
) -> Callable[[list[str], Any], dict[str, Any]]:
    """TRL's `rollout_func`: a step's responses, of the policy as it is now.

    A response's seed is that of the run, the step and its place among the step's, so a resumed run samples the same.
    """

    def sample(numbers: list[str], trainer: Any) -> dict[str, Any]:
        asked = [prompts[int(number)].turns for number in numbers]
        seeds = [derive_seed(seed, "rollout", trainer.state.global_step, place) for place in range(len(asked))]
        requests = (
            (str(place), Sample(turns, own, config.max_new_tokens, config.temperature))
            for place, (turns, own) in enumerate(zip(asked, seeds, strict=True))
        )
        trained = policy.model.training
        policy.model.eval()
        policy.engine.forget()  # the weights have changed since the last step
        found = dict(policy.rows(requests))
        policy.engine.forget()  # and their memory is wanted for the step
        policy.model.train(trained)
        drawn = [_drawn(found[str(place)]) for place in range(len(asked))]
        return {
            "prompt_ids": [row.ids for row in drawn],
            "completion_ids": [row.tokens for row in drawn],
            "logprobs": None,
        }

    return sample


def _drawn(row: Row | Failed) -> Row:
    problem = row.message if isinstance(row, Failed) else row.error
    if problem or isinstance(row, Failed):
        raise RunError(f"a response could not be sampled: {problem} Resume the run, or lower its learning rate.")
    return row


def _arguments(config: RlConfig, folder: Path, seed: int, parameters: int) -> dict[str, Any]:
    """What both algorithms are told."""
    size, parts = micro_batch(config.prompts_per_step * config.responses_per_prompt, parameters)
    return dict(
        **common_arguments(
            folder,
            seed=seed,
            learning_rate=config.learning_rate,
            steps=config.steps,
            save_every=config.snapshot_every,
            parameters=parameters,
        ),
        max_steps=config.steps,
        per_device_train_batch_size=size,
        gradient_accumulation_steps=parts,
        steps_per_generation=parts,
        num_generations=config.responses_per_prompt,
        num_iterations=1,
        max_completion_length=config.max_new_tokens,
        temperature=config.temperature,
        beta=config.kl_weight,
        disable_dropout=True,  # sampled, learnt and compared with the reference at one and the same policy
        shuffle_dataset=False,  # the order of the whole run is laid out already
        remove_unused_columns=False,
    )


def _algorithm(config: RlConfig, arguments: dict[str, Any]) -> tuple[Any, Any]:
    """(trainer class, its arguments). Dr. GRPO's loss divides by a constant, not by a response's own length."""
    if config.algorithm == "rloo":
        return RLOOTrainer, RLOOConfig(**arguments, normalize_advantages=False)
    return GRPOTrainer, GRPOConfig(**arguments, scale_rewards="none", loss_type="dr_grpo")


def prompt_order(prompts: int, *, total: int, seed: int) -> list[int]:
    """`total` prompt numbers: every prompt once in a seeded order, then all again in another."""
    rng = np.random.default_rng(seed)
    rounds = -(-total // prompts)
    order: list[int] = np.concatenate([rng.permutation(prompts) for _ in range(rounds)])[:total].tolist()
    return order
