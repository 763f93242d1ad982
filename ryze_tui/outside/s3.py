"""S3: where a configuration leads, and putting, getting and deleting objects there; each failure in words without secrets.

obstore is the one client. It is imported when the first object is put, and told everything that it would otherwise take from the
environment (`AWS_*`): this machine's own credentials or endpoint must never stand in for what a user left out.
"""

from __future__ import annotations

import asyncio
import re
import secrets as entropy
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, urlsplit

from ..i18n import mark
from ..redact import clean, mask

if TYPE_CHECKING:
    from obstore.store import S3Store

T = TypeVar("T")

Values = Mapping[str, Any]

MARK: Final = "gateway: "
"""What our server's own way out (backend/egress_gateway.py) begins its refusals with; a store's may look the same."""
REGION: Final = "us-east-1"
CONNECT: Final = "10s"
PREFIX_LONGEST: Final = 400
PART_LONGEST: Final = 120
CONTENT: Final = b"ryze-tui looks whether media can be stored here; this file may be deleted.\n"
"""What a probe puts."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")
_HOST_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_REGION: Final = re.compile(r"[A-Za-z0-9-]{1,40}")

UNREACHABLE, CREDENTIALS, BUCKET, ADDRESS, CONFIGURATION, TROUBLE, OBJECT = (
    "it cannot be reached", "it refuses the credentials", "there is no such bucket", "its address may not be dialled",
    "its configuration is of no use", "it answers with errors", "it refuses the object",
)  # fmt: skip
"""Kinds of failure, in words that name nobody. Only OBJECT is about one object; the others are about the store."""


class Failure(Exception):
    """It did not work; `kind` is one of the above, the text says more and holds no secret."""

    def __init__(self, kind: str, text: str, **about: object) -> None:
        self.kind, self.text, self.about = kind, text, about
        self.words = text.format(**about) if about else text
        self.doubtful = False
        """Whether it may have been done all the same."""
        super().__init__(self.words)

    def said(self, translate: Callable[[str], str]) -> str:
        """The words in another language."""
        return translate(self.text).format(**self.about) if self.about else translate(self.text)


@dataclass(frozen=True, slots=True)
class Target:
    """Where objects go. `endpoint` has the bucket in it when `virtual` (its host) but not when in the path."""

    endpoint: str
    bucket: str
    region: str
    virtual: bool
    access_key: str
    secret_key: str = field(repr=False)

    @property
    def base(self) -> str:
        """URL before a key."""
        return self.endpoint if self.virtual else f"{self.endpoint}/{self.bucket}"

    def url(self, key: str) -> str:
        """The object's URL."""
        return f"{self.base}/{quote(key, safe='/')}"


def target(values: Values, secrets: dict[str, str]) -> Target:
    """Where a configuration leads: its endpoint with the bucket in the path, or AWS with the bucket in the host's name.

    Raises Failure.
    """
    bucket, region = str(values["bucket"]), str(values["region"] or REGION)
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise Failure(CONFIGURATION, mark("the bucket's name is not one: letters, digits, dots, _ and - are wanted"))
    if not _REGION.fullmatch(region):
        raise Failure(CONFIGURATION, mark("the region's name is not one: letters, digits and - are wanted"))
    virtual = False
    if values["endpoint"]:
        endpoint = _endpoint(str(values["endpoint"]))
    else:
        domain = f"s3.{region.lower()}.amazonaws.com" + (".cn" if region.lower().startswith("cn-") else "")
        virtual = _HOST_NAME.fullmatch(bucket) is not None  # a dot in it would not fit AWS's certificate
        endpoint = f"https://{bucket}.{domain}" if virtual else f"https://{domain}"
    return Target(endpoint, bucket, region, virtual, str(values["accessKey"]), secrets.get("secretKey", ""))


