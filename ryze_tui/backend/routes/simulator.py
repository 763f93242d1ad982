"""POST /simulator/:instance/ACTION, POST /simulator/storm, GET /simulator/:instance; TokenAccount, simulated engine only."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ...api import errors as texts
from .. import auth
from ..app import backend_of
from ..body import MEDIA_BYTES, read_object
from ..engine.simulated.controls import Controls
from ..engine.simulated.engine import SimulatedEngine
from ..engine.simulated.fields import Impossible, Invalid
from ..errors import ApiError, StoreError


class Simulator:
    """The routes of one app's simulator."""

    def __init__(self, engine: SimulatedEngine) -> None:
        self._controls = Controls(engine)

    def routes(self) -> list[Route]:
        """`storm` comes first: it is not an instance."""
        return [
            Route("/simulator/storm", self.storm, methods=["POST"]),
            Route("/simulator/{instance}/{action}", self.act, methods=["POST"]),
            Route("/simulator/{instance}", self.phone, methods=["GET"]),
        ]

    async def storm(self, request: Request) -> JSONResponse:
        """Changes states over all connected instances of the account; answers at once."""
        account = auth.account_token(request.scope)
        instances = [record.id for record in backend_of(request).catalog.of_account(account)]
        try:
            return _answer("storm", self._controls.storm(instances, await read_object(request, empty=True), account))
        except (Impossible, Invalid) as error:
            raise _refusal(error) from None

    async def act(self, request: Request) -> JSONResponse:
        """One action of one virtual phone."""
        auth.account_token(request.scope)
        record = auth.instance_of(request.scope, backend_of(request).catalog)
        action = request.path_params["action"]
        if action not in self._controls.actions:
            raise ApiError(404, texts.NOT_FOUND)
        body = await read_object(request, limit=MEDIA_BYTES, empty=True)
        try:
            done = await self._controls.act(record.id, action, body)
            # What a phone did cannot be asked for again: it is on the disk before it is answered.
            await backend_of(request).store.flush()
            return _answer(action, done)
        except (Impossible, Invalid) as error:
            raise _refusal(error) from None
        except StoreError as error:
            raise ApiError(500, f"The simulator could not keep it: {error}") from error

    async def phone(self, request: Request) -> JSONResponse:
        """What the virtual phone can do now; reading changes nothing."""
        auth.account_token(request.scope)
        record = auth.instance_of(request.scope, backend_of(request).catalog)
        return JSONResponse({"success": True, "phone": self._controls.phone(record.id)})


def _refusal(error: Impossible | Invalid) -> ApiError:
    return ApiError(409 if isinstance(error, Impossible) else 400, f"Simulator: {error}")


def _answer(action: str, more: dict[str, object]) -> JSONResponse:
    return JSONResponse({"success": True, "message": f"SIMULATED {action}", **more})
