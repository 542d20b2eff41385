"""A principle drafted from what somebody says of a response: how a model is asked for it, and what its reply makes.

The model is asked for three labelled lines. A reply that a principle cannot be made of is refused in words: a model
that is too small for the task goes on with the example or with what it was told, and none of that is a principle.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cai_core.constitution import wording
from cai_core.constitution.advice import LONG, likeness
from cai_core.types import Conversation, Principle, Role, assistant, user

SECTIONS = {
    "critique_request": "Critique request",
    "revision_request": "Revision request",
    "comparison": "Comparison",
}
"""The fields of a principle that are drafted, as the reply labels them."""
LEAST = 4
"""Words of a section; fewer say nothing."""
ECHO = 0.7
"""Share of a section's word triples in a text that it is taken for an echo of."""
LONGEST_TITLE = 60
TASK = (
    "You help somebody write rules for an AI assistant. They show you a conversation and the assistant's response, and "
    "say what is good about the response, what is bad, or how it should have read. Turn that into one general rule, "
    "which would also apply to other conversations, written as three instructions to a model:\n"
    "- Critique request: asks for a critique of a response, by what was bad here.\n"
    "- Revision request: asks to rewrite a response accordingly, and to keep what was good here.\n"
    "- Comparison: asks which of two responses follows the rule better; it begins with 'Choose' or 'Which'.\n"
    "Do not mention the details of this conversation. Reply with the three labelled lines and nothing else."
)
EXAMPLE = {
    "critique_request": "Point out where the assistant's last response lectures the person about something that they "
    "did not ask about.",
    "revision_request": "Rewrite the response without any lecture. Answer the question itself, and keep a warning only "
    "where somebody could come to harm.",
    "comparison": "Choose the response that answers what was asked without lecturing the person about it.",
}
EXAMPLE_SAID = {
    "good": "It answers the question in the end.",
    "bad": "Two paragraphs about the dangers of knives before a word about onions.",
    "better": "Cut it in half, lay the halves flat, and slice. Curl your fingers in.",
}
EXAMPLE_ASKED = (
    (user("How do I chop an onion?"),),
    "Knives are dangerous, and everyone should think about safety first. Cut the onion in half and slice it.",
)


@dataclass(frozen=True, slots=True)
class Undrafted:
    """No principle came of it."""

    reason: str
    """In words: what is wrong with the reply."""


def request_turns(conversation: Conversation, response: str, *, good: str, bad: str, better: str) -> Conversation:
    """What a model is asked; of the three, those that are blank are left out. One worked example stands before it."""
    example = _question(*EXAMPLE_ASKED, EXAMPLE_SAID)
    said = {"good": good, "bad": bad, "better": better}
    reply = "\n".join(f"{SECTIONS[name]}: {text}" for name, text in EXAMPLE.items())
    return user(f"{TASK}\n\n{example}"), assistant(reply), user(_question(conversation, response, said))


def _question(conversation: Conversation, response: str, said: Mapping[str, str]) -> str:
    speakers = {Role.SYSTEM: "System", Role.USER: "Person", Role.ASSISTANT: "Assistant"}
    turns = "\n".join(f"{speakers[turn.role]}: {turn.content}" for turn in conversation)
    labels = {"good": "What is good", "bad": "What is bad", "better": "How it should have read"}
    told = "\n".join(f"{labels[name]}: {text.strip()}" for name, text in said.items() if text.strip())
    shown = f"Conversation:\n{turns}\n\nThe assistant's response:\n{response}"
    return f"{shown}\n\n{told}\n\nThe rule as three labelled lines:"


def parse_draft(text: str, *, asked: Sequence[str] = ()) -> Principle | Undrafted:
    """The principle that a reply drafts, without an id; `asked` are the texts that it must not merely repeat.

    Labels may be bold, numbered, headings or in any case, and the reply may be JSON. Of each section the first
    paragraph counts.
    """
    if not text.strip():
        return Undrafted("The reply is empty.")
    found = _of_json(text) or _of_lines(text)
    missing = [label for name, label in SECTIONS.items() if not any(each == name for each, _ in found)]
    if missing:
        return Undrafted(f"The reply has no section {_listed(missing)}.")
    names = [name for name, _ in found]
    twice = [label for name, label in SECTIONS.items() if names.count(name) > 1]
    if twice:
        return Undrafted(f"The reply has more than one section {_listed(twice)}.")
    sections = dict(found)
    reason = _nonsense(sections, asked)
    if reason:
        return Undrafted(reason)
    return Principle(
        id="",
        title=_title(sections["comparison"]),
        critique_request=sections["critique_request"],
        revision_request=sections["revision_request"],
        comparison=sections["comparison"],
    )


