"""The portal: cohorts, sandboxes, runs and results."""
