"""What a case comes to under a version of a constitution, as a generator that asks and is answered.

A pair is labelled under its principle, as a labels run would: it passes if both orders prefer the response that is
hoped for. A prompt is answered, criticised and revised under its principle, one round of what a chains run does; where
there is a hope, the judge is asked in both orders which of revision and response meets it better. A case that names no
principle draws one by hash. Draws and seeds hang on the prompt alone: no case depends on another, the same prompt gets
what a chains run of that seed would write, and a changed hope is held against the same texts.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from cai_core.chains.critique_revision import chain_key, critique_and_revise
from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import CasesConfig, ChainsConfig, LabelsConfig
from cai_core.constitution.draw import Half, candidates, draw_principle
from cai_core.errors import ConstitutionError
from cai_core.preferences.labels import label
from cai_core.types import (
    Answer,
    Case,
    CaseKind,
    CaseResult,
    CaseState,
    Chain,
    Comparison,
    ComparisonShot,
    Constitution,
    CritiqueRevisionShot,
    Label,
    LabelState,
    Principle,
    Prompt,
    PromptKind,
    Request,
    RowState,
    Split,
    prompt_uid,
)

Trying = Generator[tuple[str, Request], Answer, CaseResult]
MODEL, JUDGE = "feedback", "judge"
"""Who is asked to prefer: the model under a principle of the version, the judge under a case's hope."""
_UNLABELLED = {
    LabelState.UNPARSEABLE: CaseState.COULD_NOT_TELL,
    LabelState.TOO_LONG: CaseState.TOO_LONG,
    LabelState.FAILED: CaseState.FAILED,
}
_UNANSWERED = {RowState.TOO_LONG: CaseState.TOO_LONG, RowState.FAILED: CaseState.FAILED}
SAME = "revision and response are the same text: neither meets the hope better"
DISAGREE = "the two orders prefer different responses"
NEITHER = "neither response is preferred: both are just as likely"
CUT = "the critique or the revision was cut at the token limit"


@dataclass(frozen=True, slots=True)
class Trial:
    """A version, and how it is asked: the same for all cases of a run."""

    constitution: Constitution
    chains: ChainsConfig
    labels: LabelsConfig
    critique_prefixes: Sequence[Sequence[CritiqueRevisionShot]]
    comparison_prefixes: Sequence[Sequence[ComparisonShot]]
    seed: int


def trial(constitution: Constitution, config: CasesConfig, seed: int) -> Trial:
    """A run's trial: settings of chains and labels, few-shot prefixes drawn as they draw them."""
    chains = ChainsConfig(
        constitution=config.constitution,
        rounds=1,
        temperature=config.temperature,
        max_new_tokens=config.max_new_tokens,
        few_shots=config.few_shots,
    )
    labels = LabelsConfig(constitution=config.constitution, min_mass=config.min_mass, few_shots=config.few_shots)
    shots, count = constitution.few_shots, chains.few_shot_prefixes
    return Trial(
        constitution,
        chains,
        labels,
        draw_prefixes(shots.critique_revision, count=count, size=config.few_shots, seed=seed),
        draw_prefixes(shots.comparison, count=labels.few_shot_prefixes, size=config.few_shots, seed=seed),
        seed,
    )


def try_case(case: Case, under: Trial) -> Trying:
    """Try one case; asks the roles 'response', 'critique', 'revision', 'feedback' and 'judge'."""
    prompt = prompt_of(case)
    half: Half = "comparison" if case.kind is CaseKind.PAIR else "critique"
    try:
        principle = _principle(case, under, chain_key(prompt, 0), half)
    except ConstitutionError as error:
        return CaseResult(CaseState.FAILED, error=str(error))
    if case.kind is CaseKind.PAIR:
        return (yield from _try_pair(case, prompt, principle, under))
    return (yield from _try_prompt(case, prompt, principle, under))


def prompt_of(case: Case) -> Prompt:
    """A case's conversation as a prompt."""
    return Prompt(prompt_uid(case.turns), case.turns, PromptKind.RED_TEAM, Split.TEST, source="case")


