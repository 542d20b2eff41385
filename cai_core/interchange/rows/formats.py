"""The formats that rows come in: by which columns each is known, and who reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cai_core.interchange.rows.nouns import Item, Row
from cai_core.interchange.rows.own_chains import COLUMNS, is_own_chain, own_chain
from cai_core.interchange.rows.read_chains import cai_chain, chat, completion, document, paper_chain
from cai_core.interchange.rows.read_pairs import (
    annotated_pair,
    explicit_pair,
    hh_pair,
    hhh_pair,
    implicit_pair,
    preferred_text_pair,
)
from cai_core.interchange.rows.read_prompts import (
    ADVBENCH,
    HARMBENCH,
    SIMPLE_SAFETY_TESTS,
    STRONGREJECT,
    TRUTHFULQA,
    Columns,
    attempt,
    mt_bench_prompt,
    of_columns,
    own_prompt,
    plain_prompt,
    sampled_prompt,
    says_kind,
    text_prompt,
    unpaired,
    xstest_prompt,
)
from cai_core.interchange.rows.transcripts import is_transcript

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write rows."""

    about: str
    columns: tuple[frozenset[str], ...]
    """A row that has all columns of none of these is of another format."""
    read: Callable[[Row], Item]
    fits: Callable[[Fields], bool] = lambda fields: True
    """Whether a row that has the columns may be of this format, as far as its values show."""
    also: frozenset[str] = frozenset()
    """Columns that it explains where a row has them."""
    reads_too: str = ""
    """Another format whose rows this one reads among its own."""

    def columns_in(self, fields: Fields) -> frozenset[str]:
        """The columns of a row that the format explains; none where one that it needs is missing."""
        needed = next((columns for columns in self.columns if columns <= fields.keys()), frozenset())
        return needed | (self.also & fields.keys()) if needed else needed


def _is_hh(fields: Fields) -> bool:
    texts = (fields["chosen"], fields["rejected"])
    return all(isinstance(text, str) and text.lstrip().startswith("Human:") for text in texts)


def _is_own(fields: Fields) -> bool:
    return not _is_questions(fields) if "turns" in fields else says_kind(fields)


def _is_questions(fields: Fields) -> bool:
    return isinstance(fields["turns"], list) and all(isinstance(turn, str) for turn in fields["turns"])


def _is_xstest(fields: Fields) -> bool:
    return fields.get("label") in ("safe", "unsafe") or "final_label" in fields


def _is_verdict(fields: Fields) -> bool:
    return str(fields["label"]).lower() in ("true", "false")


def _of(
    about: str,
    columns: str,
    read: Callable[[Row], Item],
    fits: Callable[[Fields], bool] = lambda fields: True,
    also: str = "",
) -> Format:
    return Format(about, (frozenset(columns.split()),), read, fits, frozenset(also.split()))


def _set(about: str, columns: Columns) -> Format:
    return Format(about, (frozenset({columns.prompt}),), of_columns(columns))


LINES = "lines"
FORMATS: dict[str, Format] = {
    # Never told by its columns: a file of plain lines has none.
    LINES: _of("plain lines, a prompt each", "prompt", plain_prompt, lambda fields: False),
    "prompts": Format(
        "our own prompts", (frozenset({"turns"}), frozenset({"prompt"})), own_prompt, _is_own, reads_too="prompt-only"
    ),
    "prompt-only": _of("prompts", "prompt", plain_prompt, lambda fields: not _is_own(fields)),
    "text-prompts": _of("prompts", "text", text_prompt, lambda fields: not is_transcript(fields["text"])),
    "prompt-completion": _of("prompts and completions", "prompt completion", completion),
    "unpaired-preference": _of("completions, good or bad", "prompt completion label", unpaired, _is_verdict),
    "preference": _of("prompts with a chosen and a rejected reply", "prompt chosen rejected", explicit_pair),
    "preference-implicit": _of("pairs", "chosen rejected", implicit_pair, lambda fields: not _is_hh(fields)),
    "hh-rlhf": _of("pairs of transcripts", "chosen rejected", hh_pair, _is_hh),
    "language-modeling": _of("texts to learn from", "text", document),
    "chat": _of("conversations as messages", "messages", chat),
    "cai-chain": _of("our own chains", "format run prompt rounds", own_chain, is_own_chain, " ".join(COLUMNS)),
    "cai-conversation": _of(
        "a critique and revision a row",
        "init_prompt init_response critic_prompt critic_response revision_prompt revision_response",
        cai_chain,
        also="prompt messages chosen rejected",
    ),
    "paper-chains": _of("the paper's chains", "rl_prompt initial_response cst", paper_chain),
    "paper-samples": _of("the paper's scored samples", "rl_prompt sampled_answers", sampled_prompt),
    "red-team-attempts": _of("transcripts of attacks", "transcript", attempt),
    "harmbench": _set("HarmBench's behaviours", HARMBENCH),
    "xstest": _of("XSTest's prompts", "prompt type", xstest_prompt, _is_xstest, "label completion final_label"),
    "mt-bench": _of("MT-Bench's questions", "turns", mt_bench_prompt, _is_questions),
    "advbench": _set("AdvBench's goals", ADVBENCH),
    "strongreject": _set("StrongREJECT's prompts", STRONGREJECT),
    "simple-safety-tests": _set("SimpleSafetyTests' prompts", SIMPLE_SAFETY_TESTS),
    "truthfulqa": _set("TruthfulQA's questions", TRUTHFULQA),
    "hhh": _of("HHH alignment's comparisons", "input chosen rejected", hhh_pair),
    "preferred-text": _of("pairs and which text is preferred", "text_a text_b preferred_text", preferred_text_pair),
    "annotated-pairs": _of("annotated pairs", "prompt response_a response_b annotations", annotated_pair),
}
KNOWN = frozenset(name for format in FORMATS.values() for columns in format.columns for name in columns)
"""Column names that tell a table's header."""
ALONE = frozenset(
    name for format in FORMATS.values() for columns in format.columns if len(columns) == 1 for name in columns
)
"""Column names that tell it even where there is one column."""
