"""The dialogue engine: forms, digressions, long conversations, and its known hazards."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from bot.engine import engine as engine_module
from bot.engine import tracker as tracker_module
from bot.engine.compile import NOT_ASKED, Policy, compile_project
from bot.engine.engine import Engine
from bot.engine.state import DialogueState
from bot.engine.turn import EngineError, Said
from tests.bot.engine.stub import StubActions, Talk, train

# Help is suggested, it is asked whether that was enough, and another need may wait.
SUGGESTED = ["action_suggest", "action_closing", "action_agenda_next"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("project")
    compile_project(project, Policy.load())
    return train(project, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
async def engine(model: Path) -> Engine:
    return await Engine.load(model, StubActions(), Policy.load())


@pytest.fixture
def talk(engine: Engine) -> Talk:
    return Talk(engine)


@pytest.mark.parametrize("choice", [0, -1])
@pytest.mark.parametrize("path", [n for n, p in Policy.load().paths.items() if p.questions])
async def test_a_path_asks_its_questions_in_order_and_then_suggests(
    talk: Talk, path: str, choice: int
) -> None:
    policy = Policy.load()
    replies = await talk.say("tell", path=path)
    asked = []
    while replies != SUGGESTED:
        asked.append(replies[-1].removeprefix("utter_ask_"))
        value = _an_answer(policy, asked[-1], choice)
        replies = await talk.say("answer", **{asked[-1]: value})
    slots, questions = talk.decision.slots, policy.paths[path].questions
    assert asked == [question for question in questions if slots[question] != NOT_ASKED]
    assert len(asked) <= 10
    assert talk.decision.active_loop is None


def _an_answer(policy: Policy, question: str, choice: int) -> object:
    if question == "priority":
        return ["area_home"]
    value = policy.questions[question].choices[choice].value
    return [value] if policy.questions[question].multiple else value


@pytest.mark.parametrize("path", [n for n, p in Policy.load().paths.items() if p.questions])
def test_a_path_asks_at_most_ten_questions_and_always_what_works_well(path: str) -> None:
    questions = Policy.load().paths[path].questions
    assert len(questions) <= 10
    assert "works_well" in questions


async def test_a_question_is_asked_only_where_its_condition_holds(talk: Talk) -> None:
    await talk.say("tell", path="home", child_count=2)
    assert await talk.say("answer", child_age=9) == ["utter_ask_child_age_2"]
    assert await talk.say("answer", child_age_2=4) == ["utter_ask_which_child"]
    assert talk.decision.slots["child_age_3"] == NOT_ASKED


async def test_a_question_that_became_needed_is_asked_and_one_that_became_needless_is_not(
    talk: Talk,
) -> None:
    await talk.say("tell", path="school", child_age=9, how_long=3)
    assert await talk.say("answer", actors=["bup", "school"]) == ["utter_ask_how_it_goes_1"]
    await talk.say("tell", actors=["bup"])
    assert await talk.say("answer", how_it_goes_1={"actor": "bup"}) == ["utter_ask_tried"]


async def test_an_exhausted_cry_is_asked_how_she_is_and_then_what_is_hardest(talk: Talk) -> None:
    assert await talk.say("cry") == ["action_unclear", "utter_ask_coping"]
    assert await talk.say("answer", coping=5) == ["utter_ask_safe_now"]
    assert await talk.say("skip") == ["utter_ask_with_you"]
    assert await talk.say("answer", with_you="nobody") == ["action_cry_heard", "utter_ask_path"]
    assert await talk.say("answer", path="school") == ["action_chosen", "utter_ask_child_age"]


async def test_several_needs_are_taken_one_at_a_time(talk: Talk) -> None:
    agenda = ["school_absence", "separation_conflict"]
    asked = await talk.say("tell_many", agenda=agenda)
    assert asked == ["action_agenda", "utter_ask_agenda_first"]
    chosen = {"agenda_first": agenda[1], "path": "family", "agenda": agenda[:1]}
    replies = await talk.say("answer", **chosen)
    assert replies == ["action_chosen", "utter_ask_child_count"]


async def test_a_line_is_changed_outside_the_questions_and_they_go_on(talk: Talk) -> None:
    await talk.say("tell", path="school", child_age=9)
    assert await talk.say("change", changing="child_age") == ["action_change"]
    assert talk.decision.active_loop is None
    replies = await talk.say("tell", path="school", child_age=8, changing=None)
    assert replies == ["action_noted", "utter_ask_how_long"]


@pytest.mark.parametrize("path", [n for n, p in Policy.load().paths.items() if not p.questions])
async def test_a_path_without_questions_helps_at_once(talk: Talk, path: str) -> None:
    assert await talk.say("tell", path=path) == ["action_noted", *SUGGESTED]


@pytest.mark.parametrize("path", list(Policy.load().paths))
async def test_a_vague_opening_leads_into_the_chosen_path(talk: Talk, path: str) -> None:
    assert await talk.say("unclear") == ["action_unclear", "utter_ask_path"]
    replies = await talk.say("answer", path=path)
    questions = Policy.load().paths[path].questions
    expected = [f"utter_ask_{questions[0]}"] if questions else SUGGESTED
    assert replies == ["action_chosen", *expected]


async def test_what_the_first_message_says_is_not_asked(talk: Talk) -> None:
    replies = await talk.say("tell", path="school", child_age=13, actors=["bup"])
    assert replies == ["action_noted", "utter_ask_how_long"]


@pytest.mark.parametrize("refusal", ["skip", "dont_know", "rather_not_say"])
async def test_every_question_may_be_left_unanswered(talk: Talk, refusal: str) -> None:
    await talk.say("tell", path="school")
    assert await talk.say(refusal) == ["utter_ask_how_long"]
    assert talk.decision.slots["child_age"] == refusal


@pytest.mark.parametrize(
    ("intent", "reply"),
    [
        ("ask_secrecy", "utter_secrecy"),
        ("ask_sip", "utter_sip"),
        ("ask_cost", "utter_cost"),
        ("ask_stored", "utter_stored"),
        ("ask_who", "utter_who"),
        ("ask_time", "utter_time"),
        ("complaint", "utter_complaint"),
        ("out_of_scope", "utter_out_of_scope"),
        ("thanks", "utter_thanks_on"),
        ("greet", "utter_hello"),
        ("repeat", "action_repeat"),
        ("go_back", "action_go_back"),
    ],
)
@pytest.mark.parametrize("path", ["school", "me"])
async def test_a_question_in_the_middle_is_answered_and_the_form_goes_on(
    talk: Talk, intent: str, reply: str, path: str
) -> None:
    asked = (await talk.say("tell", path=path))[-1]
    assert await talk.say(intent) == [reply, asked]


async def test_a_person_can_be_had_in_the_middle_and_no_leads_back(talk: Talk) -> None:
    await talk.say("tell", path="school")
    assert await talk.say("want_person") == ["action_offer_person", "utter_ask_consent_handoff"]
    assert await talk.say("deny") == ["action_request_handoff", "utter_ask_child_age"]


async def test_the_consent_question_cannot_be_skipped_into_a_yes(talk: Talk) -> None:
    await talk.say("want_person")
    assert await talk.say("skip") == ["action_not_understood", "utter_ask_consent_handoff"]


async def test_after_the_guide_the_questions_go_on(talk: Talk) -> None:
    await talk.say("tell", path="school", child_age=8)
    await talk.say("want_person")
    await talk.say("affirm")
    assert talk.decision.active_loop is None
    assert await talk.say("resume", path="school") == ["action_returned", "utter_ask_how_long"]


async def test_starting_over_forgets_the_answers(talk: Talk) -> None:
    await talk.say("tell", path="school", child_age=8)
    await talk.say("start_over")
    assert talk.decision.slots["child_age"] is None


async def test_a_correction_replaces_the_answer_and_the_open_question_stays(talk: Talk) -> None:
    await talk.say("tell", path="school", child_age=13)
    assert await talk.say("tell", child_age=12) == ["utter_ask_how_long"]
    assert talk.decision.slots["child_age"] == 12


async def test_a_form_is_resumed_after_a_year(talk: Talk) -> None:
    await talk.say("tell", path="school")
    year = 365 * 24 * 3600.0
    old = [{**event, "timestamp": event["timestamp"] - year} for event in talk.state.tail]
    talk.state = DialogueState(talk.state.snapshot, tuple(old))
    assert await talk.say("answer", child_age=9) == ["utter_ask_how_long"]


async def test_a_long_conversation_folded_in_mid_form_decides_as_an_unfolded_one(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(7)
    intents = ["tell", "ask_sip", "dont_know", "answer", "want_person", "deny", "skip", "affirm"]
    script = []
    for _ in range(300):
        entities = {"path": rng.choice(["school", "me", "npf"])} if rng.random() < 0.3 else {}
        if rng.random() < 0.2:
            entities["child_age"] = rng.choice([4, 9])
        script.append((rng.choice(intents), entities))
    folded, folds, loops_at_folds = Talk(engine), 0, set()
    monkeypatch.setattr(tracker_module, "LONGEST_TAIL", 10**9)
    whole = [await _decided(unfolded, *turn) for unfolded in [Talk(engine)] for turn in script]
    monkeypatch.undo()
    for turn, expected in zip(script, whole, strict=True):
        before = folded.state.snapshot
        assert await _decided(folded, *turn) == expected
        if folded.state.snapshot is not before and folded.state.snapshot is not None:
            folds += 1
            loops_at_folds.add(folded.state.snapshot.active_loop)
        assert len(folded.state.tail) <= tracker_module.LONGEST_TAIL
    assert folds > 5
    assert loops_at_folds - {None}


async def _decided(talk: Talk, intent: str, entities: dict[str, object]) -> tuple[object, ...]:
    replies = await talk.say(intent, **entities)
    return replies, talk.decision.active_loop, dict(talk.decision.slots)


async def test_a_failing_action_gives_no_reply_rather_than_a_wrong_one(model: Path) -> None:
    engine = await Engine.load(model, StubActions(failing=["action_suggest"]))
    talk = Talk(engine)
    replies = await talk.say("tell", path="careful")
    assert "action_suggest" not in replies


async def test_a_missing_model_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="lotsa train"):
        await Engine.load(tmp_path / "none.tar.gz", StubActions())


async def test_a_broken_model_is_said_plainly(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no model")
    with pytest.raises(EngineError, match="lotsa train"):
        await Engine.load(broken, StubActions())


async def test_no_text_reaches_the_tracker(talk: Talk) -> None:
    await talk.say("tell", path="school")
    said = [event for event in talk.state.tail if event["event"] == "user"]
    assert [event["text"] for event in said] == ["message:1"]


@pytest.mark.parametrize(
    "missing",
    [
        "tell about school",
        "form_school is done",
        "want_person during form_school",
        "form_start led to school",
        "consent answered, path school",
        "what a SIP is",
        "a vague cry",
        "an exhausted cry",
        "form_cry is done",
        "several needs at once",
        "form_agenda led to school",
        "one line of the summary is to be changed",
        "change during form_school",
        "go_back during form_school",
        "simpler during form_school",
    ],
)
async def test_without_one_compiled_rule_a_conversation_breaks(
    missing: str, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    policy = small_policy()
    compile_project(project, policy)
    path = project / "data" / "rules.yml"
    content = yaml.safe_load(path.read_text())
    kept = [rule for rule in content["rules"] if rule["rule"] != missing]
    assert len(kept) == len(content["rules"]) - 1
    path.write_text(yaml.safe_dump({**content, "rules": kept}))
    engine = await Engine.load(train(project, tmp_path / "model"), StubActions(), policy)
    assert await _probe(engine) != EXPECTED


@pytest.mark.parametrize("missing", ["how_long", "how_it_goes_1", "works_well"])
async def test_without_one_question_a_conversation_breaks(missing: str, tmp_path: Path) -> None:
    policy = small_policy()
    school = policy.paths["school"]
    fewer = school.model_copy(update={"questions": [q for q in school.questions if q != missing]})
    policy = policy.model_copy(update={"paths": {**policy.paths, "school": fewer}})
    project = tmp_path / "project"
    compile_project(project, policy)
    engine = await Engine.load(train(project, tmp_path / "model"), StubActions(), policy)
    assert await _probe(engine) != EXPECTED


@pytest.mark.parametrize(
    "question", [name for name, q in Policy.load().questions.items() if q.only_if is not None]
)
async def test_without_one_condition_a_needless_question_is_asked(
    engine: Engine, question: str
) -> None:
    policy = Policy.load()
    always = policy.questions[question].model_copy(update={"only_if": None})
    unconditional = policy.model_copy(update={"questions": {**policy.questions, question: always}})
    assert question not in await _asked_on_every_path(engine, policy)
    assert question in await _asked_on_every_path(engine, unconditional)


async def _asked_on_every_path(engine: Engine, policy: Policy) -> set[str]:
    """The questions of a parent with one child, no contacts and one need, who skips them all."""
    changed = Engine(engine._agent, engine._trackers, policy)
    asked = set()
    for path, route in policy.paths.items():
        talk = Talk(changed)
        replies = await talk.say("tell", path=path) if route.questions else SUGGESTED
        while replies != SUGGESTED:
            asked.add(replies[-1].removeprefix("utter_ask_"))
            replies = await talk.say("skip")
    return asked


async def test_the_whole_policy_gives_the_expected_conversation(engine: Engine) -> None:
    assert await _probe(engine) == EXPECTED


def small_policy() -> Policy:
    """Two paths, so that training takes a second."""
    policy = Policy.load()
    paths = {name: policy.paths[name] for name in ("school", "careful")}
    return policy.model_copy(update={"paths": paths})


PROBE: list[tuple[str, dict[str, object]]] = [
    ("unclear", {}),
    ("answer", {"path": "school"}),
    ("ask_sip", {}),
    ("answer", {"child_age": 9}),
    ("go_back", {}),
    ("simpler", {}),
    ("answer", {"how_long": 7}),
    ("want_person", {}),
    ("deny", {}),
    ("change", {"changing": "child_age"}),
    ("tell", {"path": "school", "child_age": 8, "changing": None}),
    ("answer", {"actors": ["bup"]}),
    ("answer", {"how_it_goes_1": {"actor": "bup", "how": "works"}}),
    ("skip", {}),
    ("skip", {}),
    ("skip", {}),
    ("change", {"changing": "actors"}),
    ("tell_many", {"agenda": ["school_absence", "bereavement"]}),
    ("answer", {"agenda_first": "school_absence", "path": "school"}),
    ("cry", {}),
    ("skip", {}),
    ("skip", {}),
    ("skip", {}),
    ("answer", {"path": "careful"}),
    ("tell", {"path": "school"}),
]
EXPECTED = [
    ["action_unclear", "utter_ask_path"],
    ["action_chosen", "utter_ask_child_age"],
    ["utter_sip", "utter_ask_child_age"],
    ["utter_ask_how_long"],
    ["action_go_back", "utter_ask_how_long"],
    ["action_simpler", "utter_ask_how_long"],
    ["utter_ask_actors"],
    ["action_offer_person", "utter_ask_consent_handoff"],
    ["action_request_handoff", "utter_ask_actors"],
    ["action_change"],
    ["action_noted", "utter_ask_actors"],
    ["utter_ask_how_it_goes_1"],
    ["utter_ask_tried"],
    ["utter_ask_works_well"],
    ["utter_ask_own_needs"],
    SUGGESTED,
    ["action_change"],
    ["action_agenda", "utter_ask_agenda_first"],
    ["action_chosen", *SUGGESTED],
    ["action_unclear", "utter_ask_coping"],
    ["utter_ask_safe_now"],
    ["utter_ask_with_you"],
    ["action_cry_heard", "utter_ask_path"],
    ["action_chosen", *SUGGESTED],
    ["action_noted", *SUGGESTED],
]


async def _probe(engine: Engine) -> list[list[str]]:
    talk = Talk(engine)
    return [await talk.say(intent, **entities) for intent, entities in PROBE]


def test_the_engine_takes_messages_parsed_so_that_no_text_is_a_command() -> None:
    said = Said("message:1", "tell", 1.0, {"path": "school"})
    message = engine_module._user_message("c", said, engine_module.CollectingOutputChannel())
    assert message.parse_data["intent"]["name"] == "tell"
    assert not message.text.startswith("/")
