"""A second, statistical look for danger: it may add a flag to what the rules saw, never take one.

The same pair of linear models as for needs (`nlu.needs`), over "danger" and its categories, learnt
from messages written for it (`data/safety_messages`), ordinary messages of parents and everyday
talk (`data/everyday`). It needs the models, so it looks in the worker; the rules of `nlu.safety`
have looked before, in the web process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml

from nlu.intents import Features, Scores
from nlu.needs import NeedModel, fit_with_held_out
from nlu.safety import CATEGORIES, Check

DATA = Path(__file__).parent / "data"
DANGER, EVERYDAY, CALM = "danger", "everyday", "calm"
QUESTION = "information"  # the level of who can go on by herself
GUIDE, COORDINATOR = "guide", "coordinator"
QUESTION_FROM, COORDINATOR_FROM = 0.5, 0.5  # probabilities, chosen on held-out authors
ACUTE_FROM, ACUTE_ALONE_FROM = 0.2, 0.6  # with a rule that says so, and without
MISSING, ABSENCE = "missing_child", "school_absence"  # needs; the first a category too
ACUTE = "acute"  # in place of a category: a danger that nobody has named
# What the score is made of; chosen on held-out messages for recall at the same false alarms.
OF_CATEGORY, OF_EVERYDAY = 1.0, 0.5
FALSE_ALARMS_EVERYDAY = 0.004  # share of everyday talk that may set the flag
FALSE_ALARMS_OF_ONE = 0.01  # the same of one language, of which there is less to count
FALSE_ALARMS_QUESTIONS = 0.08  # share of parents' questions about rights and courses that may
FALSE_ALARMS_SURE = 0.01  # share of parents' messages without danger that may be called sure
# Messages of parents with these needs may be about danger, as long as nobody has read them for it.
UNSURE = frozenset(
    {
        "suicide_selfharm_child", "parent_crisis", "violence_in_family", "missing_child",
        "youth_self_disclosure", "pregnancy_infant", "third_party_concern", "youth_crime_drugs",
        "child_next_of_kin", "young_carer", "unclear", "parent_substance",
        "normbreaking_young_child", "contact_fear_social_services",
    }
)  # fmt: skip


@dataclass(frozen=True)
class DangerMessage:
    """A message and what it tells: its category, or None when nobody is in danger."""

    text: str
    language: str
    category: str | None
    is_everyday: bool = False
    is_hard: bool = False  # written to lie near danger, and so more often taken for it than talk is
    level: str | None = None  # of a parent's message, where a reader has set it

    @property
    def labels(self) -> tuple[str, ...]:
        if self.category:
            return (DANGER,) if self.category == ACUTE else (DANGER, self.category)
        return (EVERYDAY,) if self.is_everyday else (CALM,)


@dataclass(frozen=True)
class DangerModel:
    """The model, the score from which danger is answered, and from which it is sure."""

    model: NeedModel
    flag_from: Mapping[str, float]  # per language
    sure_from: float

    def added(self, check: Check, features: Features, language: str) -> Check:
        """What the rules saw, sure where the model is too; else what the model sees."""
        probabilities = self.model.probabilities(features)
        score = float(_scores(probabilities, self.model.labels)[0])
        if check.acute:
            return replace(check, sure=score >= self.sure_from)
        if score < self.flag_from.get(language, max(self.flag_from.values())):
            return check
        row = dict(zip(self.model.labels, probabilities[0], strict=True))
        return Check(
            acute=True,
            categories=(max(CATEGORIES, key=lambda name: row.get(name, 0.0)),),
            who="unknown",
            when="unknown",
            denied=False,
            sure=score >= self.sure_from,
        )


def _scores(probabilities: Scores, labels: Sequence[str]) -> Scores:
    """Log odds of danger and of its likeliest category, less those of everyday talk."""
    odds = np.log((probabilities + 1e-4) / (1 - probabilities + 1e-4))
    categories = [i for i, label in enumerate(labels) if label in CATEGORIES]
    likeliest = odds[:, categories].max(axis=1)
    everyday = odds[:, labels.index(EVERYDAY)]
    score = odds[:, labels.index(DANGER)] + OF_CATEGORY * likeliest - OF_EVERYDAY * everyday
    return np.asarray(score)


def is_absence(check: Check, needs: Iterable[str]) -> bool:
    """What the model alone takes for a missing child, and the needs for absence from school."""
    return check.categories == (MISSING,) and ABSENCE in needs and MISSING not in needs


def weighed(check: Check, reads: Mapping[str, float], *, by_rules: bool) -> Check:
    """A danger is sure when the models read it as one too; the flag itself stays as it is.

    What a rule saw needs one of them, what only a model saw needs both.

    `reads` is the probability of each level a reader would choose.
    """
    if not check.acute:
        return check
    acute = reads.get(ACUTE, 0.0)
    if by_rules:
        is_sure = check.sure or acute >= ACUTE_FROM
    else:
        is_sure = check.sure and acute >= ACUTE_ALONE_FROM
    return replace(check, sure=is_sure)


def reading(reads: Mapping[str, float], check: Check) -> str:
    """The level a message reads as, danger apart: information, guide or coordinator."""
    if reads.get(COORDINATOR, 0.0) >= COORDINATOR_FROM:
        return COORDINATOR
    is_question = reads.get(QUESTION, 0.0) >= QUESTION_FROM and not check.acute
    return QUESTION if is_question else GUIDE


def danger_messages() -> Iterator[DangerMessage]:
    """Messages written to be about danger or nearly so, and everyday talk."""
    for path in sorted((DATA / "safety_messages").glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for row in content["messages"]:
            category = str(row["category"]) if row["acute"] else None
            yield DangerMessage(str(row["text"]), str(content["language"]), category)
    for path in sorted((DATA / "everyday").glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for text in content["messages"]:
            yield DangerMessage(
                str(text), str(content["language"]), None, True, is_hard=content.get("hard", False)
            )


def fit_danger(features: Features, messages: Sequence[DangerMessage]) -> DangerModel:
    """Learns the model, and both thresholds on messages that were held out from training."""
    model, held_out = fit_with_held_out(features, [message.labels for message in messages])
    scores = _scores(held_out, model.labels)
    calm = scores[[message.level not in (None, ACUTE) for message in messages]]
    sure_from = _exceeded_by(calm, FALSE_ALARMS_SURE)
    return DangerModel(model, _flagged_from(scores, messages), sure_from)


def _flagged_from(scores: Scores, messages: Sequence[DangerMessage]) -> dict[str, float]:
    """Per language the score from which danger is answered.

    Few everyday messages of the language exceed it, the hard ones with them. It lies between two
    scores of all languages together: where few questions would be answered as danger, and where
    little everyday talk would.
    """
    everyday = np.array([message.is_everyday for message in messages])
    questions = scores[[message.level == QUESTION for message in messages]]
    lowest = _exceeded_by(questions, FALSE_ALARMS_QUESTIONS)
    plain = everyday & ~np.array([message.is_hard for message in messages])
    highest = max(lowest, _exceeded_by(scores[plain], FALSE_ALARMS_EVERYDAY))
    codes = np.array([message.language for message in messages])
    own = {
        code: _exceeded_by(scores[everyday & (codes == code)], FALSE_ALARMS_OF_ONE)
        for code in sorted(set(codes[everyday]))
    }
    return {code: min(max(score, lowest), highest) for code, score in own.items()}


def _exceeded_by(scores: Scores, share: float) -> float:
    """The score that at most this share of `scores` exceeds."""
    return float(np.nextafter(np.sort(scores)[-1 - int(len(scores) * share)], np.inf))
