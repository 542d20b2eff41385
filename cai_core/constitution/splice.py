"""Puts a changed constitution into the text of its file, and leaves all other lines as they are.

The text is cut where its YAML says that keys and list entries begin. What did not change keeps its lines: comments,
quotes, line breaks. What changed is written anew in its old style. Comment lines belong to what follows them: they move
with it, and go with it.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import (
    DoubleQuotedScalarString,
    FoldedScalarString,
    LiteralScalarString,
    SingleQuotedScalarString,
)

from cai_core.constitution.load import as_plain, parse_constitution, quoted
from cai_core.errors import ConstitutionError
from cai_core.types import Constitution

WIDTH = 100
_STYLES = {
    "'": SingleQuotedScalarString,
    '"': DoubleQuotedScalarString,
    "|": LiteralScalarString,
    ">": FoldedScalarString,
}
_DEFAULTS = {"kind": "harmlessness", "weight": 1, "enabled": True}
"""Written out where the key stands already; other keys go when they have nothing to say."""
_ORDER = (
    *("format", "name", "description", "principles", "few_shots"),
    *("critique_revision", "comparison_with_reasoning"),
    *("id", "title", "kind", "tags", "weight", "enabled"),
    *("conversation", "critique_request", "critique", "revision_request", "revision"),
    *("comparison", "response_a", "response_b", "reasoning", "answer"),
)
"""Where a new key goes: after those that come before it here."""


class _NotKeptError(Exception):
    """The text is written in a way that cannot be cut."""


def spliced(old: str, constitution: Constitution) -> str | None:
    """The old text, changed to say what the constitution says; None where it cannot be kept."""
    text = old.removeprefix("\ufeff").replace("\r\n", "\n")
    if any(character in text for character in "\r\x85\u2028\u2029"):
        return None  # YAML counts these as line breaks, an editor does not
    try:
        before = as_plain(parse_constitution(text, where="the old text"))
        cut = _Text(text.split("\n"))
        root = YAML(typ="safe", pure=True).compose(text)
        body = cut.mapping(root, before, as_plain(constitution), 0)
        new = "\n".join([*body, *cut.lines[cut.last_line(root, 0, -1) + 1 :]])
    except (ConstitutionError, _NotKeptError):
        return None
    return new.replace("\n", "\r\n") if "\r\n" in old else new


class _Text:
    """The old text's lines, and what becomes of their parts."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def mapping(self, node: Node, before: Mapping[str, Any], now: Mapping[str, Any], start: int) -> list[str]:
        """The lines of a mapping in block style, from line `start` on, with the comments before its keys."""
        if not isinstance(node, MappingNode) or node.flow_style or not node.value:
            raise _NotKeptError
        parts: dict[str, list[str]] = {}
        column = node.value[0][0].start_mark.column
        for key, value in node.value:
            line, name = key.start_mark.line, key.value
            if key.style or self.lines[line][:column].strip(" ") not in ("", "-"):
                raise _NotKeptError
            end = self.last_line(value, line, column)
            lead, own = self.lines[start:line], self.lines[line : end + 1]
            start = end + 1
            if name in before and name not in now and name not in _DEFAULTS:
                continue
            if before.get(name) != now.get(name):
                own = self._key(key, value, before.get(name), now.get(name, _DEFAULTS.get(name)), column)
            parts[name] = lead + own
        for name in now:
            if name not in parts:
                _insert(parts, name, _shifted(_written({name: now[name]}, WIDTH - column), column))
        return [line for lines in parts.values() for line in lines]

    def last_line(self, node: Any, line: int, column: int) -> int:
        """The last line of a value whose key or dash stands at this line and column."""
        if isinstance(node, ScalarNode):
            if node.style in ("|", ">"):  # its mark lies behind the blank lines and comments that follow
                inside = (n for n in range(len(self.lines) - 1, line, -1) if n <= node.end_mark.line)
                return next((n for n in inside if _indent(self.lines[n]) > column), line)
            return int(node.end_mark.line) if node.value or node.style else line
        if node.flow_style or not node.value:
            return int(node.end_mark.line)
        last = node.value[-1]
        if isinstance(node, MappingNode):
            return self.last_line(last[1], last[0].start_mark.line, last[0].start_mark.column)
        return self.last_line(last, last.start_mark.line, node.start_mark.column)

    def _key(self, key: Node, node: Any, before: Any, now: Any, column: int) -> list[str]:
        """The lines of one key whose value is another now."""
        line, name = key.start_mark.line, key.value
        block = isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style and node.start_mark.line > line
        try:
            if block and isinstance(now, Mapping):
                return [self.lines[line], *self.mapping(node, before or {}, now, line + 1)]
            if block and isinstance(now, list) and all(isinstance(one, Mapping) for one in now):
                return [self.lines[line], *self._entries(node, before or [], now, line + 1)]
        except _NotKeptError:
            pass  # this part is written anew, the rest is kept
        dash = self.lines[line][:column]
        if isinstance(node, ScalarNode) and not isinstance(now, (Mapping, list)):
            lines = self._scalar(name, node, now, line, WIDTH - column)
        else:
            lines = _written({name: now}, WIDTH - column, flow=bool(node.flow_style) and name == "tags")
            lines[-1] += self._comment(node, line) if node.flow_style else ""
        first, *rest = _shifted(lines, column)
        return [dash + first[column:], *rest]

    def _scalar(self, name: str, node: ScalarNode, now: Any, line: int, width: int) -> list[str]:
        """A single value in its old style, with the comment that stood beside it."""
        if isinstance(now, float) and now.is_integer() and now < 1e15:
            now = int(now)  # as people write it
        styled = now
        if isinstance(now, str) and node.style in _STYLES:
            ends = "\n" if node.style in "|>" and node.value.endswith("\n") else ""
            styled = _STYLES[node.style](now + ends)
        lines = _written({name: styled}, width)
        if not _says(lines, name, now):
            lines = _written({name: now}, width)
        at = 0 if lines[0].rstrip("+-0123456789").endswith((": |", ": >")) else -1
        lines[at] += self._comment(node, line)
        return lines

    def _comment(self, node: Any, line: int) -> str:
        """The comment that stands beside a value, with the space before it."""
        if getattr(node, "style", None) in ("|", ">"):
            after = self.lines[line].partition(f": {node.style}")[2]
        else:
            after = self.lines[self.last_line(node, line, -1)][node.end_mark.column :]
        bare = after.partition(" #")[0].rstrip(" ")
        return after[len(bare) :] if " #" in after else ""

    def _entries(
        self, node: SequenceNode, before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], start: int
    ) -> list[str]:
        """The lines of a list whose entries are mappings, from line `start` on."""
        column = node.start_mark.column
        old = []
        for entry in node.value:
            line = entry.start_mark.line
            if self.lines[line][: entry.start_mark.column].strip(" ") != "-" or line < start:
                raise _NotKeptError
            end = self.last_line(entry, line, column)
            old.append((self.lines[start:line], entry, line, end))
            start = end + 1
        spaced = any(lead and not lead[0].strip() for lead, *_ in old[1:])
        lines: list[str] = []
        for place, (values, match) in enumerate(zip(now, _matches(before, now), strict=True)):
            lead: list[str] = []
            if match is None:
                own = _shifted(_written([values], WIDTH - column), column)
            else:
                lead, entry, line, end = old[match]
                own = self.lines[line : end + 1]
                if before[match] != values:
                    own = self._entry(entry, before[match], values, line, column)
            lines += [*_spaced(lead, first=not place, spaced=spaced), *own]
        return lines

    def _entry(
        self, node: Node, before: Mapping[str, Any], now: Mapping[str, Any], line: int, column: int
    ) -> list[str]:
        """The lines of one changed entry, its dash before the first."""
        try:
            first, *rest = self.mapping(node, before, now, line)
        except _NotKeptError:
            return _shifted(_written([now], WIDTH - column), column)
        dash = self.lines[line][: node.start_mark.column]
        return [dash + first[len(dash) :], *rest]


