"""Opening the packaged articles: read when they are named, the same as when all are read, and told when broken."""

import pytest

from auditor.domain.enums import Cloud
from auditor.domain.errors import InputError
from auditor.guidance import Library, Variant, compose, open_library
from tests.guidance.packaged import packaged, schema, texts


def opened(files: dict[str, str]) -> tuple[Library, list[str]]:
    """Open a library, and the list of files that were read."""
    read: list[str] = []

    def text(name: str) -> str:
        read.append(name)
        return files[name]

    return open_library(files, text, schema), read


@pytest.mark.slow
def test_it_is_the_library_that_is_read_whole() -> None:
    library, _ = opened(texts())
    assert dict(library.titles) == dict(packaged().titles)
    assert dict(library.articles) == dict(packaged().articles)
    assert (library.documents, library.targets, library.terms) == (
        packaged().documents,
        packaged().targets,
        packaged().terms,
    )


def test_an_article_is_read_when_it_is_named_and_once() -> None:
    library, read = opened(texts())
    for _ in range(2):
        compose(library, "buy-licenses", Variant(cloud=Cloud.WORLDWIDE))
    assert sorted(read) == ["buy-licenses.yaml", "links.yaml", "terms.yaml"]
    assert "guests" in library.articles
    assert len(library.articles) == len(texts()) - 2
    assert "guests.yaml" not in read


def test_what_is_no_article_is_none() -> None:
    library, _ = opened(texts())
    for shelf in (library.articles, library.titles):
        for name in ("links", "terms", "nothing", "../guests"):
            assert name not in shelf
            with pytest.raises(KeyError):
                shelf[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "location"),
    [
        ("title: Buy licenses\n", "", "buy-licenses.yaml:2:1"),
        ("order: buy\n", "order: someday\n", "buy-licenses.yaml:6:8"),
        ("summary:", "[", "buy-licenses.yaml:"),
    ],
)
def test_a_broken_article_is_reported_with_its_place(old: str, new: str, location: str) -> None:
    files = texts()
    assert old in files["buy-licenses.yaml"]
    library, _ = opened(files | {"buy-licenses.yaml": files["buy-licenses.yaml"].replace(old, new, 1)})
    with pytest.raises(InputError) as caught:
        library.articles["buy-licenses"]
    (fault, *_) = caught.value.diagnostics
    assert fault.span is not None
    assert f"{fault.span.file}:{fault.span.line}:{fault.span.column}".startswith(location)


def test_a_title_of_several_lines_is_read_whole() -> None:
    files = texts()
    files["guests.yaml"] = files["guests.yaml"].replace("title: ", "title:\n  An\n  old ", 1)
    library, _ = opened(files)
    assert library.titles["guests"] == library.articles["guests"].title
    assert library.titles["guests"].startswith("An old ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["links.yaml", "terms.yaml"])
def test_missing_words_are_reported(name: str) -> None:
    with pytest.raises(InputError, match=name):
        opened({key: text for key, text in texts().items() if key != name})
