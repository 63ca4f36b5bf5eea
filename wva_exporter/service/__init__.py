"""The loop around the pure function: cycles, configuration, health."""
