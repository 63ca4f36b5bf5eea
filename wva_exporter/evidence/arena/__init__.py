"""The arena: contenders in closed loop over scenarios and seeds, scored against each other and against what is possible."""
