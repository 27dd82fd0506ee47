"""Ouroboros-Spatial: closes the loop between a spatial dataset and the model trained on it.

Imports nothing heavy, so that ``ouroboros --help`` answers at once.
"""

__version__ = "0.1.0"
