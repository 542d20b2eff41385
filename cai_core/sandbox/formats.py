"""The forms of chains and comparisons, as the corpus writes them.

They equal the templates of `cai_core.chains` and `cai_core.preferences`, which stand above the sandbox and so cannot be
imported here; a test holds the two together.
"""

from cai_core.types import Conversation, Role, assistant, user

ANSWER = "The answer is:"
REASON = "Let's think step by step:"
SO = "\nSo the answer is:"


def chain_turns(
    conversation: Conversation, critique_request: str, critique: str, revision_request: str, revision: str
) -> Conversation:
    """A critique and a revision of the response that ends `conversation`."""
    return (
        *conversation,
        user(f"Critique Request: {critique_request}"),
        assistant(critique),
        user(f"Revision Request: {revision_request}"),
        assistant(revision),
    )


def direct_turns(conversation: Conversation, revision_request: str, revision: str) -> Conversation:
    """A revision without a critique."""
    return (*conversation, user(f"Revision Request: {revision_request}"), assistant(revision))


def question(conversation: Conversation, comparison: str, first: str, second: str) -> str:
    """A comparison's question, with `first` shown as option (A)."""
    names = {Role.SYSTEM: "System", Role.USER: "Human", Role.ASSISTANT: "Assistant"}
    quoted = "\n\n".join(f"{names[turn.role]}: {turn.content}" for turn in conversation)
    return (
        "Consider the following conversation between a human and an assistant:\n\n"
        f"{quoted}\n\n{comparison}\nOptions:\n (A) [[[{first}]]]\n (B) [[[{second}]]]"
    )


def comparison_turns(
    conversation: Conversation, comparison: str, first: str, second: str, answer: str, reasoning: str | None = None
) -> Conversation:
    """A comparison with its answer ('A' or 'B'), after reasoning where there is some."""
    asked = user(question(conversation, comparison, first, second))
    if reasoning is None:
        return (asked, assistant(f"{ANSWER} ({answer})"))
    return (asked, assistant(f"{REASON} {reasoning}{SO} ({answer})"))
