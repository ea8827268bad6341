"""`auditor send` to more than ten recipients prints numbers, and each failure once with its recipients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.app.mail.job import DeliveryReport, DeliveryStatus
from auditor.cli.delivery_summary import print_reports
from auditor.localization import localization
from tests.builders.service.mail_place import Place, mail_place

PEOPLE = [f"reader{number:02}@contoso.example" for number in range(1, 13)]


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Place]:
    with mail_place(tmp_path) as place:
        recipients = ", ".join(f"{{address: {address}, locale: en}}" for address in PEOPLE)
        place.tenants(f"[{recipients}]", other="[{address: freja@fabrikam.example}]", mail="  send: changed\n")
        yield place


def test_mails_to_many_recipients_are_counted(sending: Place) -> None:
    code, output = sending.send("--dry-run")
    assert (code, output.splitlines()) == (0, ["12 mails written to out/mail", "nothing to report to 1 recipient"])
    assert len(list((sending.folder / "out" / "mail").glob("*.eml"))) == 12
    code, output = sending.send("--quiet")
    assert (code, output) == (0, "")
    code, output = sending.send()
    assert (code, output.splitlines()) == (0, ["12 mails already sent", "nothing to report to 1 recipient"])
    code, output = sending.send("--resend", "--locale", "nl")
    assert (code, output.splitlines()[0]) == (0, "12 e-mails aangenomen")


def test_numbers_of_mails_have_spaces_and_no_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    report = DeliveryReport(address=PEOPLE[0], end=DeliveryStatus.ACCEPTED)
    print_reports([report] * 1234, localization("sv"), quiet=False)
    printed = capsys.readouterr()
    assert "1 234 e-postmeddelanden" in printed.out + printed.err


def test_failures_of_many_mails_are_printed_once(sending: Place) -> None:
    code, output = sending.send(P="wrong")
    assert code == 3
    assert output.count("error[mail-refused]") == 1
    assert f"mail to {', '.join(PEOPLE)}: not sent: " in output
    assert "nothing to report to 1 recipient" in output


def test_dry_run_writes_a_file_for_each_of_similar_or_long_addresses(sending: Place) -> None:
    long_address = "l" * 64 + "@" + ".".join(["d" * 60] * 3) + ".example"
    sending.tenants(
        f"[{{address: o'neil@contoso.example}}, {{address: o_neil@contoso.example}}, {{address: {long_address}}}]"
    )
    code, output = sending.send("--dry-run")
    assert code == 0, output
    names = sorted(path.name for path in (sending.folder / "out" / "mail").iterdir())
    assert names == [f"{long_address[:200]}.eml", "o_neil@contoso.example-2.eml", "o_neil@contoso.example.eml"]
    assert output.count("written (out/mail/") == 3


def test_few_mails_are_printed_in_a_line_each(sending: Place) -> None:
    code, output = sending.send("--dry-run", *(option for person in PEOPLE[:2] for option in ("--to", person)))
    assert (code, output.splitlines()) == (
        0,
        [f"mail to {person}: written (out/mail/{person}.eml)" for person in PEOPLE[:2]],
    )
