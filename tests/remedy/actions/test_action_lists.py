"""ActionLists and SortedRuns return the rows of each group in order, from memory and from disk."""

from io import BytesIO
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.arrays.texts import texts
from auditor.findings.spill import SpillFile
from auditor.remedy.actions.action_lists import ActionLists, SortedRuns
from auditor.remedy.requests import RequestTemplate, assign_user, locate, reprocess

ROWS = st.lists(st.tuples(st.integers(0, 5), st.text(st.characters(), max_size=5)), max_size=30)


@given(batches=st.lists(ROWS, max_size=4), rows=st.integers(1, 40), on_disk=st.booleans())
def test_rows_are_returned_by_group_and_rank(batches: list[list[tuple[int, str]]], rows: int, *, on_disk: bool) -> None:
    runs = SortedRuns(SpillFile(BytesIO()) if on_disk else None, lambda sizes, _: sizes.to_numpy(), rows=rows)
    for batch in batches:
        numbers = pa.array([len(text) for _, text in batch], pa.int32())
        runs.add(np.array([group for group, _ in batch], dtype=np.int64), numbers, texts([text for _, text in batch]))
    for group in range(6):
        expected = sorted((text for batch in batches for row_group, text in batch if row_group == group), key=len)
        assert list(runs.read(group, itemgetter(0))) == [(len(text), text) for text in expected]
        assert runs.count(group) == len(expected)


def test_requests_are_sorted_by_key_and_fingerprints_by_value() -> None:
    lists = ActionLists(None)
    later, sooner = (
        lists.template((rank, "policy", "check"), RequestTemplate.of(reprocess("one"), "one")) for rank in (1, 0)
    )
    lists.add_requests(np.array([3, 3, 4]), np.array([later, sooner, later]), pa.array(["a", "b", "c"]))
    lists.add_fingerprints(np.array([3, 3]), pa.array(["ff", "0a"]))
    assert list(lists.requests(3)) == [reprocess("b").document, reprocess("a").document]
    assert list(lists.fingerprints(3)) == ["0a", "ff"]
    assert lists.fingerprints(4) == ()


@pytest.mark.parametrize("user", ["1f", "o'neill", "", "a/b c", "''", "/users/"])
def test_request_template_makes_the_request_for_any_user(user: str) -> None:
    for request_for in (reprocess, lambda user: assign_user(user, remove=["sku"]), lambda user: locate(user, "NL")):
        for template_user in ("1f", "", user):
            assert (
                RequestTemplate.of(request_for(template_user), template_user).document(user)
                == request_for(user).document
            )
