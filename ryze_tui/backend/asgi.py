"""The ASGI application: routes, the edge around them, and a lifespan that opens and closes the backend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ..api import errors as texts
from .boot import EngineFactory, make_engine, opened
from .clock import Clock
from .edge import Edge, http_error
from .engine.simulated.engine import SimulatedEngine
from .errors import ApiError
from .limits import Limits
from .routes import (
    chatwoot,
    configuration,
    deliveries,
    events,
    health,
    instances,
    mcp,
    messages,
    metrics,
    openapi,
    proxies,
    sockets,
)  # fmt: skip
from .routes.chatwoot import CALLBACKS
from .routes.conditional import Endpoint, conditional
from .routes.simulator import Simulator
from .settings import Settings


async def _no_socket(_websocket: WebSocket) -> None:
    raise ApiError(404, texts.NOT_FOUND)


def _plainly(_kind: str, endpoint: Endpoint) -> Endpoint:
    return endpoint


def _no_head(route: Route) -> Route:
    """HEAD on connect would throw a waiting code away and begin a pairing whose code nobody gets to see."""
    assert route.methods is not None
    route.methods.discard("HEAD")
    return route


def _routes(settings: Settings) -> list[BaseRoute]:
    on = conditional if settings.extensions else _plainly
    plain: list[BaseRoute] = [
        Route("/health", health.health, methods=["GET"]),
        Route("/api/instance/new", instances.new, methods=["POST"]),
        Route("/api/instance/list", instances.listing, methods=["GET"]),
        _no_head(Route("/api/instance/connect/{instance}", instances.connect, methods=["GET"])),
        Route("/api/instance/reconnect/{instance}", instances.reconnect, methods=["POST"]),
        Route("/api/instance/logout/{instance}", instances.logout, methods=["DELETE"]),
        Route("/api/instance/delete/{instance}", instances.delete, methods=["DELETE"]),
        Route("/api/instance/getSettings/{instance}", on("settings", configuration.get_settings), methods=["GET"]),
        Route("/api/instance/settings/{instance}", on("settings", configuration.set_settings), methods=["POST"]),
        Route("/api/instance/getProxy/{instance}", on("proxy", configuration.get_proxy), methods=["GET"]),
        Route("/api/instance/proxy/{instance}", on("proxy", configuration.set_proxy), methods=["POST"]),
        Route("/api/instance/getS3/{instance}", on("s3", configuration.get_s3), methods=["GET"]),
        Route("/api/instance/s3/{instance}", on("s3", configuration.set_s3), methods=["POST"]),
        Route("/api/instance/metrics/{instance}", configuration.metrics, methods=["GET"]),
        Route("/api/events/webhook/{instance}", on("webhook", configuration.set_webhook), methods=["POST"]),
        Route("/api/events/webhook/{instance}", on("webhook", configuration.get_webhooks), methods=["GET"]),
        Route("/api/events/getWebhook/{instance}", on("webhook", configuration.get_webhooks), methods=["GET"]),
        Route("/api/events/websocket/{instance}", on("websocket", events.set_websocket), methods=["POST"]),
        Route("/api/events/getWebsocket/{instance}", on("websocket", events.get_websocket), methods=["GET"]),
        Route("/api/message/text/{instance}", messages.text, methods=["POST"]),
        Route("/api/message/media/{instance}", messages.media, methods=["POST"]),
        Route("/api/chatwoot/set/{instance}", on("chatwoot", chatwoot.connect), methods=["POST"]),
        Route("/api/chatwoot/list/{instance}", on("chatwoot", chatwoot.listing), methods=["GET"]),
        Route("/api/chatwoot/delete/{instance}", on("chatwoot", chatwoot.delete), methods=["DELETE"]),
        Route("/chatwoot/{secret}", chatwoot.callback, methods=["POST"]),
        Route("/mcp", mcp.mcp, methods=["POST", "DELETE"]),
        WebSocketRoute("/ws/{instance}", sockets.instance_socket),
    ]
    if settings.extensions:
        plain += [
            Route("/openapi.json", openapi.openapi, methods=["GET"]),
            WebSocketRoute("/ws", sockets.account_socket),
            Route("/api/instance/proxy/{instance}/test", proxies.test, methods=["POST"]),
            Route("/api/instance/s3/{instance}/test", configuration.test_s3, methods=["POST"]),
            Route("/api/events/webhook/{instance}/test", deliveries.trial, methods=["POST"]),
            Route("/api/chatwoot/test/{instance}", chatwoot.test, methods=["POST"]),
            Route("/api/events/webhook/{instance}/deliveries", deliveries.listing, methods=["GET"]),
            Route("/api/events/webhook/{instance}/deliveries/test", deliveries.test, methods=["POST"]),
            Route("/api/events/webhook/{instance}/deliveries/{id}/redeliver", deliveries.redeliver, methods=["POST"]),
        ]
    if settings.metrics_token:
        plain.append(Route("/metrics", metrics.metrics, methods=["GET"]))
    return [*plain, WebSocketRoute("/{path:path}", _no_socket)]


def build(
    settings: Settings, engine_factory: EngineFactory = make_engine, clock: Clock | None = None, base_url: str = ""
) -> Starlette:
    """An application that opens its backend when its lifespan begins (StartupError) and closes it when that ends.

    `base_url`: where it can be reached when no public URL says so.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(settings, engine_factory, clock, base_url) as backend:
            app.state.backend = backend
            app.state.callbacks = Limits(CALLBACKS, backend.clock)
            if isinstance(backend.engine, SimulatedEngine):
                app.router.routes[:0] = Simulator(backend.engine).routes()
            yield

    app = Starlette(
        routes=_routes(settings),
        middleware=[Middleware(Edge)],
        exception_handlers={HTTPException: http_error},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect is not in the error shape
    return app
