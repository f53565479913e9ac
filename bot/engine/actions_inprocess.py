"""Runs the custom actions inside the worker, in place of Rasa's action server."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientError
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection


class InProcessActions(EndpointConfig):
    """An action endpoint that awaits the executor instead of posting over HTTP."""

    def __init__(self, package: str) -> None:
        super().__init__(url="in-process", enable_selective_domain=True)
        self.executor = ActionExecutor()
        self.executor.register_package(package)

    async def request(
        self, method: str = "post", subpath: str | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Run the action named in `kwargs["json"]`. An action that fails raises ClientError."""
        # The domain would be half of every call; no action of ours reads it.
        call = {**kwargs["json"], "domain": {"version": "3.1"}}
        try:
            result = await self.executor.run(call)
        except ActionExecutionRejection as rejection:
            body = {"error": str(rejection), "action_name": rejection.action_name}
            raise ClientResponseError(400, "action rejected", str(body).encode()) from rejection
        if result is None:
            raise ClientError(f"action {call['next_action']} gave no result")
        return {"events": result.events, "responses": result.responses}
