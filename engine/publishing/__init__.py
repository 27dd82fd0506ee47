"""Samples to shards that trainers load."""
