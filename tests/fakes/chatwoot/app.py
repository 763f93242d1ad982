"""The stand-in's HTTP: Chatwoot's routes, strict about tokens, fields and ids; `/_…` is for tests: faults, agents, looking."""

from __future__ import annotations

import asyncio
import base64
import email
import json
import re
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .data import ACCOUNT, ADMIN, OTHER_ACCOUNT, ROLES, Account, Refused

Files = list[tuple[str, str, bytes]]
"""Name, media type, content."""
HTML = "<!doctype html><html><body>Chatwoot</body></html>"


class Site:
    """`faults`: what happens to requests that match, in order; `calls`: what was asked."""

    def __init__(self) -> None:
        self.accounts = {ACCOUNT: Account(), OTHER_ACCOUNT: Account()}
        self.faults: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.called_back: list[int] = []
        self.base = ""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._http = httpx.AsyncClient(trust_env=False, verify=False, timeout=5)

    # -- every request -------------------------------------------------------------------------------------------------

    async def handle(self, request: Request) -> Response:
        path = request.url.path
        self.base = f"http://{request.headers['host']}"
        if path.startswith("/_"):
            return await self._control(request)
        call = f"{request.method} {path}"
        self.calls.append(call)
        raw = await request.body()
        fault = self._fault(call)
        if fault.get("do") == "slow":
            await asyncio.sleep(fault["seconds"])
        if fault.get("do") == "hang":
            await asyncio.Event().wait()
        if fault.get("do") == "fail":
            return JSONResponse({"error": "told to fail"}, fault["status"])
        if fault.get("do") == "html":
            return HTMLResponse(HTML, fault.get("status", 200))
        if fault.get("do") == "json":  # something else that lives at that address
            return JSONResponse({"ok": True})
        answer = await self._answer(request, path, raw)
        if fault.get("do") == "hang_after":  # carried out, and nobody is told
            await asyncio.Event().wait()
        return answer

    def _fault(self, call: str) -> dict[str, Any]:
        for fault in self.faults:
            if re.search(fault["match"], call):
                fault["times"] = fault.get("times", 1_000_000) - 1
                if not fault["times"]:
                    self.faults.remove(fault)
                return fault
        return {}

    async def _answer(self, request: Request, path: str, raw: bytes) -> Response:
        try:
            if found := re.fullmatch(r"/(rails/active_storage/blobs/redirect|files)/(\w+)/([^/]+)", path):
                return self._file(found[1], found[2], found[3])
            token = request.headers.get("api_access_token", "")
            if token not in ROLES:
                raise Refused(401, error="Invalid Access Token")
            if path == "/api/v1/profile":
                return JSONResponse({"id": 1, "name": "Agent", "accounts": [
                    {"id": number, "role": role} for number, role in ROLES[token].items()]})  # fmt: skip
            if not (found := re.fullmatch(r"/api/v1/accounts/(\d+)(/.*)", path)):
                return HTMLResponse(HTML, 404)
            if int(found[1]) not in self.accounts:
                raise Refused(404, error="Resource could not be found")
            role = ROLES[token].get(int(found[1]))
            if role is None:
                raise Refused(401, error="You are not authorized to access this account")
            body, files = _read(request, raw)
            return JSONResponse(self._route(request, found[2], self.accounts[int(found[1])], role, body, files))
        except Refused as error:
            return JSONResponse(error.body, error.status)

    def _route(
        self, request: Request, path: str, account: Account, role: str, body: dict[str, Any], files: Files
    ) -> Any:
        method = request.method
        if path.startswith("/inboxes"):
            return self._inboxes(method, path, account, role, body)
        if (method, path) == ("GET", "/contacts/search"):
            return {"meta": {"count": 1, "current_page": 1}, "payload": account.search(request.query_params.get("q", ""))}
        if (method, path) == ("POST", "/contacts"):
            contact, link = account.new_contact(body)
            return {"payload": {"contact": account.shown(contact), "contact_inbox": {
                "source_id": link["source_id"], "inbox": account.inboxes[link["inbox_id"]]}}}  # fmt: skip
        if found := re.fullmatch(r"/contacts/(\d+)/(\w+)", path):
            return self._contact(method, int(found[1]), found[2], account, body)
        if (method, path) == ("POST", "/conversations"):
            return account.new_conversation(body)
        if found := re.fullmatch(r"/conversations/(\d+)(?:/(\w+))?", path):
            return self._conversation(request, int(found[1]), found[2] or "", account, body, files)
        raise Refused(404, error="Resource could not be found")

    def _inboxes(self, method: str, path: str, account: Account, role: str, body: dict[str, Any]) -> Any:
        if method == "GET":
            return {"payload": list(account.inboxes.values())}
        if role != "administrator":
            raise Refused(401, error="You are not authorized to do this action")
        if (method, path) == ("POST", "/inboxes"):
            return account.new_inbox(body)
        number = int(path.rpartition("/")[2])
        if method != "PATCH" or number not in account.inboxes:
            raise Refused(404, error="Resource could not be found")
        account.inboxes[number]["webhook_url"] = body["channel"]["webhook_url"]
        return account.inboxes[number]

    def _contact(self, method: str, number: int, what: str, account: Account, body: dict[str, Any]) -> Any:
        if number not in account.contacts:
            raise Refused(404, error="Resource could not be found")
        if (method, what) == ("GET", "conversations"):
            mine = [one for one in account.conversations.values() if one["contact_id"] == number]
            return {"payload": [account.conversation(one["id"]) for one in reversed(mine)][:20]}
        if (method, what) == ("POST", "contact_inboxes"):
            made = account.link(number, body.get("inbox_id", 0), body.get("source_id"))
            return {"source_id": made["source_id"], "inbox": account.inboxes[made["inbox_id"]]}
        raise Refused(404, error="Resource could not be found")

    def _conversation(
        self, request: Request, number: int, what: str, account: Account, body: dict[str, Any], files: Files
    ) -> Any:
        if (request.method, what) == ("GET", ""):
            return account.conversation(number)
        if (request.method, what) == ("GET", "messages"):
            return {"meta": {}, "payload": account.page(number, int(request.query_params.get("before", 0)))}
        if (request.method, what) == ("POST", "toggle_status"):
            account.conversation(number)
            account.conversations[number]["status"] = body["status"]
            return {"meta": {}, "payload": {"success": True, "current_status": body["status"], "conversation_id": number}}
        if (request.method, what) == ("POST", "messages"):
            made = account.new_message(number, body, files, {"id": 1, "name": "API", "type": "user"}, self.base)
            self._call_back(account, made)
            return made
        raise Refused(404, error="Resource could not be found")

    # -- the inbox's webhook, files ------------------------------------------------------------------------------------

    def _call_back(self, account: Account, message: dict[str, Any]) -> asyncio.Task[int]:
        """Chatwoot tells of every message, also of those that came through its API."""
        task = asyncio.create_task(self._post(account.inboxes[message["inbox_id"]]["webhook_url"], account.event(message)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _post(self, url: str, body: dict[str, Any]) -> int:
        try:
            status = (await self._http.post(url, json=body)).status_code
        except httpx.HTTPError:
            status = 0
        self.called_back.append(status)
        return status

    def _file(self, kind: str, key: str, name: str) -> Response:
        files = {key: file for account in self.accounts.values() for key, file in account.files.items()}
        if key not in files:
            raise Refused(404, error="Resource could not be found")
        if kind != "files":
            return RedirectResponse(f"/files/{key}/{name}", 302)
        return Response(files[key][2], media_type=files[key][1])

    # -- for tests -----------------------------------------------------------------------------------------------------

    async def _control(self, request: Request) -> Response:
        account, path = self.accounts[ACCOUNT], request.url.path
        body = json.loads(await request.body() or b"{}")
        if path == "/_faults":
            self.faults = body["faults"]
        elif path == "/_agent":
            files = [(one["name"], one["type"], base64.b64decode(one["content"])) for one in body.get("files", [])]
            sender = {"id": 7, "name": body.get("name", "Ana Agent"), "type": "user"}
            made = account.new_message(body["conversation"], body | {"message_type": "outgoing"}, files, sender, self.base)
            answered = [await self._call_back(account, made) for _ in range(body.get("times", 1))]
            return JSONResponse({"message": made, "answered": answered})
        elif path == "/_status":
            account.conversations[body["conversation"]]["status"] = body["status"]
        elif path == "/_forget":
            del account.conversations[body["conversation"]]
        elif path == "/_token":
            ROLES.pop(body["token"]) if body["gone"] else ROLES.update({body["token"]: {ACCOUNT: "administrator"}})
        return JSONResponse({
            "inboxes": list(account.inboxes.values()), "contacts": list(account.contacts.values()), "messages": account.messages,
            "conversations": list(account.conversations.values()), "calls": self.calls, "called_back": self.called_back,
            "files": {key: base64.b64encode(content).decode() for key, (_name, _type, content) in account.files.items()},
        })  # fmt: skip


def _read(request: Request, raw: bytes) -> tuple[dict[str, Any], Files]:
    """A JSON object, or a form with `attachments[]`. Raises Refused."""
    kind = request.headers.get("content-type", "")
    if request.method == "GET" or not raw:
        return {}, []
    if kind.startswith("application/json"):
        body = json.loads(raw)
        if not isinstance(body, dict):
            raise Refused(400, error="no object")
        return body, []
    if not kind.startswith("multipart/form-data"):
        raise Refused(415, error="unknown content type")
    fields: dict[str, Any] = {}
    files: Files = []
    for part in email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw).get_payload():
        assert not isinstance(part, str)
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if name == "attachments[]":
            if not part.get_filename():
                raise Refused(422, error="an attachment without a file name")
            files.append((str(part.get_filename()), part.get_content_type(), content))
        elif inner := re.fullmatch(r"(\w+)\[(\w+)\]", name):
            fields.setdefault(inner[1], {})[inner[2]] = content.decode()
        else:
            fields[name] = content.decode()
    return fields, files


def build() -> Starlette:
    site = Site()
    return Starlette(routes=[Route("/{path:path}", site.handle, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])])


assert ADMIN in ROLES
