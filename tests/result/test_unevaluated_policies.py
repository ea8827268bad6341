"""Policies that could not be evaluated: their number of findings, and groups by policy and reason."""

import pytest

from auditor.domain.enums import Outcome
from auditor.domain.message import Message
from auditor.domain.preview import UnevaluatedPolicy
from auditor.domain.result.model import PolicyOutcome
from auditor.result.unevaluated_policies import known_findings, unevaluated_groups


@pytest.mark.parametrize(
    ("status", "findings", "expected"),
    [
        (Outcome.NOT_EVALUATED, 0, None),
        (Outcome.NOT_EVALUATED, 3, 3),
        (Outcome.PASS, 0, 0),
        (Outcome.FAIL, 3, 3),
    ],
)
def test_no_findings_of_a_policy_that_was_not_evaluated_are_an_unknown_number(
    status: Outcome, findings: int, expected: int | None
) -> None:
    assert known_findings(PolicyOutcome(id="p", status=status, findings=findings)) == expected


def entry(
    side: str, tenant: str | None, policy: str, reason: str = "the source users was not read"
) -> UnevaluatedPolicy:
    return UnevaluatedPolicy(side=side, tenant=tenant, policy=policy, reason=Message(reason))


def test_groups_only_of_the_head_are_first_then_those_of_most_tenants() -> None:
    entries = (
        *(entry(side, name, "both") for side in ("base", "head") for name in ("t1", "t2", "t3")),
        entry("head", None, "fleet"),
        *(entry("head", name, "head") for name in ("t1", "t2")),
        entry("base", "t1", "base"),
        entry("head", "t3", "head", "the source devices was not read"),
    )
    groups = [(group.policy, group.sides, group.tenants) for group in unevaluated_groups(entries)]
    assert groups == [
        ("head", ("head",), ("t1", "t2")),
        ("head", ("head",), ("t3",)),
        ("fleet", ("head",), ()),
        ("both", ("base", "head"), ("t1", "t2", "t3")),
        ("base", ("base",), ("t1",)),
    ]
