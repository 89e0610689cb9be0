"""Check a trainee's function or artefact in a process of its own."""
