"""The nouns: frozen dataclasses and enums, with no import but the standard library.

One sense each, spelled the same in code, database, page and README. `p_a` is everywhere the probability that
response A is preferred, in 0..1.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path


class Role(StrEnum):
    """Who speaks in a conversation."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn, verbatim and untrusted."""

    role: Role
    content: str


Conversation = tuple[Message, ...]
"""Turns in order. Sent to a model, a last assistant turn is a prefill: the model goes on from it."""


def user(content: str) -> Message:
    """A user's turn."""
    return Message(Role.USER, content)


def assistant(content: str) -> Message:
    """An assistant's turn."""
    return Message(Role.ASSISTANT, content)


def derive_seed(seed: int, *key: object) -> int:
    """A seed in 0..2**63-1 for one row, from the run's seed and the row's key (SHA-256).

    It depends on nothing else, so a row gives the same text in any batch and after any resume.
    """
    text = "\x1f".join([str(seed), *map(str, key)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


# --- prompts -----------------------------------------------------------------------------------------------


class PromptKind(StrEnum):
    """What a prompt is for."""

    RED_TEAM = "red_team"
    """Tries to draw out harm."""
    HELPFUL = "helpful"
    """Asks for ordinary help."""
    LOOK_ALIKE = "look_alike"
    """Benign, but sounds like a red-team prompt: refusing it is over-refusal."""


class Split(StrEnum):
    """Train feeds training, dev tunes settings, test is only reported."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A partial conversation that ends with a user's turn."""

    uid: str
    """Hash of the turns: the same prompt has the same uid in every workspace."""
    turns: Conversation
    kind: PromptKind
    split: Split
    source: str
    """Name of the prompt set it came from, e.g. 'sandbox'."""
    topic: str | None = None


def prompt_uid(turns: Conversation) -> str:
    """The uid of a prompt: 16 hex digits of SHA-256 over its roles and texts."""
    text = "\x1e".join(f"{turn.role}\x1f{turn.content}" for turn in turns)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# --- constitutions -----------------------------------------------------------------------------------------


class PrincipleKind(StrEnum):
    """Which axis a principle judges."""

    HARMLESSNESS = "harmlessness"
    HELPFULNESS = "helpfulness"


@dataclass(frozen=True, slots=True)
class Principle:
    """One rule. Either half may be absent: critique and revision requests (SL), or comparison (RL)."""

    id: str
    """Slug, unique in its constitution."""
    title: str
    kind: PrincipleKind = PrincipleKind.HARMLESSNESS
    critique_request: str | None = None
    revision_request: str | None = None
    comparison: str | None = None
    tags: tuple[str, ...] = ()
    weight: float = 1.0
    """How often it is drawn, relative to the others; > 0. Not part of its content hash."""
    enabled: bool = True
    """Not part of its content hash."""

    @property
    def uid(self) -> str:
        """Content hash: what it says, not how often it is drawn."""
        parts = [self.id, self.title, self.kind, self.critique_request, self.revision_request, self.comparison]
        text = "\x1e".join(["" if p is None else "\x1f" + p for p in parts] + list(self.tags))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class CritiqueRevisionShot:
    """A few-shot example of one critique and revision."""

    conversation: Conversation
    """Ends with the assistant's response that is criticised."""
    critique_request: str
    critique: str
    revision_request: str
    revision: str


@dataclass(frozen=True, slots=True)
class ComparisonShot:
    """A few-shot example of one comparison, with or without reasoning before the answer."""

    conversation: Conversation
    """Ends with a user's turn."""
    comparison: str
    """The principle's text."""
    response_a: str
    response_b: str
    answer: str
    """'A' or 'B'."""
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class FewShots:
    """The few-shot examples of a constitution."""

    critique_revision: tuple[CritiqueRevisionShot, ...] = ()
    comparison: tuple[ComparisonShot, ...] = ()
    comparison_with_reasoning: tuple[ComparisonShot, ...] = ()


@dataclass(frozen=True, slots=True)
class Constitution:
    """Named principles in order, with their few-shots."""

    name: str
    description: str
    principles: tuple[Principle, ...]
    few_shots: FewShots = FewShots()


# --- models ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which weights: a base (built-in name, folder or Hub id), perhaps an adapter folder, perhaps a revision."""

    base: str
    adapter: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Ask for text. `context` is sent as text, or as turns through the model's chat template."""

    context: str | Conversation
    seed: int
    max_new_tokens: int
    temperature: float = 1.0
    """0 means greedy."""
    top_p: float = 1.0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choose:
    """Ask for the log-probability of each option as the continuation of `context`."""

    context: str | Conversation
    options: tuple[str, ...]


Request = Sample | Choose


@dataclass(frozen=True, slots=True)
class Text:
    """Answer to a `Sample`."""

    text: str
    finished: bool
    """The model ended its turn (or met a stop string); False: cut at `max_new_tokens`."""
    num_tokens: int
    sent: str
    """Hash of what was sent."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Answer to a `Choose`."""

    logprobs: tuple[float, ...]
    """Natural log-probability of each option, in the order of the request."""
    sent: str
    """Hash of what was sent."""

    @property
    def mass(self) -> float:
        """Probability on all options together, 0..1."""
        from math import exp

        return min(1.0, sum(exp(x) for x in self.logprobs))


class Failure(StrEnum):
    """Why a request has no answer."""

    TOO_LONG = "too_long"
    """The context does not fit the model with the tokens asked for."""
    FAILED = "failed"
    """The model raised an error."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A request without an answer: stored and counted, never replaced by a guess."""

    failure: Failure
    message: str


Answer = Text | Choice | Failed


# --- chains ------------------------------------------------------------------------------------------------


class RowState(StrEnum):
    """State of a generated row."""

    DONE = "done"
    TOO_LONG = "too_long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Round:
    """One critique and revision (paper section 3.1). `critique` is None where it was left out on purpose."""

    number: int
    """1..n."""
    principle: Principle
    critique: str | None
    revision: str
    critique_sent: str | None
    revision_sent: str
    finished: bool = True
    """False: critique or revision was cut at the token limit."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A prompt's initial response and its rounds. A helpful prompt's plain sample has no rounds."""

    prompt: Prompt
    sample: int
    """0.. : which of the samples of this prompt."""
    seed: int
    response: str | None
    """The initial response; None only if it failed."""
    rounds: tuple[Round, ...]
    state: RowState
    few_shot: int | None = None
    """Which of the run's few-shot prefixes, 0..K-1."""
    sent: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One supervised example: loss on the last turn, which is the assistant's."""

    turns: Conversation
    kind: PromptKind
    key: str
    """Where it came from, e.g. 'chain 12 round 2'."""


# --- comparisons and labels --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two responses to one prompt, unlabelled."""

    prompt: Prompt
    response_a: str
    response_b: str

    def swap(self) -> "Comparison":
        """The same comparison with A and B exchanged; twice is the identity."""
        return replace(self, response_a=self.response_b, response_b=self.response_a)


class Order(StrEnum):
    """How a comparison was shown: `ab` has response A as option (A), `ba` has response B as option (A)."""

    AB = "ab"
    BA = "ba"


class LabelState(StrEnum):
    """What a label says. Only `labelled` rows may train."""

    LABELLED = "labelled"
    TIE = "tie"
    """A hard verdict of 'equal'."""
    ORDER_INCONSISTENT = "order_inconsistent"
    """A hard verdict that changed with the order."""
    UNPARSEABLE = "unparseable"
    """Too little probability on the two options."""
    TOO_LONG = "too_long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OrderScore:
    """One order's reading. Log-probabilities belong to the responses A and B, not to the positions."""

    order: Order
    logprob_a: float
    logprob_b: float
    sent: str

    @property
    def log_odds(self) -> float:
        """Natural logarithm of P(A preferred) / P(B preferred)."""
        return self.logprob_a - self.logprob_b


@dataclass(frozen=True, slots=True)
class Label:
    """An AI preference label (paper section 4.1): one drawn principle, both orders, a soft `p_a`."""

    state: LabelState
    principle: Principle
    p_a: float | None
    """Sigmoid of the mean log-odds over both orders; None unless state is `labelled`."""
    orders: tuple[OrderScore, ...]
    order_disagrees: bool = False
    """The two orders prefer different responses: a flag on a soft label, not a state."""
    few_shot: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledComparison:
    """A comparison with the probability that A is preferred: what a preference model trains on."""

    comparison: Comparison
    p_a: float
    source: str
    """Which part of the mixture it belongs to, e.g. 'red_team' or 'helpful'."""


# --- evaluation --------------------------------------------------------------------------------------------


class Axis(StrEnum):
    """What a battle is fought over."""

    HARMLESSNESS = "harmlessness"
    HELPFULNESS = "helpfulness"


class Outcome(StrEnum):
    """Who won a battle. Only a, b and tie are rated; the rest are counted."""

    A = "a"
    B = "b"
    TIE = "tie"
    ORDER_INCONSISTENT = "order_inconsistent"
    UNPARSEABLE = "unparseable"
    TOO_LONG = "too_long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rating:
    """An Elo rating with its 95 % interval. Only differences mean anything; the anchor stands at zero."""

    name: str
    mid: float
    low: float
    high: float
    battles: int


# --- runs and training -------------------------------------------------------------------------------------


class RunKind(StrEnum):
    """The stages, in the order of the method."""

    CHAINS = "chains"
    SFT = "sft"
    COMPARISONS = "comparisons"
    LABELS = "labels"
    PM = "pm"
    RL = "rl"
    BATTLES = "battles"


class RunState(StrEnum):
    """Where a run stands."""

    WAITING = "waiting"
    """Enqueued; its parents are not done, or no device is free."""
    RUNNING = "running"
    STOPPED = "stopped"
    """Stopped on request; resumes where it was."""
    FAILED = "failed"
    LOST = "lost"
    """Its process died without a word (killed, machine gone); resumes where it was."""
    DONE = "done"


class Stop(StrEnum):
    """What a caller answers to a training step to end training there."""

    STOP = "stop"


@dataclass(frozen=True, slots=True)
class StepMetrics:
    """What a trainer reports after a step."""

    step: int
    total: int
    values: Mapping[str, float]


OnStep = Callable[[StepMetrics], Stop | None]


@dataclass(frozen=True, slots=True)
class Rollout:
    """One sampled response during RL, with what it was scored."""

    step: int
    prompt_uid: str
    text: str
    reward: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An adapter saved at a step: a folder with safetensors. Not a checkpoint, which resumes a trainer."""

    step: int
    folder: Path


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training stage leaves behind."""

    snapshots: tuple[Snapshot, ...]
    stopped: bool
    """Ended by `Stop` before its last step; resumes from its newest complete checkpoint."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready results, e.g. held-out accuracy by source."""
