"""Tests that errors are translated completely, keep their positions, and leave quoted text unchanged."""

import re
from pathlib import Path

import pytest

from auditor.cli.main import run
from auditor.cli.terminal.console import environment_locale
from auditor.domain.errors import Diagnostic, InputError
from auditor.domain.message import Message
from auditor.graph.errors import REMEDIES
from auditor.localization import localization
from auditor.policy.loader import load
from tests.localization.catalogue_messages import LANGUAGES
from tests.localization.rules import ENGLISH, NAMES

INVALID_POLICIES = """\
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
def _without_locale_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUDITOR_LOCALE", "LC_ALL", "LC_MESSAGES", "LANG", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_errors_in_a_policy_are_translated_and_keep_their_positions(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(INVALID_POLICIES)
    assert run(["validate", str(file), "--locale", language]) == 2
    translated = capsys.readouterr().err
    assert run(["validate", str(file)]) == 2
    english = capsys.readouterr().err
    positions = re.compile(r"(?m)^\S+:\d+:\d+: (?=\w+\[([\w-]+)\])|^   \|.*$")
    assert positions.findall(translated) == positions.findall(english)
    assert len(translated.splitlines()) == len(english.splitlines()) > 20
    prose = re.sub(r"'[^']*'|(?m:^   \|.*$)|\[[\w-]+\]", "", translated)
    assert not ENGLISH.search(NAMES.sub("", prose)), prose
    assert not re.search(r"\b(?:must|cannot|unknown|error|help|write|lacks|needs)\b", prose), prose


@pytest.mark.slow
def test_language_of_errors_is_chosen_by_environment_and_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["audit", "--snapshot", "/nonexistent"]
    monkeypatch.setenv("LANG", "sv_SE.UTF-8")
    assert run(arguments) == 2
    assert "fel[snapshot-missing]: det finns ingen mapp /nonexistent" in capsys.readouterr().err
    monkeypatch.setenv("AUDITOR_LOCALE", "nl-BE")
    assert run(arguments) == 2
    assert "fout[snapshot-missing]: er is geen map /nonexistent" in capsys.readouterr().err
    assert run([*arguments, "--locale", "de"]) == 2
    assert "Fehler[snapshot-missing]: es gibt keinen Ordner /nonexistent" in capsys.readouterr().err


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
def test_first_locale_variable_that_is_set_is_used(
    variables: dict[str, str], locale: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_locale() == locale


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--shard", "5"], "argument --shard: '5' is geen I/N met 1 <= I <= N"),
        (["-f"], "argument -f/--format: één argument verwacht"),
        (["--nix"], "onbekende argumenten: --nix"),
    ],
)
def test_argument_errors_are_translated(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["audit", "--locale", "nl", *arguments])
    assert f"auditor audit: fout: {error}" in capsys.readouterr().err


def test_quoted_values_are_not_translated() -> None:
    message = Message("the policy id '{id}' is already used", id="the file is empty")
    assert localization("nl").translate(message) == "de id 'the file is empty' van een beleidsregel is al in gebruik"


def test_nested_messages_are_translated() -> None:
    reason = Message("no user can belong to its population")
    message = Message("the policy {id} can never raise a finding: {why}", id="a", why=reason)
    assert localization("nl").translate(message) == (
        "de beleidsregel a kan nooit een bevinding opleveren: geen gebruiker kan tot de populatie ervan behoren"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_graph_remedies_are_translated(language: str) -> None:
    l10n = localization(language)
    assert [text for text in REMEDIES.values() if text and l10n.translate(text) == text] == []


def test_errors_of_the_policy_loader_are_translated() -> None:
    """Includes errors of two successive steps of loading."""
    invalid = (
        b"version: 1\npolicies:\n  - {id: a, severity: low, users: nobody, seats: {spare: {min: 5, max: 2}}}\n"
        b"  - {id: a, severity: low, seats: {spare: {max: 2}}}\nwaivers:\n"
        b"  - {id: w, policies: b, reason: r, owner: o, expires: 2026-13-40}\n"
    )
    diagnostics: list[Diagnostic] = []
    for text in (invalid, invalid.replace(b"policies: b", b"policies: [b]").replace(b"2026-13-40", b"2026-12-31")):
        with pytest.raises(InputError) as raised:
            load([("p.yaml", text)])
        diagnostics += raised.value.diagnostics
    assert len(diagnostics) > 4
    for language in LANGUAGES:
        l10n = localization(language)
        for diagnostic in diagnostics:
            assert l10n.translate(diagnostic.message) != diagnostic.message
            assert diagnostic.hint is None or l10n.translate(diagnostic.hint) != diagnostic.hint
