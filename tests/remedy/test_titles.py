"""Titles of actions about shared mailboxes count mailboxes, not people, in every language."""

import pytest

from auditor.domain.actions.kind import ActionKind
from auditor.localization import localization
from auditor.remedy.messages import ENGLISH
from auditor.remedy.titles import action_title
from tests.builders.result.audited_demo import demo_result
from tests.localization.catalogue_messages import LANGUAGES

KINDS = [
    (ActionKind.UNASSIGN, 1),
    (ActionKind.LEAVE_GROUP, 1),
    (ActionKind.LEAVE_GROUP, 2),
    (ActionKind.GROUP_LICENCE, 1),
]


@pytest.mark.parametrize(("kind", "groups"), KINDS)
@pytest.mark.parametrize("count", [1, 2])
def test_titles_about_shared_mailboxes_count_mailboxes(kind: ActionKind, groups: int, count: int) -> None:
    for language in ("en", *LANGUAGES):
        l10n = ENGLISH if language == "en" else localization(language)
        of_people, of_mailboxes = (
            action_title(l10n, kind, count, old="E3", extra="G", groups=groups, article=article)
            for article in ("inactive-users", "shared-mailbox")
        )
        assert of_mailboxes != of_people
        assert all(value in of_mailboxes for value in ("E3", str(count)))
        if language == "en":
            assert ("mailboxes" if count > 1 else "mailbox") in of_mailboxes
            assert "people" not in of_mailboxes
            assert "person" not in of_mailboxes


def test_title_of_a_move_of_shared_mailboxes_counts_people() -> None:
    assert (
        action_title(ENGLISH, ActionKind.MOVE, 2, old="E5", new="E3", article="shared-mailbox")
        == "Move 2 people from E5 to E3"
    )


def test_titles_about_mailboxes_of_the_demo_count_no_people() -> None:
    actions = [
        action for tenant in demo_result().tenants for action in tenant.actions if action.guidance == "shared-mailbox"
    ]
    titles = [action.title.partition(" – ")[0] for action in actions]
    assert any("mailbox" in title for title in titles)
    assert [title for title in titles if "person" in title or "people" in title] == []
