"""Guidance according to Microsoft's documentation of November 2026, separated by agreement."""

import re
from datetime import date
from itertools import product

import pytest

from auditor.domain.actions.action import Deadline, Link
from auditor.domain.enums import Agreement, Cloud
from auditor.domain.translation import Localizer
from auditor.guidance import Composed, Variant, compose, related_links
from auditor.guidance.portal_names import state_name
from auditor.localization import localization
from auditor.remedy.actions.guidance.article_markdown import article_markdown
from auditor.remedy.actions.guidance.text import guidance_text
from auditor.remedy.english import ENGLISH
from tests.guidance.freshness import freshness, freshness_markdown, last_checked
from tests.guidance.packaged import packaged
from tests.localization.catalogue_messages import LANGUAGES

TODAY = date(2026, 11, 22)
LOCALES = ("en", *LANGUAGES)
MCA, MOSA, VOLUME, CSP = Agreement.MCA, Agreement.MOSA, Agreement.VOLUME, Agreement.CSP
KNOWN = (MCA, MOSA, VOLUME, CSP)
SINGLE_AGREEMENT = {"partner-bought": CSP, "volume-licensing": VOLUME, "multitenant-billing": MCA}
"""Articles that are about one agreement, independent of the tenant's agreement."""


def article_of(
    article: str, *, agreement: Agreement = Agreement.UNKNOWN, day: date = TODAY, **facts: str | bool
) -> Composed:
    situation = {"cloud": Cloud.WORLDWIDE, **facts}
    return compose(packaged(), article, Variant(agreement=agreement, day=day, **situation))  # type: ignore[arg-type]


def prose(guidance: Composed) -> str:
    parts = (guidance.prerequisites, guidance.steps, guidance.warnings, guidance.next)
    texts = [entry.text for part in parts for entry in part]
    texts += [entry.after for entry in guidance.warnings]
    return "\n".join([guidance.summary, *texts])


AGREEMENT_TEXTS = [
    # (pattern of a text, the agreements under which it is true)
    (r"[Tt]urn recurring billing off|turn it on first", {MCA, MOSA}),
    (r"under a Microsoft Customer Agreement until the renewal", {MCA}),
    (r"seats bought from a partner", {CSP}),
    (r"a partner's subscription cannot be cancelled after 7 days", {CSP}),
    (r"60 (days )?under volume licensing", set()),
    (r"For 60 days|after 60 days it is Deleted", {VOLUME}),
    (r"Disabled after another 30 days as a rule", {MOSA}),
    (r"turns into a paid subscription", {MCA, MOSA}),
    (r"free Expired stage|has no free grace period", {MCA, CSP}),
    (r"Since 9 February 2026", {MCA}),
    (r"Since 4 May 2026", {CSP}),
    (r"ask the partner in writing", {CSP}),
    (r"As a rule a subscription is Expired for 30 days", {MOSA}),
]


@pytest.mark.parametrize("article", sorted(packaged().articles))
def test_texts_about_an_agreement_are_not_shown_under_another(article: str) -> None:
    for agreement, cloud, path in product(KNOWN, Cloud, (None, "direct", "group")):
        if SINGLE_AGREEMENT.get(article, agreement) is not agreement or cloud is Cloud.GERMANY:
            continue
        variant = Variant(cloud=cloud, agreement=agreement, path=path, day=TODAY)
        text = prose(compose(packaged(), article, variant))
        for pattern, true_for in AGREEMENT_TEXTS:
            if agreement not in true_for and article != "partner-bought":
                assert not re.search(pattern, text), (agreement, cloud, path, pattern)


@pytest.mark.parametrize("locale", LOCALES)
def test_subscription_end_depends_on_the_agreement_in_every_language(locale: str) -> None:
    l10n: Localizer = ENGLISH if locale == "en" else localization(locale)
    texts_by_agreement = {
        agreement: guidance_text(
            article_of("subscription-end", agreement=agreement, status="Enabled"),
            (),
            l10n,
            Deadline(day=date(2026, 12, 3)),
        )
        for agreement in (*KNOWN, Agreement.UNKNOWN)
    }
    extended = {
        agreement
        for agreement, translation in texts_by_agreement.items()
        if any("EST" in text for text in translation.steps)
    }
    assert extended == {MCA, CSP, Agreement.UNKNOWN}
    for translation in texts_by_agreement.values():
        assert not any("{date}" in text for text in translation.steps)
        assert any("2026" in text and "12-03" not in text for text in translation.steps)
    assert sum("EST" in text for text in texts_by_agreement[Agreement.UNKNOWN].steps) == 2


def test_day_of_the_audit_decides_between_old_and_new_text() -> None:
    ids = {
        day: {
            warning.id for warning in article_of("subscription-end", agreement=MCA, status="Enabled", day=day).warnings
        }
        for day in (date(2026, 2, 8), date(2026, 2, 9))
    }
    assert "expired-mca" in ids[date(2026, 2, 8)]
    assert "end-mca" not in ids[date(2026, 2, 8)]
    assert "end-mca" in ids[date(2026, 2, 9)]
    assert "expired-mca" not in ids[date(2026, 2, 9)]
    partner = {day: prose(article_of("recurring-billing", agreement=CSP, day=day)) for day in (date(2026, 5, 3), TODAY)}
    assert "Disabled after another 30 days" in partner[date(2026, 5, 3)]
    assert "Extended Service Term" not in partner[date(2026, 5, 3)]
    assert "unless the partner has set it to be cancelled" in partner[TODAY].lower()


