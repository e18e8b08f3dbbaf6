from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anirec.core.runs import runs


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=20))
def test_runs_are_the_ranges_one_after_the_other(wanted: list[tuple[int, int]]) -> None:
    starts = np.array([start for start, _ in wanted], dtype=np.int64)
    lengths = np.array([length for _, length in wanted], dtype=np.int64)
    expected = [i for start, length in wanted for i in range(start, start + length)]
    assert runs(starts, starts + lengths).tolist() == expected
