"""Tests that results, progress and errors of commands are in the reader's language."""

import argparse
import contextlib
import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.app.ci.github_actions import publish
from auditor.app.report.localization import localized_result
from auditor.app.report.outputs import outputs
from auditor.catalogue import builtin
from auditor.cli.terminal.console import commented
from auditor.cli.terminal.progress import shown_progress
from auditor.domain.enums import Outcome, Source, SourceStatus
from auditor.domain.message import Message, detailed, joined
from auditor.domain.result.model import Coverage, TenantResult
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.findings.table import FindingTable
from auditor.localization import localization
from auditor.render.text.labels import SOURCE_STATES, Labels
from tests.builders.document.policy_documents import SPARE_SEATS
from tests.builders.result.audited_demo import demo_result
from tests.builders.result.rendered import rendered_text
from tests.builders.service.command_line import Ran, Terminal, call, expect
from tests.builders.tenant.demo_snapshots import saved_demo
from tests.emulator.__main__ import tenants_file
from tests.emulator.fixtures import SECRET, running_emulator, small_tenant
from tests.localization.catalogue_messages import CODE, LANGUAGES
from tests.localization.rules import ENGLISH, NAMES

MAIL = """\
version: 1
tenants:
- {name: contoso, tenantId: 11111111-2222-3333-4444-555555555555, recipients: [{address: ann@contoso.example}]}
mail: {from: audit@contoso.example, smtp: {host: 127.0.0.1, port: 9}}
"""
HEADER = "Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names\n"

