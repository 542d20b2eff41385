"""The configs of the supervised stage: prompts, chains, their scores, SL-CAI."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from cai_core.config.checks import STRICT, Count, Positive, Rate, Share, Temperature


@dataclass(frozen=True, config=STRICT)
class PromptsConfig:
    """More prompts, written by a model after some that are there (paper section 3.1: red-team prompts by few-shots)."""

    kind: Literal["red_team", "helpful", "look_alike"] = "red_team"
    """What the prompts are for; the examples are of this kind too."""
    model: str = "sandbox"
    """Model that writes them. The paper's is a pretrained model."""
    examples_from: str = ""
    """Prompt set that the examples are drawn from; empty draws from all. Only prompts of one turn in train are shown:
    from others, what is to be tested would come into training."""
    examples: Annotated[int, Field(ge=1, le=64)] = 10
    """How many examples stand in front of each request, drawn anew for each. The paper's is about 10."""
    prompts: Positive = 100
    """How many prompts to ask for. What is empty, cut or a duplicate is counted and not kept."""
    name: Annotated[str, Field(min_length=1, max_length=200)] = "generated"
    """Prompt set that they join."""
    split: str = "train"
    """Split that they join: train, dev, test, or shares such as train=.8,dev=.1,test=.1, drawn by a hash of each."""
    near: Share = 0.8
    """Share of runs of three words (Jaccard) from which a prompt is a near duplicate of one of its set or of the
    examples' set, and is not kept; 1 keeps all but exact ones."""
    temperature: Temperature = 1.0
    """Sampling temperature. The paper's is 1."""
    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 128
    """Longest prompt, in tokens."""
    width: Annotated[int, Field(ge=1, le=4096)] = 64
    """How many rows are generated at once."""


@dataclass(frozen=True, config=STRICT)
class ChainsConfig:
    """Critique and revision: a response, then rounds of drawn principle, critique, revision (paper section 3.1).

    A chains run as parent gives its prompts, and its answers to the very same requests.
    """

    constitution: str
    """Constitution to draw principles from: 'name' for its newest version, or 'name@3'."""
    model: str = "sandbox"
    """Model that answers, criticises and revises. The paper's is a helpful-only RLHF model."""
    critique_model: str = ""
    """Model that criticises; empty takes the one that answers."""
    revision_model: str = ""
    """Model that revises; empty takes the one that answers."""
    red_team_prompts: Count = 1000
    """How many red-team prompts get a chain."""
    red_team_samples: Annotated[int, Field(ge=1, le=64)] = 1
    """Chains for each red-team prompt, each with draws and a response of its own."""
    helpful_prompts: Count = 500
    """How many helpful prompts get a plain sample, which keeps SL-CAI helpful."""
    look_alike_prompts: Count = 0
    """How many benign look-alikes get a plain sample too."""
    rounds: Annotated[int, Field(ge=1, le=16)] = 4
    """Critique-revision rounds a chain. The paper's is 4."""
    principles: Annotated[tuple[str, ...], Field(strict=False)] = ()  # in JSON it is a list
    """Ids of the principles to draw from; one alone stands in every round, empty draws from all that are enabled."""
    critique: bool = True
    """Write a critique before each revision; off revises directly (paper figure 7)."""
    skip_when_nothing_found: bool = False
    """Ask for no revision where the critique, by a rule on its words, finds nothing; the response then stands."""
    strip_preamble: bool = False
    """Take what announces a revision ('Sure, here is the revised response:') off before it goes on; what the model
    wrote is kept beside it."""
    helpful_samples: Annotated[int, Field(ge=1, le=64)] = 2
    """Samples for each helpful prompt. The paper's is 2."""
    temperature: Temperature = 1.0
    """Sampling temperature. The paper's is 1."""
    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 256
    """Longest response, critique or revision, in tokens."""
    few_shots: Annotated[int, Field(ge=0, le=64)] = 4
    """Few-shot examples in front of each request; 0 sends none."""
    few_shot_prefixes: Annotated[int, Field(ge=1, le=1024)] = 8
    """How many different few-shot prefixes are drawn for the run and shared by its rows."""
    width: Annotated[int, Field(ge=1, le=4096)] = 64
    """How many rows are generated at once."""
    source: str = ""
    """Take prompts only from this source; empty takes all."""