def _matches(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Which old entry each new one comes from: by id, or as it stands; those without are paired in order."""
    free = dict(enumerate(before))
    by_id = bool(now) and "id" in now[0]
    found: list[int | None] = []
    for values in now:
        same = (n for n, one in free.items() if (one["id"] == values["id"] if by_id else one == values))
        match = next(same, None)
        if match is not None:
            del free[match]
        found.append(match)
    rest = iter([] if by_id else list(free))
    return [next(rest, None) if match is None else match for match in found]


def _insert(parts: dict[str, list[str]], name: str, lines: list[str]) -> None:
    """Put a new key after the last one that comes before it."""
    names = list(parts)
    before = [place for place, one in enumerate(names) if one in _ORDER and _ORDER.index(one) < _ORDER.index(name)]
    names.insert(before[-1] + 1 if before else len(names), name)
    parts[name] = lines
    for one in names:
        parts[one] = parts.pop(one)


def _spaced(lead: list[str], *, first: bool, spaced: bool) -> list[str]:
    """The lines before an entry, with a blank one in front where the others have one."""
    if first:
        while lead and not lead[0].strip():
            lead = lead[1:]
        return lead
    return ["", *lead] if spaced and (not lead or lead[0].strip()) else lead


def _written(value: Any, width: int, *, flow: bool = False) -> list[str]:
    """A value as lines of YAML, beginning in the first column."""
    yaml = YAML()
    yaml.allow_unicode = True
    yaml.width = max(width, 40)
    yaml.default_flow_style = None if flow else False
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(quoted(value), stream)
    lines = stream.getvalue().removesuffix("\n").split("\n")
    return [line.removeprefix("  ") for line in lines] if isinstance(value, list) else lines


def _says(lines: list[str], name: str, value: Any) -> bool:
    found = YAML(typ="safe", pure=True).load("\n".join(lines) + "\n")[name]
    return bool(found == value or (isinstance(found, str) and isinstance(value, str) and found.strip() == value))


def _shifted(lines: list[str], column: int) -> list[str]:
    return [" " * column + line if line else line for line in lines]


def _indent(line: str) -> int:
    """How far in a line begins; a blank one does not."""
    return len(line) - len(line.lstrip(" ")) if line.strip() else -1
