"""The accounts of a server: whose token it is, how many instances each may have, and how they come and go.

What is changed is on the disk before anybody is told. A token that was revoked is remembered (its digest), so that it never
works again: not at the next start either, where RYZE_ACCOUNT_TOKEN may still hold it.
"""

from __future__ import annotations

import asyncio
import secrets as entropy
from dataclasses import dataclass, field
from typing import Final

from .admin import wire
from .clock import Clock
from .errors import AccountError
from .secrets import new_token, token_digest
from .store.rows import Store

FIRST: Final = "default"
"""The account that a server makes by itself; RYZE_ACCOUNT_TOKEN sets its token."""


@dataclass(slots=True, eq=False)
class Account:
    """`digest` is the SHA-256 of its token. `quota` None: the server's; 0: any number. `removing`: its token is dead already."""

    id: str
    name: str
    digest: str = field(repr=False)
    created_at: float
    quota: int | None = None
    removing: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Accounts:
    """All accounts, in memory; operations on one account wait for each other."""

    def __init__(self, store: Store, clock: Clock, *, quota: int) -> None:
        self._store, self._clock, self._quota = store, clock, quota
        self._names: dict[str, Account] = {}
        self._ids: dict[str, Account] = {}
        self._digests: dict[str, Account] = {}
        self._revoked: set[str] = set()
        self._coming: set[str] = set()

    async def open(self) -> None:
        """Read everything. Raises StoreError."""
        for row in await self._store.accounts():
            self._keep(Account(row.id, row.name, row.digest, row.created_at, row.quota, bool(row.removing)))
        self._revoked = await self._store.revoked_tokens()

    def _keep(self, account: Account) -> None:
        self._names[account.name] = self._ids[account.id] = account
        if not account.removing:
            self._digests[account.digest] = account

    # -- finding -------------------------------------------------------------------------------------------------------

    def of_digest(self, digest: str) -> Account | None:
        """The account whose token has this SHA-256."""
        return self._digests.get(digest)

    def taken(self, token: str) -> bool:
        """Whether it is, or was, the token of any account."""
        digest = token_digest(token)
        return digest in self._digests or digest in self._revoked

    def alive(self, account_id: str) -> bool:
        """Whether it is there and is not being removed."""
        account = self._ids.get(account_id)
        return account is not None and not account.removing

    def limit(self, account_id: str) -> int:
        """How many instances it may have; 0 = any number."""
        account = self._ids.get(account_id)
        return self._quota if account is None or account.quota is None else account.quota

    def all(self) -> list[Account]:
        """By name, those that are being removed too."""
        return [account for _, account in sorted(self._names.items())]

    def find(self, name: str) -> Account:
        """Raises AccountError."""
        if (account := self._names.get(name)) is None:
            raise AccountError(wire.NOT_FOUND)
        return account

    # -- changing ------------------------------------------------------------------------------------------------------

    async def add(self, name: str, quota: int | None) -> tuple[Account, str]:
        """A new account and its token, which nobody will know again. Raises AccountError, StoreError."""
        if name in self._names or name in self._coming:
            account = self._names.get(name)
            raise AccountError(wire.BEING_REMOVED if account is not None and account.removing else wire.EXISTS)
        token, now = new_token(), self._clock.now()
        account = Account(entropy.token_hex(16), name, token_digest(token), now, quota)
        self._coming.add(name)
        try:
            await self._store.add_account(account.id, name, account.digest, now, quota)
        finally:
            self._coming.discard(name)
        self._keep(account)
        return account, token

    async def rotate(self, account: Account) -> tuple[str, str]:
        """(SHA-256 of the token that is dead now, the new token). Raises AccountError, StoreError."""
        async with account.lock:
            self._present(account)
            token, old = new_token(), account.digest
            digest = token_digest(token)
            await self._store.rotate_account(account.id, old, digest, self._clock.now())
            del self._digests[old]
            self._revoked.add(old)
            account.digest = digest
            self._digests[digest] = account
            return old, token

    async def set_quota(self, account: Account, quota: int | None) -> None:
        """Fewer than it has is possible: then it gets no new ones. Raises AccountError, StoreError."""
        async with account.lock:
            self._present(account)
            await self._store.set_account_quota(account.id, quota)
            account.quota = quota

    async def condemn(self, account: Account) -> None:
        """Its tokens are dead from now on and it gets no new instances; twice is once. Raises AccountError, StoreError."""
        async with account.lock:
            if account.removing:
                return
            self._present(account)
            if sum(not other.removing for other in self._names.values()) == 1:
                raise AccountError(wire.LAST)
            account.removing = True
            del self._digests[account.digest]
            try:
                await self._store.condemn_account(account.id, account.digest, self._clock.now())
            except BaseException:
                account.removing = False
                self._digests[account.digest] = account
                raise
            self._revoked.add(account.digest)

    async def forget(self, account: Account) -> None:
        """Remove a condemned account that has no instances any more. Raises AccountError, StoreError."""
        async with account.lock:
            if self._ids.get(account.id) is not account:
                raise AccountError(wire.NOT_FOUND)
            await self._store.delete_account(account.id)
            del self._names[account.name], self._ids[account.id]

    def _present(self, account: Account) -> None:
        if self._ids.get(account.id) is not account:
            raise AccountError(wire.NOT_FOUND)
        if account.removing:
            raise AccountError(wire.BEING_REMOVED)
