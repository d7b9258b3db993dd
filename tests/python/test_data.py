"""smlp.Loader and smlp.Dataset against the program's own results."""
import json
import pickle

import numpy as np
import pytest
import smlp
import torch
from conftest import DATA, SMALL, settings, smlp_command

STREAM = {**SMALL, "augment.crop": {"scale": [0.5, 1.0]}, "augment.mixup": 0.8}


def same(a, b):
    return all(x is y is None or torch.equal(x, y) for x, y in zip(a, b))


def test_the_batches_are_those_the_program_trains_on(run, tmp_path):
    """At a rate of almost nothing every step's loss is that of the initial weights on its batch: crops, flips, MixUp,
    order and epoch borders all show in it."""
    smlp_command("train", "--config", "quickstart.yaml",
                 *settings(run__output=tmp_path, run__name="still", init__from=run, optim__lr="1e-30",
                           augment__crop="{scale: [0.5, 1.0]}", augment__mixup=0.8))
    losses = smlp.metrics(tmp_path / "still")["train"]["loss"]
    model = smlp.load(run)
    loader = smlp.Loader("quickstart.yaml", STREAM)
    with torch.no_grad():
        ours = [batch.loss(model(batch.images), 0.1).item() for _ in range(loader.epochs) for batch in loader]
    assert len(ours) == len(losses) == 7  # 200 images an epoch, batches of 64
    np.testing.assert_allclose(ours, losses, rtol=1e-6)


def test_one_for_is_one_epoch_and_the_state_goes_on_where_it_was():
    loader = smlp.Loader("quickstart.yaml", STREAM)
    assert len(loader) == 4
    straight = [batch for _ in range(2) for batch in loader]
    assert len(straight) == 7 and loader.step == 7
    assert straight[0].images.shape == (64, 3, 32, 32) and straight[0].labels.dtype == torch.int64

    first = smlp.Loader("quickstart.yaml", STREAM)
    for batch in first:
        if first.step == 2:
            break
    assert len(first) == 2
    state = json.loads(json.dumps(first.state_dict()))
    second = smlp.Loader("quickstart.yaml", STREAM)
    second.load_state_dict(state)
    rest = [*second, *second]
    assert len(rest) == 5 and all(map(same, rest, straight[2:]))
    for other in ({"train.batch_size": 32}, {"run.seed": 1}, {"data.per_class": 10}):
        with pytest.raises(ValueError, match="another stream"):
            smlp.Loader("quickstart.yaml", {**STREAM, **other}).load_state_dict(state)


def test_neither_workers_nor_held_batches_change_what_comes():
    kept = list(smlp.Loader("quickstart.yaml", {**STREAM, "data.workers": 3}))
    assert all(map(same, kept, smlp.Loader("quickstart.yaml", {**STREAM, "data.workers": 0})))


def test_ranks_share_every_batch():
    whole = next(iter(smlp.Loader("quickstart.yaml", STREAM)))
    parts = [next(iter(smlp.Loader("quickstart.yaml", STREAM, rank=rank, world=2))) for rank in range(2)]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
    assert torch.equal(torch.cat([part.partners for part in parts]), whole.partners)
    with pytest.raises(RuntimeError, match="cannot be dealt to 3 ranks"):
        smlp.Loader("quickstart.yaml", STREAM, rank=0, world=3)


def test_the_loss_is_torchs_own_on_mixed_targets():
    batch = next(iter(smlp.Loader("quickstart.yaml", STREAM)))
    logits = torch.randn(64, 10, requires_grad=True)
    hot = torch.nn.functional.one_hot
    targets = batch.share * hot(batch.labels, 10) + (1 - batch.share) * hot(batch.partners, 10)
    expected = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=0.1)
    ours = batch.loss(logits, 0.1)
    torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(torch.autograd.grad(ours, logits), torch.autograd.grad(expected, logits))


