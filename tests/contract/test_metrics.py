"""GET /metrics: Prometheus' text format, for its own token only, and nothing of any account in it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from ryze_tui.backend.errors import StartupError

from .harness import TOKEN, Api, running
from .test_edge import INVALID, MISSING
from .test_webhooks import receiving, until

SCRAPE = "metrics-token-0123456789"
LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[^"]*",?)*)\})? (\S+)')


async def scraped(api: Api) -> dict[str, float]:
    """`name{labels}` -> value; every line is what the format allows."""
    answer = await api.call("GET", "/metrics", token=SCRAPE)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4"), answer.text
    assert answer.text.endswith("\n")
    typed, found = set(), {}
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in typed and kind in ("counter", "gauge", "histogram")
            typed.add(name)
        elif not line.startswith("# HELP "):
            match = LINE.fullmatch(line)
            assert match, line
            assert re.sub("_(bucket|sum|count)$", "", match[1]) in typed or match[1] in typed, line
            key = line.rpartition(" ")[0]
            assert key not in found, "one sample a series"
            found[key] = float(match[3])
    return found


async def test_what_happened_is_counted(tmp_path: Path) -> None:
    async with receiving() as receiver, running(tmp_path, metrics_token=SCRAPE) as api:
        before = await scraped(api)
        assert before['ryze_tui_instances{state="connected"}'] == 0
        await api.paired("secret-name", websocketEnabled=True, webhookEnabled=True, webhookURL=receiver.url)
        await api.ok("POST", "/simulator/secret-name/message", {"from": "5511999990001", "text": "hello"})
        await api.refused("GET", "/api/instance/connect/nope")
        await api.call("GET", "/nowhere/at/all")
        await api.call("BREW", "/api/instance/list")
        await until(lambda: receiver.of("message.exchange"))
        await until(lambda: not api.backend.outbox.pending)
        async with api.socket("/ws/secret-name"), api.socket("/ws") as frames:
            await frames.next()
            now = await scraped(api)
        assert now['ryze_tui_instances{state="connected"}'] == 1
        assert {state: now[f'ryze_tui_instances{{state="{state}"}}'] for state in ("disconnected", "banned")} == {
            "disconnected": 0, "banned": 0,
        }
        assert now['ryze_tui_sockets{kind="instance"}'] == now['ryze_tui_sockets{kind="account"}'] == 1
        series = 'ryze_tui_http_requests_total{route="%s",method="%s",status="%d"}'
        assert now[series % ("/api/instance/new", "POST", 201)] == 1
        assert now[series % ("/api/instance/connect/{instance}", "GET", 404)] == 1
        assert now[series % ("none", "GET", 404)] == 1
        assert now[series % ("/api/instance/list", "other", 405)] == 1
        assert now['ryze_tui_events_total{event="message.exchange"}'] == 1
        delivered = now['ryze_tui_delivery_attempts_total{outcome="delivered"}']
        assert delivered == len(receiver.got) == now["ryze_tui_delivery_seconds_count"]
        assert delivered == now['ryze_tui_delivery_seconds_bucket{le="+Inf"}']
        assert now["ryze_tui_deliveries_pending"] == now["ryze_tui_deliveries_oldest_seconds"] == 0
        assert now["ryze_tui_database_write_seconds_count"] > before["ryze_tui_database_write_seconds_count"]
        assert now["process_resident_memory_bytes"] > 2**20 and now["process_open_fds"] > 3
        assert now["ryze_tui_uptime_seconds"] > 0
        shown = (await api.call("GET", "/metrics", token=SCRAPE)).text
        assert not [secret for secret in ("secret-name", "5511999990001", "nowhere", "BREW", TOKEN, SCRAPE) if secret in shown]


async def test_what_is_not_over_is_pending_after_a_restart_too(tmp_path: Path) -> None:
    async with receiving() as receiver:
        receiver.status = 503
        async with running(tmp_path, metrics_token=SCRAPE) as api:
            await api.new("a", webhookEnabled=True, webhookURL=receiver.url)
            await api.ok("DELETE", "/api/instance/logout/a")
            await until(lambda: api.backend.outbox.outcomes["retried"])
            assert (await scraped(api))["ryze_tui_deliveries_pending"] == 1
        async with running(tmp_path, metrics_token=SCRAPE) as api:
            assert (await scraped(api))["ryze_tui_deliveries_pending"] == 1
            await api.ok("DELETE", "/api/instance/delete/a")
            await until(lambda: not api.backend.outbox.pending)


async def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    async with running(tmp_path, metrics_token=SCRAPE, rate_limit=50) as api:
        instance = await api.new("a")
        for token in (TOKEN, instance["token"], SCRAPE + "x", SCRAPE[:-1]):
            assert await api.refused("GET", "/metrics", token=token) == INVALID
        for path in ("/metrics", f"/metrics?token={SCRAPE}"):
            assert await api.refused("GET", path, token=None) == MISSING
        bearer = await api.call("GET", "/metrics", token=None, headers={"Authorization": f"Bearer {SCRAPE}"})
        assert bearer.status_code == 200
        assert await api.refused("GET", "/api/instance/list", token=SCRAPE) == INVALID, "and it opens nothing else"
        for _again in range(60):
            await api.call("GET", "/nowhere", token="guess")
        assert (await api.refused("GET", "/metrics", token="guess"))[0] == 429
        assert (await scraped(api))["ryze_tui_rate_limited_total"] > 5


async def test_it_is_not_there_without_a_token(api: Api) -> None:
    for token in (None, "", TOKEN, SCRAPE):
        assert await api.refused("GET", "/metrics", token=token) == (404, "Not found")


@pytest.mark.parametrize("token", ["short", TOKEN])
async def test_a_token_that_is_no_good_is_refused_at_the_start(tmp_path: Path, token: str) -> None:
    with pytest.raises(StartupError, match="metrics token") as caught:
        async with running(tmp_path, metrics_token=token):
            pass
    assert token not in str(caught.value)


async def test_scraping_is_quick_with_a_thousand_instances(tmp_path: Path) -> None:
    async with running(tmp_path, metrics_token=SCRAPE, simulator_instances=1000) as api:
        async with asyncio.timeout(10):
            found = await scraped(api)
        assert sum(value for key, value in found.items() if key.startswith("ryze_tui_instances")) == 1000
        assert len(found) < 200, "the page does not grow with the instances"
