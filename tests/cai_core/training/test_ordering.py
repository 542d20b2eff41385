from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cai_core.training.ordering import training_order


@given(
    lengths=st.lists(st.integers(1, 500), min_size=1, max_size=60),
    epochs=st.integers(1, 4),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_every_row_comes_once_an_epoch(lengths: list[int], epochs: int, batch_size: int, seed: int) -> None:
    order = training_order(lengths, epochs=epochs, batch_size=batch_size, seed=seed)
    assert Counter(order) == dict.fromkeys(range(len(lengths)), epochs)
    assert order == training_order(lengths, epochs=epochs, batch_size=batch_size, seed=seed)


def test_batches_are_of_about_one_length() -> None:
    lengths = [10 + (37 * i) % 200 for i in range(640)]
    order = training_order(lengths, epochs=1, batch_size=16, seed=0)
    batches = [[lengths[i] for i in order[start : start + 16]] for start in range(0, 640, 16)]
    assert sum(16 * max(batch) for batch in batches) < 1.1 * sum(lengths)
    # ... in no order of length, or late steps would all be long ones
    longest = [max(batch) for batch in batches]
    assert longest != sorted(longest)


def test_another_seed_gives_another_order() -> None:
    assert training_order([5] * 30, epochs=1, batch_size=4, seed=0) != training_order(
        [5] * 30, epochs=1, batch_size=4, seed=1
    )
