"""Routers in front of the engines: the queue that a request can wait in before any engine has seen it, and what arrives.

Read in the endpoint picker of llm-d, ``docs/metrics.md`` (commit 02d6c2ee, 2026, which lists the names that are gone) and
``pkg/epp/metrics`` (commits b64f44e1 and 04706996, when ``llm_d_router_epp_`` was new). It renamed its series twice, from
``inference_extension_`` and ``inference_objective_`` to ``llm_d_router_epp_`` and on to ``llm_d_epp_``, and exposed old and
new names together for a while, so the newest wins where several are there. The series have no namespace of their own:
``namespace`` is that of the router's target. They appear with the first request of a model and, in flow control, go with its
last.

What is offered is not what is dispatched: under overload the dispatch rate is what engines can serve. A request counts when
it leaves the queue, by whatever outcome; so what arrives is what leaves plus what the queue grows by. Without flow control
nothing waits here and requests are counted as they pass.
"""

from __future__ import annotations

PREFIXES = ("llm_d_epp", "llm_d_router_epp", "inference_extension")
"""In order of preference."""

QUEUE_SIZE = tuple(f"{prefix}_flow_control_queue_size" for prefix in PREFIXES)
"""Requests held in flow control."""

LEFT = tuple(f"{prefix}_flow_control_request_queue_duration_seconds_count" for prefix in PREFIXES)
"""Requests that left flow control, in the order of ``QUEUE_SIZE``; ``outcome`` says how."""

PASSED = ("llm_d_epp_request_total", "llm_d_router_epp_request_total", "inference_objective_request_total")
"""Requests that were given to an engine."""

DISPATCHED = "Dispatched"
"""The outcome of a request that an engine gets; every other one is a request refused or given up."""

QUEUE_LABELS = ("namespace", "model_name", "target_model_name", "inference_pool")
"""What the queue is summed by; priorities and fairness keys are merged."""

MODEL_LABELS = ("namespace", "model_name", "target_model_name")
"""What requests are summed by: without flow control nothing names their pool."""

OUTCOME_LABEL = "outcome"
