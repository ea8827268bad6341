"""`open_library`: articles are read on first access, equal those of `read_library`, and report errors when read."""

import pytest

from auditor.domain.enums import Cloud
from auditor.domain.errors import InputError
from auditor.guidance import Library, Variant, compose, open_library
from tests.guidance.packaged import packaged, schema, texts


def opened(files: dict[str, str]) -> tuple[Library, list[str]]:
    """Return an opened library, and the list of files that it has read so far."""
    read: list[str] = []

    def text(name: str) -> str:
        read.append(name)
        return files[name]

    return open_library(files, text, schema), read


@pytest.mark.slow
def test_opened_library_equals_the_library_read_at_once() -> None:
    library, _ = opened(texts())
    assert dict(library.titles) == dict(packaged().titles)
    assert dict(library.articles) == dict(packaged().articles)
    assert (library.documents, library.targets, library.terms) == (
        packaged().documents,
        packaged().targets,
        packaged().terms,
    )


def test_article_is_read_once_on_first_access() -> None:
    library, read = opened(texts())
    for _ in range(2):
        compose(library, "buy-licenses", Variant(cloud=Cloud.WORLDWIDE))
    assert sorted(read) == ["buy-licenses.yaml", "links.yaml", "terms.yaml"]
    assert "guests" in library.articles
    assert len(library.articles) == len(texts()) - 2
    assert "guests.yaml" not in read


def test_library_has_no_article_for_other_names() -> None:
    library, _ = opened(texts())
    for mapping in (library.articles, library.titles):
        for name in ("links", "terms", "nothing", "../guests"):
            assert name not in mapping
            with pytest.raises(KeyError):
                mapping[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "location"),
    [
        ("title: Buy licenses\n", "", "buy-licenses.yaml:2:1"),
        ("order: buy\n", "order: someday\n", "buy-licenses.yaml:6:8"),
        ("summary:", "[", "buy-licenses.yaml:"),
    ],
)
def test_broken_article_is_reported_with_its_location(old: str, new: str, location: str) -> None:
    files = texts()
    assert old in files["buy-licenses.yaml"]
    library, _ = opened(files | {"buy-licenses.yaml": files["buy-licenses.yaml"].replace(old, new, 1)})
    with pytest.raises(InputError) as caught:
        library.articles["buy-licenses"]
    (diagnostic, *_) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert f"{diagnostic.span.file}:{diagnostic.span.line}:{diagnostic.span.column}".startswith(location)


def test_title_of_several_lines_is_read_completely() -> None:
    files = texts()
    files["guests.yaml"] = files["guests.yaml"].replace("title: ", "title:\n  An\n  old ", 1)
    library, _ = opened(files)
    assert library.titles["guests"] == library.articles["guests"].title
    assert library.titles["guests"].startswith("An old ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["links.yaml", "terms.yaml"])
def test_missing_links_or_terms_file_is_reported(name: str) -> None:
    with pytest.raises(InputError, match=name):
        opened({key: text for key, text in texts().items() if key != name})
