"""Titles of actions: forms for people and mailboxes, and the language of titles that a document has saved."""

import json
from decimal import Decimal
from itertools import cycle, product

import pytest
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.title import Blocked, TitleArguments
from auditor.domain.money import Money
from auditor.domain.result.saved_plan import PlannedAction
from auditor.domain.result.verification import ActionVerdict, Verdict
from auditor.localization import localization
from auditor.remedy.english import ENGLISH
from auditor.remedy.titles import action_title, saved_title
from auditor.result.codec.decoder import read
from auditor.result.codec.encoder import document
from tests.builders.result.audited_demo import demo_result
from tests.localization.catalogue_messages import LANGUAGES

KINDS = [
    (ActionKind.UNASSIGN, 1),
    (ActionKind.LEAVE_GROUP, 1),
    (ActionKind.LEAVE_GROUP, 2),
    (ActionKind.GROUP_LICENCE, 1),
]
HOSTILE = ("A or B", "E3 (x) – {count}", "and 3 other products", "<b>{old}</b>", '"; 5 people\\', "E5), F3 (")


def saved(title: str, kind: str, arguments: TitleArguments | None) -> ActionVerdict:
    """Return the verdict on an action, as a result.json keeps what a plan.json says about it."""
    action = Action(id="a", guidance="g", findings=(), title=title, title_arguments=arguments, kind=kind)
    planned = read(PlannedAction, json.loads(document(action)), where="plan.json")
    verdict = ActionVerdict(
        number=1,
        id=planned.id,
        title=planned.title,
        title_arguments=planned.title_arguments,
        kind=planned.kind,
        verdict=Verdict.NOT,
        requests=0,
        done=0,
    )
    return read(ActionVerdict, json.loads(document(verdict)), where="result.json")


@pytest.mark.parametrize(("kind", "groups"), KINDS)
@pytest.mark.parametrize("count", [1, 2])
def test_titles_about_shared_mailboxes_count_mailboxes(kind: ActionKind, groups: int, count: int) -> None:
    arguments = TitleArguments(count=count, old="E3", extra=("G",), groups=groups)
    for language in ("en", *LANGUAGES):
        l10n = ENGLISH if language == "en" else localization(language)
        of_people, of_mailboxes = (
            action_title(l10n, kind, replace(arguments, mailboxes=mailboxes)) for mailboxes in (False, True)
        )
        assert of_mailboxes != of_people
        assert all(value in of_mailboxes for value in ("E3", str(count)))
        if language == "en":
            assert ("mailboxes" if count > 1 else "mailbox") in of_mailboxes
            assert "people" not in of_mailboxes
            assert "person" not in of_mailboxes


def test_title_of_a_move_of_shared_mailboxes_counts_people() -> None:
    assert (
        action_title(ENGLISH, ActionKind.MOVE, TitleArguments(count=2, old="E5", new=("E3",), mailboxes=True))
        == "Move 2 people from E5 to E3"
    )


def test_titles_about_mailboxes_of_the_demo_count_no_people() -> None:
    actions = [
        action for tenant in demo_result().tenants for action in tenant.actions if action.guidance == "shared-mailbox"
    ]
    titles = [action.title.partition(" – ")[0] for action in actions]
    assert any("mailbox" in title for title in titles)
    assert [title for title in titles if "person" in title or "people" in title] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ActionKind)
def test_saved_title_equals_the_title_made_in_the_language(kind: ActionKind) -> None:
    languages = cycle([localization(language) for language in LANGUAGES])
    english = localization("en")
    choices = product((1, 1_234_567), (1, 30), (0, 1, 7), (False, True), (None, True, False), ((), HOSTILE))
    for count, groups, others, mailboxes, decided, names in choices:
        arguments = TitleArguments(
            count=count,
            old=HOSTILE[1],
            others=others,
            new=names,
            extra=names[:2],
            groups=groups,
            mailboxes=mailboxes,
            decided=decided,
            blocked=Blocked.GROUP if names else None,
            money=Money(currency="SEK", per_month=Decimal("1200.5")),
            article="Review the licence of a guest" if mailboxes else "",
        )
        verdict = saved(action_title(ENGLISH, kind, arguments), kind, arguments)
        for l10n in (english, next(languages)):
            assert saved_title(l10n, verdict) == action_title(l10n, kind, arguments)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_inserted_unchanged(name: str) -> None:
    l10n = localization("de")
    for kind in (ActionKind.MOVE_GROUP, ActionKind.GROUP_SWAP):
        arguments = TitleArguments(count=2, old=name, new=(name,), extra=(name,))
        assert saved_title(l10n, saved("x", kind, arguments)).count(name) == 3


def test_properties_states_and_alternatives_are_translated() -> None:
    l10n = localization("nl")

    def title(kind: ActionKind, *, new: tuple[str, ...] = (), extra: tuple[str, ...] = ()) -> str:
        return saved_title(l10n, saved("x", kind, TitleArguments(count=2, old="E5", new=new, extra=extra)))

    assert title(ActionKind.ATTRIBUTE_SET, extra=("department", "costCenter")) == (
        "Stel de waarde van afdeling en kostenplaats in voor 2 personen"
    )
    assert "(Uitgeschakeld)" in title(ActionKind.STATE, extra=("Suspended",))
    assert "A of B" in title(ActionKind.ASSIGN, new=("B", "A"))
    assert "A, B, C of een ander product" in title(ActionKind.ASSIGN, new=("D", "C", "B", "A"))


@pytest.mark.parametrize(
    ("language", "number"), [("en", "1,087"), ("nl", "1.087"), ("sv", "1\u00a0087"), ("da", "1.087")]
)
def test_titles_group_the_digits_of_numbers_as_reports_do(language: str, number: str) -> None:
    l10n = localization(language)
    assert l10n.number(1087) == number
    assert number in action_title(l10n, ActionKind.REMOVE_NOW, TitleArguments(count=1087, old="Microsoft 365 E3"))


def test_title_of_another_version_stays_english() -> None:
    l10n = localization("nl")
    title = "Unassign E3 from 2 people"
    assert saved_title(l10n, saved(title, "unassign", None)) == title
    assert saved_title(l10n, saved(title, "kind-of-a-later-version", TitleArguments(count=2))) == title


@pytest.mark.parametrize(
    ("language", "also", "title"),
    [
        ("en", (), "Unassign E3 from 3 people"),
        ("en", ("Visio",), "Unassign E3 and Visio from 3 people"),
        ("en", ("Visio", "Project"), "Unassign E3, Visio and Project from 3 people"),
        ("nl", ("Visio", "Project"), "E3, Visio en Project"),
        ("tr", ("Visio", "Project"), "E3, Visio ve Project"),
    ],
)
def test_last_of_several_products_follows_and(language: str, also: tuple[str, ...], title: str) -> None:
    arguments = TitleArguments(count=3, old="E3", also=also)
    assert title in action_title(localization(language), ActionKind.UNASSIGN, arguments)
