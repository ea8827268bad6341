"""Composition of articles: the steps of the tenant's variant, or every branch if a fact is unknown."""

from collections.abc import Iterable
from itertools import product
from typing import Protocol

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Agreement, Cloud
from auditor.guidance import Composed, Variant, compose
from auditor.guidance.tenant_guidance import Hyperlink
from auditor.remedy.actions.guidance.text import guidance_text
from auditor.remedy.english import ENGLISH
from tests.guidance.packaged import composed, known_links, packaged

ARTICLES = sorted(packaged().articles)
AGREEMENTS = [agreement for agreement in Agreement if agreement is not Agreement.UNKNOWN]
STATUSES = ["Enabled", "Warning", "Suspended", "LockedOut", "Deleted"]
KNOWN = Variant(
    cloud=Cloud.WORLDWIDE,
    agreement=Agreement.MCA,
    path="direct",
    status="Enabled",
    side="source",
    leaving=False,
    moving=True,
    synced=False,
    disables=True,
)


class Branched(Protocol):
    @property
    def branches(self) -> tuple[str, ...]: ...


def role(guidance: Composed) -> str:
    return guidance_text(guidance, (), ENGLISH).role


def ids(guidance: Composed) -> list[str]:
    return [step.id for step in guidance.steps]


def branches(guidance: Composed) -> set[str]:
    parts: tuple[Iterable[Branched], ...] = (
        guidance.prerequisites,
        guidance.roles,
        guidance.steps,
        guidance.warnings,
        guidance.next,
    )
    return {label for part in parts for entry in part for label in entry.branches}


@pytest.mark.parametrize("article", ARTICLES)
def test_no_branch_is_left_if_every_fact_is_known(article: str) -> None:
    for cloud, agreement, path in product(Cloud, AGREEMENTS, ("direct", "group")):
        guidance = composed(article, replace(KNOWN, cloud=cloud, agreement=agreement, path=path))
        assert branches(guidance) == set()
        assert guidance.steps
        assert guidance.roles
        assert [step.number for step in guidance.steps] == list(range(1, len(guidance.steps) + 1))


@pytest.mark.parametrize("article", ARTICLES)
def test_unknown_agreement_keeps_every_branch_with_a_notice(article: str) -> None:
    guidances = [composed(article, replace(KNOWN, agreement=agreement)) for agreement in AGREEMENTS]
    unknown = composed(article, replace(KNOWN, agreement=Agreement.UNKNOWN))
    assert set(ids(unknown)) == {name for guidance in guidances for name in ids(guidance)}
    shared = set.intersection(*(set(ids(guidance)) for guidance in guidances))
    assert {step.id for step in unknown.steps if not step.branches} == shared
    noticed = any("agreement of this tenant is not known" in notice for notice in unknown.notices)
    assert noticed == (shared != set(ids(unknown)))
    assert {warning.id for warning in unknown.warnings} == {
        warning.id for guidance in guidances for warning in guidance.warnings
    }


@pytest.mark.parametrize("article", ARTICLES)
def test_unknown_path_or_both_paths_keep_both_branches(article: str) -> None:
    direct, group, both, unknown = (
        ids(composed(article, replace(KNOWN, path=path))) for path in ("direct", "group", "both", None)
    )
    assert set(both) == {*direct, *group}
    assert both == unknown


@pytest.mark.parametrize("article", ARTICLES)
def test_unknown_status_keeps_every_stage(article: str) -> None:
    unknown = composed(article, replace(KNOWN, status=None))
    guidances = [composed(article, replace(KNOWN, status=status)) for status in STATUSES]
    assert set(ids(unknown)) == {name for guidance in guidances for name in ids(guidance)}


def test_licence_of_a_group_is_not_replaced_with_a_request_for_the_user() -> None:
    texts = {
        path: [note.text for note in composed("move-users", replace(KNOWN, path=path)).next]
        for path in ("direct", "group")
    }
    requests = {path: [text for text in listed if "assignLicense" in text] for path, listed in texts.items()}
    assert len(requests["direct"]) == 1
    assert requests["group"] == [], "Microsoft Graph refuses to remove an inherited licence"


