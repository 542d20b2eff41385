"""Asks: what somebody waits for while a warm model answers."""

from dataclasses import dataclass
from enum import StrEnum

from cai_core.types.chains import Edit
from cai_core.types.comparisons import Order
from cai_core.types.constitutions import Constitution
from cai_core.types.conversations import Conversation
from cai_core.types.models import Failure


class AskKind(StrEnum):
    """What is asked."""

    SAMPLE = "sample"
    """A response."""
    CHOOSE = "choose"
    """Log-probabilities of given options."""
    CRITIQUE_REVISION = "critique_revision"
    """A response, its critique under a principle, and a revision: one round of a chain."""
    COMPARE = "compare"
    """Which of two given responses principles prefer, in both orders."""
    DRAFT = "draft"
    """A principle, drafted from what somebody says of a response."""
    COUNT = "count"
    """How many tokens a text takes, and how many the model's context holds."""
    BRANCH = "branch"
    """A chain, continued from a round that somebody changed."""
    RENDER = "render"
    """Exactly what a chain's model was sent, built again."""
    PREVIEW = "preview"
    """Examples of a dataset as a model will see them, token by token."""


class AskState(StrEnum):
    """Where an ask stands."""

    WAITING = "waiting"
    ANSWERING = "answering"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    """Stopped on request; what was written until then is kept."""


@dataclass(frozen=True, slots=True)
class Branching:
    """How a branch leaves its chain: the round, and what somebody changes in it."""

    round: int
    """1..n."""
    edit: Edit
    text: str | None = None
    """The critique or revision, as somebody wrote it."""
    principle: str | None = None
    """Id of the principle of that round from now on."""
    author: str = ""
    """Who changes it."""
    number: int = 0
    """Of the branch among its chain's: given when it is asked for."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to one model, with all that its answer depends on."""

    kind: AskKind
    model: str
    """A model's name in the workspace."""
    turns: Conversation
    """Ends with a user's turn; of a choice, perhaps with the beginning of an answer."""
    seed: int = 0
    """As a run's seed: the same prompt gets what a chains run of this seed would write."""
    temperature: float = 1.0
    """0 means greedy."""
    max_new_tokens: int = 256
    """Longest response, critique or revision."""
    options: tuple[str, ...] = ()
    """Of a choice."""
    constitution: str | None = None
    """'name@3': whose principles are tried, and whose few-shots; with `wording`, the version it began from."""
    principles: tuple[str, ...] = ()
    """Ids of principles in that version, or in `wording`: each is tried by itself."""
    wording: Constitution | None = None
    """The constitution as it stands unsaved: its principles and few-shots are used instead of the version's."""
    few_shots: int = 0
    """Few-shot examples of the constitution in front of each request under a principle."""
    samples: int = 1
    """How many responses: those that a chains run would write as its samples 0, 1, ..."""
    response_a: str | None = None
    """Of a comparison."""
    response_b: str | None = None
    chain: int | None = None
    """Row id of the chain that is continued, or whose requests are built again."""
    branching: Branching | None = None
    dataset: str | None = None
    """Of a preview: whose examples; `samples` says how many are shown, and `seed` which."""
    max_length: int = 0
    """Of a preview: most tokens of an example."""


@dataclass(frozen=True, slots=True)
class AskPart:
    """One request of an ask, and its answer so far; of a count, the tokens or the context's length."""

    part: str
    """'response', 'critique', 'revision', 'choice', 'count' or 'context'; of a preview 'lengths' or 'example'."""
    text: str | None
    rendered: str | None
    """Exactly what was sent."""
    sent: str | None
    """Hash of what was sent; None until the answer is whole."""
    finished: bool | None
    """None: still being written. False: cut at the token limit."""
    num_tokens: int | None = None
    seed: int | None = None
    logprobs: tuple[float, ...] | None = None
    """Of a choice, in the order of its options."""
    bounded: tuple[bool, ...] = ()
    """Which of them are only upper bounds; empty: none."""
    thinking: str | None = None
    """What a reasoning model wrote before its answer."""
    sample: int = 0
    """Which of several samples it belongs to: 0, 1, ...; of a chain's requests, which round."""
    principle: str | None = None
    """Id of the principle behind a critique, a revision or a choice."""
    order: Order | None = None
    """Of a choice between two responses."""
    failure: Failure | None = None
    """Why there is no answer; `error` says it in words."""
    error: str | None = None
