"""Which GPUs runs may take, and which a run's process then sees."""

import pytest

from cai_core.errors import RunError
from cai_core.runs import launchers


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (launchers.DEVICES, launchers.SHOWN, launchers.VISIBLE):
        monkeypatch.delenv(name, raising=False)


def sees(device: str) -> str:
    return launchers._environment(device)["CUDA_VISIBLE_DEVICES"]


@pytest.mark.parametrize(
    ("visible", "named", "expected"),
    [
        ("3", "", {"cuda:0": "3"}),
        ("3", "cuda:0,cuda:1", {"cuda:0": "3"}),
        ("3,5", "cuda:1, cuda:0", {"cuda:1": "5", "cuda:0": "3"}),
        ("GPU-8932,MIG-77", "cuda,cuda:1,cpu", {"cuda": "GPU-8932", "cuda:1": "MIG-77", "cpu": ""}),
        ("2,-1,4", "cuda:0,cuda:1", {"cuda:0": "2"}),  # CUDA reads no further than what names nothing
        ("", "", {"cpu": ""}),
        ("", "cuda:0", {"cpu": ""}),
        ("-1", "", {"cpu": ""}),
        (None, "cuda:2,cpu", {"cuda:2": "2", "cpu": ""}),
    ],
)
def test_only_the_gpus_that_a_scheduler_shows_are_taken(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, named: str, expected: dict[str, str]
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setenv("CAI_STUDIO_DEVICES", named)
    assert {device: sees(device) for device in launchers.devices()} == expected


def test_a_worker_launches_the_next_run_as_its_own_launcher_would(monkeypatch: pytest.MonkeyPatch) -> None:
    for visible, expected in (("3,5", {"cuda:0": "3", "cuda:1": "5"}), (None, {"cuda:0": "0", "cuda:1": "1"})):
        with monkeypatch.context() as patch:
            patch.setenv("CAI_STUDIO_DEVICES", "cuda:0,cuda:1")
            if visible is not None:
                patch.setenv("CUDA_VISIBLE_DEVICES", visible)
            for name, value in launchers._environment("cuda:1").items():
                patch.setenv(name, value)
            assert {device: sees(device) for device in launchers.devices()} == expected


def test_a_gpu_that_is_not_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with pytest.raises(OSError, match="cuda:1 is none of the 1 GPUs in CUDA_VISIBLE_DEVICES='3'"):
        sees("cuda:1")


def test_a_gpu_without_a_number_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cuda:first")
    with pytest.raises(RunError, match="give cpu, or cuda:0"):
        launchers.devices()
