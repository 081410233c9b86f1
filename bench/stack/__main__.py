"""Draws the dashboard of the example services: what a real Prometheus answers to the queries of the packaged
dashboard, while the packaged services are under load.

    ./pants package services::
    cd dist && PYTHONPATH=..:../runtime python -m bench.stack --out=../docs/images

It starts PostgreSQL, Redis and Prometheus (Debian's), the services with what the packaged compose file tells
them, and callers. Redis is away for a fifth of the time, so that there is something to see. It copies the
picture of the topology, too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from bench.stack.chart import Chart, Line, page
from tests.servers.prometheus import Prometheus, prometheus
from tests.stack.fleet import PASSWORD, STACK, Running, asked, fleet
from zero_runtime import config, rest

ROWS = ("Fleet", "HTTP, by route and method", "RPC, by method", "Governance", "Database", "Cache of rows")
"""Those of the dashboard that are drawn: one picture shows no more."""
WINDOW = "10s"
"""Over which rates are taken: ten scrapes."""
PRODUCTS = 20
STEP = 2
"""Seconds between two points of a line."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=100, help="how long the load lasts (default: 100)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for the pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zero-stack-") as folder, fleet(Path(folder)) as services:
        rules = (STACK / "prometheus/alerts.yml").read_text()
        with prometheus(services.prometheus(), {"alerts.yml": rules}) as server:
            start = time.time()
            with _load(services):
                time.sleep(options.seconds * 0.4)
                services.redis.stop()
                time.sleep(options.seconds * 0.2)
                services.redis.start()
                time.sleep(options.seconds * 0.4)
            charts = _charts(server, start + 5, time.time())
    caption = (
        "The packaged dashboard's own queries, answered by Prometheus, for the example services under a "
        "light load; Redis is away from 40 % to 60 % of the time."
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "dashboard.svg").write_text(page(charts, caption))
    shutil.copyfile(STACK / "topology.svg", options.out / "topology.svg")


@contextmanager
def _load(services: Running) -> Iterator[None]:
    """Callers, until the end of the block."""
    done = threading.Event()
    _stock(services.clients["shop"])
    with ThreadPoolExecutor(len(_CALLERS)) as callers:
        for number, caller in enumerate(_CALLERS):
            callers.submit(_repeat, *caller, services.clients, count(number), done)
        try:
            yield
        finally:
            done.set()


def _stock(shop: httpx.Client) -> None:
    """Half of the products that visitors look at."""
    token = rest.Jwt(config.JwtConf(access_secret=PASSWORD)).issue(name="Grace").text
    product = {"name": "Saw", "category": "tools", "price": "12.50", "stock": 2}
    for number in range(PRODUCTS // 2):
        path = f"/v1/shop/staff/products/sku-{number}"
        shop.put(path, json=product, headers={"Authorization": f"Bearer {token}"}).raise_for_status()


def _repeat(
    work: Callable[[Mapping[str, httpx.Client], int], None],
    pause: float,
    clients: Mapping[str, httpx.Client],
    numbers: Iterator[int],
    done: threading.Event,
) -> None:
    while not done.is_set():
        with suppress(httpx.HTTPError):
            work(clients, next(numbers))
        time.sleep(pause)


def _customer(clients: Mapping[str, httpx.Client], number: int) -> None:
    """Registers, logs in, and looks at the account; one of five has an account, another a wrong password."""
    users, mobile = clients["user-api"], f"138{number - (number % 5 == 0):08}"
    account = {"name": "Ada", "gender": 2, "mobile": mobile, "password": "correct horse"}
    users.post("/api/user/register", json=account)
    password = "wrong" if number % 5 == 3 else "correct horse"
    login = users.post("/api/user/login", json={"mobile": mobile, "password": password})
    if login.status_code == 200:
        token = login.json()["accessToken"]
        users.post("/api/user/userinfo", headers={"Authorization": f"Bearer {token}"})


def _visitor(clients: Mapping[str, httpx.Client], number: int) -> None:
    """Looks at products, half of which are not there."""
    shop = clients["shop"]
    shop.get(f"/v1/shop/products/sku-{number % PRODUCTS}")
    if number % 5 == 0:
        shop.get("/v1/shop/products", params={"category": "tools", "size": 5})


_CALLERS = ((_customer, 0.3), (_visitor, 0.1), (_visitor, 0.1))
"""What callers do, and how many seconds they pause: a steady load, not all that a machine can do. Passwords
cost the most, as they should."""


def _charts(server: Prometheus, start: float, end: float) -> list[Chart]:
    dashboard = json.loads((STACK / "grafana/dashboards/stack.json").read_text())
    charts: list[Chart] = []
    row = ""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
        elif row in ROWS:
            unit = panel["fieldConfig"]["defaults"]["unit"]
            charts.append(Chart(row, panel["title"], unit, tuple(_lines(server, panel, start, end))))
    return charts


def _lines(server: Prometheus, panel: Mapping[str, Any], start: float, end: float) -> Iterator[Line]:
    for target in panel["targets"]:
        for labels, values in server.values(asked(target["expr"], WINDOW), start, end, STEP):
            name = target["legendFormat"]
            for label, value in labels.items():
                name = name.replace(f"{{{{{label}}}}}", value)
            yield Line(name, tuple((at - start, value) for at, value in values if value == value))


if __name__ == "__main__":
    main()
