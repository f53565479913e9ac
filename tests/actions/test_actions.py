"""The actions the engine may run."""

from __future__ import annotations

import yaml

from bot.engine import compat

compat.prepare()
from bot.engine.actions_inprocess import InProcessActions  # noqa: E402
from bot.settings import settings  # noqa: E402


def test_every_action_of_the_domain_exists_and_none_is_left_over(artifacts: object) -> None:
    domain = yaml.safe_load((settings().rasa_project / "domain.yml").read_text())
    assert set(InProcessActions("actions").executor.actions) == set(domain["actions"])
