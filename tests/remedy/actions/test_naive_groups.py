"""Groups of remedies, compared with what a naive reading of all their findings says, in any order of the remedies."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.result.finding import Finding, SourceLine, Subject
from auditor.findings.person_names import NAMED
from auditor.guidance import Situation
from auditor.remedy.actions.action_groups import ActionGroup, ActionGroups, SortKey
from auditor.remedy.actions.remedies.model import Remedy

FIRST_DAY = date(2026, 11, 20)
Keyed = tuple[SortKey, Remedy]


def finding(number: int, severity: Severity, policy: str, subject: Subject, day: int = 0) -> Finding:
    return Finding(
        fingerprint=f"{number:04}",
        policy=policy,
        check="subscription.state",
        severity=severity,
        status=Status.OPEN,
        subject=subject,
        evidence={"nextLifecycleDateTime": f"{FIRST_DAY + timedelta(days=day)}T23:59:00Z"},
        source=SourceLine(file="p.yaml", line=1),
    )


@st.composite
def subscriptions(draw: st.DrawFn) -> list[Keyed]:
    """Draw remedies about subscriptions of one product: at least one about a state, and others about their end."""
    remedies = []
    for number in draw(st.permutations(range(draw(st.integers(1, 7))))):
        severity, policy = draw(st.sampled_from(Severity)), draw(st.sampled_from("abc"))
        subject = Subject(type=SubjectType.SUBSCRIPTION, id=draw(st.sampled_from("stu")), name="S")
        found = [finding(number, severity, policy, subject, draw(st.integers(0, 40)))]
        if draw(st.booleans()):
            found.append(finding(number + 100, draw(st.sampled_from(Severity)), draw(st.sampled_from("abc")), subject))
        kind = draw(st.sampled_from([ActionKind.STATE, ActionKind.EXPIRING])) if number else ActionKind.STATE
        extra = (f"state-{number}",) if kind is ActionKind.STATE else ()
        remedy = Remedy(kind, tuple(found), Situation(), draw(st.sampled_from("xyz")), old="product", extra=extra)
        remedies.append(((severity.rank, policy, f"check-{number}"), remedy))
    return remedies


@settings(max_examples=100, deadline=None)
@given(subscriptions())
def test_worst_finding_and_first_remedy_lead(keyed: list[Keyed]) -> None:
    groups = ActionGroups({})
    groups.add(keyed)
    (group,) = groups
    first = min(keyed, key=lambda item: (not item[1].extra, item[0]))[1]
    weights = {(one.severity.rank, one.fingerprint): (one, remedy) for _, remedy in keyed for one in remedy.findings}
    worst, worst_remedy = weights[min(weights)]
    assert (group.first.extra, group.first.kind, group.policy) == (
        first.extra,
        ActionKind.STATE,
        first.findings[0].policy,
    )
    assert (group.concern.worst, group.worst[1]) == (worst.severity, worst.fingerprint)
    assert group.article == (worst_remedy.article if worst is worst_remedy.findings[0] else first.article)
    policies = {
        policy: min(key for key, (one, _) in weights.items() if one.policy == policy)
        for policy in "abc"
        if any(one.policy == policy for one, _ in weights.values())
    }
    assert group.ordered_policies == sorted(policies, key=lambda policy: policies[policy])
    assert group.concern.policies == tuple(sorted(policies, key=lambda policy: (policies[policy][0], policy)))
    assert sorted(group.fingerprints) == sorted(fingerprint for _, fingerprint in weights)
    assert group.people == len({remedy.subject for _, remedy in keyed})
    assert group.dates == {one.evidence["nextLifecycleDateTime"][:10] for one, _ in weights.values()}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["product", "s", "t", "u"]), st.integers(0, 9)), min_size=1, max_size=8))
def test_seats_of_subscriptions_are_added_up_and_other_numbers_are_not(rows: list[tuple[str, int]]) -> None:
    keyed = []
    for number, (name, seats) in enumerate(rows):
        kind = SubjectType.PRODUCT if name == "product" else SubjectType.SUBSCRIPTION
        found = finding(number, Severity.LOW, "a", Subject(type=kind, id=name, name="S"))
        remedy = Remedy(ActionKind.REMOVE_AT_RENEWAL, (found,), Situation(), "x", old="product", seats=seats)
        keyed.append(((0, "a", str(number)), remedy))
    groups = ActionGroups({})
    groups.add(keyed)
    (group,) = groups
    by_name = {name: max(seats for other, seats in rows if other == name) for name, _ in rows}
    of_product = by_name.pop("product", 0)
    assert group.seats == max(of_product, sum(by_name.values()))
    assert group.bought_seats == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=20), min_size=1, max_size=5))
def test_names_are_the_first_of_all_people(batches: list[list[int]]) -> None:
    remedy = Remedy(ActionKind.UNASSIGN, (), Situation(), "x", old="product")
    group = ActionGroup(0, remedy, (0, "", ""), ("product",))
    assert (group.concern.people, group.concern.names, group.concern.worst) == (0, (), Severity.INFO)
    labels = [[f"{number:03}" for number in sorted(batch)] for batch in batches]
    for batch in labels:
        group.name(len(batch), batch[:NAMED])
    everybody = sorted(label for batch in labels for label in batch)
    assert (group.concern.people, group.concern.names) == (len(everybody), tuple(everybody[:NAMED]))


STATE, TRIAL, EXPIRING = ActionKind.STATE, ActionKind.TRIAL, ActionKind.EXPIRING


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([EXPIRING], [EXPIRING]),
        ([EXPIRING, STATE], [STATE]),
        ([EXPIRING, TRIAL], [TRIAL]),
        ([EXPIRING, TRIAL, STATE], [STATE, TRIAL]),
    ],
)
def test_end_of_a_subscription_is_part_of_the_action_about_its_state_or_trial(
    kinds: list[ActionKind], expected: list[ActionKind]
) -> None:
    keyed = []
    for number, kind in enumerate(kinds):
        found = finding(number, Severity.LOW, "a", Subject(type=SubjectType.SUBSCRIPTION, id="s", name="S"))
        keyed.append(((0, "a", str(number)), Remedy(kind, (found,), Situation(), "x", old="product")))
    other = replace(keyed[0][1], old="other")
    groups = ActionGroups({})
    groups.add([*keyed, ((0, "a", "other"), other)])
    assert sorted(group.first.kind for group in groups if group.first.old == "product") == expected
    assert [group.first.kind for group in groups if group.first.old == "other"] == [EXPIRING]


@settings(max_examples=50, deadline=None)
@given(subscriptions(), subscriptions(), st.booleans())
def test_merged_group_has_the_findings_of_both_and_keeps_its_article(
    own: list[Keyed], others: list[Keyed], resolves: object
) -> None:
    """The fingerprints of the second group follow those of the first."""
    renumbered = [
        (
            key,
            replace(
                remedy,
                findings=tuple(replace(one, fingerprint=f"{one.fingerprint}+") for one in remedy.findings),
                old="product+" if remedy.kind is STATE else remedy.old,
            ),
        )
        for key, remedy in others
        if remedy.kind is STATE
    ]
    groups = ActionGroups({})
    groups.add([*own, *renumbered])
    first, second = groups
    article, worst, policies = first.article, min(first.worst, second.worst), first.policies.keys() | second.policies
    weights = {name: min(g.policies[name] for g in (first, second) if name in g.policies) for name in policies}
    fingerprints = [*first.fingerprints, *second.fingerprints]
    days, people = first.dates | second.dates, max(first.people, second.people)
    if resolves:
        first.resolve(second)
        assert first.seats_resolved == ["product+"]
    else:
        first.merge(second)
        assert (first.dates, first.people) == (days, people)
    assert (first.article, first.worst, first.policies, first.fingerprints) == (article, worst, weights, fingerprints)
