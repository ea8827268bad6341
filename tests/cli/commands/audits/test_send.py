"""`auditor send` by mail: exit codes, languages, attachments, dry runs, and that each mail is sent once."""

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.localization import localization
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import result
from tests.builders.service.command_line import call, expect
from tests.builders.service.failures import without_home
from tests.builders.service.mail_place import Place, body, mail_place
from tests.builders.service.mail_relay import PASSWORD, USER

pytestmark = pytest.mark.slow


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Place]:
    with mail_place(tmp_path) as place:
        yield place


def test_each_recipient_gets_their_findings_once(sending: Place) -> None:
    sending.tenants(
        "[{address: ann@contoso.example, locale: en}, {address: bo@contoso.example, locale: en, severities: [critical], attach: csv}]",
        other="[{address: ann@contoso.example}, {address: freja@fabrikam.example, locale: en}]",
        mail="  send: always\n",
    )
    code, output = sending.send()
    assert code == 0, output
    mails = {str(mail["to"]): mail for mail in sending.mails()}
    assert sorted(mails) == ["ann@contoso.example", "bo@contoso.example", "freja@fabrikam.example"]
    assert str(mails["ann@contoso.example"]["subject"]).startswith("[2 tenants] Licences: incomplete, 4 critical")
    assert "These numbers count only the findings that you receive: critical" in body(mails["bo@contoso.example"])
    assert "Contoso" not in body(mails["freja@fabrikam.example"]) + body(mails["freja@fabrikam.example"], "html")
    (file,) = mails["bo@contoso.example"].iter_attachments()
    assert file.get_filename() == "licence-audit-contoso-2026-11-20.csv"
    (zipped,) = mails["ann@contoso.example"].iter_attachments()
    with zipfile.ZipFile(io.BytesIO(zipped.get_content())) as archive:
        assert archive.namelist() == ["licence-audit-2-tenants-2026-11-20.html"]

    assert sending.send()[0] == 0, "a second run finds nothing left to send"
    assert len(sending.mails()) == 3


def test_no_mail_is_sent_if_there_is_nothing_to_report(sending: Place) -> None:
    sending.tenants("[]", other="[{address: freja@fabrikam.example, locale: en}]")
    code, output = sending.send()
    assert (code, sending.mails()) == (0, [])
    assert "mail to freja@fabrikam.example: nothing to report" in output


def test_mail_is_in_the_language_of_the_recipient(sending: Place) -> None:
    completed = call("audit", "--demo", "-q", "-f", "json", "--tenant", "contoso", cwd=sending.folder)
    assert completed.code in {0, 1}, completed.err
    (sending.folder / "out" / "result.json").replace(sending.folder / "result.json")
    sending.tenants(
        "[{address: ann@contoso.example}, {address: bo@contoso.example, locale: en, severities: [high]}]", locale="nl"
    )
    code, output = sending.send()
    assert code == 0, output
    dutch, english = sending.mails()
    assert english["content-language"] == "en"
    assert dutch["content-language"] == localization("nl").locale
    if localization("nl").language == "nl":
        assert "Licences" not in dutch["subject"]
    for mail in (dutch, english):
        assert f'<html lang="{mail["content-language"]}"' in body(mail, "html")


def test_refused_mail_exits_with_3_and_is_sent_in_the_next_run(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}, {address: bo@contoso.example}]")
    sending.running.box.refuse["ann@contoso.example"] = "450 later"
    code, output = sending.send()
    assert code == 3
    assert "error[mail-refused]: mail to ann@contoso.example: not sent: the relay temporarily refused" in output
    assert "= help: " in output
    assert [str(mail["to"]) for mail in sending.mails()] == ["bo@contoso.example"]
    sending.running.box.refuse.clear()
    assert sending.send()[0] == 0
    assert [str(mail["to"]) for mail in sending.mails()] == ["bo@contoso.example", "ann@contoso.example"]


def test_mail_with_unknown_outcome_is_sent_again_only_with_resend(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}]")
    sending.running.box.hang_up = True
    code, output = sending.send()
    assert code == 3
    assert "error[mail-unknown]" in output
    sending.running.box.hang_up = False
    code, output = sending.send()
    assert code == 3
    assert "may have been sent" in output
    assert "--resend" in output
    assert len(sending.mails()) == 1
    assert sending.send("--resend")[0] == 0
    first, second = sending.mails()
    assert first["message-id"] == second["message-id"], "so that a mail server can drop the duplicate"


