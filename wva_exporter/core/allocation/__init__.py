"""Who gets how many replicas of what, within budgets."""
