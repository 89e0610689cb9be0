"""`python -m practicum_hub`: JupyterHub with our configuration."""

from pathlib import Path

from jupyterhub.app import main

if __name__ == "__main__":
    main(["-f", str(Path(__file__).with_name("jupyterhub_config.py"))])
