"""From a result to the reader's inbox: the command, its exit codes, languages, files, and the mail that goes out once."""

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
from auditor.render import render
from tests.builders.result.results import result
from tests.builders.service.command_line import call, expect
from tests.builders.service.mail_place import Place, body, mail_place
from tests.builders.service.mail_relay import PASSWORD, USER


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Place]:
    with mail_place(tmp_path) as found:
        yield found


@pytest.mark.slow
def test_everybody_gets_theirs_once(sending: Place) -> None:
    sending.tenants(
        "[{address: ann@contoso.example, locale: en}, {address: bo@contoso.example, locale: en, severities: [critical], attach: csv}]",
        other="[{address: ann@contoso.example}, {address: freja@fabrikam.example, locale: en}]",
        mail="  send: always\n",
    )
    code, sent = sending.send()
    assert code == 0, sent
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


def test_nobody_is_told_that_nothing_changed(sending: Place) -> None:
    sending.tenants("[]", other="[{address: freja@fabrikam.example, locale: en}]")
    code, sent = sending.send()
    assert (code, sending.mails()) == (0, [])
    assert "mail to freja@fabrikam.example: nothing to report" in sent


@pytest.mark.slow
def test_each_reader_s_own_language(sending: Place) -> None:
    ran = call("audit", "--demo", "-q", "-f", "json", "--tenant", "contoso", cwd=sending.folder)
    assert ran.code in {0, 1}, ran.err
    (sending.folder / "out" / "result.json").replace(sending.folder / "result.json")
    sending.tenants(
        "[{address: ann@contoso.example}, {address: bo@contoso.example, locale: en, severities: [high]}]", locale="nl"
    )
    code, sent = sending.send()
    assert code == 0, sent
    dutch, english = sending.mails()
    assert english["content-language"] == "en"
    assert dutch["content-language"] == localization("nl").locale
    if localization("nl").language == "nl":
        assert "Licences" not in dutch["subject"]
    for mail in (dutch, english):
        assert f'<html lang="{mail["content-language"]}"' in body(mail, "html")


@pytest.mark.slow
def test_a_mail_that_is_refused_is_three_and_goes_out_the_next_time(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}, {address: bo@contoso.example}]")
    sending.running.box.refuse["ann@contoso.example"] = "450 later"
    code, sent = sending.send()
    assert code == 3
    assert "error[mail-refused]: mail to ann@contoso.example: not sent: the relay temporarily refused" in sent
    assert [str(mail["to"]) for mail in sending.mails()] == ["bo@contoso.example"]
    sending.running.box.refuse.clear()
    assert sending.send()[0] == 0
    assert [str(mail["to"]) for mail in sending.mails()] == ["bo@contoso.example", "ann@contoso.example"]


@pytest.mark.slow
def test_what_may_have_been_sent_is_not_sent_again_without_a_person(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}]")
    sending.running.box.hang_up = True
    code, sent = sending.send()
    assert code == 3
    assert "error[mail-unknown]" in sent
    sending.running.box.hang_up = False
    code, sent = sending.send()
    assert code == 3
    assert "may have been sent" in sent
    assert "--resend" in sent
    assert len(sending.mails()) == 1
    assert sending.send("--resend")[0] == 0
    first, second = sending.mails()
    assert first["message-id"] == second["message-id"], "a server that sorts out doubles can"


@pytest.mark.slow
def test_a_run_that_was_killed_while_it_sent_leaves_it_unknown(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}]")
    assert sending.send()[0] == 0
    log = sending.folder / "state" / "auditor" / "sent" / "sent.jsonl"
    first = log.read_text(encoding="utf-8").splitlines()[0]
    log.write_text(first + "\n", encoding="utf-8")
    code, sent = sending.send()
    assert (code, len(sending.mails())) == (3, 1)
    assert "may have been sent" in sent


@pytest.mark.slow
def test_a_dry_run_writes_files_and_sends_nothing(sending: Place) -> None:
    sending.tenants(
        "[{address: ann@contoso.example, locale: en, attach: xlsx}, {address: ../bo@contoso.example, attach: none}]"
    )
    code, sent = sending.send("--dry-run")
    assert code == 0, sent
    assert not sending.mails()
    assert not (sending.folder / "state").exists()
    written = sorted((sending.folder / "out" / "mail").iterdir())
    assert [path.name for path in written] == ["_bo@contoso.example.eml", "ann@contoso.example.eml"]
    mail = message_from_bytes(written[1].read_bytes(), policy=default)
    assert isinstance(mail, EmailMessage)
    (file,) = mail.iter_attachments()
    assert file.get_filename() == "licence-audit-contoso-2026-11-20.xlsx"
    assert sending.send("--dry-run", SOURCE_DATE_EPOCH="1795000000")[0] == 0
    bytes_ = [path.read_bytes() for path in written]
    assert sending.send("--dry-run", SOURCE_DATE_EPOCH="1795000000")[0] == 0
    assert bytes_ == [path.read_bytes() for path in written]


def week_before(sending: Place) -> None:
    """A saved run of seven days earlier, in the folder `old`."""
    now = result()
    then = replace(now, run=replace(now.run, as_of=now.run.as_of - timedelta(days=7)))
    (sending.folder / "old" / "night").mkdir(parents=True)
    saved = sending.folder / "old" / "night" / "result.json"
    saved.write_bytes(b"".join(render(then, "json", locale="en").chunks()))


