"""Texts as unit vectors: by their wording, or by a model that knows what words mean."""
