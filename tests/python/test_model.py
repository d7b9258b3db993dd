"""smlp.load against the program's own results."""
import copy

import numpy as np
import pytest
import smlp
import torch
from conftest import DATA, settings, smlp_command


def test_logits_are_the_programs_to_the_bit(run, tmp_path):
    smlp_command("eval", run, "--logits", tmp_path / "logits.npy", "--precision", "fp32")
    model = smlp.load(run)
    batches = smlp.Loader(run, part="test")
    with torch.no_grad():
        logits = torch.cat([model(batch.images) for batch in batches])
    assert np.array_equal(logits.numpy(), np.load(tmp_path / "logits.npy"))


def test_preprocess_makes_what_the_loader_gives(run):
    model, data = smlp.load(run), smlp.Dataset(DATA, "test")
    images = torch.from_numpy(data.images[:64].copy())
    assert torch.equal(model.preprocess(images), next(iter(smlp.Loader(run, part="test"))).images)
    with pytest.raises(RuntimeError, match="expected uint8"):
        model.preprocess(images.float())


def test_head_of_features_is_the_model_and_gradients_reach_images_and_weights(run):
    model = smlp.load(run)
    images = torch.randn(4, 3, 32, 32, requires_grad=True)
    features = model.features(images)
    assert features.shape == (4, 32)
    logits = model.head(features)
    assert torch.equal(logits, model(images))
    logits.square().sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_an_optimizer_trains_the_model_itself(run):
    model = smlp.load(run).train()
    assert all(isinstance(p, torch.nn.Parameter) for p in model.parameters())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batch = next(iter(smlp.Loader(run)))
    losses = []
    for _ in range(3):
        loss = batch.loss(model(batch.images))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[1] < losses[0]


def test_state_dicts_carry_the_model(run):
    model, other = smlp.load(run), smlp.load(run)
    x = torch.randn(2, 3, 32, 32)
    before = model(x)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert not torch.equal(other(x), before)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(x), before)
    with pytest.raises(ValueError, match="assign"):
        other.load_state_dict(model.state_dict(), assign=True)


def test_a_tensor_that_the_model_would_not_see_is_refused(run):
    model = smlp.load(run)
    others = {name: torch.zeros_like(parameter) for name, parameter in model.named_parameters()}
    x = torch.randn(2, 3, 32, 32)
    with pytest.raises(RuntimeError, match="copy the values"):
        torch.func.functional_call(model, others, (x,))
    model.linear_out.bias = torch.nn.Parameter(torch.zeros(10))
    with pytest.raises(RuntimeError, match="bias"):
        model(x)


def test_a_module_in_the_place_of_a_layer_is_refused(run):
    model = smlp.load(run)
    for part, name in ((model, "head"), (model, "linear_out"), (model.linear_out, "extra")):
        with pytest.raises(TypeError, match=f"{name} would not be computed with"):
            setattr(part, name, torch.nn.Linear(32, 3))


def test_images_of_another_shape_or_type_are_refused(run):
    model, x = smlp.load(run), torch.randn(2, 3, 32, 32)
    for images in (x.permute(0, 2, 3, 1), x.double(), x[0], torch.randn(2, 3, 64, 64), (x * 9).to(torch.uint8)):
        for call in (model, model.features):
            with pytest.raises(RuntimeError, match=r"the model takes Float \[B, 3, 32, 32\]"):
                call(images)
    with pytest.raises(TypeError, match="found a ndarray"):
        model(x.numpy())


def test_wrappers_of_pytorch_take_the_model(run):
    model, x = smlp.load(run), torch.randn(2, 3, 32, 32)
    assert torch.equal(torch.compile(model, backend="eager")(x), model(x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(x).dtype == torch.bfloat16


def test_a_copy_has_tensors_of_its_own(run):
    model = smlp.load(run)
    x = torch.randn(2, 3, 32, 32)
    before = model(x)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert torch.equal(model(x), before)
    assert list(other.state_dict()) == list(model.state_dict())


def test_conversion_and_running_statistics_stay_the_models(tmp_path):
    smlp_command("train", "--config", "quickstart.yaml",
                 *settings(run__output=tmp_path, run__name="bn", model__norm="batch"))
    model = smlp.load(tmp_path / "bn")
    x = torch.randn(8, 3, 32, 32)
    model.double()
    assert model(x.double()).dtype == torch.float64
    model.float().train()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model(x)
    assert any(not torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())
    model.eval()
    assert torch.equal(copy.deepcopy(model)(x), model(x))


def test_names_are_those_of_the_exported_file(run, tmp_path):
    smlp_command("export", run, "--to", tmp_path / "out")
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(tmp_path / "out/model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
        model = smlp.load(run)
        assert set(file.keys()) == set(model.state_dict())
        assert all(torch.equal(file.get_tensor(name), value) for name, value in model.state_dict().items())


def test_refusals_say_what_was_found(run, tmp_path):
    with pytest.raises(RuntimeError, match="nowhere"):
        smlp.load("nowhere")
    with pytest.raises(TypeError, match="state_dict"):
        torch.save(smlp.load(run), tmp_path / "model.pt")
