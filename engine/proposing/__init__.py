"""Proposers write questions with programs; parsing turns their replies into proposals."""
