"""Scene facts and geometry: catalog, exact box distances, pictures, visibility."""