def page(mail: EmailMessage) -> str:
    (zipped,) = mail.iter_attachments()
    with zipfile.ZipFile(io.BytesIO(zipped.get_content())) as archive:
        return archive.read(archive.namelist()[0]).decode()


@pytest.mark.slow
def test_the_curves_of_a_mail_are_in_the_page_that_goes_with_it(sending: Place) -> None:
    week_before(sending)
    sending.tenants(
        "[{address: ann@contoso.example, locale: en}, {address: bo@contoso.example, locale: en, severities: [critical]}]"
    )
    code, sent = sending.send("--history", "old")
    assert (code, "history-none" in sent) == (0, False), sent
    curves = ("65 on 13 Nov 2026, 65 (at least) now", "4 on 13 Nov 2026, 4 (at least) now")
    for mail, curve in zip(sending.mails(), curves, strict=True):
        assert "Over time" in body(mail)
        assert "Over time" in page(mail)
        assert curve in page(mail)
    assert sending.send("--resend")[0] == 0
    assert not any("Over time" in page(mail) for mail in sending.mails()[2:])


@pytest.mark.slow
def test_a_history_that_draws_no_curves_is_reported_once(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}, {address: bo@contoso.example}]")
    (sending.folder / "old").mkdir()
    (sending.folder / "old" / "report.json").write_text("{}", encoding="utf-8")
    code, sent = sending.send("--history", "old", "--dry-run")
    assert code == 0
    assert sent.count("warning[history-none]: there are no trends: no result.json below old is of an earlier run") == 1
    assert "error" not in sent
    assert sending.send("--history", "old", "--dry-run", "-q") == (0, "")
    environment = {"U": USER, "P": PASSWORD, "XDG_STATE_HOME": str(sending.folder / "state")}
    arguments = ("--demo", "--send", "-f", "json", "--history", "old", "--fail-on", "never")
    ran = call("audit", *arguments, cwd=sending.folder, **environment)
    assert (ran.code, ran.err.count("history-none")) == (0, 1), ran.err
    again = call("report", "out/result.json", "-f", "csv", "--history", "old", cwd=sending.folder, LANG="nl_NL.UTF-8")
    assert (again.code, again.err.count("history-none")) == (0, 1), again.err
    assert "waarschuwing[history-none]" in again.err


def test_only_to_somebody(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}, {address: bo@contoso.example}]")
    assert sending.send("--to", "BO@contoso.example")[0] == 0
    assert [str(mail["to"]) for mail in sending.mails()] == ["bo@contoso.example"]
    code, sent = sending.send("--to", "eve@evil.example")
    assert code == 2
    assert "eve@evil.example is not a recipient" in sent


@pytest.mark.slow
def test_people_are_named_in_the_attachment_alone_and_not_where_they_are_redacted(sending: Place) -> None:
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


@pytest.mark.slow
def test_the_link_is_the_report_or_the_run(sending: Place) -> None:
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
    assert sending.send("--link", "javascript:alert(1)")[0] == 3


def test_what_is_missing_stops_before_anything(sending: Place) -> None:
    sending.tenants("[]")
    code, sent = sending.send()
    assert (code, "no tenant in the tenants file has recipients" in sent) == (2, True)
    sending.tenants("[{address: ann@contoso.example}]")
    assert sending.send(P="") == (2, "the environment variable P is not set")
    path = sending.folder / "tenants.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("mail:")[0], encoding="utf-8")
    code, sent = sending.send()
    assert (code, "does not say how mail is sent" in sent) == (2, True)


def test_an_address_that_is_none_stops_no_other(sending: Place) -> None:
    sending.tenants("[{address: 'a,b@contoso.example'}, {address: bo@contoso.example}]")
    code, sent = sending.send()
    assert code == 3
    assert "is not a mail address" in sent
    assert [str(mail["to"]) for mail in sending.mails()] == ["bo@contoso.example"]


@pytest.mark.slow
def test_audit_sends_and_a_mail_that_fails_leaves_the_report(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example, locale: en}]")
    environment = {"U": USER, "P": PASSWORD, "XDG_STATE_HOME": str(sending.folder / "state")}
    options = ("-q", "-f", "json", "--tenant", "contoso", "--as-of", "2026-11-20T02:17:00Z", "--fail-on", "never")
    arguments = ("audit", "--demo", "--send", *options)
    ran = expect(0, *arguments, cwd=sending.folder, **environment)
    assert str(sending.mails()[0]["subject"]) == "[Contoso Retail] Licences: 1 critical, 11 new, 4 fixed — 20 Nov 2026"
    sending.running.box.refuse["ann@contoso.example"] = "550 no"
    (sending.folder / "state" / "auditor" / "sent" / "sent.jsonl").unlink()
    (sending.folder / "out" / "result.json").unlink()
    ran = expect(3, *arguments, cwd=sending.folder, **environment)
    assert "mail-refused" in ran.err
    assert (sending.folder / "out" / "result.json").is_file()
    (sending.folder / "tenants.yaml").unlink()
    (sending.folder / "out" / "result.json").unlink()
    assert call(*arguments, cwd=sending.folder, **environment).code == 2
    assert not (sending.folder / "out" / "result.json").exists(), "what is missing is said before anything is audited"
