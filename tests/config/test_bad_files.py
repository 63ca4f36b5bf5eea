"""What people write wrong, and the exact lines that they read."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wva_exporter.config.load import parse
from wva_exporter.errors import ConfigError

DURATION = "must be a duration such as 500ms, 15s, 10m or 1h30m"


def findings(text: str, **flags: object) -> list[str]:
    """What is said of a file called ``wva.yaml``."""
    with pytest.raises(ConfigError) as refused:
        parse(text, "wva.yaml", {name.replace("__", "."): value for name, value in flags.items()})
    return list(refused.value.findings)


ONE_FINDING = {
    # the text itself
    "- a\n- b": "wva.yaml:1: the file must hold keys such as 'interval: 15s', not a list",
    "hello": "wva.yaml:1: the file must hold keys such as 'interval: 15s', not a single value",
    "interval: 15s\n  hold: 10m": "wva.yaml:2: not valid YAML: mapping values are not allowed in this context",
    "thresholds:\n\tkv: 0.5": (
        "wva.yaml:2: not valid YAML: found character that cannot start any token; indent with spaces, not tabs"
    ),
    "gpus: {A100: 1": "wva.yaml:1: not valid YAML: did not find expected ',' or '}'",
    "policy: 'wva": "wva.yaml:1: not valid YAML: found unexpected end of stream",
    "hold: 10m\ninterval: 15s\nhold: 20m": "wva.yaml:3: hold: given twice, first on line 1",
    "hold: 10m\n---\nhold: 20m": "wva.yaml:2: only one YAML document is allowed in the file",
    "currency: !include money.yaml": "wva.yaml:1: currency: tags such as !!python or !include are not supported",
    "models: !!python/object/apply:os.system []": (
        "wva.yaml:1: models: tags such as !!python or !include are not supported"
    ),
    "models: *all": "wva.yaml:1: models: the alias *all names no value that ends before it",
    "models: &all [*all]": "wva.yaml:1: models[0]: the alias *all names no value that ends before it",
    "? [a, b]\n: 1": "wva.yaml:1: a key must be plain text",
    "thresholds:\n  <<: 5": "wva.yaml:2: thresholds: '<<' must name mappings",
    "currency: 'a\x00'": "wva.yaml:1: the character U+0000 is not allowed in YAML",
    "gpus: " + "{a: " * 30 + "1" + "}" * 30: "wva.yaml:1: nested deeper than 20 levels",
    # unknown keys
    "interval: 15s\ntreshold: {kv: 0.5}": "wva.yaml:2: unknown key 'treshold'; did you mean 'thresholds'?",
    "costBudgetPerHour: 5": "wva.yaml:1: unknown key 'costBudgetPerHour'; did you mean 'cost_budget_per_hour'?",
    "thresholds: {cpu: 1}": (
        "wva.yaml:1: thresholds: unknown key 'cpu'; known here: kv, queue, kv_spare, queue_spare, scale_up, scale_down"
    ),
    "thresholds: {scale_up: 0.7}": (
        "wva.yaml:1: thresholds.scale_up: 0.7 is not allowed: must be above scale_down, 0.7"
    ),
    "thresholds: {scale_up: 0.6, scale_down: 0.6}": (
        "wva.yaml:1: thresholds.scale_down: 0.6 is not allowed: must be below scale_up, 0.6"
    ),
    "variants:\n- name: a\n  model: m\n  acelerator: A100": (
        "wva.yaml:4: variants[0]: unknown key 'acelerator'; did you mean 'accelerator'?"
    ),
    "treshold:": "wva.yaml:1: unknown key 'treshold'; did you mean 'thresholds'?",
    # durations
    "interval: 15": f"wva.yaml:1: interval: 15 is not allowed: {DURATION}; a number needs its unit: 15s",
    "interval: '15'": f"wva.yaml:1: interval: '15' is not allowed: {DURATION}; a number needs its unit: 15s",
    "hold: 1.5h": f"wva.yaml:1: hold: '1.5h' is not allowed: {DURATION}, with whole numbers only",
    "hold: ten minutes": f"wva.yaml:1: hold: 'ten minutes' is not allowed: {DURATION}",
    "hold: 400y": "wva.yaml:1: hold: '400y' is not allowed: must be shorter than 292 years",
    "max_input_age: 0s": "wva.yaml:1: max_input_age: '0s' is not allowed: must be longer than 0s",
    "interval: 500ms": "wva.yaml:1: interval: '500ms' is not allowed: must be at least 1s",
    "scrape_interval: 999ms": "wva.yaml:1: scrape_interval: '999ms' is not allowed: must be at least 1s",
    "hold: [1m]": f"wva.yaml:1: hold: a list is not allowed: {DURATION}",
    "hold: 59s": "wva.yaml:1: hold: '59s' is not allowed: must be at least 4 x interval, 1m",
    "interval: 5m": ("wva.yaml:1: interval: '5m' is not allowed: hold must be at least 4 x interval, 20m, and is 10m"),
    "window_floor: 29s": "wva.yaml:1: window_floor: '29s' is not allowed: must be at least 2 x scrape_interval, 30s",
    "max_input_age: 20s": "wva.yaml:1: max_input_age: '20s' is not allowed: must be at least 2 x scrape_interval, 30s",
    # numbers
    "max_down_ratio_per_minute: 0": (
        "wva.yaml:1: max_down_ratio_per_minute: 0 is not allowed: must be more than 0 and at most 1"
    ),
    "hpa_tolerance: 1": "wva.yaml:1: hpa_tolerance: 1 is not allowed: must be at least 0 and less than 1",
    "thresholds: {kv: 80%}": (
        "wva.yaml:1: thresholds.kv: '80%' is not allowed: must be a number, more than 0 and at most 1"
    ),
    "thresholds: {kv: .nan}": (
        "wva.yaml:1: thresholds.kv: NaN is not allowed: must be a number, more than 0 and at most 1"
    ),
    "cost_budget_per_hour: .inf": (
        "wva.yaml:1: cost_budget_per_hour: Infinity is not allowed: must be a number, at least 0 and at most 1000000000"
    ),
    "gpus:\n  A100: 2.5": (
        "wva.yaml:2: gpus.A100: 2.5 is not allowed: must be a whole number, at least 0 and at most 1000000"
    ),
    "gpus:\n  A100:": (
        "wva.yaml:2: gpus.A100: an empty value is not allowed: must be a whole number, at least 0 and at most 1000000"
    ),
    "thresholds: {kv: 0.5, kv_spare: 0.6}": (
        "wva.yaml:1: thresholds.kv_spare: 0.6 is not allowed: must be at most kv, 0.5"
    ),
    "thresholds: {queue: 2}": (
        "wva.yaml:1: thresholds.queue: 2 is not allowed: queue_spare must be at most queue, and is 3"
    ),
    "thresholds: {kv: 0.3}\nmodels:\n- name: m\n  thresholds: {kv_spare: 0.4}": (
        "wva.yaml:4: models[0].thresholds.kv_spare: 0.4 is not allowed: must be at most kv, 0.3"
    ),
    # names and choices
    "policy: wva-v9": "wva.yaml:1: policy: 'wva-v9' is not allowed: must be headroom, wva-v1 or wva-v2",
    "compat: strict": "wva.yaml:1: compat: 'strict' is not allowed: must be exact or corrected",
    "learning: ekf": "wva.yaml:1: learning: 'ekf' is not allowed: must be window or kalman",
    "currency: 5": "wva.yaml:1: currency: 5 is not allowed: must be text: put it in quotes",
    "currency: ''": "wva.yaml:1: currency: '' is not allowed: must not be empty",
    "default_namespace: ' llm'": (
        "wva.yaml:1: default_namespace: ' llm' is not allowed: "
        "must be text without spaces around it and without control characters"
    ),
    "thresholds: high": "wva.yaml:1: thresholds: 'high' is not allowed: must be a section of keys",
    "models: {name: m}": "wva.yaml:1: models: a section of keys is not allowed: must be a list",
    "models:\n- slo: {ttft: 1s}": "wva.yaml:2: models[0]: name is required",
    "models:\n- name: m\n  slo: {percentile: 95}": "wva.yaml:3: models[0].slo: ttft or itl must be given",
    "models:\n-": "wva.yaml:2: models[0]: an empty value is not allowed: must be a section of keys",
    "models:\n- name: m\n- name: m": (
        "wva.yaml:3: models[1].name: 'm' is not allowed: models[0] has this name already, in every namespace"
    ),
    "scale_to_zero: {}": "wva.yaml:1: scale_to_zero: retention is required",
    # where the numbers come from
    "prometheus: {url: 'ftp://p'}": (
        "wva.yaml:1: prometheus.url: 'ftp://p' is not allowed: must be a URL that begins with http:// or https://"
    ),
    "prometheus: {url: 'prometheus:9090'}": (
        "wva.yaml:1: prometheus.url: 'prometheus:9090' is not allowed: "
        "must be a URL that begins with http:// or https://"
    ),
    "prometheus: {url: 'http://p:99999'}": (
        "wva.yaml:1: prometheus.url: 'http://p:99999' is not allowed: must be a URL such as http://prometheus:9090"
    ),
    "prometheus: {tls: {cert_file: a.pem}}": (
        "wva.yaml:1: prometheus.tls: cert_file and key_file must be given together"
    ),
    "prometheus: {matchers: {a-b: c}}": (
        "wva.yaml:1: prometheus.matchers: the key 'a-b' is not allowed: must be a label name: letters, digits, _"
    ),
    "prometheus: {url: 'http://p'}\nscrape: {targets: ['a:1']}": (
        "wva.yaml:2: scrape: must not be given beside prometheus"
    ),
    "scrape: {}": "wva.yaml:1: scrape: targets or http_sd_urls must be given",
    "scrape: {targets: [pod]}": (
        "wva.yaml:1: scrape.targets[0]: 'pod' is not allowed: must be host:port, or a URL such as https://host/metrics"
    ),
    "scrape: {targets: 'pod:8000'}": "wva.yaml:1: scrape.targets: 'pod:8000' is not allowed: must be a list",
    "discovery: {manifests: ['']}": "wva.yaml:1: discovery.manifests[0]: '' is not allowed: must be the path of a file",
}


@pytest.mark.parametrize(("text", "finding"), ONE_FINDING.items())
def test_a_mistake_is_told_in_one_line(text: str, finding: str) -> None:
    """File, line, key, value and what is allowed: nothing more and nothing less."""
    assert findings(text) == [finding]


VARIANT_FINDINGS = {
    "max: 0": "max: 0 is not allowed: must be at least 1 (and at least min, 1)",
    "max: 2\n  min: 3": "max: 2 is not allowed: must be at least 1 (and at least min, 3)",
    "max: ten": "max: 'ten' is not allowed: must be a whole number, at least 1 and at most 1000000",
    "min: -1": "min: -1 is not allowed: must be at least 0 and at most 1000000",
    "min: 1.5": "min: 1.5 is not allowed: must be a whole number, at least 0 and at most 1000000",
    "cost: -1": "cost: -1 is not allowed: must be at least 0 and at most 1000000000",
    "cost: true": "cost: true is not allowed: must be a number, at least 0 and at most 1000000000",
    "fixed: 9\n  max: 8": "fixed: 9 is not allowed: must be at most max, 8",
    "fixed: 0": "fixed: 0 is not allowed: must be at least min, 1",
    "pause: yes": "pause: 'yes' is not allowed: must be true or false",
    "role: both sides": "role: 'both sides' is not allowed: must be both or prefill or decode",
    "gpus_per_replica: 0": "gpus_per_replica: 0 is not allowed: must be at least 1 and at most 1000000",
    "accelerator: 4090": "accelerator: 4090 is not allowed: must be text: put it in quotes",
    "selector: {}": "selector: at least one label must be given",
    "selector: {pod: '['}": ("selector.pod: '[' is not allowed: must be a regular expression (RE2): missing ]: ["),
    "selector: {pod: 5}": "selector.pod: 5 is not allowed: must be text: put it in quotes",
    "workload: {kind: Deployment}": "workload: name is required",
}


@pytest.mark.parametrize(("keys", "finding"), VARIANT_FINDINGS.items())
def test_a_mistake_in_a_variant_names_its_place_in_the_list(keys: str, finding: str) -> None:
    """The path leads to the variant, the line to the key."""
    text = f"variants:\n- name: a\n  model: m\n  {keys}"
    assert findings(text) == [f"wva.yaml:4: variants[0].{finding}"]


def test_two_variants_of_one_name_and_namespace_are_refused() -> None:
    """The same name elsewhere is another variant; the default namespace counts as written."""
    text = """
