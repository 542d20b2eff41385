"""How a dataset is made of chains: what `cai-studio datasets freeze` and the Datasets page take."""

import json
from dataclasses import astuple, field, fields
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from cai_core.config.checks import STRICT
from cai_core.errors import DatasetError

Verdicts = Literal["all", "not_rejected", "accepted"]


@dataclass(frozen=True, config=STRICT)
class Recipe:
    """Which texts of which chains become examples, and which of them are held out."""

    filter: dict[str, str] = field(default_factory=dict)
    """Conditions that a chain has to meet, as they stand in the Chains page's address."""
    rounds: Annotated[int, Field(ge=0, le=16)] = 0
    """Take the revisions of rounds 1 to n; 0 means all, as in the paper. The initial response never trains."""
    last_only: bool = False
    """Of those rounds take a chain's last revision only."""
    verdicts: Verdicts = "all"
    """Which chains by their standing verdicts: all, all but the rejected, or the accepted. A chain that anybody
    rejects is rejected, whoever else accepts it; a flag says nothing."""
    helpful_share: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    """Share of the examples that are plain samples of helpful prompts; what is left over of either side is left out.
    Empty takes all there are."""
    heldout: Annotated[float, Field(ge=0.0, le=0.9)] = 0.0
    """Share of the prompts whose examples are held out: measured while training, never trained on."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of what is drawn: for the share of helpful samples, and to be held out."""


_ADAPTER = TypeAdapter(Recipe)


def load_recipe(values: dict[str, Any]) -> Recipe:
    """Check `values` and build the recipe; `DatasetError` names what does not fit."""
    try:
        recipe = Recipe(**values)
        json.dumps(astuple(recipe), ensure_ascii=False).encode()
        return recipe
    except UnicodeEncodeError as error:
        raise DatasetError(f"the recipe holds what is no text ({error.reason}). Write it in UTF-8.") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        accepted = ", ".join(one.name for one in fields(Recipe))
        raise DatasetError(f"the recipe does not fit: {problems}. Accepted: {accepted}.") from None


def dump_recipe(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain JSON values; `load_recipe` of it gives the same recipe."""
    values: dict[str, Any] = _ADAPTER.dump_python(recipe, mode="json")
    return values
