"""Which accelerator each server runs on, and with how many replicas: the system solve of Inferno, the ancestor of WVA."""