def _principle(case: Case, under: Trial, key: str, half: Half) -> Principle:
    """The case's principle, or the one that a chains or labels run would draw, of whichever kind."""
    texts = "a critique_request and a revision_request" if half == "critique" else "a comparison"
    usable = candidates(under.constitution, kind=None, half=half)
    if case.principle is None:
        if not usable:
            raise ConstitutionError(f"the version has no principle that is enabled and has {texts}")
        number = 0 if half == "comparison" else 1
        return draw_principle(under.constitution, kind=None, half=half, seed=under.seed, row=key, round=number)
    named = next((one for one in under.constitution.principles if one.id == case.principle), None)
    if named is not None and named in usable:
        return named
    lacks = "" if named is None else f" with {texts}" if named.enabled else " that is enabled"
    raise ConstitutionError(f"the version has no principle {case.principle!r}{lacks}")


def _try_pair(case: Case, prompt: Prompt, principle: Principle, under: Trial) -> Trying:
    pair = Comparison(prompt, case.response_a or "", case.response_b or "")
    said = yield from label(
        pair,
        key=chain_key(prompt, 0),
        principle=principle,
        config=under.labels,
        prefixes=under.comparison_prefixes,
        seed=under.seed,
    )
    return _judged(CaseResult(CaseState.FAILED, principle), said, hoped=case.preferred == "a")


def _try_prompt(case: Case, prompt: Prompt, principle: Principle, under: Trial) -> Trying:
    chain: Chain = yield from critique_and_revise(
        prompt,
        sample=0,
        constitution=replace(under.constitution, principles=(principle,)),
        config=under.chains,
        prefixes=under.critique_prefixes,
        seed=under.seed,
    )
    written = _written(chain, principle)
    if chain.state is not RowState.DONE or not case.hope:
        return written
    if written.revision == written.response:
        return replace(written, state=CaseState.COULD_NOT_TELL, error=SAME)
    asking = label(
        Comparison(prompt, written.revision or "", written.response or ""),
        key=chain_key(prompt, 0),
        principle=Principle(id="hope", title="Hope", comparison=case.hope),
        config=under.labels,
        prefixes=under.comparison_prefixes,
        seed=under.seed,
    )
    said = yield from _to_judge(asking)
    return _judged(written, said, hoped=True)


def _to_judge(asking: Generator[tuple[str, Request], Answer, Label]) -> Generator[tuple[str, Request], Answer, Label]:
    """The same questions, put to the judge."""
    try:
        _, request = next(asking)
        while True:
            answer = yield JUDGE, request
            _, request = asking.send(answer)
    except StopIteration as returned:
        found: Label = returned.value
        return found


def _written(chain: Chain, principle: Principle) -> CaseResult:
    """What a chain of one round holds: to be read, unless it ended early."""
    last = chain.rounds[-1] if chain.rounds else None
    sent = {
        "response": chain.sent,
        "critique": None if last is None else last.critique_sent,
        "revision": None if last is None else last.revision_sent,
    }
    return CaseResult(
        _UNANSWERED.get(chain.state, CaseState.UNJUDGED),
        principle,
        response=chain.response,
        critique=None if last is None else last.critique,
        revision=None if last is None else last.revision,
        sent={part: one for part, one in sent.items() if one is not None},
        error=chain.error or (None if last is None or last.finished else CUT),
    )


def _judged(written: CaseResult, said: Label, *, hoped: bool) -> CaseResult:
    """The result that a label makes of it; `hoped`: whether A is what is hoped for."""
    state, error = _verdict(said, hoped)
    sent = {**written.sent, **{one.order.value: one.sent for one in said.orders}}
    return replace(
        written,
        state=state,
        p_a=said.p_a,
        orders=said.orders,
        order_disagrees=said.order_disagrees,
        sent=sent,
        error=error or written.error,
    )


def _verdict(said: Label, hoped: bool) -> tuple[CaseState, str | None]:
    if said.p_a is None:
        return _UNLABELLED[said.state], said.error
    if said.order_disagrees:
        return CaseState.COULD_NOT_TELL, DISAGREE
    if said.p_a == 0.5:
        return CaseState.COULD_NOT_TELL, NEITHER
    return (CaseState.PASS if (said.p_a > 0.5) == hoped else CaseState.FAIL), None
