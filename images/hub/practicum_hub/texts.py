# ruff: noqa: RUF001
"""What the Hub says to people, in the two languages of the course."""

from dataclasses import dataclass
from html import escape

from practicum_api.reasons import Reason
from practicum_api.sandbox import Stage


@dataclass(frozen=True)
class Text:
    """A sentence in English and Chinese. Pages show the one that the browser asks for."""

    en: str
    zh: str

    def html(self) -> str:
        """Return both, each marked with its language."""
        return (
            f'<span lang="en">{escape(self.en)}</span><span lang="zh-CN">{escape(self.zh)}</span>'
        )

    def __add__(self, other: "Text") -> "Text":
        return Text(f"{self.en} {other.en}", f"{self.zh}{other.zh}")


SEEN = Text("Asked for; waiting for Practicum to take it up.", "已提交请求，等待平台处理。")
STAGES = {
    Stage.QUEUED: Text("Waiting in the queue.", "正在排队。"),
    Stage.SCHEDULING: Text("Looking for a node with room.", "正在寻找有空位的节点。"),
    Stage.PREPARING: Text("Getting the workspace and the image.", "正在准备工作区和镜像。"),
    Stage.STARTING: Text("JupyterLab is starting.", "JupyterLab 正在启动。"),
    Stage.CONNECTING: Text("Connecting the address.", "正在连接访问地址。"),
    Stage.READY: Text("Ready.", "已就绪。"),
}

DEFAULT_SERVER = Text(
    "Servers are started from a lab. Open the portal and choose one.",
    "服务器由实验启动。请打开门户并选择一个实验。",
)
NO_SANDBOX = Text(
    "You have no sandbox of this name. Start a lab in the portal.",
    "你没有这个名称的沙箱。请在门户中启动一个实验。",
)
LEAVING = Text(
    "This sandbox is being deleted. Start the lab again in the portal in a moment.",
    "该沙箱正在删除，请稍后在门户中重新启动实验。",
)
SUSPENDED = Text(
    "This sandbox is suspended. Resume it in the portal.",
    "该沙箱已挂起，请在门户中恢复。",
)
QUEUED = Text(
    "Your sandbox waits in the queue and starts by itself when it is its turn.",
    "你的沙箱正在排队，轮到时会自动启动。",
)
PENDING = Text(
    "Your sandbox can't start yet.",
    "你的沙箱暂时无法启动。",
)
STALLED = Text(
    "Your sandbox could not be started. Use restart in the portal to try again.",
    "你的沙箱未能启动。请在门户中点击“重启”再试一次。",
)
UNSEEN = Text(
    "Practicum's operator does not answer. Your request is kept; try again in a few minutes.",
    "平台的控制程序没有响应。请求已保留，请过几分钟再试。",
)
UNREACHABLE = Text(
    "The cluster can't be reached at the moment. Your files are safe; try again in a minute.",
    "暂时无法连接集群。你的文件是安全的，请一分钟后再试。",
)
NO_TOKEN = Text(
    "Your sandbox is not ready to be connected yet. Try again in a moment.",
    "你的沙箱尚未准备好连接，请稍后再试。",
)
PORTAL = Text("Open the portal", "打开门户")
HOME_TITLE = Text("Your servers", "你的服务器")
HOME_LEAD = Text(
    "Labs are started and resumed in the portal. What runs can be opened or suspended here too.",
    "实验在门户中启动和恢复。正在运行的服务器也可以在此打开或挂起。",
)
SERVER = Text("Server", "服务器")
ACTIONS = Text("Actions", "操作")
SUSPEND = Text("Suspend", "挂起")
FAILED = Text("Your sandbox did not start", "你的沙箱未能启动")
NOT_RUNNING = Text("Your sandbox is not running", "你的沙箱没有在运行")
NOT_RUNNING_LEAD = Text(
    "Your files are kept unless you deleted them. The portal shows its state and starts it.",
    "只要没有删除，你的文件都还在。可以在门户中查看状态并启动。",
)
ERROR = Text("This did not work", "操作未能完成")
SPAWNING = Text("Your sandbox is starting", "你的沙箱正在启动")
SPAWNING_LEAD = Text(
    "This page goes on to JupyterLab by itself. You may also leave it and come back later.",
    "就绪后本页会自动进入 JupyterLab。你也可以先离开，稍后再回来。",
)


@dataclass(frozen=True)
class LoginTexts:
    """What the sign-in page says, in one language."""

    title: str
    name: str
    password: str
    button: str
    wrong: str
    demo: str


LOGIN = {
    "en": LoginTexts(
        title="Sign in",
        name="Name",
        password="Password",  # noqa: S106
        button="Sign in",
        wrong="This name and password do not match. Check both and try again.",
        demo="This is the demo sign-in: its accounts and passwords are public. "
        "Keep nothing here that matters.",
    ),
    "zh-CN": LoginTexts(
        title="登录",
        name="用户名",
        password="密码",  # noqa: S106
        button="登录",
        wrong="用户名或密码不正确，请检查后重试。",
        demo="这是演示登录：账号和密码都是公开的，请勿在此存放重要内容。",
    ),
}


def reason(word: str, message: str) -> Text:
    """Return what stands behind a condition's reason: its message, or the reason's own text."""
    known = next((item.text for item in Reason if item == word), "")
    said = message or known
    return Text(said, said)