def _endpoint(text: str) -> str:
    """Without credentials, query and fragment: it is told to others."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise Failure(CONFIGURATION, mark("the endpoint is not an http or https URL")) from None
    if parts.scheme not in ("http", "https") or not host:
        raise Failure(CONFIGURATION, mark("the endpoint is not an http or https URL"))
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}{quote(parts.path.rstrip('/'), safe='/%')}"


async def put(store: S3Store, key: str, content: bytes, headers: dict[str, str], seconds: float) -> None:
    """Put an object; `headers` are kept with it. Raises Failure."""
    from obstore import put_async

    attributes: Any = headers
    await within(seconds, put_async(store, key, content, attributes=attributes, use_multipart=False))


async def get(store: S3Store, key: str, seconds: float) -> bytes:
    """The object. Raises Failure."""
    from obstore import get_async

    async def whole() -> bytes:
        return bytes(await (await get_async(store, key)).bytes_async())

    return await within(seconds, whole())


async def delete(store: S3Store, key: str, seconds: float) -> None:
    """No object any more. Raises Failure."""
    from obstore import delete_async

    await within(seconds, delete_async(store, key))


def part(text: str) -> str:
    """A part of a key: ASCII letters, digits, `.`, `_` and `-`, never beginning with a dot."""
    safe = _UNSAFE.sub("_", text)[:PART_LONGEST]
    return f"_{safe[1:]}" if safe.startswith(".") else safe


def folder(prefix: str) -> str:
    """`pathPrefix` as keys begin with it: empty, or ending in a slash."""
    parts = [part(one) for one in prefix[:PREFIX_LONGEST].split("/") if one]
    return "".join(f"{one}/" for one in parts)


def probe_key(prefix: str) -> str:
    """Where a probe puts its object; nobody guesses it."""
    return f"{folder(prefix)}ryze-tui-probe-{entropy.token_hex(16)}.txt"


def open_store(where: Target, proxy: str = "") -> S3Store:
    """The store; through `proxy` where there is one. Raises Failure."""
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    def credentials() -> Any:
        return {"access_key_id": where.access_key, "secret_access_key": where.secret_key, "token": None, "expires_at": None}

    anonymous = not where.access_key
    try:
        return S3Store(
            where.bucket,
            config={
                "endpoint": where.endpoint, "aws_endpoint_url_s3": where.endpoint, "region": where.region,
                "virtual_hosted_style_request": where.virtual, "skip_signature": anonymous, "request_payer": False,
            },
            client_options={
                **({"proxy_url": proxy} if proxy else {}),
                "allow_http": where.endpoint.startswith("http://"), "allow_invalid_certificates": False,
                "connect_timeout": CONNECT, "timeout": "2h", "pool_idle_timeout": "15s", "pool_max_idle_per_host": "4",
                "user_agent": "ryze-tui",
            },
            retry_config={"max_retries": 0},
            credential_provider=None if anonymous else credentials,
        )  # fmt: skip
    except (BaseError, ValueError) as error:
        raise Failure(CONFIGURATION, mark("the configuration cannot be used ({why})"), why=type(error).__name__) from None


async def within(seconds: float, doing: Awaitable[T]) -> T:
    """Await what obstore does. Raises Failure."""
    from obstore.exceptions import BaseError

    try:
        async with asyncio.timeout(seconds):
            return await doing
    except TimeoutError:
        late = Failure(UNREACHABLE, mark("no answer within {seconds} s"), seconds=f"{seconds:.0f}")
        late.doubtful = True
        raise late from None
    except (BaseError, OSError, ValueError, NotImplementedError) as error:  # some of its errors are Python's own
        raise in_words(str(error)) from None


_STATUS: Final = re.compile(r"status code: (\d{3})[^:\n]{0,60}(?:: (.*))?", re.DOTALL)
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_KEYS: Final = frozenset({"SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied", "ExpiredToken", "InvalidToken"})
_BROKEN: Final = (
    ("MissingEtag", mark("what answers there is no S3 store")),
    ("InvalidCertificate", mark("its certificate is not one that this machine trusts")),
    ("InvalidMessage", mark("it does not speak TLS")),
    ("Timeout", mark("no answer in time")), ("TimedOut", mark("no answer in time")),
    ("TunnelUnsuccessful", mark("the connection was refused or could not be made")),
    ("ConnectionRefused", mark("it refuses connections")), ("dns error", mark("its name cannot be resolved")),
    ("kind: Connect", mark("the connection could not be made")),
)  # fmt: skip


def in_words(text: str) -> Failure:
    """What obstore says, without what must not be told: URLs, keys and signatures that a store's answer repeats."""
    said, _, debug = text.partition("\n\nDebug source:")
    if (found := _STATUS.search(said)) is None:
        why = next((words for sign, words in _BROKEN if sign in debug or sign in said), mark("the connection broke"))
        return Failure(UNREACHABLE, why)
    status, body = int(found[1]), found[2] or ""
    if body.startswith(MARK):
        own = clean(mask(body.removeprefix(MARK)[:200].partition("\n")[0]))
        return Failure(ADDRESS if status == 403 else UNREACHABLE, own)
    code = coded[1] if (coded := _CODE.search(body)) else ""
    shown = f"{status} {code}".strip()
    if status in (401, 403) or code in _KEYS:
        return Failure(CREDENTIALS, mark("the store refused the credentials, or what they may do ({shown})"), shown=shown)
    if code == "NoSuchBucket":
        return Failure(BUCKET, mark("the bucket does not exist ({shown})"), shown=shown)
    if status in (408, 425, 429) or status >= 500 or status < 400:
        trouble = Failure(TROUBLE, mark("the store answered {shown}"), shown=shown)
        trouble.doubtful = status >= 500
        return trouble
    if status == 404 and not code:
        return Failure(BUCKET, mark("there is nothing of the kind at that endpoint (404)"))
    return Failure(OBJECT, mark("the store refused the object ({shown})"), shown=shown)
