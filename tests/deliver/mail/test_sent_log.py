"""Tests the list of sent mails: concurrent claims, which mails may be sent again, and damaged files."""

import json
import threading
from pathlib import Path

import pytest

from auditor.deliver.mail.sent_log import LogState, Mailing, SentLog
from auditor.domain.errors import DeliveryError
from tests.builders.service.mail_messages import AT


def mailing(key: str = "a1", week: str = "") -> Mailing:
    return Mailing(key=key, run="r1", recipient="ann@contoso.example", message_id="<a1@contoso.example>", week=week)


@pytest.fixture
def log(tmp_path: Path) -> SentLog:
    return SentLog(tmp_path / "state" / "sent.jsonl")


def test_mail_is_claimed_only_once(log: SentLog) -> None:
    assert log.state("a1") is None
    claim = log.claim(mailing(), AT)
    assert claim
    assert log.state("a1") is LogState.SENDING, "after a crash here the outcome is unknown, not unsent"
    assert log.claim(mailing(), AT) is None
    log.record(mailing(), LogState.ACCEPTED, AT, claim)
    assert log.state("a1") is LogState.ACCEPTED
    assert log.claim(mailing(), AT) is None
    assert log.claim(mailing("b2"), AT)


def test_refused_mail_can_be_claimed_again(log: SentLog) -> None:
    claim = log.claim(mailing(), AT)
    assert claim
    assert log.claim(mailing(), AT) is None
    log.record(mailing(), LogState.REFUSED, AT, claim)
    assert log.state("a1") is None
    assert log.claim(mailing(), AT)


def test_mail_with_unknown_outcome_is_only_claimed_on_request(log: SentLog) -> None:
    claim = log.claim(mailing(), AT)
    assert claim
    log.record(mailing(), LogState.UNKNOWN, AT, claim)
    assert log.state("a1") is LogState.UNKNOWN
    assert log.claim(mailing(), AT) is None
    assert log.claim(mailing(), AT, again=True)


def test_only_one_of_eight_concurrent_claims_succeeds(log: SentLog) -> None:
    tokens: list[str] = []
    start = threading.Barrier(8)

    def claim() -> None:
        start.wait()
        token = log.claim(mailing(), AT)
        if token:
            tokens.append(token)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 1


def test_weekly_mail_counts_as_sent_after_it_is_accepted(log: SentLog) -> None:
    claim = log.claim(mailing(week="2026-W47"), AT)
    assert claim
    assert not log.weekly_sent("ann@contoso.example", "2026-W47")
    log.record(mailing(week="2026-W47"), LogState.ACCEPTED, AT, claim)
    assert log.weekly_sent("ann@contoso.example", "2026-W47")
    assert not log.weekly_sent("ann@contoso.example", "2026-W48")
    assert not log.weekly_sent("bo@contoso.example", "2026-W47")


def test_lines_of_another_process_are_read_and_no_line_is_read_twice(
    log: SentLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []

    def loads(text: str) -> object:
        decoded.append(text)
        return json.JSONDecoder().decode(text)

    monkeypatch.setattr("auditor.deliver.mail.sent_log.json.loads", loads)
    other = SentLog(log.path)
    for key in ("a1", "b2", "c3"):
        assert log.claim(mailing(key), AT)
    assert len(decoded) == 3
    claim = other.claim(mailing("d4", week="2026-W47"), AT)
    assert claim
    other.record(mailing("d4", week="2026-W47"), LogState.ACCEPTED, AT, claim)
    decoded.clear()
    assert (log.state("d4"), log.weekly_sent("ann@contoso.example", "2026-W47")) == (LogState.ACCEPTED, True)
    assert log.claim(mailing("d4"), AT) is None
    assert len(decoded) == 3, "two lines of the other process, and one of the last claim"


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"key": "a1", "claim": "x", "state": "lost"}', '{"state": "sending"}', "\x00"]
)
def test_damaged_log_raises_delivery_error(log: SentLog, line: str) -> None:
    assert log.claim(mailing(), AT)
    log.path.write_text(log.path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(DeliveryError, match="2: the list") as caught:
        log.state("b2")
    assert caught.value.slug == "sent-log-damaged"


def test_unwritable_log_raises_delivery_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(DeliveryError) as caught:
        SentLog(tmp_path / "file" / "sent.jsonl").claim(mailing(), AT)
    assert caught.value.slug == "sent-log-unwritable"
