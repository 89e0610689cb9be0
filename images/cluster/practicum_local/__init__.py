"""Practicum on one Linux machine: toolchain, Kubernetes node, images."""