def test_parts_are_whole_images_again_and_again():
    loader = smlp.Loader("quickstart.yaml", {**SMALL, "data.holdout": 0.1}, part="holdout")
    assert sum(len(batch.labels) for batch in loader) == sum(len(batch.labels) for batch in loader) == loader.images
    assert next(iter(loader)).partners is None
    with pytest.raises(RuntimeError, match="data.holdout"):
        smlp.Loader("quickstart.yaml", SMALL, part="holdout")
    with pytest.raises(RuntimeError, match="there are train, holdout and test"):
        smlp.Loader("quickstart.yaml", SMALL, part="val")
    with pytest.raises(ValueError, match="meta"):
        smlp.Loader("quickstart.yaml", SMALL, device="meta")


def test_a_data_set_takes_the_defaults_and_a_run_its_own(run):
    loader = smlp.Loader(DATA, {"data.image_size": 32, "train.batch_size": 16})
    assert (loader.image_size, loader.batch_size, len(loader.classes)) == (32, 16, 10)
    assert smlp.Loader(run).batch_size == 64
    with pytest.raises(RuntimeError, match="nowhere"):
        smlp.Loader("nowhere")
    with pytest.raises(RuntimeError, match="did you mean 'train.batch_size'"):
        smlp.Loader(DATA, {"train.batchsize": 16})


def test_a_packed_set_is_mapped_arrays():
    data, raw = smlp.Dataset(DATA, "test"), DATA.parent / "raw/test"
    assert np.array_equal(data.images, np.load(raw / "images.npy"))
    assert np.array_equal(data.labels, np.load(raw / "labels.npy"))
    assert len(data) == 100 and data[13][1] == 3 and len(data.classes) == 10
    kept, last = data.images, int(data.images[99, 31, 31, 2])
    del data
    assert kept[99, 31, 31, 2] == last
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 0


def test_splits_are_named_and_several_images_taken_at_once():
    for split in ("trian", "Train", "val", ""):
        with pytest.raises(RuntimeError, match="there are train and test"):
            smlp.Dataset(DATA, split)
    data = smlp.Dataset(DATA)
    images, labels = data[10:13]
    assert images.shape == (3, 32, 32, 3) and labels.tolist() == [0, 1, 2]
    assert data[np.array([3, 5])][1].tolist() == [3, 5] and data[-1][1] == 9


def test_what_cannot_be_meant_is_refused():
    loader = smlp.Loader("quickstart.yaml", {**SMALL, "optim.lr": np.float32(0.5), "augment.mixup": torch.tensor(0.25),
                                             "data.mean": np.full(3, 0.5), "data.std": np.ones(3)})
    assert loader.mean == [0.5, 0.5, 0.5] and "mixup: 0.25" in loader.config
    assert "lr: 0.5" in loader.config
    with pytest.raises(TypeError, match="optim.lr is <object"):
        smlp.Loader("quickstart.yaml", {"optim.lr": object()})
    with pytest.raises(ValueError, match="it has no batch_size"):
        loader.load_state_dict({"step": 3})
    with pytest.raises(RuntimeError, match="ranks of N processes are 0 to N - 1"):
        smlp.Loader("quickstart.yaml", SMALL, rank=2, world=2)
    batch = next(iter(loader))
    with pytest.raises(RuntimeError, match="label_smoothing is 7"):
        batch.loss(torch.zeros(64, 10), label_smoothing=7)


def test_steps_are_those_of_all_epochs():
    loader = smlp.Loader("quickstart.yaml", {**SMALL, "train.epochs": 3})  # batches of 64 of 200 images
    assert loader.steps == 10 == sum(len(list(loader)) for _ in range(loader.epochs))


def test_a_data_set_goes_to_workers_without_its_pixels():
    data = smlp.Dataset(DATA)
    sent = pickle.dumps(data)
    assert len(sent) < 1000 and np.array_equal(pickle.loads(sent).images, data.images)
    batches = torch.utils.data.DataLoader(data, batch_size=50, num_workers=1, multiprocessing_context="fork")
    assert torch.equal(torch.cat([labels for _, labels in batches]), torch.from_numpy(data.labels))
