"""Objects within a row whose keys are known: taken one by one, each of its type, and none left over."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from cai_core.interchange.rows.nouns import RowError
from cai_core.interchange.rows.values import kind_of, shown

Choice = TypeVar("Choice", bound=StrEnum)
LARGEST = 2**63 - 1
"""The largest whole number that a database holds."""


class Taken:
    """An object of a row. Every method takes a key out; `RowError` where its value is not what it should be."""

    def __init__(self, value: Any, what: str) -> None:
        if not isinstance(value, dict):
            raise RowError(f"{what} is {kind_of(value)}; it should be an object")
        self._rest = dict(value)
        self._what = what

    def __contains__(self, name: str) -> bool:
        return name in self._rest

    def text(self, name: str, default: str | None = None) -> str:
        """A text, which may be empty; without a default it must be there."""
        value = self._rest.pop(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, value, "text")
        return value

    def maybe_text(self, name: str) -> str | None:
        """A text; None where it is null or missing."""
        return None if self._rest.get(name) is None and self._absent(name) else self.text(name)

    def whole(self, name: str, default: int | None = None, least: int = 0) -> int:
        """A whole number."""
        value = self._rest.pop(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, value, "a whole number")
        if not least <= value <= LARGEST:
            raise RowError(f"{self._named(name)} is {value}; it should be from {least} to 2**63 - 1")
        return value

    def maybe_whole(self, name: str) -> int | None:
        """A whole number; None where it is null or missing."""
        return None if self._rest.get(name) is None and self._absent(name) else self.whole(name)

    def maybe_number(self, name: str) -> float | None:
        """A number; None where it is null or missing."""
        value = self._rest.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(name, value, "a number")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._rest.pop(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return value

    def choice(self, kind: type[Choice], name: str, default: Choice | None = None) -> Choice:
        """One of the values of an enum."""
        value = self.text(name, default)
        if value not in list(kind):
            raise RowError(f"{self._named(name)} is {shown(value)}; it should be {' or '.join(kind)}")
        return kind(value)

    def time(self, name: str) -> datetime:
        """A time in ISO 8601, with its zone."""
        text = self.text(name)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise RowError(
                f"{self._named(name)} is {shown(text)}; it should be a time with its zone, 2026-01-31T12:00:00+00:00"
            )
        try:
            return found.astimezone(UTC)
        except OverflowError:
            raise RowError(f"{self._named(name)} is {shown(text)}; no calendar has it in UTC") from None

    def free(self, name: str) -> dict[str, Any]:
        """An object of any keys; an empty one where it is missing."""
        value = self._rest.pop(name, {})
        if not isinstance(value, dict):
            raise self._wrong(name, value, "an object")
        return value

    def listed(self, name: str) -> list[Any]:
        """A list; an empty one where it is missing."""
        value = self._rest.pop(name, [])
        if not isinstance(value, list):
            raise self._wrong(name, value, "a list")
        return value

    def maybe_list(self, name: str) -> list[Any] | None:
        """A list; None where it is null or missing."""
        return None if self._rest.get(name) is None and self._absent(name) else self.listed(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; an empty one where it is missing."""
        found = self.listed(name)
        if wrong := next((one for one in found if not isinstance(one, str)), None):
            raise RowError(f"{self._named(name)} holds {kind_of(wrong)}; it should be a list of texts")
        return tuple(found)

    def inner(self, name: str) -> "Taken":
        """An object of known keys."""
        if name not in self._rest:
            raise RowError(f"{self._what} has no {name}")
        return Taken(self._rest.pop(name), self._named(name))

    def maybe(self, name: str, read: Callable[["Taken"], Any]) -> Any:
        """What `read` makes of an object; None where it is null or missing."""
        return None if self._rest.get(name) is None and self._absent(name) else read(self.inner(name))

    def value(self, name: str) -> Any:
        """Whatever stands there; None where it is missing."""
        return self._rest.pop(name, None)

    def rest(self) -> dict[str, Any]:
        """What nobody has taken."""
        return self._rest

    def end(self) -> None:
        """`RowError` where something is left."""
        if self._rest:
            raise RowError(f"{self._what} has the unknown key {shown(next(iter(self._rest)))}")

    def _absent(self, name: str) -> bool:
        self._rest.pop(name, None)
        return True

    def _named(self, name: str) -> str:
        return f"{name} of {self._what}" if self._what != "the row" else name

    def _wrong(self, name: str, value: Any, due: str) -> RowError:
        if value is None and name not in self._rest:
            return RowError(f"{self._what} has no {name}, or it is null; it should be {due}")
        return RowError(f"{self._named(name)} is {kind_of(value)}; it should be {due}")
