from pathlib import Path

from practicum_local import demo, walk
from practicum_local.release import Cluster


def test_the_main_job_from_sign_in_to_nothing_left(
    cluster: Cluster, addresses: demo.Addresses, screenshots: Path
) -> None:
    walk.main_job(cluster, addresses, screenshots)
    assert walk.left_over(cluster, f"{walk.TRAINEE}--") == []
