"""Solvers: the model that is trained, and the confidences it yields."""
