"""Routers in front of the engines: the queue that a request can wait in before any engine has seen it.

The endpoint picker of llm-d is renaming its series; both names are exposed for a while, so the new one wins where both are
there. The series has no namespace of its own: ``namespace`` is that of the router's target.
"""

from __future__ import annotations

QUEUE_SIZE = ("llm_d_epp_flow_control_queue_size", "inference_extension_flow_control_queue_size")
"""Requests held in flow control, in order of preference."""

QUEUE_LABELS = ("namespace", "model_name", "target_model_name", "inference_pool")
"""What the queue is summed by; priorities and fairness keys are merged."""
