"""Pure decisions: values and functions without clock, log, environment or I/O."""
