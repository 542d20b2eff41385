"""The shape of a constitution's file: pydantic at the edge, turned into the frozen nouns of `cai_core.types`.

Types are strict, so `title: 42` or `enabled: "no"` is asked about instead of being guessed at. Space around a text is
dropped: YAML's `>` and `|` leave a line break at the end, which nobody means to send to a model.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from cai_core.types import (
    ComparisonShot,
    Constitution,
    Conversation,
    CritiqueRevisionShot,
    FewShots,
    Message,
    Principle,
    PrincipleKind,
    Role,
)

FORMAT = "cai-constitution/1"
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Control characters (tab and line breaks aside) and halves of surrogate pairs: no database or model takes them."""
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What an id looks like."""
_KINDS = tuple(kind.value for kind in PrincipleKind)
_ROLES = tuple(role.value for role in Role)


def _clean(text: str) -> str:
    bad = UNPRINTABLE.search(text)
    if bad:
        code, at = f"U+{ord(bad.group()):04X}", bad.start() + 1
        raise PydanticCustomError("unprintable", f"it holds the unprintable character {code} at place {at}; remove it")
    if not text.strip():
        raise PydanticCustomError("blank", "it is blank; write the text, or leave the key out where it is optional")
    return text.strip()


def _slug(text: str) -> str:
    if not SLUG.fullmatch(text):
        raise PydanticCustomError(
            "slug", "an id has 1 to 64 letters, digits, dots, dashes or underscores; write it like 'less-preachy'"
        )
    return text


def _name(text: str) -> str:
    if len(text) > 100 or re.search(r"[@/\\\n\r\t]", text):
        raise PydanticCustomError("name", "a name is one line of at most 100 characters without '@', '/' or '\\'")
    return text


def _one_of(values: tuple[str, ...]) -> BeforeValidator:
    def check(value: object) -> object:
        if value not in values:
            raise PydanticCustomError("one_of", f"write one of: {', '.join(values)}")
        return value

    return BeforeValidator(check)


Words = Annotated[str, AfterValidator(_clean)]
Slug = Annotated[str, AfterValidator(_slug)]
Name = Annotated[Words, AfterValidator(_name)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
# Of validators that run before, the last one runs first.
Kind = Annotated[PrincipleKind, BeforeValidator(PrincipleKind), _one_of(_KINDS)]
Speaker = Annotated[Role, BeforeValidator(Role), _one_of(_ROLES)]


class Entry(BaseModel):
    """What all entries share: unknown keys refused, types taken at their word."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TurnEntry(Entry):
    """One turn of a few-shot's conversation."""

    role: Speaker
    content: Words


def _turns(entries: list[TurnEntry]) -> Conversation:
    return tuple(Message(entry.role, entry.content) for entry in entries)


def _check_turns(entries: list[TurnEntry], last: Role) -> list[TurnEntry]:
    """Turns alternate from the user's on, perhaps after a system turn, and end with the speaker that is wanted."""
    spoken = [entry.role for entry in entries if entry.role != Role.SYSTEM]
    late_system = any(entry.role == Role.SYSTEM for entry in entries[1:])
    if late_system or any(role != (Role.USER, Role.ASSISTANT)[place % 2] for place, role in enumerate(spoken)):
        raise PydanticCustomError("turns", "turns alternate user, assistant, ...; one system turn may come first")
    if not spoken or spoken[-1] != last:
        raise PydanticCustomError("last_turn", f"it must end with a turn whose role is {last}; add or remove a turn")
    return entries


Answered = Annotated[list[TurnEntry], AfterValidator(lambda entries: _check_turns(entries, Role.ASSISTANT))]
Open = Annotated[list[TurnEntry], AfterValidator(lambda entries: _check_turns(entries, Role.USER))]


class PrincipleEntry(Entry):
    """One principle; see `cai_core.types.Principle`."""

    id: Slug
    title: Words
    kind: Kind = PrincipleKind.HARMLESSNESS
    tags: list[Words] = []
    weight: Weight = 1.0
    enabled: bool = True
    critique_request: Words | None = None
    revision_request: Words | None = None
    comparison: Words | None = None

    @model_validator(mode="after")
    def _halves(self) -> Self:
        """Critique and revision request come together; at least one half is there."""
        if self.critique_request is not None and self.revision_request is None:
            raise PydanticCustomError("half", "it has critique_request without revision_request; add the other")
        if self.revision_request is not None and self.critique_request is None:
            raise PydanticCustomError("half", "it has revision_request without critique_request; add the other")
        if self.critique_request is None and self.comparison is None:
            raise PydanticCustomError(
                "half", "it has neither half; add critique_request with revision_request, or comparison, or both"
            )
        return self

    def noun(self) -> Principle:
        """The principle."""
        return Principle(**{**dict(self), "tags": tuple(self.tags)})


class CritiqueRevisionEntry(Entry):
    """One few-shot of critique and revision."""

    conversation: Answered
    critique_request: Words
    critique: Words
    revision_request: Words
    revision: Words

    def noun(self) -> CritiqueRevisionShot:
        """The few-shot."""
        return CritiqueRevisionShot(**{**dict(self), "conversation": _turns(self.conversation)})


class ComparisonEntry(Entry):
    """One few-shot comparison answered at once."""

    conversation: Open
    comparison: Words
    response_a: Words
    response_b: Words
    answer: Annotated[str, _one_of(("A", "B"))]

    def noun(self) -> ComparisonShot:
        """The few-shot."""
        return ComparisonShot(**{**dict(self), "conversation": _turns(self.conversation)})


class ReasonedComparisonEntry(ComparisonEntry):
    """One few-shot comparison answered after reasoning."""

    reasoning: Words


class FewShotsEntry(Entry):
    """The few-shots by what they show."""

    critique_revision: list[CritiqueRevisionEntry] = []
    comparison: list[ComparisonEntry] = []
    comparison_with_reasoning: list[ReasonedComparisonEntry] = []

    def noun(self) -> FewShots:
        """The few-shots."""
        return FewShots(
            tuple(entry.noun() for entry in self.critique_revision),
            tuple(entry.noun() for entry in self.comparison),
            tuple(entry.noun() for entry in self.comparison_with_reasoning),
        )


class ConstitutionEntry(Entry):
    """A whole file."""

    format: Literal["cai-constitution/1"]
    name: Name
    description: str = ""
    principles: Annotated[list[PrincipleEntry], Field(min_length=1)]
    few_shots: FewShotsEntry = FewShotsEntry()

    @model_validator(mode="after")
    def _printable(self) -> Self:
        """A description may be empty, but not unprintable."""
        if self.description.strip():
            _clean(self.description)
        return self

    def noun(self) -> Constitution:
        """The constitution."""
        principles = tuple(entry.noun() for entry in self.principles)
        return Constitution(self.name, self.description.strip(), principles, self.few_shots.noun())
