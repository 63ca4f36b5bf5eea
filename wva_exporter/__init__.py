"""How many replicas of which hardware serve an LLM fleet, published as Prometheus series."""

__version__ = "0.1.0"
