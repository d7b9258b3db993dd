#!/usr/bin/env python3
"""Writes tests/golden/models/: models, optimisers and losses as plain PyTorch and lion-pytorch compute them.

    python scripts/make_golden_models.py

needs torch 2.11, lion-pytorch, schedulefree and safetensors.
  models.safetensors      per variant: inputs, tensors, logits, gradients, bytes autograd saves per image;
                          metadata: variant -> its config
  muon.safetensors        two matrices before and after a hundred steps of torch.optim.Muon
  schedule_free.safetensors  the same by schedulefree.AdamWScheduleFree, with its weights z
  optimizers.safetensors  per optimiser: initial values, gradients of each step, values after each step
  losses.safetensors      cross entropy with label smoothing and two targets: values and gradients
"""
import pathlib

import torch
from lion_pytorch import Lion
from safetensors.torch import save_file
from schedulefree import AdamWScheduleFree
from torch import nn
from torch.nn import functional as F

FOLDER = pathlib.Path(__file__).parent.parent / "tests/golden/models"
SIZE, CLASSES, BATCH = 2, 5, 6
NORMS = {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d, "none": lambda width: nn.Identity()}
ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU}


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        widths = [c["width"], c["expansion"] * c["width"], c["width"]] if c["bottleneck"] else [c["width"]] * (c["layers_per_block"] + 1)
        layers = []
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Linear(a, b), ACTIVATIONS[c["activation"]]()]
        self.block = nn.Sequential(*(layers[:-1] if c["bottleneck"] else layers))

    def forward(self, z):
        return self.block(z)


class BMlp(nn.Module):
    """The published code's BottleneckMLP, with the ablations' switches."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.linear_in = nn.Linear(3 * SIZE * SIZE, c["width"])
        self.linear_out = nn.Linear(c["width"], CLASSES)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c["depth"]))
        self.layernorms = nn.ModuleList(NORMS[c["norm"]](c["width"]) for _ in range(c["depth"]))

    def forward(self, x):
        z = self.linear_in(x.flatten(1))
        for block, norm in zip(self.blocks, self.layernorms):
            pre = self.c["norm_position"] == "pre"
            out = block(norm(z) if pre else z)
            if self.c["skip"]:
                out = z + out
            z = out if pre else norm(out)
        return self.linear_out(z)


class SMlp(nn.Module):
    """The published code's StandardMLP, and the text's order of a block."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.linear_in = nn.Linear(3 * SIZE * SIZE, c["width"])
        self.linear_out = nn.Linear(c["width"], CLASSES)
        self.layers = nn.ModuleList(nn.Linear(c["width"], c["width"]) for _ in range(c["depth"] - 1))
        self.layernorms = nn.ModuleList(NORMS[c["norm"]](c["width"]) for _ in range(c["depth"] - 1))
        self.act = ACTIVATIONS[c["activation"]]()

    def forward(self, x):
        z = self.linear_in(x.flatten(1))
        for layer, norm in zip(self.layers, self.layernorms):
            z = layer(self.act(norm(z))) if self.c["block_order"] == "norm_act_linear" else self.act(layer(norm(z)))
        return self.linear_out(z)


B = dict(name="b_mlp", depth=2, width=8, expansion=2, norm="layer", norm_position="pre", activation="gelu", skip=True, bottleneck=True, layers_per_block=2)
S = dict(name="s_mlp", depth=3, width=8, norm="layer", activation="gelu", block_order="norm_act_linear")
VARIANTS = {
    "b": B | dict(expansion=4),
    "b_relu_batch": B | dict(activation="relu", norm="batch"),
    "b_no_norm_no_skip": B | dict(norm="none", skip=False),
    "b_post": B | dict(norm_position="post"),
    "b_post_batch_no_skip": B | dict(norm_position="post", norm="batch", skip=False),
    "b_layers": B | dict(bottleneck=False, layers_per_block=3, width=6),
    "b_layers_relu": B | dict(bottleneck=False, layers_per_block=1, activation="relu"),
    "s": S,
    "s_text": S | dict(activation="relu", block_order="norm_linear_act"),
    "s_batch": S | dict(norm="batch", activation="relu"),
    "s_no_norm": S | dict(norm="none", block_order="norm_linear_act"),
}


