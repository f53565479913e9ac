"""What time alone does to a conversation with a person; every change is told in words.

A guide who is silent or leaves, a promised time that passes, a request nobody takes. Run by the
worker every few seconds; each change and its words are one commit, so of two workers one does it.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import psycopg

from bot import call_backs, clock, consent, follow_ups, handoff, handoff_queue, reminders
from bot.calendar import LOCAL, answer_by
from bot.call_backs import CallBack
from bot.database import Connection
from bot.engine.reply import ReplyRequest
from bot.handoff import ON_DUTY, Actor, Event, Handoff, TransitionError, as_handoff
from bot.ledger import ALARM, Ledger, notify
from bot.log import get_log
from bot.replies import Replies, Setting
from knowledge.catalogue import Municipality

log = get_log()
GRACE = dt.timedelta(minutes=15)  # after an agreed time, before it counts as broken
_WORDS: dict[Event, str] = {
    "released": "utter_guide_left",
    "fell_silent": "utter_guide_silent",
    "referred": "utter_referred",
    "expired": "utter_handoff_expired",
}
_SELECT = (
    "SELECT h.*, g.name AS guide_name, c.channel FROM handoffs h "
    "JOIN conversations c ON c.id = h.conversation_id LEFT JOIN guides g ON g.id = h.guide_id "
    "WHERE h.municipality = %(municipality)s AND "
)
_SILENT = """h.state = 'held' AND ((h.held_since < now() - %(on_duty)s AND NOT EXISTS (
    SELECT 1 FROM guide_sessions s WHERE s.guide_id = h.guide_id AND s.expires_at > now()
    AND s.seen_at > now() - %(on_duty)s))
OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = h.conversation_id
    AND m.author = 'parent' AND greatest(m.created_at, h.held_since) < now() - %(silent)s
    AND m.seq > coalesce((SELECT max(a.seq) FROM messages a WHERE a.author = 'guide'
        AND a.conversation_id = h.conversation_id), 0)))"""
_PASSED = (
    "((h.state IN ('waiting', 'offered_call_back') AND h.promised_at <= %(now)s) "
    "OR (h.state = 'paused' AND h.promised_at <= %(now)s - %(grace)s AND NOT EXISTS ("
    # Who is out on a visit says afterwards how it went.
    "SELECT 1 FROM call_backs c WHERE c.conversation_id = h.conversation_id "
    "AND c.state = 'booked' AND c.how = ANY(%(meetings)s) AND c.ends_at > %(now)s - %(noted)s)))"
)
_EXPIRED = "h.state = 'waiting' AND h.requested_at < now() - %(expires)s"
_DUE: dict[Event, str] = {
    "fell_silent": _SILENT,
    "expired": _EXPIRED,
    "promise_passed": _PASSED,
}


class HandoffClock:
    """Lets time pass for every municipality's conversations with a person."""

    def __init__(self, ledger: Ledger, replies: Replies) -> None:
        self._ledger = ledger
        self._replies = replies

    async def tick(self, now: dt.datetime | None = None) -> int:
        """Do what is due at `now`; returns how many conversations were told something."""
        now = now or clock.now()
        told = 0
        async with self._ledger.transaction() as connection:
            await call_backs.end_finished(connection)
        for municipality in self._replies.catalogue.municipalities.values():
            if not any(one.exists for one in municipality.functions.values()):
                continue
            for event, where in _DUE.items():
                for one in await self._due(municipality, where, now):
                    told += await self._change(one, event, now)
            await self._escalate(municipality)
        return told + await follow_ups.ask_due(self._ledger, self._replies, now)

    async def _change(self, one: Handoff, event: Event, now: dt.datetime) -> bool:
        """One that fails is left for the next look, and stops no other."""
        try:
            return await change(self._ledger, self._replies, one, event, now)
        except psycopg.Error:
            raise
        except Exception as error:  # noqa: BLE001 - the others are to be told
            log.error("handoff_change_failed", handoff=str(one.id), error=type(error).__name__)
            return False

    async def _escalate(self, municipality: Municipality) -> None:
        """Danger nobody took: alarm whoever is on duty again, and tell the escalation contact."""
        contact = municipality.waiting.escalation
        async with self._ledger.transaction() as connection:
            found = await handoff_queue.unattended_danger(
                connection, self._ledger.seal, municipality
            )
            for one in found:
                if contact is None or not await handoff_queue.note_escalated(connection, one.id):
                    continue
                ways = await reminders.escalate(connection, self._ledger, one, contact)
                await notify(connection, ALARM, f"{municipality.id} {one.conversation_id}")
                log.warning("danger_unattended", handoff=str(one.id), told=contact.name, ways=ways)

    async def _due(self, municipality: Municipality, where: str, now: dt.datetime) -> list[Handoff]:
        rules = municipality.waiting
        values = {
            "municipality": municipality.id,
            "now": now,
            "grace": GRACE,
            "meetings": list(call_backs.MEETINGS),
            "noted": call_backs.NOTED,
            "on_duty": ON_DUTY,
            "silent": dt.timedelta(minutes=rules.silent_minutes),
            "expires": dt.timedelta(days=rules.expires_days),
        }
        async with self._ledger.transaction() as connection:
            cursor = await connection.execute((_SELECT + where).encode(), values)
            return [as_handoff(row, self._ledger.seal) for row in await cursor.fetchall()]


