"""Who the variants are: what operators declared, what manifests say, and what the data themselves tell."""