def saved_bytes_per_image(model, images):
    """Distinct tensors with a row for each image that autograd keeps, parameters left out."""
    saved = {}
    parameters = {p.data_ptr() for p in model.parameters()}

    def pack(tensor):
        if tensor.data_ptr() not in parameters and tensor.shape[0] == BATCH:
            saved[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        kept = model(images)
    del kept
    return sum(saved.values()) // BATCH


def make_models():
    tensors, configs = {}, {}
    for name, c in VARIANTS.items():
        torch.manual_seed(0)
        model = (BMlp if c["name"] == "b_mlp" else SMlp)(c)
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn_like(p) * 0.5)
        images, weights = torch.randn(BATCH, 3, SIZE, SIZE), torch.randn(BATCH, CLASSES)
        put = lambda key, value: tensors.__setitem__(f"{name}/{key}", value.detach().clone().contiguous())
        for key, value in model.state_dict().items():
            put("before/" + key, value)
        logits = model(images)
        (logits * weights).sum().backward()
        put("images", images), put("weights", weights), put("logits", logits)
        for key, p in model.named_parameters():
            put("grad/" + key, p.grad)
        for key, b in model.named_buffers():
            put("after/" + key, b)
        model.eval()
        put("eval_logits", model(images))
        model.train()
        put("saved_bytes", torch.tensor(saved_bytes_per_image(model, images)))
        configs[name] = "{" + ", ".join(f"{k}: {str(v).lower()}" for k, v in c.items()) + "}"
    save_file(tensors, FOLDER / "models.safetensors", metadata=configs)


OPTIMIZERS = {
    "lion": (lambda p, lr: Lion(p, lr=lr, betas=(0.9, 0.99), weight_decay=0.1), dict(name="lion", lr=0.01, weight_decay=0.1)),
    "sgd": (lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9, weight_decay=0.1), dict(name="sgd", lr=0.05, weight_decay=0.1)),
    "nesterov": (lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.8, nesterov=True), dict(name="sgd", lr=0.05, momentum=0.8, nesterov="true")),
    "plain_sgd": (lambda p, lr: torch.optim.SGD(p, lr=lr), dict(name="sgd", lr=0.05, momentum=0)),
    "adamw": (lambda p, lr: torch.optim.AdamW(p, lr=lr, weight_decay=0.1), dict(name="adamw", lr=0.01, weight_decay=0.1)),
}


def make_optimizers():
    """Six steps whose gradients are clipped to 1.0 together; the learning rate is multiplied by 1, 0.9, 0.8, …"""
    tensors, configs = {}, {}
    for name, (make, c) in OPTIMIZERS.items():
        torch.manual_seed(1)
        a, b = nn.Parameter(torch.randn(7, 5)), nn.Parameter(torch.randn(13))
        optimizer = make([a, b], c["lr"])
        tensors[f"{name}/a"], tensors[f"{name}/b"] = a.detach().clone(), b.detach().clone()
        for step in range(6):
            for group in optimizer.param_groups:
                group["lr"] = c["lr"] * (1 - 0.1 * step)
            a.grad, b.grad = torch.randn(7, 5) * 0.3 * (step + 0.2), torch.randn(13) * 0.1
            tensors[f"{name}/{step}/a.grad"], tensors[f"{name}/{step}/b.grad"] = a.grad.clone(), b.grad.clone()
            tensors[f"{name}/{step}/norm"] = nn.utils.clip_grad_norm_([a, b], 1.0)
            optimizer.step()
            tensors[f"{name}/{step}/a"], tensors[f"{name}/{step}/b"] = a.detach().clone(), b.detach().clone()
        for key, value in optimizer.state[a].items():
            if value is not None:
                tensors[f"{name}/state/{key}"] = value.clone()
        configs[name] = "{" + ", ".join(f"{k}: {v}" for k, v in c.items()) + "}"
    save_file(tensors, FOLDER / "optimizers.safetensors", metadata=configs)


