"""Leads requests that schemathesis makes up to what is there, and keeps those that index and remove within one folder."""

import json
import os
import re
import urllib.request

import schemathesis

SERVER = os.environ["SENSORIUM_URL"]
FOLDER = os.environ["SENSORIUM_MEDIA"]
ITEM = re.compile("b3:[0-9a-f]{64}")


def items() -> list[str]:
    with urllib.request.urlopen(f"{SERVER}/api/v1/items") as answer:
        return [item["item"] for item in json.load(answer)["items"]]


ITEMS = items()


@schemathesis.hook
def before_call(context, case, kwargs):
    made_up = str((case.path_parameters or {}).get("id", ""))
    # Some stay as they are: nothing is called like that.
    if ITEM.fullmatch(made_up) and int(made_up[3:11], 16) % 5:
        case.path_parameters["id"] = ITEMS[int(made_up[3:11], 16) % len(ITEMS)]
    if case.method == "POST" and case.path.endswith(("/jobs", "/remove")) and isinstance(case.body, dict):
        paths = case.body.get("paths")
        if isinstance(paths, list):
            case.body["paths"] = [within(path) for path in paths]


def within(path):
    if isinstance(path, str) and path.startswith("/"):
        return os.path.join(FOLDER, path.strip("/").replace("..", "") or "nothing")
    return path
