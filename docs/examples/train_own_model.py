"""Trains a model of one's own on the batches of `smlp train`, and writes a run that `smlp runs` lists.

python train_own_model.py [CONFIG] [EPOCHS]
"""
import sys

import smlp
import torch
from torch import nn

config = sys.argv[1] if len(sys.argv) > 1 else "quickstart.yaml"
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
device = "cuda" if torch.cuda.is_available() else "cpu"
train = smlp.Loader(config, device=device)
test = smlp.Loader(config, part="test", device=device)
model = nn.Sequential(nn.Conv2d(3, 32, 5, stride=2), nn.ReLU(), nn.Conv2d(32, 64, 5, stride=2), nn.ReLU(), nn.Flatten(),
                      nn.LazyLinear(len(train.classes))).to(device)
model(next(iter(test)).images)  # gives the last layer its width
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

with smlp.Run(train) as run:
    for epoch in range(1, epochs + 1):
        for batch in train:
            loss = batch.loss(model(batch.images), label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum((model(batch.images).argmax(1) == batch.labels).sum().item() for batch in test)
        run.log("eval", loss=loss.item(), top1=100 * right / test.images)
        run.save(model)
        print(f"epoch {epoch}  loss {loss.item():.4f}  top1 {100 * right / test.images:.2f}%")
print(run.folder)
