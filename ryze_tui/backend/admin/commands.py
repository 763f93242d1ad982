"""What each account command does to a running server. Nothing here reads a socket; tokens go into answers and nowhere else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ..accounts import FIRST, Account
from ..app import Backend
from ..clock import rfc3339
from ..errors import AccountError, ApiError, StoreError
from ..first_account import drop_token, keep_token
from . import wire

log = logging.getLogger(__name__)

Answer = dict[str, Any]
Tell = Callable[[int, int], Awaitable[None]]
"""Progress: how many of how many."""

AT_ONCE: Final = 8
"""How many instances of an account that goes are logged out at the same time."""

PROGRESS_SECONDS: Final = 1.0


async def answer(backend: Backend, request: wire.Request, tell: Tell) -> Answer:
    """`{"ok": ...}` or `{"error": ...}`; whatever changed is on the disk."""
    try:
        return {"ok": await _COMMANDS[request.do](backend, request, tell)}
    except AccountError as error:
        return {"error": error.code, **error.about}
    except StoreError as error:
        log.error("account command %s failed: %s", request.do, error)
        return {"error": wire.FAILED, "why": str(error)}


def _view(backend: Backend, account: Account) -> Answer:
    return {
        "name": account.name, "instances": backend.catalog.count(account.id), "quota": backend.catalog.accounts.limit(account.id),
        "ownQuota": account.quota is not None, "createdAt": rfc3339(account.created_at), "removing": account.removing,
    }


async def _list(backend: Backend, request: wire.Request, tell: Tell) -> Answer:
    return {"accounts": [_view(backend, account) for account in backend.catalog.accounts.all()]}


async def _add(backend: Backend, request: wire.Request, tell: Tell) -> Answer:
    account, token = await backend.catalog.accounts.add(request.name, request.quota)
    log.info("account %s was added", account.name)
    return {"account": _view(backend, account), "token": token}


async def _rotate(backend: Backend, request: wire.Request, tell: Tell) -> Answer:
    account = backend.catalog.accounts.find(request.name)
    old, token = await backend.catalog.accounts.rotate(account)
    backend.bus.revoke(account.id, old)
    log.info("account %s got a new token", account.name)
    kept = account.name != FIRST or keep_token(backend.settings, token)
    return {"account": _view(backend, account), "token": token, "fileKept": kept}


async def _set(backend: Backend, request: wire.Request, tell: Tell) -> Answer:
    account = backend.catalog.accounts.find(request.name)
    await backend.catalog.accounts.set_quota(account, request.quota)
    return {"account": _view(backend, account)}


async def _remove(backend: Backend, request: wire.Request, tell: Tell) -> Answer:
    return {"instances": await remove(backend, backend.catalog.accounts.find(request.name), tell)}


_COMMANDS: Final[dict[str, Callable[[Backend, wire.Request, Tell], Awaitable[Answer]]]] = {
    wire.LIST: _list, wire.ADD: _add, wire.ROTATE: _rotate, wire.SET: _set, wire.REMOVE: _remove,
}


async def remove(backend: Backend, account: Account, tell: Tell) -> int:
    """Kill its token, delete its instances as a delete through the API would, then the account; returns how many went.

    What is begun is finished at the next start. Raises AccountError, StoreError.
    """
    await backend.catalog.accounts.condemn(account)
    backend.bus.revoke(account.id, account.digest)
    if account.name == FIRST:
        drop_token(backend.settings)
    # No new ones can come, and those that were being made are here: what is written is written in order.
    gone = await _Emptying(backend, account, tell).run()
    await backend.catalog.accounts.forget(account)
    backend.bus.forget(account.id)
    log.info("account %s was removed with %d instances", account.name, gone)
    return gone


class _Emptying:
    """Deletes all instances of an account, some at a time, telling now and then."""

    def __init__(self, backend: Backend, account: Account, tell: Tell) -> None:
        self._backend, self._tell = backend, tell
        self._waiting = backend.catalog.of_account(account.id)
        self._all, self._gone, self._why = len(self._waiting), 0, ""
        self._told = backend.clock.monotonic()

    async def run(self) -> int:
        """How many were deleted. Raises AccountError when some were not."""
        await asyncio.gather(*(self._work() for _ in range(AT_ONCE)))
        if self._gone < self._all:
            raise AccountError(wire.LEFT_OVER, left=self._all - self._gone, of=self._all, why=self._why)
        return self._gone

    async def _work(self) -> None:
        while self._waiting:
            try:
                await self._backend.instances.delete(self._waiting.pop())
            except ApiError as error:
                if error.status != 404:  # somebody else deleted it
                    self._why = error.message
                    continue
            self._gone += 1
            now = self._backend.clock.monotonic()
            if now - self._told >= PROGRESS_SECONDS:
                self._told = now
                await self._tell(self._gone, self._all)


async def finish_removals(backend: Backend) -> None:
    """What a stop or a kill interrupted."""

    async def tell(_gone: int, _all: int) -> None:
        return

    for account in backend.catalog.accounts.all():
        if account.removing:
            try:
                await remove(backend, account, tell)
            except (AccountError, StoreError) as error:
                log.error("account %s could not be removed completely: %s; `account remove` tries again", account.name, error)
