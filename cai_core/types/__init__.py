"""The nouns: frozen dataclasses and enums, with no import but the standard library.

One sense each, spelled the same in code, database, page and README. `p_a` is everywhere the probability that
response A is preferred, in 0..1.
"""

from cai_core.types.asks import Ask, AskKind, AskPart, AskState, Branching
from cai_core.types.cases import Case, CaseKind, CaseResult, CaseState, case_uid
from cai_core.types.chains import Chain, Edit, Example, Gate, Round, RowState, Verdict, chain_uid, input_hash
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
from cai_core.types.drafts import SHOT_LISTS, Draft, Place, Removed
from cai_core.types.evaluation import Axis, Outcome, Rating, Score
from cai_core.types.models import Answer, Choice, Choose, Endpoint, Failed, Failure, ModelRef, Request, Sample, Text
from cai_core.types.prompts import Prompt, PromptKind, PromptOutcome, Split, prompt_uid
from cai_core.types.runs import OnStep, Rollout, RunKind, RunState, Snapshot, StepMetrics, Stop, TrainingResult

__all__ = [
    "SHOT_LISTS",
    "Answer",
    "Ask",
    "AskKind",
    "AskPart",
    "AskState",
    "Axis",
    "Branching",
    "Case",
    "CaseKind",
    "CaseResult",
    "CaseState",
    "Chain",
    "Choice",
    "Choose",
    "Comparison",
    "ComparisonShot",
    "Constitution",
    "Conversation",
    "CritiqueRevisionShot",
    "Draft",
    "Edit",
    "Endpoint",
    "Example",
    "Failed",
    "Failure",
    "FewShots",
    "Gate",
    "Label",
    "LabelState",
    "LabelledComparison",
    "Message",
    "ModelRef",
    "OnStep",
    "Order",
    "OrderScore",
    "Outcome",
    "Place",
    "Principle",
    "PrincipleKind",
    "Prompt",
    "PromptKind",
    "PromptOutcome",
    "Rating",
    "Removed",
    "Request",
    "Role",
    "Rollout",
    "Round",
    "RowState",
    "RunKind",
    "RunState",
    "Sample",
    "Score",
    "Snapshot",
    "Split",
    "StepMetrics",
    "Stop",
    "Text",
    "TrainingResult",
    "Verdict",
    "assistant",
    "case_uid",
    "chain_uid",
    "derive_seed",
    "input_hash",
    "prompt_uid",
    "user",
]
