"""Each bot that is broken on purpose is caught: a figure that is clean for the product is not."""

from __future__ import annotations

import pytest

from channels.simulation.measures import KindsOf, Outcome, measure
from channels.simulation.personas import personas
from channels.simulation.talk import Bot, talk
from tests.simulation import broken_bots as broken
from tests.simulation.conftest import NewBot

# Conversations in which the broken thing would matter: persona and seed.
BROKEN: dict[type[broken.Broken], tuple[str, str, int]] = {
    broken.RepeatsAnAnsweredQuestion: ("repeated", "separation", 0),
    broken.AsksWhatWasTold: ("asked_told", "small_child_tantrums", 0),
    broken.IgnoresACorrection: ("forgotten", "npf_waiting", 2),
    broken.ForgetsTheSecondChild: ("forgotten", "separation", 0),
    broken.HidesThePerson: ("no_person", "disability_relief", 0),
    broken.DropsTheCards: ("reached", "disability_relief", 0),
    broken.GivesFourCards: ("too_many_cards", "teen_rows", 0),
    broken.AnswersWithAnEmptyText: ("empty", "drinking_partner", 0),
    broken.LosesTheReason: ("no_reason", "school_absence", 0),
    broken.NeverCloses: ("too_many_questions", "npf_waiting", 0),
}


async def _outcome(name: str, seed: int, bot: Bot, kinds_of: KindsOf) -> Outcome:
    persona = next(persona for persona in personas() if persona.id == name)
    return measure(await talk(persona, seed, bot), kinds_of)


def _figure(outcome: Outcome, fault: str) -> int:
    return int(not outcome.reached) if fault == "reached" else outcome.faults.get(fault, 0)


@pytest.mark.parametrize(("breakage", "case"), list(BROKEN.items()))
async def test_a_broken_bot_is_caught_where_the_product_is_clean(
    breakage: type[broken.Broken],
    case: tuple[str, str, int],
    new_bot: NewBot,
    kinds_of: KindsOf,
) -> None:
    fault, persona, seed = case
    clean = await _outcome(persona, seed, new_bot(), kinds_of)
    assert _figure(clean, fault) == 0, clean.notes
    spoilt = await _outcome(persona, seed, breakage(new_bot()), kinds_of)
    assert _figure(spoilt, fault) > 0, f"{breakage.__name__} went unseen"


def test_every_broken_bot_is_tried() -> None:
    assert set(BROKEN) == set(broken.Broken.__subclasses__())
    assert len(BROKEN) == 10
