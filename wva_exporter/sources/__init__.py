"""Where a cycle's numbers come from: a Prometheus, or our own scrapes; and what becomes of them."""
