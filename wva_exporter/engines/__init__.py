"""What engines, routers and kube-state-metrics expose: tables of data, and the one place where PromQL is written."""