MUON = {
    "muon": dict(weight_decay=0.1),
    "muon_original": dict(lr=0.004, adjust_lr_fn="original", nesterov=False, momentum=0.9),
}


def make_muon():
    """A hundred steps of two linear layers' squared error by torch.optim.Muon: where they begin, and where they end."""
    torch.manual_seed(5)
    x, y = torch.randn(64, 12), torch.randn(64, 20)
    start = {"tall": torch.randn(24, 12) * 0.3, "wide": torch.randn(20, 24) * 0.3}
    tensors = {"x": x, "y": y, **start}
    for name, c in MUON.items():
        p = {key: nn.Parameter(value.clone()) for key, value in start.items()}
        optimizer = torch.optim.Muon(p.values(), **{"lr": 1e-2, "weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw", **c})
        for _ in range(100):
            optimizer.zero_grad()
            (x @ p["tall"].T @ p["wide"].T - y).square().mean().backward()
            optimizer.step()
        for key, value in p.items():
            tensors[f"{name}/{key}"] = value.detach()
            tensors[f"{name}/state/{key}"] = optimizer.state[value]["momentum_buffer"]
    configs = {name: "{" + ", ".join(f"{k}: {str(v).lower()}" for k, v in {"name": "muon", "lr": 1e-2, **c}.items()) + "}" for name, c in MUON.items()}
    save_file(tensors, FOLDER / "muon.safetensors", metadata=configs)


def make_schedule_free():
    torch.manual_seed(6)
    x, y = torch.randn(64, 12), torch.randn(64, 20)
    start = {"tall": torch.randn(24, 12) * 0.3, "wide": torch.randn(20, 24) * 0.3}
    tensors = {"x": x, "y": y, **start}
    p = {key: nn.Parameter(value.clone()) for key, value in start.items()}
    optimizer = AdamWScheduleFree(p.values(), lr=1e-2, betas=(0.95, 0.99), weight_decay=0.1, warmup_steps=10, foreach=False)
    optimizer.train()
    for step in range(100):
        optimizer.zero_grad()
        loss = (x @ p["tall"].T @ p["wide"].T - y).square().mean()
        loss.backward()
        optimizer.step()
    tensors["loss"] = loss.detach()
    optimizer.eval()
    for key, value in p.items():
        tensors[f"end/{key}"] = value.detach()
        tensors[f"state/{key}"] = optimizer.state[value]["z"]
    save_file(tensors, FOLDER / "schedule_free.safetensors", metadata={"schedule_free": "{name: schedule_free, lr: 0.01, betas: [0.95, 0.99], weight_decay: 0.1}"})


def make_losses():
    torch.manual_seed(2)
    logits, labels, partners, lam = torch.randn(7, 9) * 3, torch.randint(9, (7,)), torch.randint(9, (7,)), torch.tensor(0.3)
    partners[0] = labels[0]
    tensors = dict(logits=logits, labels=labels, partners=partners, **{"lambda": lam})
    for smoothing in (0.0, 0.3):
        x = logits.clone().requires_grad_()
        one, two = (F.cross_entropy(x, y, label_smoothing=smoothing) for y in (labels, partners))
        for key, loss in (("one", one), ("mixed", lam * one + (1 - lam) * two)):
            tensors[f"{key}/{smoothing}/loss"] = loss.detach()
            tensors[f"{key}/{smoothing}/grad"] = torch.autograd.grad(loss, x, retain_graph=True)[0]
    save_file(tensors, FOLDER / "losses.safetensors")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    make_models(), make_optimizers(), make_muon(), make_schedule_free(), make_losses()
