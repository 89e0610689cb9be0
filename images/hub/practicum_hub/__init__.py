"""The JupyterHub side: spawner, sign-in and configuration."""
