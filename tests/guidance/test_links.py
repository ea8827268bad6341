"""Every link is an address that Microsoft documents, belongs to the right cloud, and is used."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from auditor.domain.enums import Cloud
from auditor.guidance import Article
from tests.guidance.packaged import known_links, packaged


class Linked(Protocol):
    @property
    def links(self) -> tuple[str, ...]: ...


def names_in(article: Article) -> Iterator[str]:
    parts: tuple[Iterable[Linked], ...] = (
        article.prerequisites,
        article.steps,
        article.warnings,
        article.next,
        article.history,
        article.corrections,
        *(edition.steps for edition in article.editions),
    )
    for part in parts:
        for entry in part:
            yield from entry.links
    for warning in article.warnings:
        yield from warning.disputed
    yield from article.sources
    yield from (duty.source for duty in article.roles if duty.source is not None)


def test_forward_links_have_the_documented_number_of_their_cloud() -> None:
    forward = "https://go.microsoft.com/fwlink/p/?linkid="
    numbered = {
        (cloud.value, target.id): url
        for target in packaged().targets.values()
        for cloud, url in target.urls.items()
        if url.startswith(forward)
    }
    assert numbered == {
        (cloud, page): f"{forward}{number}"
        for cloud, pages in known_links()["fwlinks"].items()
        for page, number in pages.items()
    }


def test_other_addresses_are_documented() -> None:
    forward = "https://go.microsoft.com/fwlink/p/?linkid="
    sites = {url for target in packaged().targets.values() for url in target.urls.values()}
    assert {url for url in sites if not url.startswith(forward)} == set(known_links()["others"])
    assert {cloud.value: url for cloud, url in packaged().terms.homes.items()} == known_links()["homes"]


def test_documents_are_known_pages_without_a_language_in_the_address() -> None:
    urls = {document.url for document in packaged().documents.values()}
    learn = "https://learn.microsoft.com/"
    assert {url.removeprefix(learn) for url in urls if url.startswith(learn)} == set(known_links()["learn"])
    assert {url for url in urls if not url.startswith(learn)} == set(known_links()["reports"])


def test_every_listed_address_is_used() -> None:
    used = {name for article in packaged().articles.values() for name in names_in(article)}
    assert used == {*packaged().documents, *packaged().targets}


def test_every_cloud_has_a_home_page() -> None:
    assert set(packaged().terms.homes) == set(Cloud)
