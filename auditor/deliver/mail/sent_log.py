"""Records sent mails in a JSON Lines file, so that no mail is sent twice, whichever process runs when."""

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
    """Written before the mail leaves: without a later line the outcome is unknown."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RELEASED = "released"
    """A person decided that it may be sent again."""


class Mailing(Struct, frozen=True, kw_only=True):
    """The mail that a line is about."""

    key: str
    run: str
    recipient: str
    message_id: str
    week: str = ""
    """The ISO week of the run, such as `2026-W47`; older logs have it for weekly mails only."""


class SentLog(Struct):
    """The file: one JSON object per line."""

    path: Path

    def state(self, key: str) -> LogState | None:
        """Return the state of a mail; None if it may be sent. Raises DeliveryError if the file is damaged."""
        claim, state = self._standing(key)
        return state if claim else None

    def claim(self, mailing: Mailing, at: datetime, *, again: bool = False) -> str | None:
        """Claim a mail for sending; None if another process did, or it was sent before.

        Lines are appended atomically, and the first one decides. `again` is a person's decision to repeat the mail.
        """
        if again:
            self._append(mailing, LogState.RELEASED, at, "")
        token = secrets.token_hex(8)
        self._append(mailing, LogState.SENDING, at, token)
        holder, _ = self._standing(mailing.key)
        return token if holder == token else None

    def record(self, mailing: Mailing, state: LogState, at: datetime, token: str) -> None:
        """Record the outcome of a mail that was claimed."""
        self._append(mailing, state, at, token)

    def weekly_sent(self, recipient: str, week: str) -> bool:
        """Return whether a mail of a week was accepted: then the weekly one, which has no news, is not due."""
        return any(
            line.get("week") == week and line.get("recipient") == recipient and line["state"] == LogState.ACCEPTED
            for line in self._lines()
        )

    def _standing(self, key: str) -> tuple[str, LogState | None]:
        """Return the claim that is in force for a mail, empty for none, and its last state."""
        holder = ""
        state: LogState | None = None
        for line in self._lines():
            if line["key"] != key:
                continue
            logged, claim = LogState(line["state"]), str(line["claim"])
            if logged is LogState.RELEASED:
                holder, state = "", None
            elif logged is LogState.SENDING and not holder:
                holder, state = claim, logged
            elif claim == holder:
                holder, state = ("", None) if logged is LogState.REFUSED else (holder, logged)
        return holder, state

    def _lines(self) -> Iterator[Mapping[str, Any]]:
        try:
            text = files.read(self.path, most=files.LOG).decode()
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

    def _append(self, mailing: Mailing, state: LogState, at: datetime, claim: str) -> None:
        line = {
            "key": mailing.key,
            "state": state.value,
            "claim": claim,
            "at": at.isoformat(),
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
