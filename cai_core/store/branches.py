"""What stands behind a stored chain, so that it can be built again or go on; and its branches, as they are entered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cai_core.chains.critique_revision import Setting, chain_key, model_of, shots_of
from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import ChainsConfig, load_config
from cai_core.constitution.draw import candidates, draw_principle, restricted
from cai_core.errors import ConstitutionError, ModelError, RunError
from cai_core.store import chains, constitutions
from cai_core.types import Ask, AskKind, Branching, Chain, Constitution, CritiqueRevisionShot, Edit, Principle, RunKind
from db.schema_asks import AskRow
from db.schema_chains import ChainRow


@dataclass(frozen=True, slots=True)
class Behind:
    """A stored chain, with all that its requests depend on."""

    chain: Chain
    run: int
    prompt: int
    """Row id."""
    setting: Setting
    constitution: Constitution | None
    """None: the chain was imported without one."""
    version: str | None
    """'name@3'."""
    principle_ids: Mapping[str, int]
    """Row ids of all that its rounds draw or may draw, by uid."""
    imported: bool

    def slugs(self) -> dict[str, int]:
        """Row ids of the same, by the principle's id."""
        whole = () if self.constitution is None else self.constitution.principles
        known = [*whole, *(one.principle for one in self.chain.rounds)]
        return {one.id: self.principle_ids[one.uid] for one in known if one.uid in self.principle_ids}

    def principle(self, number: int) -> Principle:
        """The principle of a round: what the chain drew, or what its run would have."""
        if number <= len(self.chain.rounds):
            return self.chain.rounds[number - 1].principle
        if self.constitution is None:
            raise ConstitutionError("the chain was imported without a constitution, so no further round can be drawn.")
        whole = restricted(self.constitution, self.setting.config.principles)
        key = chain_key(self.chain.prompt, self.chain.sample)
        return draw_principle(whole, kind=None, half="critique", seed=self.setting.seed, row=key, round=number)


def behind(session: Session, chain_id: int) -> Behind:
    """A chain by its row id, with what stands behind it."""
    row = chain_row(session, chain_id)
    chain, run = chains.to_noun(row), row.run
    version = run.constitution_version_id
    constitution = None if version is None else constitutions.load_version_id(session, version)
    imported = run.origin is not None
    config = _as_imported(chain) if imported else load_config(RunKind(run.kind), run.config)
    if not isinstance(config, ChainsConfig):
        raise RunError(f"chain {chain_id} is of a {run.kind} run, and only chains of chains runs can be built again.")
    known = {constitutions.principle_to_noun(one.principle).uid: one.principle_id for one in row.revisions}
    if constitution is not None:
        known |= constitutions.principle_ids(session, constitution.principles)
    named = None if constitution is None else str(run.config.get("constitution") or constitution.name)
    prefixes = _prefixes(constitution, config, run.seed)
    chosen = chain.few_shot if chain.few_shot is not None and chain.few_shot < len(prefixes) else None
    shots = shots_of(prefixes, chosen, critique=config.critique)
    setting = Setting(chain.prompt, chain.sample, config, shots, run.seed)
    return Behind(chain, run.id, row.prompt_id, setting, constitution, named, known, imported)


def _as_imported(chain: Chain) -> ChainsConfig:
    """What an imported chain goes on with: as many rounds as it has, no few-shots."""
    critique = any(one.critique is not None for one in chain.rounds)
    return ChainsConfig("", model="", rounds=max(1, len(chain.rounds)), critique=critique, few_shots=0)


def _prefixes(
    constitution: Constitution | None, config: ChainsConfig, seed: int
) -> tuple[tuple[CritiqueRevisionShot, ...], ...]:
    shots = () if constitution is None else constitution.few_shots.critique_revision
    return draw_prefixes(shots, count=config.few_shot_prefixes, size=config.few_shots, seed=seed)


def chain_row(session: Session, chain_id: int) -> ChainRow:
    """A chain's row; raises where there is none."""
    row = session.get(ChainRow, chain_id)
    if row is None:
        raise RunError(
            f"there is no chain {chain_id} in this workspace. `cai-studio chains list` shows those there are."
        )
    return row


def models_of(found: Behind, named: str) -> dict[str, str]:
    """Who is asked for each part: the run's models, or the one that is named."""
    config = found.setting.config
    return {part: named or model_of(config, part) for part in ("response", "critique", "revision")}


def ask_for_sent(session: Session, chain_id: int, model: str = "") -> Ask:
    """What asks for a chain's requests, built again; `model` renders them, or the run's own do."""
    found = behind(session, chain_id)
    return _ask(found, AskKind.RENDER, chain_id, model)


