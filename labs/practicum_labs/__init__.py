"""What a lab notebook imports: runs, data, metrics, checks."""