@dataclass(frozen=True, config=STRICT)
class ScoresConfig:
    """What a judge makes of chains: of the initial response and of every revision (paper figure 5). Parent: chains.

    Branches that somebody continued by hand are not scored.
    """

    judge: Literal["gold", "pm", "feedback"] = "gold"
    """Who scores: the sandbox's gold judge (0 to 1), a preference model (its score), or a feedback model under the
    constitution (the probability that it prefers the text to the initial response)."""
    judge_model: str = ""
    """The preference model or feedback model that scores; gold has none."""
    constitution: str = ""
    """For a feedback judge: constitution to draw comparison principles from, one for all rounds of a chain."""
    axis: Literal["harmlessness", "helpfulness"] = "harmlessness"
    """What gold or a feedback model scores by. A preference model scores what it was trained for."""
    width: Annotated[int, Field(ge=1, le=4096)] = 64
    """How many texts are scored at once."""


@dataclass(frozen=True, config=STRICT)
class SftConfig:
    """SL-CAI: LoRA fine-tuning on revisions and helpful samples (paper section 3.1). Parent: chains, or a dataset."""

    dataset: str = ""
    """Frozen dataset to train on; empty takes what the parent chains run gives, without what was edited by hand."""
    model: str = "sandbox"
    """Model to start from. The paper starts from the pretrained model, not from the one that wrote the chains."""
    rounds: Annotated[int, Field(ge=0, le=16)] = 0
    """Train on the revisions of rounds 1 to n; 0 means all. The initial response never trains. A dataset says itself
    what it holds."""
    heldout: Annotated[float, Field(ge=0.0, le=0.9)] = 0.0
    """Share of the prompts whose examples are held out, to measure the loss on. A dataset says itself what is."""
    epochs: Annotated[int, Field(ge=1, le=100)] = 1
    """Passes over the examples. The paper's is 1."""
    learning_rate: Rate = 1e-4
    """Peak learning rate of the adapter."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rate goes on after its rise: down to zero in a line or half a cosine, or as it is."""
    warmup: Share = 0.01
    """Share of the steps in which the learning rate rises to its peak."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 16
    """Examples a step; with packing, packed rows a step."""
    packing: bool = False
    """Lay several examples end to end in one row of max_length tokens; none sees another, and none is cut."""
    lora_rank: Annotated[int, Field(ge=1, le=1024)] = 16
    """Rank of the LoRA matrices."""
    lora_alpha: Annotated[int, Field(ge=0, le=65536)] = 0
    """Scale of the adapter, over the rank; 0 means twice the rank."""
    targets: str = "all-linear"
    """Which layers get an adapter: all-linear, or names of modules with commas between them (q_proj, v_proj)."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the frozen weights; the adapter is float32. auto: float32 on a CPU, bfloat16 on a GPU."""
    gradient_checkpointing: Literal["auto", "on", "off"] = "auto"
    """Compute activations again in the backward pass: slower, with less memory. auto: from a billion parameters on."""
    max_length: Annotated[int, Field(ge=16, le=131072)] = 1024
    """Longest example in tokens; longer ones are left out and counted."""
    evaluate_every: Positive = 50
    """Steps between two measures of the held-out loss, and between two answers to the sample prompts; both come also
    after the last step."""
    early_stop_after: Count = 0
    """Stop after so many measures of the held-out loss without a better one, and keep the best snapshot; 0 never
    stops and keeps the last."""
    sample_prompts: Annotated[int, Field(ge=0, le=64)] = 4
    """How many prompts are answered as it learns, always the same, held out where there are any."""
    checkpoint_every: Positive = 50
    """Steps between checkpoints, from which a killed run resumes."""
