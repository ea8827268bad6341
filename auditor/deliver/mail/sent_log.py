"""Records sent mails in a JSON Lines file, so that no mail is sent twice, even by concurrent processes."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock
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


class SentLog:
    """The log file, with one JSON object per line.

    Each line is read once, because the log grows with every mail; lines of other processes are read when they append
    them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._size = 0
        """Number of bytes that have been read."""
        self._count = 0
        """Number of lines that have been read."""
        self._claims: dict[str, tuple[str, LogState | None]] = {}
        """Key of a mail → its valid claim, empty if there is none, and its last state."""
        self._accepted: set[tuple[str, str]] = set()
        """Recipient and week of each mail that was accepted."""

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
        self._read_new_lines()
        return (recipient, week) in self._accepted

    def _claim_and_state(self, key: str) -> tuple[str, LogState | None]:
        """Return the valid claim of a mail, empty if there is none, and the last state."""
        self._read_new_lines()
        return self._claims.get(key, ("", None))

    def _read_new_lines(self) -> None:
        """Read what was appended since the last time. Raises DeliveryError if the file is damaged."""
        with self._lock:
            try:
                with files.opened(self.path, max_bytes=files.LOG) as file:
                    file.seek(self._size)
                    content = file.read()
                lines = content.decode().splitlines()
            except FileNotFoundError:
                return
            except (OSError, UnicodeDecodeError) as error:
                raise self._damaged(0) from error
            entries = [self._line(line, number) for number, line in enumerate(lines, start=self._count + 1)]
            for entry in entries:
                self._add(entry)
            self._size += len(content)
            self._count += len(lines)

    def _add(self, entry: Mapping[str, Any]) -> None:
        key, logged, claim = str(entry["key"]), LogState(entry["state"]), str(entry["claim"])
        current, state = self._claims.get(key, ("", None))
        if logged is LogState.RELEASED:
            current, state = "", None
        elif logged is LogState.SENDING and not current:
            current, state = claim, logged
        elif claim == current:
            current, state = ("", None) if logged is LogState.REFUSED else (current, logged)
        self._claims[key] = current, state
        if logged is LogState.ACCEPTED:
            self._accepted.add((str(entry.get("recipient")), str(entry.get("week"))))

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
