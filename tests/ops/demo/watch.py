"""Prometheus and Alertmanager with what is in deploy, and a webhook that notes when an alert comes in."""

from __future__ import annotations

import json
import shutil
import socketserver
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

import yaml

from deploy.ops.__main__ import CONSOLES, ROOT, RULES, documents
from deploy.ops.objectives import Objectives
from deploy.ops.rules import Windows
from tests.support.kafka import free_ports
from tests.support.promtool import TOOLS
from tests.support.workers import Process, fetch, wait_for

SCRAPE = "500ms"


class Came(NamedTuple):
    """An alert that reached the webhook, at a moment of the monotonic clock."""

    at: float
    labels: dict[str, str]


class Watch:
    """All of it, in `folder`. `targets`: addresses that Prometheus asks; they may be changed."""

    def __init__(self, folder: Path, goals: Objectives, windows: Windows) -> None:
        folder.mkdir()
        self._folder, self._goals, self._windows = folder, goals, windows
        self.prometheus, self._alertmanager, self._webhook = (f"127.0.0.1:{port}" for port in free_ports(3))
        self.came: list[Came] = []
        self._server = _server(self._webhook, self.came)
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        self._write()
        config, data, address = self._folder / "prometheus.yml", self._folder / "tsdb", self.prometheus
        libraries = ROOT / "deploy/prometheus/console_libraries"
        self._start(
            "prometheus",
            {"web.listen-address": address, "storage.tsdb.path": data, "config.file": config,
             "web.console.templates": self._folder / "consoles", "web.console.libraries": libraries},
        )  # fmt: skip
        self._start(
            "prometheus-alertmanager",
            {"web.listen-address": self._alertmanager, "cluster.listen-address": "", "storage.path": self._folder / "alertmanager",
             "config.file": self._folder / "alertmanager.yml"},
        )  # fmt: skip
        wait_for(lambda: _answers(f"http://{self._alertmanager}/-/ready"), lambda: self._processes[1].log, 30)
        wait_for(lambda: _answers(f"http://{self.prometheus}/-/ready"), lambda: self._processes[0].log, 30)
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.__exit__(*error)
        self._server.shutdown()

    def watch(self, addresses: Sequence[str]) -> None:
        """Prometheus asks these from now on."""
        self._replace("targets.json", json.dumps([{"targets": list(addresses)}]))

    def ask(self, expr: str) -> list[dict[str, Any]]:
        """The newest values of an expression. RuntimeError with Prometheus' word where it objects."""
        _, body = fetch(f"http://{self.prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expr})}")
        answer = json.loads(body)
        if answer["status"] != "success":
            raise RuntimeError(f"{expr}: {answer['error']}")
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def first(self, alert: str, labels: Mapping[str, str], since: float) -> Came | None:
        """The first of its kind that came after `since`."""
        wanted = {"alertname": alert, **labels}.items()
        return next((came for came in list(self.came) if came.at >= since and wanted <= came.labels.items()), None)

    def _write(self) -> None:
        made = documents(self._goals, self._windows)
        for path, content in made.items():
            if path.parent in (RULES, CONSOLES):
                target = self._folder / path.parent.name / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content, encoding="utf-8")
        config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": SCRAPE}
        config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [self._alertmanager]
        (job,) = config["scrape_configs"]
        del job["dns_sd_configs"]
        job["file_sd_configs"] = [{"files": [str(self._folder / "targets.json")], "refresh_interval": "1s"}]
        self._replace("prometheus.yml", yaml.safe_dump(config))
        self.watch([])
        told = yaml.safe_load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text(encoding="utf-8"))
        for route in (told["route"], *told["route"]["routes"]):
            route.update(group_wait="100ms", group_interval="1s", group_by=["..."])
        for receiver in told["receivers"]:
            receiver["webhook_configs"] = [{"url": f"http://{self._webhook}/", "send_resolved": False}]
        self._replace("alertmanager.yml", yaml.safe_dump(told))

    def _replace(self, name: str, content: str) -> None:
        """In one go: Prometheus may be reading."""
        new = self._folder / f"{name}.new"
        new.write_text(content, encoding="utf-8")
        new.replace(self._folder / name)

    def _start(self, program: str, options: Mapping[str, object]) -> None:
        command = [*_program(program), *(f"--{name}={value}" for name, value in options.items())]
        self._processes.append(Process(command, self._folder / f"{program}.log", {}))


def _program(name: str) -> list[str]:
    """The system's, else what `make ops-demo` has unpacked. RuntimeError where neither is there."""
    if found := shutil.which(name):
        return [found]
    if not (TOOLS / name).exists():
        raise RuntimeError(f"{name} is neither on the PATH nor in {TOOLS.relative_to(ROOT)}: run `make ops-demo`, which brings it")
    if name == "prometheus-alertmanager":
        return [str(ROOT / "deploy/tools/alertmanager.sh"), str(TOOLS)]
    return [str(TOOLS / name)]


def picture(url: str, file: Path) -> str | None:
    """The page as Chromium shows it. Returns why not, where that cannot be."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        return "no Chromium on the PATH (Debian: apt-get install chromium)"
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1500,1700",
               "--virtual-time-budget=10000", f"--screenshot={file}", url]  # fmt: skip
    try:
        subprocess.run(command, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "Chromium did not end within 60 s"
    return None if file.exists() else "Chromium made no picture"


def _answers(url: str) -> bool:
    try:
        return fetch(url)[0] == 200
    except OSError:
        return False


def _server(address: str, came: list[Came]) -> HTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            came.extend(Came(time.monotonic(), alert["labels"]) for alert in body["alerts"] if alert["status"] == "firing")
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """What comes in is kept in `came`."""

    class Server(socketserver.ThreadingMixIn, HTTPServer):
        daemon_threads = True

    host, _, port = address.partition(":")
    server = Server((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, name="webhook", daemon=True).start()
    return server