async def change(
    ledger: Ledger,
    replies: Replies,
    one: Handoff,
    event: Event,
    now: dt.datetime,
    *,
    actor: Actor | None = None,
    function: str | None = None,
) -> bool:
    """Apply an event that leaves the parent waiting or ends the wait, and tell her in words.

    A new promised time is set where the table asks for one. False when somebody else was first.
    """
    municipality = replies.catalogue.municipalities[one.municipality]
    promise = new_promise(municipality, function or one.function, one, event, now)
    try:
        async with ledger.transaction() as connection:
            on_duty = await handoff.is_on_duty(connection, one.municipality)
            state = await handoff.move(
                connection, one, event, actor=actor, promised_at=promise, function=function
            )
            if function is not None and not await consent.may_read(
                connection, one.conversation_id, function
            ):
                await handoff.share(connection, ledger.seal, one.conversation_id, None)
            setting = Setting(municipality, one.language, now, on_duty)
            agreed = await call_backs.booked(connection, one.conversation_id)
            words = replies.word(_request(replies, one, event, promise, agreed), setting)
            await ledger.add(connection, one.conversation_id, words)
    except (TransitionError, KeyError):
        return False
    return state is not None


def new_promise(
    municipality: Municipality, function: str, one: Handoff, event: Event, now: dt.datetime
) -> dt.datetime:
    """The time told next; after a broken promise not before the next day, so that it holds."""
    start = now
    if event == "promise_passed" and one.broken:
        tomorrow = now.astimezone(LOCAL).date() + dt.timedelta(days=1)
        start = dt.datetime.combine(tomorrow, dt.time(), LOCAL)
    return answer_by(municipality, function, start)


def _request(
    replies: Replies, one: Handoff, event: Event, promise: dt.datetime, agreed: CallBack | None
) -> ReplyRequest:
    content, language = replies.content, one.language
    before = content.when(language, one.promised_at) if one.promised_at else ""
    values = {
        "name": one.guide_name or content.raw(language, "function_" + one.function),
        "when": content.when(language, promise),
        "before": before,
    }
    if event == "promise_passed":
        told = "utter_agreed_time_passed" if one.state == "paused" else "utter_promise_passed"
        if one.state == "paused" and agreed and agreed.how in call_backs.MEETINGS:
            told = "utter_meeting_unknown"
        return ReplyRequest(told, values)
    return ReplyRequest(_WORDS[event], values)


async def release_all(
    ledger: Ledger, replies: Replies, guide: UUID, municipality: str, now: dt.datetime | None = None
) -> int:
    """Give every conversation a guide holds back to the queue, and tell each parent when.

    For signing out and for going away; returns how many.
    """
    async with ledger.transaction() as connection:
        mine = await held_by_guide(connection, ledger, guide, municipality)
    released = [await change(ledger, replies, one, "released", now or clock.now()) for one in mine]
    return sum(released)


async def held_by_guide(
    connection: Connection, ledger: Ledger, guide: UUID, municipality: str
) -> list[Handoff]:
    """The conversations a guide holds now."""
    cursor = await connection.execute(
        (_SELECT + "h.state = 'held' AND h.guide_id = %(guide)s").encode(),
        {"municipality": municipality, "guide": guide},
    )
    return [as_handoff(row, ledger.seal) for row in await cursor.fetchall()]
