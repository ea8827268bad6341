"""Tests messages to Teams, Slack and webhooks: content, documented limits, and neutral hostile text."""

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
from auditor.domain.settings import Channel
from auditor.findings.table import FindingTable
from auditor.render.chat.message import render_message
from auditor.render.chat.slack import MAX_BLOCKS, MAX_TEXT, escaped
from auditor.render.chat.teams import MAX_SIZE
from auditor.render.mail.view import Reader
from auditor.result.aggregate import summarise
from auditor.result.work_items import work_items
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.results import compared
from tests.localization.catalogue_messages import LANGUAGES

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
    return compared()


def rendered(channel: Channel, of: Result | None = None, reader: Reader = READER) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render_message(sample() if of is None else of, reader, channel))
    return document


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case dict():
            yield value
            for child in value.values():
                yield from nodes(child)
        case list():
            for child in value:
                yield from nodes(child)
        case _:
            pass


def check_card(message: dict[str, Any]) -> dict[str, Any]:
    """Check the rules that Microsoft documents for a card posted by a workflow; return the card."""
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
    for node in nodes(card):
        match node.get("type"):
            case "TextRun":
                # Text outside of a TextRun would be parsed as Markdown.
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
    """Check the rules that Slack documents for blocks of an incoming webhook; return the blocks."""
    assert set(message) == {"text", "blocks", "unfurl_links", "unfurl_media"}
    assert message["text"]
    assert "<" not in message["text"]
    blocks: list[dict[str, Any]] = message["blocks"]
    assert 0 < len(blocks) <= MAX_BLOCKS
    for block in blocks:
        assert block["type"] == "rich_text"
        assert sum(len(node.get("text", "")) for node in nodes(block)) <= MAX_TEXT
    for node in nodes(blocks):
        match node.get("type"):
            case "text":
                assert node["text"]
            case "link":
                assert node["url"].startswith("https://")
                assert node["text"]
            case "rich_text_list":
                assert node["style"] == "bullet"
            case kind:
                # No element that can mention anybody, and no mrkdwn.
                assert kind in {None, "rich_text", "rich_text_section"}
    return blocks


def texts(document: Any) -> str:
    return "\n".join(node["text"] for node in nodes(document) if "text" in node)


def test_teams_card_has_the_sections_of_the_mail() -> None:
    card = check_card(rendered(Channel.TEAMS))
    card_texts = texts(card)
    for heading in ("Open findings", "What changed", "What to do first", "Monthly cost"):
        assert heading in card_texts
    assert "Incomplete: some of the data below is not known." in card_texts
    assert card["lang"] == "en"
    assert card["actions"][0] == {"type": "Action.OpenUrl", "title": "Open the report", "url": READER.link}
    assert not [name for name in PEOPLE if name in card_texts]


def test_slack_blocks_have_the_content_of_the_teams_card() -> None:
    card, blocks = texts(rendered(Channel.TEAMS)), texts(check_blocks(rendered(Channel.SLACK)))
    for line in ("What to do first", "Incomplete: some of the data below is not known."):
        assert line in card
        assert line in blocks
    assert not [name for name in PEOPLE if name in blocks]


def test_markup_of_titles_is_removed() -> None:
    tenant = sample().tenants[0]
    actions = tuple(replace(action, title="Ask **Finance**") for action in tenant.actions)
    card = rendered(Channel.TEAMS, replace(sample(), tenants=(replace(tenant, actions=actions),)))
    assert "Ask Finance" in texts(card)


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_card_is_in_the_language_of_the_reader(language: str) -> None:
    card = check_card(rendered(Channel.TEAMS, reader=replace(READER, locale=language)))
    assert card["lang"] == language
    if language != "en":
        assert "What to do first" not in texts(card)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_text_is_neutral_in_every_channel(text: str) -> None:
    hostile = holding(text)
    check_card(rendered(Channel.TEAMS, hostile))
    blocks = check_blocks(rendered(Channel.SLACK, hostile))
    assert texts(blocks).isprintable() or "\n" in texts(blocks)
    assert not [sign for sign in texts(blocks) if not sign.isprintable() and sign not in "\n\u3000\xa0\u200b"]
    check_event(rendered(Channel.WEBHOOK, hostile))


def test_mention_in_slack_is_plain_text() -> None:
    card_texts = texts(rendered(Channel.SLACK, holding(CHAT["mention"]))["blocks"])
    assert "<!channel>" in card_texts, "rich text shows it unchanged"
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def large_result(count: int) -> Result:
    """Return a fleet in which all tenants failed, each with a long reason."""
    base = sample()
    tenant = base.tenants[0]
    long_reason = Message("x" * 390)
    tenants = tuple(
        replace(
            tenant,
            name=f"tenant-{number}",
            display_name="W" * 60,
            failure=long_reason,
            complete=False,
            findings=FindingTable.of(()),
        )
        for number in range(count)
    )
    return replace(base, tenants=tenants, summary=summarise(tenants))


@pytest.mark.slow
def test_messages_of_a_large_fleet_are_within_the_limits() -> None:
    large = large_result(300)
    assert len(render_message(large, READER, Channel.TEAMS)) <= MAX_SIZE
    check_card(rendered(Channel.TEAMS, large))
    check_blocks(rendered(Channel.SLACK, large))


def check_event(message: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(json.loads(resources.schema("event"))).validate(message)


def test_event_contains_every_action_and_no_finding() -> None:
    message = rendered(Channel.WEBHOOK)
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


def test_failure_of_a_tenant_is_in_the_language_of_the_event() -> None:
    failure = Message("{path} cannot be read: {strerror}", path="s", strerror="e")
    failed = replace(large_result(1).tenants[0], failure=failure)
    reader = replace(READER, locale="nl")
    message = json.loads(render_message(replace(sample(), tenants=(failed,)), reader, Channel.WEBHOOK))
    check_event(message)
    assert message["data"]["language"] == "nl"
    assert message["data"]["tenants"][0]["failure"] == "s kan niet worden gelezen: e"


def test_equal_results_give_equal_messages() -> None:
    for channel in (Channel.TEAMS, Channel.SLACK, Channel.WEBHOOK):
        assert render_message(sample(), READER, channel) == render_message(sample(), READER, channel)
