"""Tokens: how many of them a replica can hold, how many are asked for (WVA's second analyzer)."""
