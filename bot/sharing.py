"""What the parent takes back or leaves out at once: no model and no engine is needed for it.

It works while a guide holds the conversation and whatever else is broken.
"""

from __future__ import annotations

from uuid import UUID

from bot import answers, brief, consent, handoff, transfer_words, transfers
from bot.calendar import answer_by
from bot.consent import words_of
from bot.database import Connection
from bot.engine.compile import CONSENT_FORM, Policy
from bot.engine.reply import ReplyRequest
from bot.handoff import Handoff
from bot.ledger import Conversation, Effect, Ledger, TurnResult
from bot.messages import Outcome, OutgoingMessage, StoredMessage
from bot.privacy import Seal
from bot.replies import Replies, Setting

REVOKE = "intent:revoke_share"


class Sharing:
    """Answers the choices on what is shared that take effect in the same turn."""

    def __init__(self, ledger: Ledger, replies: Replies, policy: Policy) -> None:
        self._ledger = ledger
        self._replies = replies
        self._policy = policy

    async def settle(
        self,
        message: StoredMessage,
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
    ) -> TurnResult | None:
        """The turn where the message is about what is shared; None where it is not."""
        is_asked = conversation.active_loop == CONSENT_FORM
        kind, _, name = (message.choice or "").partition(":")
        if kind in transfers.ANSWERS:
            return await self._transfer(kind, name, conversation, open_handoff, setting)
        if is_asked:
            return None
        if message.choice == REVOKE or (
            not message.choice and is_taken_back(self._replies, conversation.language, message.text)
        ):
            is_pressed = message.choice is not None
            return await self._revoke(conversation, open_handoff, setting, is_pressed=is_pressed)
        if kind == "withhold":
            return await self._withhold(name, conversation, open_handoff, setting)
        return None

    async def _revoke(
        self,
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
        *,
        is_pressed: bool,
    ) -> TurnResult | None:
        async with self._ledger.transaction() as connection:
            chosen = await consent.in_force(connection, conversation.id)
        yes = [c for (purpose, _), c in chosen.items() if purpose == "handoff" and c.is_yes]
        if not yes and not is_pressed:
            return None  # about something else: there is nothing to take back
        if not yes:
            return self._said("utter_share_nothing_shared", conversation, open_handoff, setting)
        said = self._word("utter_share_revoked", setting)
        receivers, seal = [choice.receiver for choice in yes], self._ledger.seal

        async def take_back(connection: Connection, message: StoredMessage) -> None:
            for receiver in receivers:
                await consent.add(
                    connection,
                    municipality=message.municipality,
                    conversation=message.conversation_id,
                    purpose="handoff",
                    answer="revoked",
                    words=words_of(said.text, said.body),
                    language=said.language,
                    receiver=receiver,
                )
            await unshare(connection, seal, message.conversation_id)

        return self._turn([said], conversation, open_handoff, setting, take_back)

    async def _withhold(
        self,
        line: str,
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
    ) -> TurnResult:
        if open_handoff is None or open_handoff.brief is None:
            return self._said("utter_share_nothing_shared", conversation, open_handoff, setting)
        left, seal = brief.without(open_handoff.brief, [line]), self._ledger.seal

        async def leave_out(connection: Connection, message: StoredMessage) -> None:
            await handoff.share(connection, seal, message.conversation_id, left)

        said = self._word("utter_share_line_gone", setting)
        return self._turn([said], conversation, open_handoff, setting, leave_out)

    async def _transfer(
        self,
        kind: str,
        name: str,
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
    ) -> TurnResult:
        async with self._ledger.transaction() as connection:
            offer = await transfers.offered(
                connection, self._ledger.seal, conversation.id, transfers.id_of(name)
            )
        if offer is None:
            return self._said("utter_transfer_gone", conversation, open_handoff, setting)
        if kind == transfers.NO:

            async def decline(connection: Connection, message: StoredMessage) -> None:
                await transfers.decline(connection, offer)

            said = self._word("utter_transfer_declined", setting)
            return self._turn([said], conversation, open_handoff, setting, decline)
        words = consent.words_of_offer(await self._ledger.messages(conversation.id), name)
        receipt, seal = transfer_words.receipt(offer, self._replies, setting), self._ledger.seal
        promised_at = answer_by(setting.municipality, "coordinator", setting.now)

        async def accept(connection: Connection, message: StoredMessage) -> None:
            await transfers.accept(
                connection,
                seal,
                offer,
                words=words,
                language=message.language,
                promised_at=promised_at,
            )

        return self._turn([receipt], conversation, open_handoff, setting, accept)

    def _said(
        self,
        reply: str,
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
    ) -> TurnResult:
        return self._turn([self._word(reply, setting)], conversation, open_handoff, setting)

    def _turn(
        self,
        said: list[OutgoingMessage],
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
        *effects: Effect,
    ) -> TurnResult:
        """The receipt, and the open question once more where no person holds the conversation."""
        question, loop = conversation.requested_slot, conversation.active_loop
        is_held = open_handoff is not None and open_handoff.state == "held"
        if question in self._policy.questions and loop and not is_held:
            asked = Setting(
                setting.municipality,
                setting.language,
                setting.now,
                setting.on_duty,
                tuple(self._policy.forms().get(loop, [])),
                conversation.slots,
            )
            said = [*said, self._replies.word(ReplyRequest(f"utter_ask_{question}"), asked)]
        outcome = Outcome.HELD_BY_GUIDE if is_held else Outcome.ANSWERED
        return TurnResult(outcome, said, 0, effects=effects)

    def _word(self, reply: str, setting: Setting) -> OutgoingMessage:
        return self._replies.word(ReplyRequest(reply), setting)


def is_taken_back(replies: Replies, language: str, text: str) -> bool:
    """Whether a short text says that nothing is to be shared."""
    said = answers.is_said(replies.content, language, "share_revoke", text)
    return said and answers.is_short(text)


async def unshare(connection: Connection, seal: Seal, conversation: UUID) -> None:
    """No person reads any brief of the conversation from now on, whoever had one."""
    await handoff.share(connection, seal, conversation, None)
    await transfers.revoke(connection, conversation)
