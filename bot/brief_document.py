"""The brief as a document for another system: its shape is docs/brief.schema.json."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from bot import transfer_words
from bot.brief import Brief
from bot.replies import Replies, Setting
from bot.transfers import Receiver


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Line(_Part):
    """One thing the parent left in the brief, in words."""

    id: str = Field(description="The kind of line, such as line_needs or line_tried.")
    label: str
    value: str


class Person(_Part):
    """Somebody the facts concern, and what is known of their own will; what is not is said."""

    who: str
    known: str


class Party(_Part):
    """A municipality or a receiver."""

    id: str
    name: str


class BriefDocument(_Part):
    """A brief: only what the parent left in it. No names, no numbers, no words of the chat."""

    schema_version: Literal["1.0"] = "1.0"
    conversation: UUID = Field(description="Known to Lotsa alone; names nobody.")
    made_on: dt.date
    keep_until: dt.date = Field(description="The day Lotsa erases its own copy.")
    terms_version: str = Field(description="Version of the words the parent read.")
    municipality: Party
    receiver: Party
    needs: list[str] = Field(description="Ids of Lotsa's needs (knowledge/data/taxonomy.yml).")
    lines: list[Line]
    people: list[Person]


def document(
    brief: Brief,
    receiver: Receiver,
    conversation: UUID,
    version: str,
    replies: Replies,
    setting: Setting,
) -> BriefDocument:
    """The document of a brief, worded in the language of the setting."""
    body = transfer_words.preview(brief, receiver, replies, setting)
    municipality = setting.municipality
    return BriefDocument(
        conversation=conversation,
        made_on=setting.now.date(),
        keep_until=transfer_words.until(setting),
        terms_version=version,
        municipality=Party(id=municipality.id, name=municipality.name),
        receiver=Party(
            id=receiver,
            name=replies.briefs.reader(receiver, municipality.name, setting.language),
        ),
        needs=list(brief["facts"].get("needs", [])),
        lines=[Line(**line) for line in body["lines"]],
        people=[
            Person(who=line["label"], known=line["value"]) for line in body["sections"][2]["lines"]
        ],
    )


def schema() -> dict[str, Any]:
    """The JSON schema that docs/brief.schema.json holds."""
    return BriefDocument.model_json_schema()
