"""An S3 store from this machine: a small object with a name that nobody guesses is put, got and removed again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..i18n import _, mark
from ..outside import s3
from .steps import BAD, SECONDS, Failed, Step, attempt
from .trial import running, title

if TYPE_CHECKING:
    from obstore.store import S3Store

T = TypeVar("T")
_HEADERS: Final = {"Content-Type": "text/plain"}
_OTHER: Final = mark("the store returned something else than was put there")


async def steps(body: dict[str, Any], seconds: float = SECONDS) -> AsyncGenerator[Step, None]:
    """Whatever happens in between, the object is removed; where it could not be, its name is said."""
    yield running("put")
    try:
        where = s3.target(body, {"secretKey": str(body.get("secretKey") or "")})
        store = await asyncio.to_thread(s3.open_store, where)  # its TLS context takes a while
    except s3.Failure as failure:
        yield Step(title("put"), BAD, failure.said(_), "put")
        return
    look = _Look(store, s3.probe_key(str(body.get("pathPrefix") or "")), seconds)
    try:
        put = await attempt(title("put"), "put", look.put(), seconds + 1)
        yield put
        if put.result != BAD:
            yield running("get")
            yield await attempt(title("get"), "get", look.get(), seconds + 1)
        if look.there:
            yield running("delete")
            yield await attempt(title("delete"), "delete", look.delete(), seconds + 1)
    finally:
        await look.leave()


class _Look:
    """`there`: whether the object is, or may be. obstore is given the same deadline, one second earlier than we are."""

    def __init__(self, store: S3Store, key: str, seconds: float) -> None:
        self._store, self._key, self._seconds = store, key, seconds
        self.there = False

    async def put(self) -> str:
        self.there = True
        try:
            await _asked(s3.put(self._store, self._key, s3.CONTENT, _HEADERS, self._seconds))
        except Failed as error:
            cause = error.__cause__
            self.there = isinstance(cause, s3.Failure) and cause.doubtful
            raise
        return ""

    async def get(self) -> str:
        if await _asked(s3.get(self._store, self._key, self._seconds)) != s3.CONTENT:
            raise Failed(_(_OTHER))
        return ""

    async def delete(self) -> str:
        self.there = False  # tried once: a second time would only wait again
        try:
            await _asked(s3.delete(self._store, self._key, self._seconds))
        except Failed as error:
            words = _("{why}; {key} may still be there: remove it").format(why=error.words, key=self._key)
            raise Failed(words) from error
        return ""

    async def leave(self) -> None:
        """Given up under way: it is removed all the same, as well as it can be."""
        if self.there:
            self.there = False
            with contextlib.suppress(s3.Failure):  # nobody looks any more; the object says itself what it is
                await s3.delete(self._store, self._key, self._seconds)


async def _asked(doing: Awaitable[T]) -> T:
    try:
        return await doing
    except s3.Failure as failure:
        raise Failed(failure.said(_)) from failure
