"""Views: what services return and what the API and the pages show. Frozen, without behaviour."""
