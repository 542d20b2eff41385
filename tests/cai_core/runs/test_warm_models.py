"""What a warm worker keeps in memory: within its budget, the one unused longest let go first."""

from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cai_core.errors import ModelError
from cai_core.models.base import TextModel
from cai_core.models.scripted import ScriptedModel
from cai_core.runs import warm_models
from cai_core.runs.warm_models import GIB, MEMORY, WarmModels, budget, memory_needed
from cai_core.types import ModelRef


class Shelf:
    """Models of ten bytes for every letter of their name, and a clock that ticks at every look."""

    def __init__(self, most: int) -> None:
        self.loaded: list[str] = []
        self.at = 0.0
        self.models = WarmModels(most, load=self.load, size=lambda ref: 10 * len(ref.base), clock=self.clock)

    def load(self, ref: ModelRef) -> TextModel:
        self.loaded.append(ref.base)
        return ScriptedModel()

    def clock(self) -> float:
        self.at += 1
        return self.at

    def ask(self, name: str) -> TextModel:
        return self.models.get(name, ModelRef(name))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """These models leave nothing behind that would have to be searched for."""
    monkeypatch.setattr(warm_models.gc, "collect", lambda: 0)


def test_the_model_unused_longest_makes_room() -> None:
    shelf = Shelf(60)
    kept = shelf.ask("aa")
    shelf.ask("bb")
    shelf.ask("cc")
    assert shelf.ask("aa") is kept
    shelf.ask("ddd")
    assert shelf.models.names == ["aa", "ddd"], "room for thirty bytes took both bb and cc"
    shelf.ask("bb")
    assert shelf.loaded == ["aa", "bb", "cc", "ddd", "bb"]
    assert shelf.models.memory == 50


def test_what_does_not_fit_alone_is_refused_in_words_and_takes_nobody_s_place() -> None:
    shelf = Shelf(30)
    shelf.ask("aa")
    with pytest.raises(ModelError, match=f"'bbbb' takes about 0.0 GiB, and warm models may take 0.0 here.*{MEMORY}"):
        shelf.ask("bbbb")
    assert shelf.models.names == ["aa"]


def test_what_is_not_used_is_let_go() -> None:
    shelf = Shelf(100)
    shelf.ask("old")
    shelf.at = 50.0
    shelf.ask("new")
    assert shelf.models.let_go(20.0)
    assert shelf.models.names == ["new"]
    assert not shelf.models.let_go(20.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("abcdef", min_size=1, max_size=6), max_size=30), st.integers(0, 90))
def test_the_budget_holds_whatever_is_asked_for(asked: list[str], most: int) -> None:
    shelf = Shelf(most)
    for name in asked:
        if 10 * len(name) <= most:
            shelf.ask(name)
            assert shelf.models.names[-1] == name
        assert shelf.models.memory <= most


def test_the_budget_is_what_is_named_or_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_models, "CGROUP", Path("/nowhere"))
    free = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    assert budget("cpu") == free.available // 2
    monkeypatch.setenv(MEMORY, "1.5")
    assert budget("cpu") == 1.5 * GIB
    for wrong in ("much", "inf", "nan"):
        monkeypatch.setenv(MEMORY, wrong)
        with pytest.raises(ModelError, match="give a number of GiB"):
            budget("cpu")


def test_a_group_s_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(warm_models, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert budget("cpu") == 300
    (tmp_path / "memory.max").write_text("max\n")
    assert budget("cpu") > 1000


def test_what_a_model_takes_is_foretold() -> None:
    needed = memory_needed(ModelRef("sandbox"))
    weights = Path(warm_models.__file__).parents[1] / "sandbox" / "weights" / "model.safetensors"
    in_float32 = 2 * weights.stat().st_size  # shipped in half precision
    assert in_float32 * 0.95 < needed < in_float32 * 1.5
    assert memory_needed(ModelRef("scripted")) == 0
