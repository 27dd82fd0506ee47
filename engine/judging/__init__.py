"""Outcomes to verdicts: what is ambiguous, degenerate or repeated is rejected with a reason."""