def ask_for_branch(
    session: Session, chain_id: int, branching: Branching, *, redraw: int | None = None, model: str = ""
) -> Ask:
    """What asks for a branch; raises where the chain cannot leave there, or where nothing would change.

    `redraw` is the seed of another draw, of any principle but the present one. `model` is asked instead of the run's.
    """
    found = behind(session, chain_id)
    _check(found, chain_id, branching)
    if branching.edit is Edit.PRINCIPLE:
        drawn = _redrawn(found, branching.round, redraw) if redraw is not None else _named(found, branching.principle)
        branching = replace(branching, principle=drawn.id)
    number = _next_number(session, found)
    return replace(_ask(found, AskKind.BRANCH, chain_id, model), branching=replace(branching, number=number))


def _ask(found: Behind, kind: AskKind, chain_id: int, model: str) -> Ask:
    config = found.setting.config
    if not (model or config.model):
        raise ModelError(f"chain {chain_id} was imported, and no model of this workspace wrote it. Name one.")
    return Ask(
        kind,
        model or config.model,
        found.chain.prompt.turns,
        seed=found.setting.seed,
        temperature=config.temperature,
        max_new_tokens=config.max_new_tokens,
        few_shots=config.few_shots,
        chain=chain_id,
    )


def _check(found: Behind, chain_id: int, branching: Branching) -> None:
    rounds = found.chain.rounds
    if not 1 <= branching.round <= len(rounds):
        has = f"rounds 1 to {len(rounds)}" if rounds else "no rounds"
        raise RunError(
            f"chain {chain_id} has {has}, and round {branching.round} is none of them. Name one that it has."
        )
    old = rounds[branching.round - 1]
    if branching.edit is Edit.PRINCIPLE:
        return
    was = old.critique if branching.edit is Edit.CRITIQUE else old.revision
    if was is None:
        raise RunError(
            f"round {branching.round} of chain {chain_id} has no critique to edit. Edit its revision instead."
        )
    if not (branching.text or "").strip():
        raise RunError(f"the {branching.edit} is empty. Write what it should say.")
    if branching.text == was:
        raise RunError(
            f"the {branching.edit} is as it was, so nothing would change. Change it, or redraw the principle."
        )


def _usable(found: Behind) -> tuple[Principle, ...]:
    if found.constitution is None:
        raise ConstitutionError(
            "the chain was imported without a constitution, so there is no other principle to draw."
        )
    return candidates(found.constitution, kind=None, half="critique")


def _named(found: Behind, wanted: str | None) -> Principle:
    usable = {one.id: one for one in _usable(found)}
    if wanted not in usable:
        raise ConstitutionError(
            f"constitution {found.version!r} has no enabled principle {wanted!r} to criticise under. It has: "
            f"{', '.join(usable)}."
        )
    return usable[wanted]


def _redrawn(found: Behind, number: int, seed: int) -> Principle:
    """Another principle than the round's, drawn as weighted."""
    present = found.chain.rounds[number - 1].principle.id
    others = [one.id for one in _usable(found) if one.id != present]
    if not others or found.constitution is None:
        raise ConstitutionError(f"constitution {found.version!r} has no other principle than {present!r} to draw.")
    key = chain_key(found.chain.prompt, found.chain.sample)
    return draw_principle(
        restricted(found.constitution, others), kind=None, half="critique", seed=seed, row=key, round=number
    )


def _next_number(session: Session, found: Behind) -> int:
    """The number that no branch of the chain has, and none that is asked for: a branch's seeds hold it."""
    of = (ChainRow.run_id == found.run, ChainRow.prompt_id == found.prompt, ChainRow.sample == found.chain.sample)
    last = session.scalar(select(func.max(ChainRow.branch)).where(*of)) or 0
    theirs = select(ChainRow.id).where(*of)
    number = AskRow.request["branching"]["number"].as_integer()
    asked = select(func.max(number)).where(
        AskRow.kind == AskKind.BRANCH.value, AskRow.request["chain"].as_integer().in_(theirs)
    )
    return max(last, session.scalar(asked) or 0) + 1


def with_changed(found: Behind, branching: Branching) -> Callable[[int], Principle]:
    """The principle of each round of a branch."""
    if branching.edit is not Edit.PRINCIPLE:
        return found.principle
    changed = _named(found, branching.principle)
    return lambda number: changed if number == branching.round else found.principle(number)


def enter(session: Session, found: Behind, parent: int, branch: Chain) -> int:
    """Enter a branch, once: whoever asks again for what is there gets it. Answers its row id."""
    of = (ChainRow.run_id == found.run, ChainRow.prompt_id == found.prompt, ChainRow.sample == branch.sample)
    there = session.scalar(select(ChainRow.id).where(*of, ChainRow.branch == branch.branch))
    if there is not None:
        return there
    run = chain_row(session, parent).run
    row = chains.row_of(run, found.prompt, branch, found.principle_ids)
    row.parent_id = parent
    chains.enter(session, [(row, branch)])
    return row.id