def test_mail_of_an_interrupted_run_is_not_sent_again(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}]")
    assert sending.send()[0] == 0
    log = sending.folder / "state" / "auditor" / "sent" / "sent.jsonl"
    first = log.read_text(encoding="utf-8").splitlines()[0]
    log.write_text(first + "\n", encoding="utf-8")
    code, output = sending.send()
    assert (code, len(sending.mails())) == (3, 1)
    assert "may have been sent" in output


def test_dry_run_writes_files_and_sends_nothing(sending: Place) -> None:
    sending.tenants(
        "[{address: ann@contoso.example, locale: en, attach: xlsx}, {address: ../bo@contoso.example, attach: none}]"
    )
    code, output = sending.send("--dry-run")
    assert code == 0, output
    assert not sending.mails()
    assert not (sending.folder / "state").exists()
    paths = sorted((sending.folder / "out" / "mail").iterdir())
    assert [path.name for path in paths] == ["_bo@contoso.example.eml", "ann@contoso.example.eml"]
    mail = message_from_bytes(paths[1].read_bytes(), policy=default)
    assert isinstance(mail, EmailMessage)
    (file,) = mail.iter_attachments()
    assert file.get_filename() == "licence-audit-contoso-2026-11-20.xlsx"
    assert sending.send("--dry-run", SOURCE_DATE_EPOCH="1795000000")[0] == 0
    contents = [path.read_bytes() for path in paths]
    assert sending.send("--dry-run", SOURCE_DATE_EPOCH="1795000000")[0] == 0
    assert contents == [path.read_bytes() for path in paths]


def write_result_of_last_week(sending: Place) -> None:
    """Write a result of seven days earlier below the folder `old`."""
    current = result()
    earlier = replace(current, run=replace(current.run, as_of=current.run.as_of - timedelta(days=7)))
    (sending.folder / "old" / "night").mkdir(parents=True)
    path = sending.folder / "old" / "night" / "result.json"
    path.write_bytes(rendered_bytes(earlier, "json"))


def page(mail: EmailMessage) -> str:
    (zipped,) = mail.iter_attachments()
    with zipfile.ZipFile(io.BytesIO(zipped.get_content())) as archive:
        return archive.read(archive.namelist()[0]).decode()


def test_history_curves_are_in_the_mail_and_in_the_attached_page(sending: Place) -> None:
    write_result_of_last_week(sending)
    sending.tenants(
        "[{address: ann@contoso.example, locale: en}, {address: bo@contoso.example, locale: en, severities: [critical]}]"
    )
    code, output = sending.send("--history", "old")
    assert (code, "history-none" in output) == (0, False), output
    curves = ("65 on 13 Nov 2026, 65 (at least) now", "4 on 13 Nov 2026, 4 (at least) now")
    for mail, curve in zip(sending.mails(), curves, strict=True):
        assert "Over time" in body(mail)
        assert "Over time" in page(mail)
        assert curve in page(mail)
    assert sending.send("--resend")[0] == 0
    assert not any("Over time" in page(mail) for mail in sending.mails()[2:])


def test_history_without_earlier_results_is_one_warning(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}, {address: bo@contoso.example}]")
    (sending.folder / "old").mkdir()
    (sending.folder / "old" / "report.json").write_text("{}", encoding="utf-8")
    code, output = sending.send("--history", "old", "--dry-run")
    assert code == 0
    assert (
        output.count("warning[history-none]: there are no trends: no result.json below old is of an earlier run") == 1
    )
    assert "error" not in output
    assert sending.send("--history", "old", "--dry-run", "-q") == (0, "")
    environment = {"U": USER, "P": PASSWORD, "XDG_STATE_HOME": str(sending.folder / "state")}
    arguments = ("--demo", "--send", "-f", "json", "--history", "old", "--fail-on", "never")
    completed = call("audit", *arguments, cwd=sending.folder, **environment)
    assert (completed.code, completed.err.count("history-none")) == (0, 1), completed.err
    dutch = call("report", "out/result.json", "-f", "csv", "--history", "old", cwd=sending.folder, LANG="nl_NL.UTF-8")
    assert (dutch.code, dutch.err.count("history-none")) == (0, 1), dutch.err
    assert "waarschuwing[history-none]" in dutch.err


def test_missing_home_folder_for_the_list_of_sent_mails_is_an_error(
    sending: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending.tenants("[{address: ann@contoso.example}]")
    without_home(monkeypatch)
    arguments = ("send", "result.json", "--dry-run")
    completed = call(*arguments, cwd=sending.folder, U=USER, P=PASSWORD)
    assert (completed.code, "--sent-log" in completed.err) == (2, True), completed.err
    expect(0, *arguments, "--sent-log", "sent.jsonl", cwd=sending.folder, U=USER, P=PASSWORD)


def test_to_option_selects_recipients(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}, {address: bo@contoso.example}]")
    assert sending.send("--to", "BO@contoso.example")[0] == 0
    assert [str(mail["to"]) for mail in sending.mails()] == ["bo@contoso.example"]
    code, output = sending.send("--to", "eve@evil.example")
    assert code == 2
    assert "eve@evil.example is not a recipient" in output


