"""Manifests: pure functions from what is wanted to the dict that Kubernetes is given."""
