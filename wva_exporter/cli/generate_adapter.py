"""``wva-exporter generate adapter``: the rule for prometheus-adapter, for its chart and for its own file."""

from __future__ import annotations

import argparse

from wva_exporter.artefacts.adapter import external_rule
from wva_exporter.cli import FINE
from wva_exporter.cli.generate_actuators import SERIES, add_reading
from wva_exporter.cli.output import add_output, as_yaml, write
from wva_exporter.conventions import PROGRAM
from wva_exporter.engines.desired import adapter_query, present_series


def add_arguments(parser: argparse.ArgumentParser, target: str) -> None:
    """What is read; the rule serves every variant, so nobody has to say who they are."""
    del target
    add_output(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the rule in its two forms."""
    label = arguments.namespace_label
    series = SERIES[arguments.series]
    rule = external_rule(
        series=series, present=present_series(series, label), query=adapter_query(label), namespace_label=label
    )
    made = f"Made by {PROGRAM} generate adapter"
    write(
        arguments.output,
        {
            "prometheus-adapter-values.yaml": as_yaml(
                f"{made}: values of the chart prometheus-adapter.", {"rules": {"external": [rule]}}
            ),
            "prometheus-adapter-config.yaml": as_yaml(
                f"{made}: part of the file of the flag --config.", {"externalRules": [rule]}
            ),
        },
    )
    return FINE
