"""YAML writer: any text is read back unchanged, and adding items to a list keeps the rest of the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.errors import InputError
from auditor.policy.yaml.reader import parse
from auditor.policy.yaml.writer import block, flow, with_items

ITEM = {
    "id": "W-1",
    "users": {"userPrincipalName": ["a@b.example", "x: y, #"]},
    "reason": "yes",
    "expires": "2027-01-31",
}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_back_unchanged(text: str) -> None:
    assert parse(f"a: {flow([text, {'k': text}])}\n", file="a").value == {"a": [text, {"k": text}]}
    assert parse(block([{"k": text}]), file="a").value == [{"k": text}]


@pytest.mark.parametrize(
    "before",
    [
        b"version: 1\nwaivers:\n# one\n- id: a\n  reason: b # why\n# the end\nprices: {}\n",
        b"version: 1\nwaivers:\n    - {id: a,\n       reason: b}\n    # more\n\npolicies: []",
        b"version: 1\nwaivers:\n  - id: a\n    reason: |\n      long\n      text\n\n# x\nprices: {}\n",
        b"version: 1 # flow\nwaivers: [{id: a}] # more\n",
        b"version: 1\nwaivers: [ ] # none yet\n# the end\n",
        b"version: 1\r\nwaivers: []",
        b"version: 1\r\npolicies: []\r\n# nothing waived",
        b"\xef\xbb\xbfversion: 1\n",
    ],
)
def test_with_items_keeps_every_line_and_adds_the_items(before: bytes) -> None:
    after = with_items(before, file="w.yaml", key="waivers", items=[ITEM])
    old, new = parse(before, file="a").value, parse(after, file="a").value
    assert isinstance(old, dict)
    assert new == {**old, "waivers": [*old.get("waivers", []), ITEM]}
    kept = [line for line in before.decode().splitlines() if not line.startswith("waivers: [")]
    lines = iter(after.decode().splitlines())
    assert all(line in lines for line in kept)
    assert any(line.strip() == "- id: W-1" for line in after.decode().splitlines()) == (b"[{" not in before)
    assert (b"\r\n" in before) == (after.count(b"\r\n") == after.count(b"\n"))


@pytest.mark.parametrize("before", [b"{version: 1}\n", b"version: 1\nwaivers: [a,]\n", b"version: 1\n...\n", b"[1]\n"])
def test_file_that_cannot_be_extended_in_place_is_refused(before: bytes) -> None:
    with pytest.raises(InputError) as caught:
        with_items(before, file="w.yaml", key="waivers", items=[ITEM])
    assert caught.value.slug == "yaml-not-extensible"
