"""Evaluation of the membership rules of dynamic groups, including rules whose result is unknown."""

from typing import Any

import pytest

from auditor.remedy.planner.simulation.membership_rules import rule_matches, rule_properties

STORE: dict[str, Any] = {"department": "Store", "accountEnabled": True, "city": None}


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ('user.department -eq "store"', True),
        ("user.Department -ne 'Store'", False),
        ("user.city -eq null", True),
        ('user.city -ne "Delft"', True),
        ('user.city -in ["Delft", "Gouda"]', False),
        ('user.department -in ["Stores","STORE"]', True),
        ('user.department -notIn ["Store"]', False),
        ('user.department -startsWith "St" and -not (user.department -contains "x")', True),
        ('user.department -notContains "tor" or user.accountEnabled -eq true', True),
        ("user.accountEnabled -eq false", False),
        ('(user.department -eq "Store") -and (user.accountEnabled -eq true)', True),
        ('user.department -eq "Office" or user.department -eq "Store" and user.accountEnabled -eq true', True),
        ('user.department -eq "a`"b"', False),
        # A property that was not collected makes the result unknown, unless the rest of the rule decides.
        ('user.jobTitle -eq "x"', None),
        ('user.jobTitle -eq "x" and user.department -eq "Office"', False),
        ('user.jobTitle -eq "x" or user.department -eq "Store"', True),
        ("-not (user.jobTitle -eq null)", None),
        # Unsupported or invalid rules have an unknown result.
        ('user.department -match "St.*"', None),
        ("user.memberof -any (group.objectId -in ['1'])", None),
        ('user.department -in "Store"', None),
        ('user.department -eq ["Store"]', None),
        ('user.department -notIn "Store"', None),
        ("user.department -ne ['Store']", None),
        ('device.department -eq "Store"', None),
        ('user.department -eq "Store', None),
        ("user.department -eq", None),
        ('user.department -eq "Store" user.city', None),
        ("user.department", None),
        ("", None),
        ("(" * 3000, None),
        ("(" * 60 + 'user.department -eq "Store"' + ")" * 60, None),
        ("-not " * 3000, None),
    ],
)
def test_rule_matches(rule: str, verdict: bool | None) -> None:  # noqa: FBT001
    assert rule_matches(rule, STORE) is verdict


def test_rule_properties() -> None:
    rule = '(user.department -in ["user.city"]) and (user.accountEnabled -eq true) or user.department -eq "x"'
    assert rule_properties(rule) == ("department", "city", "accountEnabled"), (
        "a property named only within a string is harmless"
    )
