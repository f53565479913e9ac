"""Leaving a conversation: to a colleague, to the coordinators' list, or the brief given on."""

from __future__ import annotations

from typing import Any

from bot import audit, clock, desk, handoff, transfers
from bot.handoff import Handoff, TransitionError
from bot.handoff_clock import change
from bot.messages import Author, OutgoingMessage
from channels import meetings
from channels.access import Guide, note_act
from channels.doors import Doors
from channels.errors import DoorError
from channels.transfers import ask_parent, receivers

COORDINATORS_LIST = "coordinator"


async def shown(doors: Doors, one: Handoff, guide: Guide, _: dict[str, str]) -> dict[str, Any]:
    """To whom the conversation or the brief can go, and what the parent has answered so far."""
    async with doors.ledger.transaction() as connection:
        here = await desk.colleagues_of(connection, guide.municipality, guide.id)
        given = await transfers.of_conversation(connection, doors.ledger.seal, one.conversation_id)
    functions = doors.catalogue.municipalities[one.municipality].functions
    return {
        "colleagues": here,
        "has_coordinator": functions["coordinator"].exists,
        "receivers": [found for found in receivers(doors, one.municipality) if found != "self"],
        "given": [found for found in given if found.receiver != "self"],
    } | await meetings.shown(doors, one, guide)


async def ask_to_give_on(doors: Doors, one: Handoff, guide: Guide, name: str) -> None:
    """Ask the parent for her yes to one more reader. Raises DoorError."""
    receiver = next((known for known in transfers.RECEIVERS if known == name), None)
    if receiver is None or receiver == "self":
        raise DoorError("bad_request")
    await ask_parent(doors, one, guide, receiver)


async def refer(doors: Doors, one: Handoff, guide: Guide) -> None:
    """Put the conversation in the coordinators' queue; the brief follows on the parent's yes."""
    functions = doors.catalogue.municipalities[one.municipality].functions
    if not functions["coordinator"].exists:
        raise DoorError("bad_request")
    now = clock.now()
    event: handoff.Event = "referred"
    done = await change(
        doors.ledger, doors.replies, one, event, now, actor="guide", function="coordinator"
    )
    if not done:
        raise DoorError("taken")
    await note_act(doors.ledger, one, guide, "conversation_transferred", to=COORDINATORS_LIST)


async def pass_to_colleague(doors: Doors, one: Handoff, guide: Guide, to: str) -> None:
    """Hand the conversation to a colleague who is here, and tell the parent who it is."""
    try:
        async with doors.ledger.transaction() as connection:
            here = await desk.colleagues_of(connection, guide.municipality, guide.id)
            colleague = next((known for known in here if str(known.id) == to), None)
            if colleague is None:
                raise DoorError("bad_request")
            await handoff.move(connection, one, "passed_on", colleague.id)
            function = doors.content.raw(one.language, f"function_{colleague.function}")
            names = {"name": guide.name, "colleague": colleague.name, "function": function}
            text = doors.content.text(one.language, "desk_passed_on", **names)
            words = OutgoingMessage(Author.BOT, text, "desk_passed_on", one.language)
            await doors.ledger.add(connection, one.conversation_id, words)
            subject, to = audit.conversation(one.conversation_id), audit.account(colleague.id)
            await audit.write(connection, guide, "conversation_transferred", subject, to=to)
    except TransitionError as error:
        raise DoorError("taken") from error
