"""Lets Rasa 3.6.21 run on today's Python without TensorFlow; call `prepare()` before `import rasa`.

Rasa's last open-source release is frozen, so nothing moves under these replacements; the parity
test (`tests/bot/engine/test_parity.py`) holds them to conversations recorded from the stock
release. Everything replaced raises when it is used.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
import warnings
from collections.abc import Sequence
from typing import Any

# Packages of chat platforms, brokers and telemetry that Rasa imports and Lotsa never uses.
ABSENT = frozenset(
    [
        "aio_pika",
        "aiormq",
        "boto3",
        "botocore",
        "cachecontrol",
        "colorhash",
        "confluent_kafka",
        "fbmessenger",
        "google",
        "keras",
        "matplotlib",
        "mattermostwrapper",
        "pydot",
        "pymongo",
        "questionary",
        "rocketchat_API",
        "sentry_sdk",
        "sklearn_crfsuite",
        "skops",
        "slack",
        "slack_sdk",
        "socketio",
        "tensorflow",
        "tensorflow_hub",
        "tensorflow_text",
        "twilio",
        "webexteamssdk",
        "aiogram",
        "github3",
    ]
)


class UnavailableError(RuntimeError):
    """Something outside the part of Rasa that Lotsa runs was used."""


class _Unavailable(type):
    """Metaclass of stand-ins: importable, subclassable, but loud when called."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _stand_in(f"{cls.__name__}.{name}")

    def __call__(cls, *args: object, **kwargs: object) -> Any:
        raise UnavailableError(f"{cls.__name__} is not part of Lotsa's Rasa")


def _stand_in(name: str) -> _Unavailable:
    return _Unavailable(name, (), {})


class _AbsentModule(types.ModuleType):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        stand_in = _stand_in(f"{self.__name__}.{name}")
        setattr(self, name, stand_in)
        return stand_in


class _AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers last, so a package that is installed is never replaced."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.split(".")[0] not in ABSENT:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _AbsentModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run: attributes appear when asked for."""


class _DefaultComponents(types.ModuleType):
    """The components of Rasa's default recipe that need no TensorFlow, listed when asked for."""

    def __getattr__(self, name: str) -> Any:
        if name != "DEFAULT_COMPONENTS":
            raise AttributeError(name)
        from rasa.core.policies.memoization import AugmentedMemoizationPolicy, MemoizationPolicy
        from rasa.core.policies.rule_policy import RulePolicy
        from rasa.nlu.classifiers.fallback_classifier import FallbackClassifier
        from rasa.nlu.classifiers.keyword_intent_classifier import KeywordIntentClassifier
        from rasa.nlu.extractors.entity_synonyms import EntitySynonymMapper
        from rasa.nlu.extractors.regex_entity_extractor import RegexEntityExtractor
        from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer

        components = [
            FallbackClassifier,
            KeywordIntentClassifier,
            EntitySynonymMapper,
            RegexEntityExtractor,
            WhitespaceTokenizer,
            MemoizationPolicy,
            AugmentedMemoizationPolicy,
            RulePolicy,
        ]
        self.__dict__["DEFAULT_COMPONENTS"] = components
        return components


def _replace(module: str, *names: str) -> None:
    replacement = types.ModuleType(module)
    for name in names:
        setattr(replacement, name, _stand_in(name))
    sys.modules[module] = replacement


def _replace_tensorflow_modules() -> None:
    _replace("rasa.utils.tensorflow.callback", "RasaTrainingLogger", "RasaModelCheckpoint")
    _replace("rasa.utils.tensorflow.data_generator", "RasaDataGenerator", "RasaBatchDataGenerator")
    names = ("RasaModelData", "Data", "FeatureArray", "ragged_array_to_ndarray")
    _replace("rasa.utils.tensorflow.model_data", *names)  # and scikit-learn with it
    _replace("rasa.nlu.classifiers.diet_classifier", "DIETClassifier")
    _replace("rasa.nlu.selectors.response_selector", "ResponseSelector")
    _replace("rasa.core.policies.ted_policy", "TEDPolicy")
    recipe = "rasa.engine.recipes.default_components"
    sys.modules[recipe] = _DefaultComponents(recipe)


class _NoSentry:
    """Rasa's command line makes this log processor; here it passes every event on unseen."""

    def __init__(self, **_: object) -> None:
        """Takes the processor's options and forgets them."""

    def __call__(self, _: object, __: str, event: Any) -> Any:
        return event


def _replace_sentry() -> None:
    if importlib.util.find_spec("structlog_sentry") is None:
        module = types.ModuleType("structlog_sentry")
        module.SentryProcessor = _NoSentry  # type: ignore[attr-defined]
        sys.modules["structlog_sentry"] = module


def _restore_removed_names() -> None:
    import numpy
    import packaging.version

    if not hasattr(numpy, "VisibleDeprecationWarning"):
        numpy.VisibleDeprecationWarning = numpy.exceptions.VisibleDeprecationWarning  # type: ignore[attr-defined]
    if not hasattr(packaging.version, "LegacyVersion"):
        packaging.version.LegacyVersion = type("LegacyVersion", (), {})  # type: ignore[attr-defined]


def _quieten() -> None:
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    for module in ("rasa", "pkg_resources", "sanic", "jsonschema", "ruamel"):
        warnings.filterwarnings("ignore", module=rf"{module}(\..*)?$")
    warnings.filterwarnings("ignore", message=".*pkg_resources.*")


def _cache_action_schema() -> None:
    """Rasa re-checks the JSON schema itself on every action call, 60 % of its CPU time."""
    from jsonschema.validators import validator_for
    from rasa.core.actions.action import RemoteAction

    schema = RemoteAction.action_response_format_spec()
    validator = validator_for(schema)(schema)

    def validate(_: RemoteAction, result: dict[str, Any]) -> bool:
        validator.validate(result)
        return True

    RemoteAction._validate_action_result = validate


def prepare() -> None:
    """Make `import rasa` possible and cheap. Does nothing the second time."""
    if any(isinstance(finder, _AbsentFinder) for finder in sys.meta_path):
        return
    _quieten()
    _restore_removed_names()
    _replace_sentry()
    sys.meta_path.append(_AbsentFinder())
    _replace_tensorflow_modules()
    _cache_action_schema()
