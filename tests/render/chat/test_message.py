"""Messages to channels: the mail's facts as a card, as blocks and as an event, within the limits, and nothing that acts."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from auditor import resources
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.tenant import Channel
from auditor.findings.table import FindingTable
from auditor.history import compare
from auditor.localization import languages
from auditor.render.chat.message import render_message
from auditor.render.chat.slack import MAX_BLOCKS, MAX_TEXT, escaped
from auditor.render.chat.teams import MAX_SIZE
from auditor.render.mail.view import Reader
from auditor.result.aggregate import summarise
from auditor.result.work_items import work_items
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.results import night_before, result

READER = Reader(locale="en", link="https://reports.contoso.example/today.html", anchors=True)
CHAT = {
    "mention": "<!channel> <!here> <@U0123456> <!subteam^S1> @everyone <at>everyone</at>",
    "link": "[pay](https://evil.example) <https://evil.example|pay> ![x](https://evil.example/p.png)",
    "card": '"}],"actions":[{"type":"Action.Http"}] ${secret} {{DATE(2017-02-14T06:08:39Z)}}',
}
TEXTS = {**HOSTILE, **CHAT}
PEOPLE = ("Anouk", "anouk@", "Freja", "freja@")


@cache
def sample() -> Result:
    return compare(result(), night_before())


def made(channel: Channel, of: Result | None = None, reader: Reader = READER) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render_message(sample() if of is None else of, reader, channel))
    return document


def walked(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case dict():
            yield value
            for each in value.values():
                yield from walked(each)
        case list():
            for each in value:
                yield from walked(each)
        case _:
            pass


def check_card(message: dict[str, Any]) -> dict[str, Any]:
    """Check what Microsoft documents for a card that a workflow posts; returns the card."""
    assert set(message) == {"type", "attachments"}
    assert message["type"] == "message"
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    card: dict[str, Any] = attachment["content"]
    assert card["type"] == "AdaptiveCard"
    assert card["version"] in {"1.2", "1.3", "1.4", "1.5"}
    assert set(card) <= {"$schema", "type", "version", "lang", "msteams", "body", "actions"}
    for block in card["body"]:
        assert block["type"] == "RichTextBlock"
        assert block["inlines"]
        assert set(block) <= {"type", "inlines", "spacing", "separator"}
    for node in walked(card):
        match node.get("type"):
            case "TextRun":
                # Anything but a TextRun would read Markdown.
                assert isinstance(node["text"], str)
                assert node["text"].strip() or node["text"] == " "
                assert node.get("size", "small") in {"small", "medium", "large"}
            case "Action.OpenUrl":
                assert node["url"].startswith("https://")
            case kind:
                assert kind in {None, "AdaptiveCard", "RichTextBlock"}
    assert len(card.get("actions", ())) <= 6
    return card


def check_blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Check what Slack documents for the blocks of an incoming webhook; returns them."""
    assert set(message) == {"text", "blocks", "unfurl_links", "unfurl_media"}
    assert message["text"]
    assert "<" not in message["text"]
    blocks: list[dict[str, Any]] = message["blocks"]
    assert 0 < len(blocks) <= MAX_BLOCKS
    for block in blocks:
        assert block["type"] == "rich_text"
        assert sum(len(node.get("text", "")) for node in walked(block)) <= MAX_TEXT
    for node in walked(blocks):
        match node.get("type"):
            case "text":
                assert node["text"]
            case "link":
                assert node["url"].startswith("https://")
                assert node["text"]
            case "rich_text_list":
                assert node["style"] == "bullet"
            case kind:
                # No element that mentions anybody, nor mrkdwn.
                assert kind in {None, "rich_text", "rich_text_section"}
    return blocks


def texts(document: Any) -> str:
    return "\n".join(node["text"] for node in walked(document) if "text" in node)


def test_a_card_tells_what_the_mail_tells() -> None:
    card = check_card(made(Channel.TEAMS))
    card_texts = texts(card)
    for heading in ("Open findings", "What changed", "What to do first", "Money a month"):
        assert heading in card_texts
    assert "Incomplete: some of the data below is not known." in card_texts
    assert card["lang"] == "en"
    assert card["actions"][0] == {"type": "Action.OpenUrl", "title": "Open the report", "url": READER.link}
    assert not [name for name in PEOPLE if name in card_texts]


def test_blocks_tell_the_same() -> None:
    card, blocks = texts(made(Channel.TEAMS)), texts(check_blocks(made(Channel.SLACK)))
    for line in ("What to do first", "Incomplete: some of the data below is not known."):
        assert line in card
        assert line in blocks
    assert not [name for name in PEOPLE if name in blocks]


@pytest.mark.parametrize("language", ["en", *sorted(languages())])
def test_each_reader_s_own_language(language: str) -> None:
    card = check_card(made(Channel.TEAMS, reader=replace(READER, locale=language)))
    assert card["lang"] == language
    if language != "en":
        assert "What to do first" not in texts(card)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_text_acts_nowhere(text: str) -> None:
    hostile = holding(text)
    check_card(made(Channel.TEAMS, hostile))
    blocks = check_blocks(made(Channel.SLACK, hostile))
    assert texts(blocks).isprintable() or "\n" in texts(blocks)
    assert not [sign for sign in texts(blocks) if not sign.isprintable() and sign not in "\n\u3000\xa0\u200b"]
    check_event(made(Channel.WEBHOOK, hostile))


def test_a_mention_is_text() -> None:
    card_texts = texts(made(Channel.SLACK, holding(CHAT["mention"]))["blocks"])
    assert "<!channel>" in card_texts, "rich text shows it as it is"
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def large_result(count: int) -> Result:
    """A fleet whose tenants all failed, each with a long reason."""
    whole = sample()
    there = whole.tenants[0]
    reason = Message("x" * 390)
    tenants = tuple(
        replace(
            there,
            name=f"tenant-{number}",
            display_name="W" * 60,
            failure=reason,
            complete=False,
            findings=FindingTable.of(()),
        )
        for number in range(count)
    )
    return replace(whole, tenants=tenants, summary=summarise(tenants))


@pytest.mark.slow
def test_the_limits_hold_for_a_large_fleet() -> None:
    large = large_result(300)
    assert len(render_message(large, READER, Channel.TEAMS)) <= MAX_SIZE
    check_card(made(Channel.TEAMS, large))
    check_blocks(made(Channel.SLACK, large))


def check_event(message: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(json.loads(resources.schema("event"))).validate(message)


def test_an_event_holds_every_action_and_no_finding() -> None:
    message = made(Channel.WEBHOOK)
    check_event(message)
    data = message["data"]
    assert (message["type"], data["schema"]) == ("licences.audited", "auditor/event/v1")
    listed = [action["id"] for part in (*data["tenants"], data["fleet"]) for action in part["actions"]]
    assert listed == [item.id for item in work_items(sample())]
    assert len(set(listed)) == len(listed)
    assert not [name for name in PEOPLE if name in json.dumps(message)]
    assert "fingerprint" not in json.dumps(message)
    assert [tenant["complete"] for tenant in data["tenants"]] == [False, True]
    assert data["changes"]["new"] > 0


def test_equal_results_give_equal_bytes() -> None:
    for channel in (Channel.TEAMS, Channel.SLACK, Channel.WEBHOOK):
        assert render_message(sample(), READER, channel) == render_message(sample(), READER, channel)
