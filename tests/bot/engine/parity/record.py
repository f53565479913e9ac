"""Records conversations from stock Rasa 3.6.21; run it with that (Python 3.10, TensorFlow) alone.

    pip install rasa==3.6.21
    python record.py OUTPUT.jsonl

It trains the project beside it and lets 150 seeded random conversations of 14 turns run. The rules
in this folder are those of the recording; they need not follow the product's.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path

os.environ["RASA_TELEMETRY_ENABLED"] = "false"
import yaml
from rasa.core.agent import load_agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.utils import AvailableEndpoints
from rasa.model_training import train_core
from rasa.utils.endpoints import EndpointConfig

HERE = Path(__file__).parent
SEED = 20261122


class StubActions(EndpointConfig):
    """Answers every action with its own name, and clears slots as the product's actions do."""

    async def request(self, **kwargs):
        call = kwargs["json"]
        return stub_result(call["next_action"], call["tracker"]["slots"])


def stub_result(action, slots):
    events = []
    if action == "action_suggest":
        events = [{"event": "slot", "name": "path", "value": None}]
    if action == "action_request_handoff":
        events = [{"event": "slot", "name": "consent_handoff", "value": None}]
        if slots["consent_handoff"] != "not_now":
            events.append({"event": "slot", "name": "path", "value": None})
    if action == "action_start_over":
        events = [{"event": "reset_slots"}]
    return {"events": events, "responses": [{"custom": {"reply": action}}]}


def random_turn(rng, domain):
    intent, entities = rng.choice(domain["intents"]), {}
    if intent in ("tell", "answer", "resume") and rng.random() < 0.85:
        entities["path"] = rng.choice(domain["slots"]["path"]["values"])
    if rng.random() < 0.35:
        entities["child_age"] = rng.choice([4, 8, 13])
    if rng.random() < 0.25:
        entities["how_long"] = rng.choice([0, 7, 24])
    if rng.random() < 0.25:
        entities["actors"] = rng.sample(["school", "bup", "police"], 2)
    if rng.random() < 0.2:
        entities["coping"] = rng.choice([1, 5])
    if intent == "answer" and rng.random() < 0.3:
        entities["consent_handoff"] = rng.choice(["share", "share_nothing", "not_now"])
    return intent, entities


def message(reference, sender, intent, entities, channel):
    parsed = {
        "text": reference,
        "intent": {"name": intent, "confidence": 1.0},
        "intent_ranking": [{"name": intent, "confidence": 1.0}],
        "entities": [
            {"entity": name, "value": value, "start": 0, "end": 0, "extractor": "lotsa"}
            for name, value in entities.items()
        ],
    }
    return UserMessage(reference, channel, sender, parse_data=parsed)


async def record(output):
    files = {"domain": "domain.yml", "config": "config.yml", "stories": "rules.yml"}
    paths = {name: str(HERE / file) for name, file in files.items()}
    model = train_core(**paths, output="stock", fixed_model_name="stock")
    agent = await load_agent(str(model), endpoints=AvailableEndpoints(action=StubActions("stub")))
    domain, rng = yaml.safe_load(Path(paths["domain"]).read_text()), random.Random(SEED)
    with output.open("w") as file:
        for number in range(150):
            sender, turns = f"c{number}", []
            for turn in range(14):
                intent, entities = random_turn(rng, domain)
                channel = CollectingOutputChannel()
                said = message(f"message:{turn}", sender, intent, entities, channel)
                await agent.handle_message(said)
                tracker = await agent.tracker_store.retrieve(sender)
                slots = tracker.current_slot_values()
                turns.append(
                    {
                        "intent": intent,
                        "entities": entities,
                        "replies": [
                            m["custom"]["reply"] if m.get("custom") else m["text"]
                            for m in channel.messages
                        ],
                        "loop": tracker.active_loop_name,
                        "slots": {name: v for name, v in slots.items() if v is not None},
                    }
                )
            file.write(json.dumps(turns) + "\n")


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1])))
