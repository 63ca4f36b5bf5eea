"""Policy ``headroom``, part by part: who arrives, what requests weigh, what a replica carries, how many that needs."""
