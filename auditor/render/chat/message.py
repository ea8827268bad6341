"""Renders a Result as a message for a channel."""

from collections.abc import Callable
from typing import assert_never

from auditor.domain.result.model import Result
from auditor.domain.settings import Channel
from auditor.render.chat import slack
from auditor.render.chat.event import event
from auditor.render.chat.slack import slack_message
from auditor.render.chat.teams import MAX_SIZE, card_message
from auditor.render.chat.view import ChatView, chat_view
from auditor.render.mail.message import mail_views
from auditor.render.mail.view import Reader
from auditor.render.text.labels import Labels


def render_message(result: Result, reader: Reader, channel: Channel) -> bytes:
    """Return the JSON of a message; equal results and readers give equal bytes.

    `result` must contain only what this reader may see. Lists are shortened until the message is within the limits of
    the channel. Raises ValueError for mail, which is rendered elsewhere.
    """
    l10n = Labels(reader.locale)
    match channel:
        case Channel.TEAMS:
            return _fitted(result, reader, l10n, card_message, lambda body: len(body) <= MAX_SIZE)
        case Channel.SLACK:
            return _fitted(result, reader, l10n, slack_message, slack.fits)
        case Channel.WEBHOOK:
            return event(result, next(mail_views(result, reader, l10n)), l10n)
        case Channel.MAIL:
            raise ValueError("a mail is rendered by auditor.render.mail")
        case _:
            assert_never(channel)


def _fitted(
    result: Result, reader: Reader, l10n: Labels, write: Callable[[ChatView], bytes], fits: Callable[[bytes], bool]
) -> bytes:
    for view in mail_views(result, reader, l10n):
        body = write(chat_view(view, l10n))
        if fits(body):
            break
    return body
