"""How many tokens a second a variant can make: the latency of a step as a line in the share of KV cache in use."""
