"""Prompts from a file in any format that rows come in: what is asked is kept, each prompt once."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cai_core.errors import PromptError
from cai_core.interchange.rows import About, Item, Reading, ReadPrompt, Refused, prompt_of
from cai_core.store import prompts
from cai_core.store.import_report import Account, Spool
from cai_core.store.import_report import ImportReport as ImportReport
from cai_core.store.import_report import set_name as set_name
from cai_core.store.prompt_splits import Shares, split_of
from cai_core.store.workspace import Workspace
from cai_core.types import Conversation, Prompt, PromptKind, Split, prompt_uid
from db.schema import PromptRow


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a file's prompts are to be."""

    source: str = ""
    """Name of the set; else the file's."""
    kind: PromptKind | None = None
    """Goes before what the file says; None: the file must say it."""
    shares: Shares | None = None
    """Goes before what the file says; None: its split, or train where it says none."""
    seed: int = 0
    """Draws the splits by `shares`, and what is looked at for near duplicates."""
    near: float | None = None
    """Set prompts aside whose words overlap this much with an earlier one of the file or the set; None: none."""


def import_prompts(
    workspace: Workspace, reading: Reading, wishes: Wishes | None = None, *, dry_run: bool = False
) -> ImportReport:
    """Add a file's prompts in one transaction, all or none; rows that cannot be used are set aside and reported.

    With `dry_run` nothing is written, and the counts are the same. Raises `DataFileError` for a file that turns out to
    be damaged or holds no row that can be used, `PromptError` where neither file nor wishes say what it is for.
    """
    try:
        return _import(workspace, reading, wishes or Wishes(), dry_run=dry_run)
    except OSError as error:
        raise PromptError(
            f"nothing of {reading.source.name} came in: {error.strerror or error}. Its prompts are gathered in "
            f"{tempfile.gettempdir()} first; make room there, or name another folder in TMPDIR."
        ) from error


def _import(workspace: Workspace, reading: Reading, wishes: Wishes, *, dry_run: bool) -> ImportReport:
    account = Account(reading)
    intake = _Intake(account, wishes, wishes.source or set_name(reading))
    with tempfile.TemporaryFile() as file:
        # The file is read to its end before the transaction begins: other writers wait for the writing alone.
        fresh: Spool[Prompt] = Spool(file)
        with workspace.reading() as session:
            for chunk in prompts.chunks(intake.prompts()):
                known = prompts.ids_by_uid(session, [prompt.uid for prompt in chunk])
                fresh.add([prompt for prompt in chunk if prompt.uid not in known])
            if not account.usable:
                raise PromptError(_useless(reading, account.refused))
            aside = _near(session, fresh, intake.source, wishes) if wishes.near is not None else set()
        kept = (prompt for place, prompt in enumerate(fresh) if place not in aside)
        accepted = fresh.count - len(aside)
        if not dry_run:
            with workspace.writing() as session:
                accepted = prompts.add(session, kept)
    return account.report(accepted, len(aside))


@dataclass(slots=True)
class _Intake:
    """A file's rows becoming prompts, each once, and the account of them."""

    account: Account
    wishes: Wishes
    source: str
    _met: set[int] = field(default_factory=set)

    def prompts(self) -> Iterator[Prompt]:
        """The file's prompts in order."""
        account = self.account
        for item in account.reading:
            turns = None if isinstance(item, Refused) else prompt_of(item)
            if isinstance(item, Refused) or turns is None:
                account.refuse(item if isinstance(item, Refused) else Refused(item.number, "a document asks nothing"))
                continue
            account.usable += 1
            more = () if isinstance(item, ReadPrompt) else ("what follows the prompt is not kept",)
            account.note((*item.about.notes, *more))
            prompt = self._prompt(item, turns)
            # As a number a uid takes half the memory.
            if (uid := int(prompt.uid, 16)) not in self._met:
                self._met.add(uid)
                yield prompt

    def _prompt(self, item: Item, turns: Conversation) -> Prompt:
        about, uid = item.about, prompt_uid(turns)
        kind, split = self._kind(item.number, about), self._split(uid, about)
        return Prompt(uid, turns, kind, split, self.source, about.topic, about.tags, about.extra)

    def _kind(self, number: int, about: About) -> PromptKind:
        told = self.wishes.kind
        if (kind := told or about.kind) is None:
            raise PromptError(
                f"row {number} of {self.account.reading.source.name} does not say what its prompt is for, so none is "
                f"taken. Say it for all rows: --kind {', '.join(PromptKind)}."
            )
        if about.kind not in (None, kind):
            self.account.notes[f"kind {kind} was told where the file says {about.kind}"] += 1
        return kind

    def _split(self, uid: str, about: About) -> Split:
        shares = self.wishes.shares
        if shares is None:
            return about.split or Split.TRAIN
        split = split_of(uid, shares, self.wishes.seed)
        if about.split not in (None, split):
            self.account.notes[f"split {split} was drawn or told where the file says {about.split}"] += 1
        return split


def _near(session: Session, fresh: Spool[Prompt], source: str, wishes: Wishes) -> set[int]:
    """The places of the fresh prompts that are nearly the same as one before them that is not set aside itself."""
    # Loaded where it is wanted: SciPy comes with it.
    from cai_core.interchange.rows.near_duplicates import near_duplicates

    chosen = select(PromptRow.turns).where(PromptRow.source == source).execution_options(yield_per=prompts.CHUNK)
    before = session.scalar(select(func.count()).where(PromptRow.source == source)) or 0
    stored = ("\n".join(turn["content"] for turn in turns) for turns in session.scalars(chosen))
    aside: set[int] = set()
    texts = chain(stored, map(_text, fresh))
    for one, other, _ in near_duplicates(texts, wishes.near or 0, seed=wishes.seed):
        if other >= before and one - before not in aside:
            aside.add(other - before)
    return aside


def _text(prompt: Prompt) -> str:
    return "\n".join(turn.content for turn in prompt.turns)


def _useless(reading: Reading, refused: Iterable[Refused]) -> str:
    first = next(iter(refused))
    return (
        f"{reading.source.name} holds no prompt (row {first.row}: {first.reason}). A prompts file has a prompt a row: "
        "text, a conversation, or a pair or chain that begins with one."
    )