def test_step_with_a_documented_undo_is_not_irreversible() -> None:
    final = {
        (article.id, step.id) for article in packaged().articles.values() for step in article.steps if step.irreversible
    }
    assert ("former-employee", "wipe-device") in final
    documented_ways_back = {
        *(("buy-licenses", "save"), ("unassign-licenses", "unassign"), ("unassign-licenses", "leave-group")),
        *(("group-licenses", "unassign"), ("move-users", "save"), ("former-employee", "delete")),
    }
    assert final.isdisjoint(documented_ways_back)


def test_pages_on_microsoft_365_open_in_the_view_of_21vianet() -> None:
    for article in packaged().articles:
        guidance = article_of(article, cloud=Cloud.CHINA)
        urls = [link.url or "" for link in guidance.links] + [source.url for source in guidance.sources]
        pages = [url for url in urls if url.startswith("https://learn.microsoft.com/microsoft-365/")]
        assert all(url.endswith("?view=o365-21vianet") for url in pages)
        assert not any("view=" in source.url for source in article_of(article).sources)


def test_germany_cloud_has_no_texts_of_later_years() -> None:
    assert "Extended Service Term" not in prose(article_of("subscription-end", cloud=Cloud.GERMANY))


@pytest.mark.parametrize("locale", LOCALES)
def test_markdown_has_warnings_before_steps_and_sources_last(locale: str) -> None:
    l10n = localization(locale)
    text = article_markdown(article_of("transfer-between-tenants", agreement=MCA), l10n, str)
    positions = [text.index(f"## {l10n.gettext(title)}") for title in ("Warnings", "Steps", "Then", "Sources")]
    assert positions == sorted(positions)
    assert l10n.gettext("Corrections to the published text") in text
    assert "2026-11" not in text.rsplit("##", 1)[1]
    assert "2026" in text.rsplit("##", 1)[1]


def test_steps_of_actions_link_the_pages_of_the_articles_to_which_they_refer() -> None:
    """The articles themselves are not in reports: only `auditor explain` and the documentation refer to them."""
    guidance = article_of("guests", cloud=Cloud.CHINA)
    text = guidance_text(guidance, related_links(packaged(), guidance, Cloud.CHINA), ENGLISH)
    (unassign,) = [step for step in guidance.steps if step.article == "unassign-licenses"]
    assert any(line.endswith(unassign.text) for line in text.steps)
    page = f"{packaged().main_sources['group-licenses'].url}?view=o365-21vianet"
    assert page not in {*(link.url for link in guidance.links), *(source.url for source in guidance.sources)}
    assert Link(label=packaged().titles["group-licenses"], address=page) in text.links
    assert len({link.address for link in text.links}) == len(text.links), "no page is linked twice"
    markdown = article_markdown(guidance, ENGLISH, lambda name: f"[{name}]({name}.md)")
    assert f"{unassign.text} (In full: [unassign-licenses](unassign-licenses.md).)" in markdown


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES)
def test_template_does_not_repeat_its_words_or_add_an_article_to_a_role(locale: str) -> None:
    l10n = localization(locale)
    doubled = re.compile(
        r"When: When|Wanneer: Wanneer|Hvornår: Når|När: När|Ne zaman: |Wann: Wenn"
        r"|[Tt]he role The|de rol De|Rollen Den|rollen Den|Rolle Der"
    )
    for article, agreement in product(packaged().articles, (*KNOWN, Agreement.UNKNOWN)):
        rendered = guidance_text(article_of(article, agreement=agreement), (), l10n)
        cautions = [text for text, _ in rendered.cautions]
        for text in (*rendered.prerequisites, *cautions, *rendered.steps, rendered.role):
            assert not doubled.search(text), text


def test_states_are_named_as_in_the_admin_center() -> None:
    states = ("Enabled", "Warning", "Suspended", "LockedOut", "Deleted", "Unheard")
    names = [state_name(ENGLISH.gettext, state) for state in states]
    assert names == ["Active", "Expired", "Disabled", "Disabled", "Deleted", "Unheard"]


def test_sources_older_than_twelve_months_are_stale() -> None:
    today = last_checked(packaged())
    assert not freshness(packaged(), today).stale
    later = freshness(packaged(), today.replace(year=today.year + 1, month=12))
    assert {entry.id for entry in later.stale} >= set(packaged().articles)


def test_announced_changes_are_listed_until_their_date() -> None:
    def announced(day: date) -> set[tuple[str, str]]:
        return {(change.article, change.day.isoformat()) for change in freshness(packaged(), day).announced}

    assert ("unassign-licenses", "2027-07-01") in announced(TODAY)
    assert ("subscription-end", "2026-05-04") in announced(date(2026, 1, 1))
    assert announced(date(2027, 7, 1)) == set()
    page = freshness_markdown(freshness(packaged(), TODAY))
    assert page == freshness_markdown(freshness(packaged(), TODAY))
    assert "2027-07-01" in page


def test_article_has_the_oldest_check_date_of_its_sources() -> None:
    guidance = article_of("self-service-purchases")
    assert guidance.checked == min(source.checked for source in guidance.sources)
    assert guidance_text(guidance, (), ENGLISH).checked == guidance.checked.isoformat()
