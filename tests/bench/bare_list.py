"""What `ryze-tui ls --json` is measured against: the same call by a bare httpx script."""

import json
import os
import sys

import httpx

answer = httpx.get(os.environ["RYZE_URL"] + "/api/instance/list", headers={"token": os.environ["RYZE_TOKEN"]}, timeout=60)
answer.raise_for_status()
json.dump([{"name": one["name"], "state": one["connection"]["state"]} for one in answer.json()["instances"]], sys.stdout)