COMMANDS = [
    ("init", "team"),
    ("init", "broken.csv"),
    ("products", "no-such-product"),
    ("products", "--output", "x.json"),
    ("products", "update"),
    ("products", "update", "nowhere.csv"),
    ("products", "update", "ftp://127.0.0.1/x"),
    ("products", "update", "http://127.0.0.1:9/x"),
    ("products", "update", "broken.csv", "--output", "own.json"),
    ("products", "update", "semicolons.csv", "--output", "own.json"),
    ("products", "update", "page.csv", "--output", "own.json"),
    ("products", "update", "good.csv", "--output", "own.json"),
    ("products", "update", "good.csv", "--output", "/dev/null/own.json"),
    ("schema", "polcy"),
    ("schema", "nothing-like-it"),
    ("collect",),
    ("collect", "--tenants", "mail.yaml", "--tenant", "nobody"),
    ("send", "nowhere.json", "--tenants", "mail.yaml"),
    ("send", "result.json"),
    ("send", "result.json", "--tenants", "tenants.yaml"),
    ("send", "result.json", "--tenants", "mail.yaml", "--to", "zoe@contoso.example"),
    ("send", "result.json", "--tenants", "mail.yaml", "--link", "http://x"),
    ("send", "result.json", "--tenants", "mail.yaml", "--dry-run", "-v"),
    ("send", "result.json", "--tenants", "mail.yaml", "--sent-log", "sent.jsonl"),
    ("send", "result.json", "--tenants", "mail.yaml", "--sent-log", "damaged.jsonl"),
    ("report", "damaged.json"),
    ("report", "policies/spare.yaml"),
    ("report", "other.json"),
    ("report", "newer.json"),
    ("store", "list", "nowhere"),
    ("store", "list", "."),
    ("store", "put", "audits"),
    ("store", "put", "audits", "snapshots/contoso", "result.json"),
    ("store", "put", "audits", "nowhere.json"),
    ("store", "put", "ftp://host/x", "snapshots"),
    ("store", "put", "s3://", "snapshots"),
    ("store", "put", "s3://k:p@bucket/x?y=1", "snapshots"),
    ("store", "get", "kept", "nobody"),
    ("store", "get", "kept", "contoso", "--as-of", "2020-01-01"),
    ("store", "prune", "kept", "--keep", "some"),
    ("store", "prune", "kept", "--keep", "7d"),
    ("store", "prune", "kept"),
    ("store", "check", "kept"),
    ("store", "check", "harmed"),
    ("store", "list", "kept", "what"),
    ("history", "nowhere"),
    ("history", "kept", "--people"),
    ("history", "kept", "-f", "pdf"),
    ("history", "kept", "-f", "csv,json"),
    ("history", "kept", "-f", "json=trends.json"),
    ("history", "kept", "--tenant", "contoso", "--policy", "x", "-f", "csv"),
    ("history", "kept", "--from", "2026-03-02", "--to", "2026-03-01"),
    ("audit", "--snapshot", "snapshots", "--spark-master", "nonsense", "--engine", "spark", "policies"),
    ("audit", "--snapshot", "snapshots/contoso", "policies", "-f", "json", "--fail-on", "never", "-v"),
    ("audit", "--redact", "--store", "audits", "--demo"),
    ("plan", "--snapshot", "nowhere"),
    ("test", "nowhere"),
]
"""Commands with output on stderr, including errors; at least one for each kind of message."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with valid and broken snapshots, results, stores and tables."""
    folder = tmp_path_factory.mktemp("stock")
    (folder / "policies").mkdir()
    (folder / "policies" / "spare.yaml").write_text(SPARE_SEATS)
    saved_demo(folder / "snapshots")
    text = rendered_text(demo_result(), "json")
    (folder / "result.json").write_text(text)
    (folder / "damaged.json").write_text(text[: len(text) // 2])
    (folder / "other.json").write_text(text.replace("auditor/result/v1", "other/thing", 1))
    (folder / "newer.json").write_text(text.replace("auditor/result/v1", "auditor/result/v9", 1))
    (folder / "mail.yaml").write_text(MAIL)
    (folder / "tenants.yaml").write_text(MAIL.partition("mail:")[0].replace("recipients", "locale: en, recipients"))
    (folder / "damaged.jsonl").write_text("{}\n")
    row = (
        "Microsoft 365 E3,SPE_E3,05e9a617-0261-4cee-bb44-138d3ef5d965,EXCHANGE,efb87545-963c-4e0d-99df-69c6916d9eb0,E\n"
    )
    (folder / "good.csv").write_text(HEADER + row)
    (folder / "broken.csv").write_text(HEADER + row.replace("05e9a617", "x") + "a,b\n")
    (folder / "semicolons.csv").write_text((HEADER + row).replace(",", ";"))
    (folder / "page.csv").write_text("<html>sign in</html>")
    for store in ("kept", "harmed"):
        assert call("store", "put", store, "snapshots", cwd=folder).code == 0
    part = next((folder / "harmed" / "contoso" / "parts").iterdir())
    part.write_bytes(part.read_bytes()[:-1])
    return folder


def prose(text: str) -> list[str]:
    """Return the lines of an output without code, names, numbers, slugs and commands."""
    lines = [line for line in text.splitlines() if not re.match(r" *\| |^(?:az|gh|\$|New-|Connect-|Test-)", line)]
    quoted = re.compile(r"^auditor: |'[^']*'|\[[\w-]+\]|--[\w-]+|\S*[/\d.@]\S*")
    bare = [" ".join(quoted.sub("", CODE.sub("", line)).split()) for line in lines]
    return [line for line in bare if re.search("[a-z]{4}", line)]


def run_in(files: Path, scratch: Path, arguments: tuple[str, ...], locale: str) -> Ran:
    for path in files.iterdir():
        (scratch / path.name).symlink_to(path)
    return call(*arguments, "--locale", locale, cwd=scratch, COLUMNS="200", XDG_STATE_HOME=str(scratch / "state"))


@pytest.mark.slow
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_line_of_the_output_is_in_english(arguments: tuple[str, ...], files: Path, tmp_path: Path) -> None:
    runs: dict[str, Ran] = {}
    for locale in ("en", *(LANGUAGES if arguments[:2] in {("init", "team"), ("collect",)} else ("nl", "tr"))):
        (tmp_path / locale).mkdir()
        runs[locale] = run_in(files, tmp_path / locale, arguments, locale)
    english = prose(runs["en"].err)
    assert english, "the command prints nothing to compare"
    for locale, completed in runs.items():
        assert completed.code == runs["en"].code, completed.err
        assert re.findall(r"\[([\w-]+)\]: ", completed.err) == re.findall(r"\[([\w-]+)\]: ", runs["en"].err)
        assert len(completed.err.splitlines()) == len(runs["en"].err.splitlines())
        if locale != "en":
            lines = prose(completed.err)
            assert set(english) & set(lines) == set()
            assert [line for line in lines if ENGLISH.search(NAMES.sub("", line))] == []


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_setup_commands_are_equal_and_their_comments_translated(language: str, tmp_path: Path) -> None:
    options = ("--repository", "o/team", "--mail-from", "audit@contoso.example")
    texts, english = (
        line
        for locale in (language, "en")
        for line in [call("init", f"{locale}/team", "--locale", locale, *options, cwd=tmp_path).text.splitlines()]
    )
    texts = [line.replace(f" {language}/team", " en/team") for line in texts]
    assert len(texts) == len(english)
    untranslated = re.compile(r"#\s+(?:Microsoft Graph PowerShell|repo:\S+|[\w.]+(?:, [\w.]+)*)$")
    for before, after in zip(english, texts, strict=True):
        assert before.partition("# ")[0] == after.partition("# ")[0], "a command is a command in every language"
        if "# " in before:
            assert (before == after) == bool(untranslated.search(before)), after


@given(st.text(max_size=80))
def test_commented_does_not_change_a_command(line: str) -> None:
    assert commented(line, localization("tr")) == line


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_init_writes_the_same_files_in_every_language(language: str, tmp_path: Path) -> None:
    for locale in ("en", language):
        assert call("init", locale, "--locale", locale, "-q", cwd=tmp_path).code == 0
    for path in (tmp_path / "en").rglob("*"):
        if path.is_file():
            assert (tmp_path / language / path.relative_to(tmp_path / "en")).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_products_are_translated_on_a_terminal_but_not_in_a_pipe(
    language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    piped = [call("products", "--free", "--locale", locale, cwd=tmp_path).text for locale in ("en", language)]
    assert piped[0] == piped[1]
    reasons = {row[-1] for row in csv.reader(piped[0].splitlines()[1:], delimiter="\t")}
    monkeypatch.setenv("COLUMNS", "400")
    screen = Terminal()
    with contextlib.redirect_stdout(screen):
        from auditor.cli.commands.catalogue import products  # noqa: PLC0415

        parser = argparse.ArgumentParser()
        products.add_arguments(parser)
        products.run(parser.parse_args(["--free", "--locale", language]))
    output = screen.getvalue()
    assert [reason for reason in reasons if reason in output] == []
    l10n = localization(language)
    counted = l10n.plural("{shown} of {count} product", "{shown} of {count} products", len(builtin().products))
    assert counted.replace("{shown}", str(len(reasons) + 1)) in output or counted.partition("{shown}")[2] in output


@pytest.mark.parametrize("language", LANGUAGES)
def test_progress_bars_have_translated_sources_and_states(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen, l10n = Terminal(), Labels(language)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "200")
    with shown_progress(l10n, enabled=True) as progress:
        progress.expect("contoso", Source.USERS, 5)
        progress.finish("contoso", Source.USERS, SourceStatus.PARTIAL.value)
    state = l10n.gettext(SOURCE_STATES[SourceStatus.PARTIAL])
    assert f"contoso: {l10n.gettext(SOURCE_TITLES[Source.USERS])}" in screen.getvalue()
    assert state in screen.getvalue()
    assert state != SOURCE_STATES[SourceStatus.PARTIAL]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["nl", "tr"])
def test_refused_sources_of_a_collection_are_reported_in_the_language(language: str, tmp_path: Path) -> None:
    with running_emulator([small_tenant()]) as emulator:
        emulator.faults.add("denied", path="/subscribedSkus", times=None)
        (tmp_path / "tenants.yaml").write_text(tenants_file(emulator))
        (tmp_path / "policies").mkdir()
        (tmp_path / "policies" / "spare.yaml").write_text(SPARE_SEATS)
        environ = {**emulator.environment(), "EMULATOR_CLIENT_SECRET": SECRET}
        completed = expect(3, "collect", "--all", "--locale", language, cwd=tmp_path, **environ)
        l10n = Labels(language)
        denied = f"contoso: {l10n.gettext(SOURCE_TITLES[Source.SUBSCRIBED_SKUS])}: {l10n.gettext('denied')}: "
        refused = next(line for line in completed.err.splitlines() if line.startswith(denied))
        remedy = Message(
            "grant the application {permissions} and consent (`auditor doctor` prints the commands)",
            permissions="LicenseAssignment.Read.All",
        )
        assert refused.endswith(l10n.translate(remedy))
        assert l10n.translate(remedy) != remedy
        assert " returned HTTP " not in refused, "the error is described, and Graph's response is quoted"
        assert f"contoso: {l10n.gettext(SOURCE_TITLES[Source.USERS])}: " in completed.err
        failed = expect(
            3, "collect", "--locale", language, cwd=tmp_path, **{**environ, "EMULATOR_CLIENT_SECRET": "wrong"}
        )
        # Microsoft's message about the secret is quoted in English.
        assert not ENGLISH.search(" ".join(prose(re.sub(r"AADSTS.*", "", failed.err)))), failed.err


def gaps() -> Iterator[TenantResult]:
    """Yield two tenants that were not read: the first completely, the second partly."""
    first, second, *_ = demo_result().tenants
    yield replace(
        first,
        failure=joined(": ", ("contoso", Message("the token has expired"))),
        sources=(),
        findings=FindingTable.of(()),
        policies=(),
        actions=(),
    )
    refused = Message("{asked} returned HTTP {status}", asked="groups", status=403)
    remedy = Message("collect again; Graph's list had no last page")
    reason = joined("; ", (detailed(refused, "Authorization_RequestDenied: no"), remedy))
    sources = (Coverage(name=Source.GROUPS, status=SourceStatus.DENIED, count=0, reason=reason),)
    unevaluated = tuple(
        replace(outcome, status=Outcome.NOT_EVALUATED, reason=reason) for outcome in second.policies[:2]
    )
    yield replace(second, sources=sources, policies=unevaluated)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_github_annotations_and_summary_are_in_the_language_of_the_reports(language: str, tmp_path: Path) -> None:
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "o"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "s"),
    }
    audit = replace(demo_result(), tenants=(*gaps(), *demo_result().tenants[2:]))
    lines = {}
    for locale in ("en", language):
        (tmp_path / "s").write_bytes(b"x" * 999_500)
        localized = localized_result(audit, locale)
        lines[locale] = publish(localized, outputs(["json"], tmp_path), locale=locale, code=3, environ=environ)
    assert len(lines["en"]) == len(lines[language])
    english = [re.split("::|title=", line)[2:] for line in lines["en"]]
    for before, line in zip(english, lines[language], strict=True):
        assert not set(before) & set(re.split("::|title=", line)[2:]), line
        assert not ENGLISH.search(NAMES.sub("", re.sub(r"file=\S+|[\w-]+(?=[:,]|$)", "", line))), line
    cut = "The summary is truncated; see the report for the full text."
    assert localization(language).gettext(cut) in (tmp_path / "s").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["junit", "sarif", "html"])
def test_reasons_of_unevaluated_policies_are_translated_in_every_format(language: str, name: str) -> None:
    audit = replace(demo_result(), tenants=tuple(gaps()))
    body = rendered_text(localized_result(audit, language), name, locale=language)
    text = json.dumps(json.loads(body), ensure_ascii=False) if name == "sarif" else body
    for english in (
        "the token has expired",
        "returned HTTP",
        "could not be audited",
        "was not evaluated",
        "cannot tell",
    ):
        assert english not in text
    assert "Authorization_RequestDenied" in text
