"""What is done to many prompts at once: tags, splits, samples, near duplicates, removal.

Each is one transaction, and reports what it did and what it left as it was. A prompt that a run has used is not
removed, and keeps its split unless somebody insists: else a prompt that was trained on could come up in a test.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, bindparam, delete, select, update
from sqlalchemy.orm import Session

from cai_core.errors import PromptError
from cai_core.store import prompts
from cai_core.store.prompt_splits import Shares, split_of
from cai_core.store.workspace import Workspace
from cai_core.types import Split, derive_seed
from db import search
from db.queries.prompt_filter import PromptFilter, filtered, has_tag, is_used
from db.schema import PromptRow
from db.schema_prompts import PromptAttemptRow

LONGEST_TAG = 80
NAMED = 50
"""Prompts that a report names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """What became of a tag."""

    changed: int
    unchanged: int
    """Had it already, or did not have it."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """What became of splits."""

    changed: int
    unchanged: int
    """Are where they were drawn to."""
    kept: int
    """Would have changed, and keep their split because a run has used them."""
    used_changed: int
    """Changed although a run has used them, because somebody insisted."""
    out_of_train: int
    """Of those, the ones that left train: what is tested on them may have been trained on."""
    splits: Mapping[str, int]
    """How many are in each split now."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What was removed."""

    removed: int
    kept: int
    """A run has used them."""
    kept_ids: tuple[int, ...]
    """The first `NAMED` of those."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Prompts of one set that are nearly the same as another of it."""

    source: str
    looked_at: int
    pairs: tuple[tuple[int, int, float], ...]
    """(the one that stays, the one that does not have to, overlap), by row id."""
    used_pairs: tuple[tuple[int, int, float], ...]
    """Both are used by runs, so both stay."""
    across: int
    """Pairs of either kind whose two are in different splits: what was trained on comes up in a test, nearly."""

    @property
    def ids(self) -> tuple[int, ...]:
        """Those that do not have to stay, none used by a run."""
        return tuple(dict.fromkeys(other for _, other, _ in self.pairs))


def check_tag(tag: str) -> str:
    """The tag without white space around it; `PromptError` if it cannot be one."""
    tag = " ".join(tag.split())
    if not tag or len(tag) > LONGEST_TAG or not tag.isprintable():
        raise PromptError(f"{tag!r} cannot be a tag: it needs 1 to {LONGEST_TAG} printable characters. Write another.")
    return tag


def tag(session: Session, wanted: PromptFilter, tag: str) -> Tagged:
    """Put a tag on every prompt that passes the filter."""
    return _tag(session, _ids(session, wanted), check_tag(tag))


def untag(session: Session, wanted: PromptFilter, tag: str) -> Tagged:
    """Take a tag off every prompt that passes the filter."""
    changed = unchanged = 0
    for rows in _rows(session, _ids(session, wanted)):
        having = [(row_id, tags) for row_id, tags in rows if tag in tags]
        _set_tags(session, {row_id: [one for one in tags if one != tag] for row_id, tags in having})
        changed, unchanged = changed + len(having), unchanged + len(rows) - len(having)
    return Tagged(changed, unchanged)


def split(session: Session, wanted: PromptFilter, shares: Shares, *, seed: int, used_too: bool = False) -> Splitting:
    """Draw the split of every prompt that passes the filter by its uid, the shares and the seed.

    Those that a run has used keep theirs, unless `used_too`.
    """
    used = set(session.scalars(filtered(select(PromptRow.id).where(is_used()), wanted)))
    rows = list(session.execute(filtered(select(PromptRow.id, PromptRow.uid, PromptRow.split), wanted)))
    drawn = {row_id: (Split(old), split_of(uid, shares, seed)) for row_id, uid, old in rows}
    moved = {row_id: new for row_id, (old, new) in drawn.items() if new != old}
    kept = set() if used_too else moved.keys() & used
    changes = [{"of": row_id, "to": new.value} for row_id, new in moved.items() if row_id not in kept]
    _update(session, "split", changes)
    insisted = [drawn[one["of"]] for one in changes if one["of"] in used]
    now = Counter((old if row_id in kept else new).value for row_id, (old, new) in drawn.items())
    out = sum(old is Split.TRAIN for old, _ in insisted)
    return Splitting(len(changes), len(rows) - len(moved), len(kept), len(insisted), out, dict(now))


def sample(session: Session, wanted: PromptFilter, count: int, *, seed: int, tag: str) -> int:
    """Put a tag that nothing has yet on `count` prompts that pass the filter; only seed and uids decide which.

    Fewer where no more pass. Returns how many were tagged.
    """
    tag = check_tag(tag)
    if count < 1:
        raise PromptError(f"a sample of {count} prompts is none. Take 1 or more.")
    if session.scalar(select(PromptRow.id).where(has_tag(tag)).limit(1)) is not None:
        raise PromptError(f"the tag {tag!r} is in use, and a sample under it could not be told apart. Choose another.")
    rows = session.execute(filtered(select(PromptRow.uid, PromptRow.id), wanted))
    drawn = sorted((derive_seed(seed, "sample", uid), uid, row_id) for uid, row_id in rows)[:count]
    return _tag(session, [row_id for _, _, row_id in drawn], tag).changed


