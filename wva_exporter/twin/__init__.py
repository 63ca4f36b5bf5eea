"""A fleet of inference engines in numbers: engines, workload, router, Kubernetes' autoscaler. No clock, no I/O."""
