"""The nouns: frozen dataclasses and enums, with no import but the standard library.

One sense each, spelled the same in code, database, page and README. `p_a` is everywhere the probability that
response A is preferred, in 0..1.
"""

from cai_core.types.asks import Ask, AskKind, AskPart, AskState
from cai_core.types.chains import Chain, Example, Round, RowState
from cai_core.types.comparisons import Comparison, Label, LabelledComparison, LabelState, Order, OrderScore
from cai_core.types.constitutions import (
    ComparisonShot,
    Constitution,
    CritiqueRevisionShot,
    FewShots,
    Principle,
    PrincipleKind,
)
from cai_core.types.conversations import Conversation, Message, Role, assistant, derive_seed, user
from cai_core.types.evaluation import Axis, Outcome, Rating
from cai_core.types.models import Answer, Choice, Choose, Endpoint, Failed, Failure, ModelRef, Request, Sample, Text
from cai_core.types.prompts import Prompt, PromptKind, Split, prompt_uid
from cai_core.types.runs import OnStep, Rollout, RunKind, RunState, Snapshot, StepMetrics, Stop, TrainingResult

__all__ = [
    "Answer",
    "Ask",
    "AskKind",
    "AskPart",
    "AskState",
    "Axis",
    "Chain",
    "Choice",
    "Choose",
    "Comparison",
    "ComparisonShot",
    "Constitution",
    "Conversation",
    "CritiqueRevisionShot",
    "Endpoint",
    "Example",
    "Failed",
    "Failure",
    "FewShots",
    "Label",
    "LabelState",
    "LabelledComparison",
    "Message",
    "ModelRef",
    "OnStep",
    "Order",
    "OrderScore",
    "Outcome",
    "Principle",
    "PrincipleKind",
    "Prompt",
    "PromptKind",
    "Rating",
    "Request",
    "Role",
    "Rollout",
    "Round",
    "RowState",
    "RunKind",
    "RunState",
    "Sample",
    "Snapshot",
    "Split",
    "StepMetrics",
    "Stop",
    "Text",
    "TrainingResult",
    "assistant",
    "derive_seed",
    "prompt_uid",
    "user",
]
