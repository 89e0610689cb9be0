import torch
from peft import LoraConfig, get_peft_model, inject_adapter_in_model
from torch import nn

LAYERS = ["query", "key", "value", "dense"]


def alternative_pattern(encoder, rank):
    pattern = r".*\.(query|key|value|dense)"
    return get_peft_model(encoder, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=pattern))


def alternative_injected(encoder, rank):
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=LAYERS, lora_dropout=0.05)
    return inject_adapter_in_model(config, encoder)


class _Adapted(nn.Module):
    def __init__(self, layer, rank):
        super().__init__()
        self.layer, self.scale = layer, 2.0
        self.a = nn.Parameter(torch.randn(rank, layer.in_features) / layer.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x):
        return self.layer(x) + self.scale * (x @ self.a.T @ self.b.T)


def alternative_by_hand(encoder, rank):
    encoder.requires_grad_(False)
    for block in encoder.encoder.layer:
        for module in list(block.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(module, name, _Adapted(child, rank))
    return encoder


def mutant_base_trainable__unfrozen_again(encoder, rank):
    model = get_peft_model(encoder, LoraConfig(r=rank, target_modules=LAYERS))
    model.requires_grad_(True)
    return model


def mutant_base_trainable__biases_too(encoder, rank):
    return get_peft_model(encoder, LoraConfig(r=rank, target_modules=LAYERS, bias="all"))


def mutant_rank__always_eight(encoder, rank):
    return get_peft_model(encoder, LoraConfig(r=8, lora_alpha=16, target_modules=LAYERS))


def mutant_where__attention_only(encoder, rank):
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["query", "value"])
    return get_peft_model(encoder, config)


def mutant_changes_start__random_b(encoder, rank):
    config = LoraConfig(r=rank, target_modules=LAYERS, init_lora_weights=False)
    return get_peft_model(encoder, config)


def mutant_nothing_learns__frozen_too(encoder, rank):
    model = get_peft_model(encoder, LoraConfig(r=rank, target_modules=LAYERS))
    model.requires_grad_(False)
    return model


def mutant_module__returns_the_config(encoder, rank):
    return LoraConfig(r=rank, target_modules=LAYERS)


class _Dead(_Adapted):
    def __init__(self, layer, rank):
        super().__init__(layer, rank)
        nn.init.zeros_(self.a)


def mutant_no_gradient__both_zero(encoder, rank):
    encoder.requires_grad_(False)
    for block in encoder.encoder.layer:
        for module in list(block.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(module, name, _Dead(child, rank))
    return encoder