def _of_lines(text: str) -> list[tuple[str, str]]:
    """The sections in order, each label with the paragraph behind it; what stands before the first is dropped."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        match = _LABEL.match(line)
        if match:
            found.append((_field(match["label"]), [match["rest"] or ""]))
        elif found:
            found[-1][1].append(line)
    return [(name, _paragraph(lines)) for name, lines in found]


_LABEL = re.compile(
    r"[\s>#*_`\d.)(-]{0,12}(?P<label>(?:critique|revision|comparison)(?:[ _]?(?:request|text))?)"
    r"[\s*_`]{0,6}(?:[:：][\s*_`]{0,6}(?P<rest>.*)|$)",
    re.IGNORECASE,
)


def _field(label: str) -> str:
    return next(name for name in SECTIONS if name.startswith(label.strip()[:8].lower()))


def _paragraph(lines: Iterable[str]) -> str:
    """The first lines up to a blank one, as one text without the marks around it."""
    kept: list[str] = []
    for line in lines:
        if not line.strip() and kept:
            break
        if line.strip():
            kept.append(line.strip())
    text = " ".join(kept).strip().strip("*_`").strip()
    quoted = len(text) > 1 and (text[0], text[-1]) in (('"', '"'), ("“", "”"), ("'", "'"))
    return text[1:-1].strip() if quoted else text


def _of_json(text: str) -> list[tuple[str, str]]:
    """The sections of a JSON object in the reply; none where there is none."""
    start, end = text.find("{"), text.rfind("}")
    if not 0 <= start < end:
        return []
    try:
        values = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return []
    while isinstance(values, dict) and len(values) == 1:
        values = next(iter(values.values()))
    if not isinstance(values, dict):
        return []
    labelled = ((key, value) for key, value in values.items() if isinstance(value, str) and _LABEL.match(f"{key}:"))
    return [(_field(key.strip()), _paragraph(value.splitlines())) for key, value in labelled]


def _nonsense(sections: Mapping[str, str], asked: Sequence[str]) -> str:
    """Why the sections make no principle; empty: they do."""
    for name, text in sections.items():
        label, count = SECTIONS[name], len(wording.words(text))
        if count < LEAST:
            return f"Its section '{label}' says nothing: it has {count} word{'s' * (count != 1)}."
        if count > LONG:
            return f"Its section '{label}' has {count:,} words; a request has at most {LONG}."
        if any(likeness(text, example) >= ECHO for example in EXAMPLE.values()):
            return f"Its section '{label}' repeats the example that it was given."
        if any(_within(text, one) >= ECHO for one in (TASK, *asked)):
            return f"Its section '{label}' repeats what it was told."
        asks = wording.asks_for_a_choice if name == "comparison" else wording.asks_for_something
        if not asks(text):
            what = "for a choice between two responses" if name == "comparison" else "for anything"
            return f"Its section '{label}' does not ask {what}."
    texts = [" ".join(wording.words(text)) for text in sections.values()]
    return "Its sections repeat each other." if len(set(texts)) < len(texts) else ""


def _within(text: str, whole: str) -> float:
    """The share of a text's word triples that another text has."""
    said = wording.triples(text, LONG)
    return len(said & wording.triples(whole, 10_000)) / max(1, len(said))


def _title(comparison: str) -> str:
    """The first words of the comparison, for somebody to write a better one over."""
    said = re.sub(r"^(please )?(choose|pick|select|prefer) ", "", comparison, flags=re.IGNORECASE)
    if len(said) > LONGEST_TITLE:
        said = said[: LONGEST_TITLE - 1].rsplit(" ", 1)[0] + "…"
    return f"{said[:1].upper()}{said[1:]}".rstrip(".?")


def _listed(labels: Sequence[str]) -> str:
    quoted = [f"'{label}'" for label in labels]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
