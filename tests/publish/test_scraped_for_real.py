"""A real Prometheus scrapes the server: over TLS, with a login, compressed, as OpenMetrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from publish.plans import CHEAP, plan_of
from publish.serving import serving
from publish.web_files import hashed, web_files
from real_prometheus import RealPrometheus

JOB = """\
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: wva
    honor_labels: true
    scheme: https
    tls_config: {{ca_file: {ca}}}
    basic_auth: {{username: prometheus, password: secret}}
    static_configs: [{{targets: ["{target}"]}}]
"""


async def test_prometheus_stores_what_is_published(prometheus: Callable[..., RealPrometheus], tmp_path: Path) -> None:
    """The target arrives under its own namespace label, and nothing of the page is dropped."""
    files = web_files(tmp_path)
    config = files.write(
        "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
        f"basic_auth_users: {{prometheus: {hashed('secret')}}}\n"
    )
    async with serving(plan_of(CHEAP), web_config_file=config) as it:
        target = it.server.urls[0].removeprefix("https://")
        job = JOB.format(ca=files.folder / "ca.pem", target=target)
        real = await asyncio.to_thread(prometheus, job)
        [series] = await asyncio.to_thread(real.wait_for, "wva_desired_replicas")
        assert series["metric"] == {
            "__name__": "wva_desired_replicas",
            "job": "wva",
            "instance": target,
            "variant_name": "llama-a100",
            "namespace": "llm",
            "accelerator_type": "A100",
        }
        assert series["value"][1] == "3"
        [up] = await asyncio.to_thread(real.query, "up")
        assert up["value"][1] == "1"
        [kept] = await asyncio.to_thread(real.query, 'count({variant_name="llama-a100"})')
        assert kept["value"][1] == "31"