def test_names_appear_only_in_unredacted_attachments(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example, attach: csv, locale: en}]")
    names = ("Anouk de Vries", "anouk@", "Freja Nørgaard", "freja@")
    assert sending.send()[0] == 0
    (mail,) = sending.mails()
    (file,) = mail.iter_attachments()
    assert "Anouk de Vries" in file.get_content()
    assert not [name for name in names if name in body(mail) + body(mail, "html")]
    assert sending.send("--redact")[0] == 0
    (file,) = sending.mails()[1].iter_attachments()
    assert not [name for name in names if name in file.get_content()]


@pytest.mark.parametrize("attach", ["html", "csv", "none"])
def test_mail_with_pseudonyms_of_a_random_key_is_sent_once(attach: str, sending: Place) -> None:
    sending.tenants(f"[{{address: ann@contoso.example, attach: {attach}, locale: en}}]")
    assert sending.send("--redact")[0] == 0
    code, output = sending.send("--redact")
    assert (code, len(sending.mails())) == (0, 1)
    assert "already sent" in output
    assert sending.send()[0] == 0
    assert len(sending.mails()) == 1 + (attach != "none"), "the attachment names people now"


def test_mail_links_to_the_given_report_or_the_github_run(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example, locale: en}]")
    assert sending.send("--link", "https://reports.contoso.example/today.html")[0] == 0
    assert "https://reports.contoso.example/today.html#p-contoso_" in body(sending.mails()[0], "html")
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_RUN_ID": "7",
    }
    assert sending.send(**github)[0] == 0
    assert "Open the run: https://github.com/o/r/actions/runs/7" in body(sending.mails()[1])
    assert sending.send("--link", "javascript:alert(1)")[0] == 2


def test_missing_mail_settings_are_errors(sending: Place) -> None:
    sending.tenants("[]")
    code, output = sending.send()
    assert (code, "no tenant in the tenants file has recipients" in output) == (2, True)
    sending.tenants("[{address: ann@contoso.example}]")
    code, output = sending.send(P="")
    assert (code, "the environment variable P is not set" in output) == (2, True)
    path = sending.folder / "tenants.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("mail:")[0], encoding="utf-8")
    code, output = sending.send()
    assert (code, "3:94: error[mail-missing]: the tenants file has no settings for sending mail" in output) == (2, True)
    (sending.folder / "p.yaml").write_text("version: 1\npolicies: [{id: p, severity: low, health: {errors: deny}}]\n")
    completed = call("validate", "p.yaml", "--tenants", "tenants.yaml", "--strict", cwd=sending.folder)
    assert (completed.code, "tenants.yaml:3:94: error[mail-missing]" in completed.err) == (2, True)


def test_invalid_address_does_not_stop_other_mails(sending: Place) -> None:
    sending.tenants("[{address: 'a,b@contoso.example'}, {address: bo@contoso.example}]")
    code, output = sending.send()
    assert code == 3
    assert "is not a supported mail address" in output
    assert [str(mail["to"]) for mail in sending.mails()] == ["bo@contoso.example"]


def test_audit_send_writes_the_result_even_if_a_mail_fails(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example, locale: en}]")
    environment = {"U": USER, "P": PASSWORD, "XDG_STATE_HOME": str(sending.folder / "state")}
    options = ("-q", "-f", "json", "--tenant", "contoso", "--as-of", "2026-11-20T02:17:00Z", "--fail-on", "never")
    arguments = ("audit", "--demo", "--send", *options)
    completed = expect(0, *arguments, cwd=sending.folder, **environment)
    assert str(sending.mails()[0]["subject"]) == "[Contoso Retail] Licences: 1 critical, 11 new, 4 fixed — 20 Nov 2026"
    sending.running.box.refuse["ann@contoso.example"] = "550 no"
    (sending.folder / "state" / "auditor" / "sent" / "sent.jsonl").unlink()
    (sending.folder / "out" / "result.json").unlink()
    completed = expect(3, *arguments, cwd=sending.folder, **environment)
    assert "mail-refused" in completed.err
    assert (sending.folder / "out" / "result.json").is_file()
    (sending.folder / "tenants.yaml").unlink()
    (sending.folder / "out" / "result.json").unlink()
    assert call(*arguments, cwd=sending.folder, **environment).code == 2
    assert not (sending.folder / "out" / "result.json").exists(), "missing settings are reported before the audit"
