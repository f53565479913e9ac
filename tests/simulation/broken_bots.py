"""Ten bots that are broken on purpose: each stands between the parent and the product."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace
from typing import Any

from channels.simulation.parent import WANT_PERSON, Act
from channels.simulation.screen import Answer, Message, Screen
from channels.simulation.talk import Bot

ANSWERS = ("answer", "skip", "dont_know")


@dataclass
class Broken:
    """The product as it is; each broken bot changes one thing."""

    bot: Bot

    async def open(self, municipality: str) -> Answer:
        return await self.bot.open(municipality)

    async def send(self, act: Act) -> Answer:
        answer = await self.bot.send(act)
        return replace(answer, messages=self.changed(copy.deepcopy(list(answer.messages))))

    def changed(self, messages: list[Message]) -> list[Message]:
        return messages


@dataclass
class RepeatsAnAnsweredQuestion(Broken):
    """Puts the first question once more, two answers later."""

    first: Answer | None = None
    kept: Answer | None = None
    answers: int = 0

    async def send(self, act: Act) -> Answer:
        if self.kept is not None:
            kept, self.kept, self.first = self.kept, None, None
            return kept
        answer = await self.bot.send(act)
        question = Screen(answer.messages).question
        if question and self.first is None and self.answers == 0:
            self.first = replace(answer, messages=[question])
        self.answers += act.kind in ANSWERS
        if self.first and self.answers == 2:
            self.kept = answer
            return self.first
        return answer


@dataclass
class AsksWhatWasTold(Broken):
    """Asks for the age that stood in the first message."""

    kept: Answer | None = None
    is_done: bool = False

    async def send(self, act: Act) -> Answer:
        if self.kept is not None:
            kept, self.kept = self.kept, None
            return kept
        answer = await self.bot.send(act)
        if self.is_done:
            return answer
        self.is_done, self.kept = True, answer
        return replace(answer, messages=[_asking("child_age")])


@dataclass
class NeverCloses(Broken):
    """Where the questions end, there is always one more."""

    number: int = 0

    async def send(self, act: Act) -> Answer:
        answer = await self.bot.send(act) if not self.number else Answer([])
        if Screen(answer.messages).question:
            return answer
        self.number += 1
        return Answer([_asking(f"detail_{self.number}")])


class IgnoresACorrection(Broken):
    """Says thanks for a correction, and keeps what was wrong."""

    async def send(self, act: Act) -> Answer:
        if act.kind == "correct":
            return await self.bot.send(replace(act, kind="repeat", text="ta frågan en gång till"))
        return await self.bot.send(act)


class ForgetsTheSecondChild(Broken):
    def changed(self, messages: list[Message]) -> list[Message]:
        for line in [line for message in messages for line in message.get("lines", [])]:
            if line.get("id") == "line_age":
                line["value"] = re.split(r",| och ", line["value"])[0]
        return messages


class HidesThePerson(Broken):
    def changed(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            kept = [c for c in message.get("choices", []) if c["id"] != WANT_PERSON]
            if "choices" in message:
                message["choices"] = kept
        return messages


class DropsTheCards(Broken):
    def changed(self, messages: list[Message]) -> list[Message]:
        return [message for message in messages if not message.get("cards")]


class GivesFourCards(Broken):
    def changed(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if cards := message.get("cards"):
                message["cards"] = (cards * 4)[:4]
        return messages


class AnswersWithAnEmptyText(Broken):
    def changed(self, messages: list[Message]) -> list[Message]:
        for message in messages[:1]:
            message["text"] = " "
        return messages


class LosesTheReason(Broken):
    def changed(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if "level" in message:
                message["level"]["reasons"] = []
        return messages


def _asking(question: str) -> Message:
    asked: dict[str, Any] = {"id": question, "multiple": False, "why": "."}
    refusals = [{"id": f"intent:{name}", "label": name} for name in ("skip", "dont_know")]
    return {
        "author": "bot",
        "reply_id": f"utter_ask_{question}",
        "text": f"{question}?",
        "acute": False,
        "question": asked,
        "choices": refusals,
    }
