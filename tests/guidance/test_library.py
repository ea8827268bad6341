"""The packaged articles are valid and are read on first access; the validation reports errors with their location."""

import json

import jsonschema
import pytest

from auditor import resources
from auditor.domain.enums import Cloud
from auditor.domain.errors import InputError, format_diagnostic
from auditor.guidance import Variant, compose, open_library
from tests.guidance.packaged import FOLDER, packaged, readable, texts
from tests.guidance.validation import validate

ARTICLE = """\
version: 1
id: sample
title: Sample
summary: A sample article.
order: check
checked: '2026-11-22'
sources: [buy-or-remove-licenses]
documented: [worldwide]
roles:
  - role: license-administrator
steps:
  - id: look
    order: check
    text: Look at it.
    links: [licenses]
"""


def errors_of(article: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        validate({**texts(), "sample.yaml": article})
    return [
        f"{diagnostic.span.file}:{diagnostic.span.line}:{diagnostic.span.column} {diagnostic.message}"
        for diagnostic in caught.value.diagnostics
        if diagnostic.span is not None
    ]


@pytest.mark.slow
def test_packaged_articles_are_valid() -> None:
    faults = ""
    try:
        validate(texts())
    except InputError as error:
        faults = "\n\n".join(map(format_diagnostic, error.diagnostics))
    if faults:
        pytest.fail(faults, pytrace=False)
    library = packaged()
    assert set(library.articles) == {path.stem for path in FOLDER.glob("*.yaml")} - {"links", "terms"}
    assert len(library.articles) >= 40
    assert dict(library.titles) == {name: article.title for name, article in library.articles.items()}
    first_sources = {name: library.documents[article.sources[0]] for name, article in library.articles.items()}
    assert dict(library.main_sources) == first_sources


@pytest.mark.parametrize("line", ["    order: check\n", "roles:\n  - role: license-administrator\n"])
def test_article_without_a_required_key_is_reported_with_its_line_before_any_test_reads_it(line: str) -> None:
    with pytest.raises(InputError, match=r"sample\.yaml:\d+:\d+: .* is a required property"):
        readable({**texts(), "sample.yaml": ARTICLE.replace(line, "")})


def test_article_is_read_once_on_first_access() -> None:
    files, read = texts(), list[str]()

    def text(name: str) -> str:
        read.append(name)
        return files[name]

    library = open_library(files, text)
    for _ in range(2):
        compose(library, "buy-licenses", Variant(cloud=Cloud.WORLDWIDE))
    assert sorted(read) == ["buy-licenses.yaml", "links.yaml", "terms.yaml"]
    assert "guests" in library.articles
    assert len(library.articles) == len(files) - 2
    assert "guests.yaml" not in read


def test_library_has_no_article_for_other_names() -> None:
    for mapping in (packaged().articles, packaged().titles):
        for name in ("links", "terms", "nothing", "../guests"):
            assert name not in mapping
            with pytest.raises(KeyError):
                mapping[name]


def test_title_of_several_lines_is_read_completely() -> None:
    files = texts()
    files["guests.yaml"] = files["guests.yaml"].replace("title: ", "title:\n  An\n  old ", 1)
    library = open_library(files, files.__getitem__)
    assert library.titles["guests"] == library.articles["guests"].title
    assert library.titles["guests"].startswith("An old ")


@pytest.mark.slow
def test_sample_article_is_valid() -> None:
    validate({**texts(), "sample.yaml": ARTICLE})


@pytest.mark.slow
def test_guidance_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(resources.schema("guidance")))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "location", "message"),
    [
        ("order: check\nchecked", "order: someday\nchecked", "sample.yaml:5:8", "someday"),
        ("title: Sample\n", "", "sample.yaml:1:1", "title"),
        ("title: Sample", "titel: Sample", "sample.yaml:1:1", "titel"),
        ("links: [licenses]", "links: [licences]", "sample.yaml:15:12", "'licences'"),
        ("[buy-or-remove-licenses]", "[nowhere]", "sample.yaml:7:10", "'nowhere'"),
        ("role: license-administrator", "role: king", "sample.yaml:10:11", "'king'"),
        ("id: sample", "id: simple", "sample.yaml:2:5", "simple.yaml"),
        ("text: Look at it.", "text: 'Look at {sku}.'", "sample.yaml:14:11", "sku"),
        ("links: [licenses]", "when: {agreement: [csp, mca]}", "sample.yaml:15:11", "'csp+mca'"),
        ("links: [licenses]", "when: {cloud: [moon]}", "sample.yaml:15:20", "moon"),
        ("links: [licenses]", "article: nothing", "sample.yaml:15:14", "'nothing'"),
        ("checked: '2026-11-22'\n", "", "sample.yaml:1:1", "checked"),
        ("'2026-11-22'", "'2026-11'", "sample.yaml:6:10", "2026-11"),
        ("'2026-11-22'", "'2026-02-30'", "sample.yaml:6:10", "no day"),
        ("links: [licenses]", "effective: '2026-13-01'", "sample.yaml:15:16", "no day"),
        (
            "links: [licenses]",
            "until: '2026-01-01'\n    effective: '2026-01-01'",
            "sample.yaml:15:12",
            "before it begins",
        ),
        ("links: [licenses]", "order: check", "sample.yaml:15:5", "order"),
    ],
)
def test_error_is_reported_with_its_location(old: str, new: str, location: str, message: str) -> None:
    assert old in ARTICLE
    errors = errors_of(ARTICLE.replace(old, new))
    assert any(error.startswith(f"{location} ") and message in error for error in errors), errors


@pytest.mark.slow
def test_duplicate_step_id_is_refused() -> None:
    step = ARTICLE[ARTICLE.index("  - id: look") :]
    assert errors_of(ARTICLE + step) == ["sample.yaml:16:9 two entries of steps are called 'look'"]


@pytest.mark.slow
def test_warning_needs_a_loss_and_a_time() -> None:
    article = ARTICLE + "warnings:\n  - id: hot\n    text: This is hot.\n"
    assert len(errors_of(article)) == 2
    assert all(fault.startswith("sample.yaml:17:5") for fault in errors_of(article))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["links.yaml", "terms.yaml"])
def test_links_and_terms_are_checked_against_the_schema(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name}:\d+:\d+: .*surplus"):
        validate({**texts(), name: texts()[name] + "surplus: 1\n"})


@pytest.mark.slow
def test_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(InputError) as caught:
        validate({**texts(), "sample.yaml": ARTICLE.replace("[licenses]", "[licences]")})
    assert caught.value.hint == "did you mean 'licenses'?"