@pytest.mark.parametrize(("status", "expected"), [("Enabled", True), ("Warning", True), ("Suspended", False)])
def test_disabled_subscription_has_no_advice_to_cancel_it(status: str, *, expected: bool) -> None:
    guidance = composed("subscription-end", replace(KNOWN, status=status))
    assert any(note.text.endswith("cancel it.") for note in guidance.next) is expected, "cancelling disables it"


@pytest.mark.parametrize("article", ARTICLES)
def test_germany_cloud_is_historic_and_has_no_portal_links(article: str) -> None:
    guidance = composed(article, replace(KNOWN, cloud=Cloud.GERMANY))
    assert "29 October 2021" in guidance.notices[0]
    assert all(link.url is None or "learn.microsoft.com" in link.url for link in guidance.links)
    assert not {guidance.notices[0]} & set(composed(article, KNOWN).notices)


@pytest.mark.parametrize("article", ARTICLES)
def test_cloud_without_documented_steps_gets_a_notice(article: str) -> None:
    for cloud in Cloud:
        guidance = composed(article, replace(KNOWN, cloud=cloud))
        documented = cloud in packaged().articles[article].documented
        noticed = any("Microsoft documents these steps for other clouds" in notice for notice in guidance.notices)
        assert noticed == (not documented and cloud is not Cloud.GERMANY)


def test_link_to_active_users_is_that_of_the_cloud() -> None:
    pages = {
        Cloud.WORLDWIDE: "https://go.microsoft.com/fwlink/p/?linkid=834822",
        Cloud.CHINA: "https://go.microsoft.com/fwlink/p/?linkid=850628",
        Cloud.USGOV: known_links()["homes"]["usgov"],
        Cloud.USGOV_DOD: known_links()["homes"]["usgov-dod"],
    }
    for cloud, page in pages.items():
        guidance = composed("move-users", replace(KNOWN, cloud=cloud))
        (step,) = (candidate for candidate in guidance.steps if candidate.id == "open-active-users")
        assert [link.url for link in step.links] == [page]


def test_fallback_link_is_labelled_as_the_page_that_it_opens() -> None:
    guidance = composed("move-users", replace(KNOWN, cloud=Cloud.USGOV))
    home = known_links()["homes"]["usgov"]
    assert {link.label for link in guidance.links if link.url == home} == {"Microsoft 365 admin center"}


def test_closed_page_is_named_without_a_link() -> None:
    library, article = packaged(), packaged().articles["move-users"]
    closed = next(target for target in library.targets.values() if target.closed is not None)
    linked = replace(article, steps=tuple(replace(step, links=(closed.id,)) for step in article.steps))
    guidance = compose(replace(library, articles={article.id: linked}), article.id, KNOWN)
    assert {link for step in guidance.steps for link in step.links} == {Hyperlink(label=closed.label, url=None)}


def test_role_depends_on_the_agreement() -> None:
    roles = {
        agreement: role(composed("remove-licenses", replace(KNOWN, agreement=agreement))) for agreement in Agreement
    }
    assert roles[Agreement.MOSA] == "Billing Administrator"
    assert roles[Agreement.MCA] == "Owner or contributor of the billing account or billing profile"
    assert roles[Agreement.UNKNOWN] == " / ".join(roles[agreement] for agreement in AGREEMENTS)
    assert role(composed("unassign-licenses", KNOWN)) == "License Administrator or User Administrator"


def test_links_are_unique_and_in_order_of_appearance() -> None:
    guidance = composed("transfer-between-tenants", KNOWN)
    assert len(set(guidance.links)) == len(guidance.links)
    assert guidance.links[0] == guidance.prerequisites[0].links[0]


def test_sources_have_title_address_and_date() -> None:
    source = composed("move-users", KNOWN).sources[0]
    assert source.title == "Move users to a different subscription"
    assert source.url.endswith("/microsoft-365/commerce/subscriptions/move-users-different-subscription")
    assert source.date == "2023-06-09"


def test_unknown_article_raises_key_error() -> None:
    with pytest.raises(KeyError):
        composed("unheard-of", KNOWN)
