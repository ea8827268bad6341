"""Records sent mails in a JSON Lines file, so that no mail is sent twice, even by concurrent processes."""

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct

from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message
from auditor.files import input as files
from auditor.files.output import append_file


class LogState(StrEnum):
    """The state of a mail that a line records."""

    SENDING = "sending"
    """Written before the mail is sent; without a later line, the outcome is unknown."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RELEASED = "released"
    """A person decided that it may be sent again."""


class Mailing(Struct, frozen=True, kw_only=True):
    """The mail to which a line belongs."""

    key: str
    run: str
    recipient: str
    message_id: str
    week: str = ""
    """The ISO week of the run, such as `2026-W47`; older logs have it for weekly mails only."""


class SentLog(Struct):
    """The log file, with one JSON object per line."""

    path: Path

    def state(self, key: str) -> LogState | None:
        """Return the state of a mail; None if it may be sent. Raises DeliveryError if the file is damaged."""
        claim, state = self._claim_and_state(key)
        return state if claim else None

    def claim(self, mailing: Mailing, instant: datetime, *, again: bool = False) -> str | None:
        """Claim a mail for sending, and return a token; None if another process claimed it, or it was sent before.

        Lines are appended atomically, and the first claim wins. `again` is a person's decision to send the mail again.
        """
        if again:
            self.record(mailing, LogState.RELEASED, instant, "")
        token = secrets.token_hex(8)
        self.record(mailing, LogState.SENDING, instant, token)
        current, _ = self._claim_and_state(mailing.key)
        return token if current == token else None

    def record(self, mailing: Mailing, state: LogState, instant: datetime, token: str) -> None:
        """Append a line with the state of a mail; `token` is that of its claim, empty without one."""
        line = {
            "key": mailing.key,
            "state": state.value,
            "claim": token,
            "at": instant.isoformat(),
            "run": mailing.run,
            "recipient": mailing.recipient,
            "messageId": mailing.message_id,
        }
        if mailing.week:
            line["week"] = mailing.week
        text = json.dumps(line, ensure_ascii=True) + "\n"
        try:
            append_file(self.path, text.encode(), sync=True, folders=True)
        except OSError as error:
            raise DeliveryError(
                "sent-log-unwritable",
                Message(
                    "{path} cannot be written: {strerror}; without it a mail could go out twice",
                    path=self.path,
                    strerror=error.strerror,
                ),
                hint=Message("specify another file with --sent-log"),
            ) from error

    def weekly_sent(self, recipient: str, week: str) -> bool:
        """Return whether a mail of a week was accepted; then the weekly mail is not due, because it has no news."""
        return any(
            line.get("week") == week and line.get("recipient") == recipient and line["state"] == LogState.ACCEPTED
            for line in self._lines()
        )

    def _claim_and_state(self, key: str) -> tuple[str, LogState | None]:
        """Return the valid claim of a mail, empty if there is none, and the last state."""
        current = ""
        state: LogState | None = None
        for line in self._lines():
            if line["key"] != key:
                continue
            logged, claim = LogState(line["state"]), str(line["claim"])
            if logged is LogState.RELEASED:
                current, state = "", None
            elif logged is LogState.SENDING and not current:
                current, state = claim, logged
            elif claim == current:
                current, state = ("", None) if logged is LogState.REFUSED else (current, logged)
        return current, state

    def _lines(self) -> Iterator[Mapping[str, Any]]:
        try:
            text = files.read(self.path, max_bytes=files.LOG).decode()
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged(0) from error
        for number, line in enumerate(text.splitlines(), start=1):
            yield self._line(line, number)

    def _line(self, text: str, number: int) -> Mapping[str, Any]:
        try:
            entry = json.loads(text)
        except (RecursionError, ValueError) as error:
            raise self._damaged(number) from error
        states = tuple(LogState)
        if not isinstance(entry, dict) or not {"key", "claim"} <= entry.keys() or entry.get("state") not in states:
            raise self._damaged(number)
        return entry

    def _damaged(self, number: int) -> DeliveryError:
        where = f"{self.path}:{number}" if number else str(self.path)
        return DeliveryError(
            "sent-log-damaged",
            Message(
                "{where}: the list of sent mails cannot be read, so nothing is sent: a mail could go out twice",
                where=where,
            ),
            hint=Message("correct or remove the line, or specify another file with --sent-log"),
        )
