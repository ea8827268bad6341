"""Rules of dynamic groups: what is evaluated, and what stays unknown."""

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
        # What is not read is unknown, unless the rest decides.
        ('user.jobTitle -eq "x"', None),
        ('user.jobTitle -eq "x" and user.department -eq "Office"', False),
        ('user.jobTitle -eq "x" or user.department -eq "Store"', True),
        ("-not (user.jobTitle -eq null)", None),
        # What is not evaluated is unknown.
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
def test_verdicts(rule: str, verdict: bool | None) -> None:  # noqa: FBT001
    assert rule_matches(rule, STORE) is verdict


def test_properties_of_a_rule() -> None:
    rule = '(user.department -in ["user.city"]) and (user.accountEnabled -eq true) or user.department -eq "x"'
    assert rule_properties(rule) == ("department", "city", "accountEnabled"), "one that only a text names does no harm"
