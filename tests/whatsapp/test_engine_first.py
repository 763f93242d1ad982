from pathlib import Path
import pytest
from tests.fakes.whatsapp.double import WhatsAppDouble
from .engine import on_double
pytestmark = pytest.mark.whatsapp


async def test_pair_by_qr(tmp_path: Path, wa: WhatsAppDouble) -> None:
    import time
    async with on_double(tmp_path, wa) as on:
        t=time.time()
        await on.api.new("shop")
        answer = await on.api.ok("GET", "/api/instance/connect/shop")
        print({k: str(v)[:50] for k,v in answer.items()}, time.time()-t)
        device = await wa.scan(wa.phone("5511999990001", "Acme"), answer["qrCode"])
        await on.up()
        print(await on.api.item("shop"), time.time()-t)
        print(on.engine.pool.pids)