default_namespace: llm
variants:
- {name: a, model: m}
- {name: a, model: m, namespace: other}
- {name: a, model: m, namespace: llm}
"""
    assert findings(text) == [
        "wva.yaml:6: variants[2].name: 'a' is not allowed: variants[0] has this name already, in namespace 'llm'"
    ]


def test_a_model_that_differs_only_by_case_is_refused() -> None:
    """Series know no such model, so the variant would never have data."""
    text = "models:\n- name: Llama\nvariants:\n- name: a\n  model: llama\n- name: b\n  model: Llama"
    assert findings(text) == [
        "wva.yaml:5: variants[0].model: 'llama' is not allowed: models has it as 'Llama': case matters"
    ]


def test_all_findings_come_at_once_in_the_order_of_the_file() -> None:
    """Nobody mends one mistake to be shown the next, whatever kinds they are of."""
    text = """\
interval: 15
treshold: {}
thresholds: {kv: 0.05, queue: -1}
hold: 10m
hold: 10m
scrape: {labels: {a-b: c}}
variants:
- {name: a, model: m, max: 0, cost: x}
- {name: a, model: m, min: 5, max: 3, colour: red}
- nothing
"""
    assert findings(text) == [
        f"wva.yaml:1: interval: 15 is not allowed: {DURATION}; a number needs its unit: 15s",
        "wva.yaml:2: unknown key 'treshold'; did you mean 'thresholds'?",
        "wva.yaml:3: thresholds.queue: -1 is not allowed: must be at least 0 and at most 1000000",
        "wva.yaml:3: thresholds.kv: 0.05 is not allowed: kv_spare must be at most kv, and is 0.1",
        "wva.yaml:5: hold: given twice, first on line 4",
        "wva.yaml:6: scrape.labels: the key 'a-b' is not allowed: must be a label name: letters, digits, _",
        "wva.yaml:6: scrape: targets or http_sd_urls must be given",
        "wva.yaml:8: variants[0].cost: 'x' is not allowed: must be a number, at least 0 and at most 1000000000",
        "wva.yaml:8: variants[0].max: 0 is not allowed: must be at least 1 (and at least min, 1)",
        (
            "wva.yaml:9: variants[1]: unknown key 'colour'; known here: name, namespace, model, accelerator, cost, "
            "gpus_per_replica, min, max, role, selector, workload, pause, fixed"
        ),
        "wva.yaml:9: variants[1].max: 3 is not allowed: must be at least 1 (and at least min, 5)",
        "wva.yaml:9: variants[1].name: 'a' is not allowed: variants[0] has this name already, in namespace 'default'",
        "wva.yaml:10: variants[2]: 'nothing' is not allowed: must be a section of keys",
    ]


def test_findings_beyond_a_hundred_are_counted() -> None:
    """A file of another program does not flood the terminal."""
    lines = findings("\n".join(f"k{number}: 1" for number in range(150)))
    assert len(lines) == 101
    assert lines[-1] == "wva.yaml: and 50 more"


def test_a_bad_flag_is_named_as_a_flag() -> None:
    """What the file says elsewhere is not blamed for it."""
    assert findings("hold: 10m", prometheus__url="p:9090", interval="5m") == [
        "--prometheus.url: 'p:9090' is not allowed: must be a URL that begins with http:// or https://",
        "wva.yaml:1: hold: '10m' is not allowed: must be at least 4 x interval, 20m",
    ]
    assert findings("interval: 15s", interval="5m", scrape__targets=("a:1", "b")) == [
        "--scrape.targets[1]: 'b' is not allowed: must be host:port, or a URL such as https://host/metrics",
        "--interval: '5m' is not allowed: hold must be at least 4 x interval, 20m, and is 10m",
    ]


def test_flags_that_exclude_each_other_are_refused_without_a_file() -> None:
    """There is no line to point at, so the flag is."""
    assert findings("", prometheus__url="http://p", scrape__targets=("a:1",)) == [
        "--scrape.targets: must not be given beside prometheus"
    ]


SECRETS = [
    "prometheus: {url: 'http://user:hunter2@p'}",
    "prometheus: {url: 'http://p?token=hunter2'}",
    "prometheus: 'hunter2'",
    "prometheus: {headers: hunter2}",
    "prometheus: {headers: {Authorization: Bearer hunter2}}",
    "prometheus: {headers: {X-Token: [hunter2]}}",
    'prometheus: {headers: {X-Token: "hunter2\\n"}}',
    "prometheus: {headers: {'Bearer hunter2': }}",
    "prometheus: {basic_auth: 'user:hunter2'}",
    "prometheus: {basic_auth: {username: u, password: hunter2}}",
    "prometheus: {basic_auth: {username: [hunter2], password_file: x}}",
    "prometheus: {bearer_token: hunter2}",
    "prometheus: {bearer_token_file: [hunter2]}",
    "prometheus: {tls: hunter2}",
    "scrape: {targets: ['http://user:hunter2@p/metrics']}",
    "scrape: {http_sd_urls: ['http://user:hunter2@p/metrics']}",
    "scrape: {http_sd_urls: ['ftp://p/?token=hunter2']}",
    "password: hunter2",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_in_a_wrong_place_is_not_repeated(text: str) -> None:
    """Findings end in terminals, logs and tickets."""
    assert "hunter2" not in "\n".join(findings(text))


def test_what_a_regular_expression_is_refused_for_cannot_forge_a_line() -> None:
    """The reason repeats a piece of the pattern, here an escape sequence."""
    (line,) = findings('variants: [{name: a, model: m, selector: {pod: "[\\e-\\a]"}}]')
    assert line.endswith(r"must be a regular expression (RE2): invalid character class range: \x1b-\x07")


@given(st.text())
@example("\x1b[31m\r\nforged line")
def test_a_finding_is_one_printable_line(value: str) -> None:
    """Whatever stands in the file cannot forge a line of a log."""
    for flags in ({"currency": value + "\n"}, {"default_namespace": "\x1b" + value}):
        for line in findings("", **flags):
            assert line.isprintable()
