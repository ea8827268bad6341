"""Mistakes in selectors by use: where they are, and what to write instead."""

import pytest

from auditor.policy.schema.check import check
from auditor.policy.yaml.reader import parse


@pytest.mark.parametrize(
    ("selector", "message", "hint"),
    [
        (
            "inactiveIn: {services: ['*', teams], for: 90d}",
            "25 item 1 of 'services' cannot be the text '*'",
            "'*' stands alone: write services: '*'",
        ),
        (
            "inactiveIn: {services: '*', for: 200d}",
            "34 'for' must be a number of days from 1d to 180d, not the text '200d'",
            "for example: 90d",
        ),
        (
            "inactiveIn: {services: team, for: 1d}",
            "24 'services' must be a list of services or '*', not the text 'team'",
            "for example: [exchange, teams], '*'",
        ),
        (
            "inactiveIn: {services: [], for: 9d}",
            "24 'services' is an empty list",
            (
                "'services': The services, or '*' alone: exchange, onedrive, sharepoint, yammer and teams."
                " For example: [exchange, teams], '*'"
            ),
        ),
        (
            "appsUnused: {on: [window], for: 30d}",
            "19 item 1 of 'on' cannot be the text 'window'",
            "did you mean 'windows'?",
        ),
        ("appsUnused: {for: 60d}", "19 'for' cannot be the text '60d'", "one of: 7d, 30d, 90d, 180d"),
        (
            "appsUnused: {apps: [word]}",
            "13 'appsUnused' lacks 'for'",
            "'for': The period of the report: 7d, 30d, 90d or 180d.",
        ),
        (
            "mailboxUsage: {largerThan: 50 gigabytes}",
            "28 'largerThan' must be a size in kB, MB, GB or TB, not the text '50 gigabytes'",
            "write 50GB",
        ),
        ("mailboxUsage: {}", "15 'mailboxUsage' is an empty mapping", "known here: largerThan, archive"),
        ("agent: yes", "8 'agent' must be true or false, not the text 'yes'", "write true, without quotes"),
        ("desktopApps: {for: 7d}", "1 unknown property 'desktopApps'", "did you mean 'appsUnused'?"),
    ],
)
def test_mistakes(selector: str, message: str, hint: str) -> None:
    text = f"version: 1\npolicies:\n- id: a\n  severity: low\n  health: {{errors: deny}}\n  users: {{{selector}}}\n"
    (mistake,) = check(parse(text.encode(), file="f"), "policy")
    assert mistake.span is not None
    assert (mistake.span.line, f"{mistake.span.column - 10} {mistake.message}", mistake.hint) == (6, message, hint)
