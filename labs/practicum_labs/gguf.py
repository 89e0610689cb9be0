"""Quantised weights as a model that can be trained on: done once, when the image is built."""

from pathlib import Path


def from_gguf(file: Path, into: Path) -> None:
    """Save the causal model in ``file`` (GGUF) to ``into``: bfloat16 safetensors, its tokenizer.

    Equal bytes come from equal files, whatever machine does it.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    named = {
        "pretrained_model_name_or_path": file.parent,
        "gguf_file": file.name,
        "local_files_only": True,  # which is saved with the tokenizer
    }
    AutoTokenizer.from_pretrained(**named).save_pretrained(into)
    quantised = AutoModelForCausalLM.from_pretrained(**named, dtype=torch.bfloat16)
    # transformers refuses to save a model that remembers where its weights came from.
    kept = quantised.config.to_dict()
    kept.pop("quantization_config", None)
    model = type(quantised)(type(quantised.config)(**kept)).to(torch.bfloat16)
    model.load_state_dict(quantised.state_dict())
    model.save_pretrained(into)
