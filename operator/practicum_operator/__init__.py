"""The operator that turns Cohorts and Sandboxes into what runs."""
