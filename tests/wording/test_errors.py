"""What is wrong with an input is told in the reader's language: whole, at its place, quotations as they are."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.cli.main import run
from auditor.cli.terminal.console import environment_locale
from auditor.domain.errors import Diagnostic, InputError
from auditor.graph.errors import REMEDIES
from auditor.policy.loader import load
from auditor.wording import wording
from auditor.wording.complaints import Complaints
from auditor.wording.po_reader import Messages, read
from tests.package.tree import ROOT
from tests.wording.errors import ELSEWHERE, texts
from tests.wording.reading import LANGUAGES
from tests.wording.rules import ENGLISH, NAMES

WRONG = """\
version: 1
policies:
  - id: Foo Bar
    severity: hihg
    seatz: {}
  - id: y
    severity: [1]
    assignments: {}
    seats: {of: [], spare: {min: 120%}}
  - id: z
    title: 5
    severity: low
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUDITOR_LOCALE", "LC_ALL", "LC_MESSAGES", "LANG", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


def complaints(**said: str) -> Complaints:
    return Complaints(Messages({english: (text,) for english, text in said.items()}, bool, whole=True))


def made(messages: dict[str, str]) -> Complaints:
    return complaints(**messages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_mistakes_in_a_policy_are_told_whole_and_at_their_places(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(WRONG)
    assert run(["validate", str(file), "--locale", language]) == 2
    translated = capsys.readouterr().err
    assert run(["validate", str(file)]) == 2
    english = capsys.readouterr().err
    places = re.compile(r"(?m)^\S+:\d+:\d+: (?=\w+\[([\w-]+)\])|^   \|.*$")
    assert places.findall(translated) == places.findall(english)
    assert len(translated.splitlines()) == len(english.splitlines()) > 20
    said = re.sub(r"'[^']*'|(?m:^   \|.*$)|\[[\w-]+\]", "", translated)
    assert not ENGLISH.search(NAMES.sub("", said)), said
    assert not re.search(r"\b(?:must|cannot|unknown|error|help|write|lacks|needs)\b", said), said


def test_the_environment_names_the_reader(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    missing = ["audit", "--snapshot", "/nonexistent"]
    monkeypatch.setenv("LANG", "sv_SE.UTF-8")
    assert run(missing) == 2
    assert "fel[snapshot-missing]: /nonexistent är inte en mapp" in capsys.readouterr().err
    monkeypatch.setenv("AUDITOR_LOCALE", "nl-BE")
    assert run(missing) == 2
    assert "fout[snapshot-missing]: /nonexistent is geen map" in capsys.readouterr().err
    assert run([*missing, "--locale", "de"]) == 2
    assert "Fehler[snapshot-missing]: /nonexistent ist kein Ordner" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "locale"),
    [
        ({}, None),
        ({"LANG": "nl_NL.UTF-8"}, "nl-NL"),
        ({"LC_ALL": "C", "LANG": "nl_NL.UTF-8"}, None),
        ({"LC_ALL": "", "LC_MESSAGES": "da_DK", "LANG": "nl_NL"}, "da-DK"),
        ({"LC_ALL": "C.UTF-8", "LANG": "nl"}, None),
    ],
)
def test_the_first_variable_that_is_set_decides(
    variables: dict[str, str], locale: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_locale() == locale


def test_an_error_that_has_no_translation_is_english_with_its_hint() -> None:
    from auditor.cli.terminal.console import told  # noqa: PLC0415

    words = wording("nl")
    known = Diagnostic(slug="x", message="the file is empty", hint="split the file")
    half = Diagnostic(slug="x", message="the file is empty", hint="consult the oracle of Delphi")
    assert told(known, words)[0].message == "het bestand is leeg"
    assert told(half, words) == (half, False)


def test_what_is_quoted_is_never_translated() -> None:
    words = wording("nl")
    assert words.complaint("the policy id 'text' is taken") == "de id 'text' van een beleidsregel is al in gebruik"
    assert words.complaint("'a list' has no finite price") == "'a list' heeft geen eindige prijs"


def test_an_unknown_sentence_is_not_put_together_of_two_languages() -> None:
    assert wording("de").complaint("the frob is not ok") is None
    assert wording("nl").complaint("one of the frobs is missing its cap today") != ""
    assert wording("nl").complaint("one of these: the last of all frobs") is None


def test_a_reason_inside_of_an_error_is_told_too() -> None:
    said = wording("nl").complaint("the policy a can never raise a finding: no user can belong to its population")
    assert said == (
        "de beleidsregel a kan nooit een bevinding opleveren: geen gebruiker kan tot de populatie ervan behoren"
    )
    assert wording("da").complaint("contoso: the token has expired") == "contoso: tokenet er udløbet"


def test_values_go_where_the_language_wants_them() -> None:
    translated = made({"{a} beside {b}": "{b} neben {a}"})
    assert translated.told("x beside y") == "y neben x"


@given(st.text(max_size=300))
def test_no_text_breaks_the_search(text: str) -> None:
    said = wording("tr").complaint(text)
    assert said is None or isinstance(said, str)


@given(st.text(alphabet="ab{}' :;", max_size=60))
def test_values_are_never_read_as_places(value: str) -> None:
    translated = made({"{path} does not exist anywhere": "nirgends: {path}"}).told(f"{value} does not exist anywhere")
    assert translated == f"nirgends: {value}"


def test_every_remedy_of_the_services_is_told() -> None:
    for language in LANGUAGES:
        words = wording(language)
        assert [text for text in REMEDIES.values() if text and words.complaint(text) in {None, text}] == []


def test_every_error_of_the_modules_is_read_out_of_them() -> None:
    """A rule of the extractor that silently reads nothing would leave whole modules in English."""
    found = dict.fromkeys(place for place, _ in texts())
    for folder in ("app", "catalogue", "cli", "collect", "deliver", "graph", "history", "policy", "settings", "snapshot",
                   "spark", "store"):  # fmt: skip
        assert any(place.startswith(f"auditor/{folder}/") for place in found), folder
    assert all((ROOT / place).exists() for place in ELSEWHERE)


def test_every_mistake_of_the_loader_is_told() -> None:
    """Mistakes that are raised by two steps of loading, one after the other, are all among the texts."""
    broken = (
        b"version: 1\npolicies:\n  - {id: a, severity: low, users: nobody, seats: {spare: {min: 5, max: 2}}}\n"
        b"  - {id: a, severity: low, seats: {spare: {max: 2}}}\nwaivers:\n"
        b"  - {id: w, policies: b, reason: r, owner: o, expires: 2026-13-40}\n"
    )
    diagnostics: list[Diagnostic] = []
    for text in (broken, broken.replace(b"policies: b", b"policies: [b]").replace(b"2026-13-40", b"2026-12-31")):
        with pytest.raises(InputError) as raised:
            load([("p.yaml", text)])
        diagnostics += raised.value.diagnostics
    assert len(diagnostics) > 4
    for language in LANGUAGES:
        words = wording(language)
        for one in diagnostics:
            assert words.complaint(one.message) is not None, one.message
            assert one.hint is None or words.complaint(one.hint) is not None, one.hint


def test_a_catalogue_is_read_as_it_is_written() -> None:
    text = (
        'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        '#: a.py\n#, fuzzy\nmsgid "one"\nmsgstr "een\\n\\"twee\\" \\\\ drie"\n\n'
        'msgctxt "menu"\nmsgid "open"\nmsgstr "openen"\nmsgid "{count} a"\nmsgid_plural "{count} b"\n'
        'msgstr[0] "{count} c"\nmsgstr[1] ""\n"{count} "\n"d"\n#~ msgid "gone"\n#~ msgstr "weg"\n'
    )
    found = read(text)
    assert found.gettext("one") == 'een\n"twee" \\ drie'
    assert (found.pgettext("menu", "open"), found.gettext("open")) == ("openen", "open")
    assert [found.ngettext("{count} a", "{count} b", count) for count in (1, 2)] == ["{count} c", "{count} d"]
    assert found.gettext("gone") == "gone"
    assert not found.whole
    with pytest.raises(ValueError, match="line 2"):
        read('msgid "a"\nmsgstr b\n')
