# ruff: noqa: RUF001 - Chinese punctuation
"""What a trainee is told when the workspace is not as it should be."""

from practicum_sandbox.workspace import Problem

NOTICE = "PRACTICUM_NOTICE"
"""Carries the notice of this start to the page, inside one process."""

_TEXTS = {
    Problem.FULL: (
        "Your workspace is full: new work can't be saved. Delete files you no longer need "
        "(checkpoints are large), then restart the sandbox from the portal.",
        "您的工作区已满，新的内容将无法保存。请删除不再需要的文件（检查点通常很大），然后在门户中重启沙箱。",
    ),
    Problem.READ_ONLY: (
        "Your workspace can't be written to, so nothing you change here will be kept. "
        "Tell your instructor.",
        "您的工作区不可写，这里的任何修改都不会保留。请告知讲师。",
    ),
    Problem.NO_CONTENT: (
        "This lab's files are missing from the sandbox image. Tell your instructor.",
        "沙箱镜像中缺少本实验的文件。请告知讲师。",
    ),
    Problem.OTHER: (
        "Your workspace could not be made ready; some of the lab's files may be missing. "
        "Your own files are untouched. Tell your instructor.",
        "工作区未能准备就绪，实验文件可能不完整。您自己的文件没有改动。请告知讲师。",
    ),
}


def notice(problem: Problem, language: str) -> str:
    """The text for `problem`: Chinese for `zh…`, both for no language, else English."""
    english, chinese = _TEXTS[problem]
    if language.startswith("zh"):
        return chinese
    return english if language else f"{english}\n\n{chinese}"