def remove(session: Session, wanted: PromptFilter) -> Removal:
    """Remove the prompts that pass the filter and that no run has used."""
    return _remove(session, filtered(select(PromptRow.id), wanted))


def near_duplicates(workspace: Workspace, source: str, threshold: float, *, seed: int = 0) -> Duplicates:
    """Find the prompts of a set whose words overlap by `threshold` or more with another's. Nothing is changed.

    Of two the one that a run has used stays, else the older. Takes seconds for 10,000.
    """
    # Loaded where it is wanted: SciPy comes with it.
    from cai_core.interchange.rows.near_duplicates import near_duplicates

    of_set = select(PromptRow.id).where(PromptRow.source == source)
    with workspace.reading() as session:
        used = list(session.scalars(of_set.where(is_used()).order_by(PromptRow.id)))
        ids = used + list(session.scalars(of_set.where(~is_used()).order_by(PromptRow.id)))
        if not ids:
            raise PromptError(f"there is no prompt set {source!r}. Prompt sets here: {prompts.sources(session)}.")
        texts = (search.body_of_turns(turns) for turns in _turns(session, ids))
        aside: set[int] = set()
        pairs, used_pairs = [], []
        for one, other, overlap in near_duplicates(texts, threshold, seed=seed):
            if other < len(used):
                used_pairs.append((ids[one], ids[other], overlap))
            elif one not in aside:
                aside.add(other)
                pairs.append((ids[one], ids[other], overlap))
        splits = dict(iter(session.execute(select(PromptRow.id, PromptRow.split).where(PromptRow.source == source))))
    across = sum(splits.get(one) != splits.get(other) for one, other, _ in (*pairs, *used_pairs))
    return Duplicates(source, len(ids), tuple(pairs), tuple(used_pairs), across)


def tag_duplicates(session: Session, found: Duplicates, tag: str) -> Tagged:
    """Put a tag on the near duplicates that were found."""
    return _tag(session, found.ids, check_tag(tag))


def remove_duplicates(session: Session, found: Duplicates) -> Removal:
    """Remove the near duplicates that were found; those that a run has taken since stay."""
    removed, kept = 0, list[int]()
    for ids in _parts(found.ids):
        one = _remove(session, select(PromptRow.id).where(PromptRow.id.in_(ids)))
        removed, kept = removed + one.removed, kept + list(one.kept_ids)
    return Removal(removed, len(kept), tuple(kept[:NAMED]))


def _remove(session: Session, chosen: Select[int]) -> Removal:
    used = list(session.scalars(chosen.where(is_used()).order_by(PromptRow.id)))
    ids = list(session.scalars(chosen.where(~is_used())))
    for part in _parts(ids):
        bodies = [
            (row_id, search.body_of_turns(turns)) for row_id, turns in zip(part, _turns(session, part), strict=True)
        ]
        search.remove(session, search.Index.PROMPTS, bodies)
        _forget(session, part)
        session.execute(delete(PromptRow).where(PromptRow.id.in_(part)))
    return Removal(len(ids), len(used), tuple(used[:NAMED]))


def _forget(session: Session, ids: Sequence[int]) -> None:
    """Let the requests that prompts were generated by point at nothing: what was written stays with them."""
    session.execute(update(PromptAttemptRow).where(PromptAttemptRow.prompt_id.in_(ids)).values(prompt_id=None))


def _ids(session: Session, wanted: PromptFilter) -> list[int]:
    return list(session.scalars(filtered(select(PromptRow.id), wanted)))


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), prompts.CHUNK):
        yield ids[start : start + prompts.CHUNK]


def _rows(session: Session, ids: Sequence[int]) -> Iterator[list[tuple[int, list[str]]]]:
    """Ids and tags, some at a time."""
    for part in _parts(ids):
        found = session.execute(select(PromptRow.id, PromptRow.tags).where(PromptRow.id.in_(part)))
        yield [(row_id, list(tags)) for row_id, tags in found]


def _turns(session: Session, ids: Sequence[int]) -> Iterator[object]:
    """The stored turns of prompts in the order of their ids, some in memory at a time."""
    for part in _parts(ids):
        rows = session.execute(select(PromptRow.id, PromptRow.turns).where(PromptRow.id.in_(part)))
        found: dict[int, object] = dict(iter(rows))
        yield from (found[row_id] for row_id in part)


def _tag(session: Session, ids: Sequence[int], tag: str) -> Tagged:
    changed = unchanged = 0
    for rows in _rows(session, ids):
        lacking = {row_id: [*tags, tag] for row_id, tags in rows if tag not in tags}
        _set_tags(session, lacking)
        changed, unchanged = changed + len(lacking), unchanged + len(rows) - len(lacking)
    return Tagged(changed, unchanged)


def _set_tags(session: Session, tags: Mapping[int, list[str]]) -> None:
    _update(session, "tags", [{"of": row_id, "to": value} for row_id, value in tags.items()])


def _update(session: Session, column: str, changes: list[dict[str, object]]) -> None:
    if changes:
        target = PromptRow.metadata.tables[PromptRow.__tablename__]
        value = bindparam("to", type_=target.c[column].type)
        changed = update(target).where(target.c.id == bindparam("of")).values({column: value})
        session.connection().execute(changed, changes)
