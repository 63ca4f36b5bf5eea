"""The Prometheus that other tests stand on is itself real, fresh and gone afterwards."""

from collections.abc import Callable

from real_prometheus import RealPrometheus


def test_a_started_prometheus_answers_a_query(prometheus: Callable[..., RealPrometheus]) -> None:
    """Ready means that instant queries are answered."""
    assert prometheus().query("vector(1)", time=0)[0]["value"] == [0, "1"]


def test_it_scrapes_what_its_configuration_names(prometheus: Callable[..., RealPrometheus], free_port: int) -> None:
    """A target where nobody listens is soon known to be down."""
    target = f"127.0.0.1:{free_port}"
    config = f"""
global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
scrape_configs: [{{job_name: nobody, static_configs: [{{targets: ['{target}']}}]}}]
"""
    rows = prometheus(config).wait_for("up == 0")
    assert rows[0]["metric"]["instance"] == target


def test_two_of_them_do_not_meet(prometheus: Callable[..., RealPrometheus]) -> None:
    """Each has its own port and folder, and a killed one is gone."""
    first, second = prometheus(), prometheus()
    assert first.url != second.url
    assert first.folder != second.folder
    first.kill()
    assert first.process.poll() is not None
    assert second.query("vector(2)")
