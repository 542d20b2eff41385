"""The words around critiques and revisions, as turns of a conversation (paper section 3.1 and appendix E.1).

The labels tell a model whose turn it is: the paper's models, left without, confused critique and revision.
"""

from cai_core.types import Conversation, CritiqueRevisionShot, assistant, user


def critique_turns(conversation: Conversation, critique_request: str) -> Conversation:
    """`conversation` ends with the response to criticise; the model answers with the critique."""
    return (*conversation, user(f"Critique Request: {critique_request}"))


def revision_turns(critiqued: Conversation, critique: str | None, revision_request: str) -> Conversation:
    """`critiqued` is what the critique was asked with; without a critique, the conversation alone."""
    said = () if critique is None else (assistant(critique),)
    return (*critiqued, *said, user(f"Revision Request: {revision_request}"))


def shot_turns(shot: CritiqueRevisionShot, *, critique: bool = True) -> Conversation:
    """A few-shot example as turns, in the very form the request takes."""
    if not critique:
        return (*revision_turns(shot.conversation, None, shot.revision_request), assistant(shot.revision))
    asked = critique_turns(shot.conversation, shot.critique_request)
    return (*revision_turns(asked, shot.critique, shot.revision_request), assistant(shot.revision))
