"""The way to a server, one layer after the other: its name, TCP, TLS, an answer, its clock. Needs no token."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

from ..api.errors import RyzeError
from ..client import replies
from ..client.budget import date_of
from ..client.transport import Answer, Bounds, Transport, in_words, tls_context
from ..i18n import _, n_
from ..redact import clean, mask
from .finding import FAIL, OK, SERVER, SKIP, WARN, Finding, Trouble, look, skipped

CERTIFICATE_DAYS: Final = 14
"""Days before its end from which a certificate is worth a word."""
SKEW_WARN: Final = 5.0
SKEW_FAIL: Final = 120.0
"""Seconds between the clocks: ages on the screen are wrong; signatures of webhooks are refused (receivers allow 5 minutes)."""
SLOW: Final = 2.0
_PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")


class Network:
    """`speaks`: whether what answers may be a RyzeAPI server, once `steps` is through: else no token is sent there."""

    def __init__(self, url: str, seconds: float, *, now: Any = time.time) -> None:
        parts = urlsplit(url)
        self.host, self.secure = parts.hostname or "", parts.scheme == "https"
        self.port = parts.port or (443 if self.secure else 80)
        self.speaks = False
        self._seconds, self._now = seconds, now
        self._transport = Transport(url)

    async def steps(self) -> AsyncIterator[Finding]:
        """Each layer; the first that fails is the last, and the rest is said to be left out."""
        layers = (("dns", self._dns), ("tcp", self._tcp), ("tls", self._tls))
        done: list[str] = []
        for name, doing in layers:
            finding = await look(SERVER, name, doing(), self._seconds, tell_time=name != "tls")
            yield finding
            done.append(name)
            if finding.result == FAIL:
                for left in skipped(SERVER, [one for one, _doing in layers if one not in done], _("not reached")):
                    yield left
                for left in skipped(SERVER, ("answer", "clock"), _("not reached")):
                    yield left
                return
        try:
            async for finding in self._answer():
                yield finding
        finally:
            await self._transport.close()

    async def _dns(self) -> str:
        try:
            return _("{address}: an address, there is nothing to look up").format(address=ipaddress.ip_address(self.host))
        except ValueError:
            pass
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Trouble(
                _("the name {host} is not known").format(host=self.host),
                _("Is it spelt right? `getent hosts {host}` asks as this machine does; /etc/resolv.conf says whom.").format(
                    host=self.host
                ),
            ) from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        more = f" +{len(addresses) - 3}" if len(addresses) > 3 else ""
        return f"{self.host} → {', '.join(addresses[:3])}{more}"

    async def _tcp(self) -> str:
        where = f"{self.host}:{self.port}"
        try:
            _reader, writer = await asyncio.open_connection(self.host, self.port)
        except OSError as error:
            advice = _("Is {port} its port? A firewall may be in between.").format(port=self.port)
            if proxy := next((name for name in _PROXIES if os.environ.get(name)), ""):
                advice += " " + _("{name} is set here, but is not used: servers are dialled directly.").format(name=proxy)
            raise Trouble(in_words(error, where), advice) from error
        peer = writer.get_extra_info("peername")
        writer.transport.abort()
        return _("open at {address}").format(address=peer[0] if peer else where)

    async def _tls(self) -> str:
        if not self.secure:
            if _is_here(self.host):
                return _("none: plain http, which does not leave this machine")
            raise Trouble(
                _("none: plain http, so token and messages can be read on the way"), _("Use https:// where there is one."), WARN
            )
        try:
            _reader, writer = await asyncio.open_connection(self.host, self.port, ssl=tls_context(), server_hostname=self.host)
        except (OSError, ssl.SSLError) as error:
            raise Trouble(in_words(error, self.host), self._tls_advice(error)) from error
        secured: Any = writer.get_extra_info("ssl_object")
        certificate, version = secured.getpeercert(), secured.version()
        writer.transport.abort()
        return certificate_words(certificate, version or "TLS", self._now())

    def _tls_advice(self, error: BaseException) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            words = _(
                "Is it expired, for another name, or of an issuer of your own (SSL_CERT_FILE)? Look with: {look}"
            )
        elif isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            words = _("What is at port {port} speaks no TLS: http:// is its address, or another port.")
        else:
            words = _(
                "Something breaks the greeting off: a firewall, or a server of another time. Look with: {look}"
            )
        look = f"openssl s_client -connect {self.host}:{self.port} -servername {self.host}"
        return words.format(port=self.port, look=look)

    async def _answer(self) -> AsyncIterator[Finding]:
        began, unix = time.perf_counter(), self._now()
        bounds = Bounds(seconds=self._seconds, silence=self._seconds)
        try:
            answer = await self._transport.send("GET", "/health", headers={}, content=None, bounds=bounds)
        except RyzeError as error:
            advice = _("It takes connections, but no answer in HTTP comes: is it overloaded, held, or another program?")
            yield Finding(SERVER, "answer", FAIL, error.message, advice)
            for left in skipped(SERVER, ("clock",), _("not told")):
                yield left
            return
        took = time.perf_counter() - began
        yield self._judge(answer, took)
        yield clock_finding(date_of(answer.headers), unix, took)

    def _judge(self, answer: Answer, took: float) -> Finding:
        from ..probes.steps import timed

        if answer.status not in (200, 503):
            if answer.status == 404:
                self.speaks = True  # perhaps
                words = _("there is no /health (404): not every RyzeAPI server has one")
                return Finding(
                    SERVER, "answer", WARN, timed(took, words), _("If the token is refused too, this is the wrong address.")
                )
            refusal = replies.refusal(answer.status, answer.text, answer.headers.get("location", ""))
            status = str(answer.status)
            words = refusal.message if status in refusal.message else f"{refusal.message} ({status})"
            return Finding(SERVER, "answer", FAIL, timed(took, words), _("Is this the address of a RyzeAPI server?"))
        try:
            health = replies.health(answer.text)
        except RyzeError as error:
            return Finding(SERVER, "answer", FAIL, timed(took, error.message), _("Is this the address of a RyzeAPI server?"))
        if not health.status:
            words = _("{host} answers, but not as a RyzeAPI server does").format(host=self.host)
            return Finding(SERVER, "answer", FAIL, timed(took, words), _("Is this the address of a RyzeAPI server?"))
        self.speaks = True
        words = " · ".join(filter(None, [
            clean(mask(health.service)), clean(mask(health.status)), _("SIMULATED numbers") if health.simulated else "",
            _("adds {names}").format(names=", ".join(sorted(map(clean, health.extensions)))) if health.extensions else "",
        ]))  # fmt: skip
        if answer.status != 200 or health.status != "ok":
            more = troubles_of(answer.text)
            return Finding(
                SERVER,
                "answer",
                FAIL,
                timed(took, f"{words} {more}".rstrip()),
                _("The server itself says that it is not well: look into its log."),
            )
        if took > SLOW:
            return Finding(
                SERVER, "answer", WARN, timed(took, words), _("That is slow: is the server, or the way to it, overloaded?")
            )
        return Finding(SERVER, "answer", OK, timed(took, words))


def troubles_of(text: str) -> str:
    """`(db: fail: …)`: the checks of a health answer that did not go well."""
    import json

    try:
        checks = json.loads(text).get("checks")
    except (ValueError, AttributeError, RecursionError):
        return ""
    bad = [f"{name}: {said}" for name, said in checks.items() if said != "ok"] if isinstance(checks, dict) else []
    return f"({clean(mask('; '.join(bad)))[:200]})" if bad else ""


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def certificate_words(certificate: dict[str, Any], version: str, now: float) -> str:
    """`TLSv1.3 · valid for 63 days (issuer)`. Raises Trouble when it ends soon. `now`: Unix seconds."""
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - now) // 86400)
    names = dict(pair for part in certificate.get("issuer", ()) for pair in part)
    issuer = clean(str(names.get("organizationName") or names.get("commonName") or "?"))[:40]
    words = f"{version} · {n_('valid for {n} day', 'valid for {n} days', days)} ({issuer})"
    if days < CERTIFICATE_DAYS:
        raise Trouble(words, _("Renew it: every client stops when it ends."), WARN)
    return words


def clock_finding(server: float | None, sent: float, took: float) -> Finding:
    """The server's clock against ours. `server`: its Date; `sent`: Unix seconds when the question left; it `took` seconds."""
    if server is None:
        return Finding(SERVER, "clock", SKIP, _("the server tells no date"))
    # Dates are whole seconds, cut off; the answer was written some time between question and answer.
    early, late = server - (sent + took), server + 1.0 - sent
    off = early if early > 0 else late if late < 0 else 0.0
    if abs(off) < SKEW_WARN:
        return Finding(SERVER, "clock", OK, _("as this machine's") if abs(off) < 1 else _("{n} s off").format(n=round(abs(off))))
    seconds = round(abs(off))
    span = _("{n} s").format(n=seconds) if seconds < 120 else _("{n} m").format(n=round(seconds / 60))
    words = _("this machine is {span} behind the server") if off > 0 else _("this machine is {span} ahead of the server")
    advice = _("Have the clock set by NTP (timedatectl set-ntp true): ages are wrong meanwhile, and so are the limits' ends.")
    return Finding(SERVER, "clock", FAIL if abs(off) >= SKEW_FAIL else WARN, words.format(span=span), advice)
