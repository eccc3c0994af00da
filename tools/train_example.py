#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train the embedded example, a small CNN on Fashion-MNIST, and export it as ONNX.

    tools/train_example.py [--data DIR] [--out DIR] [--epochs N] [--seed N]

DIR of --data holds the four IDX files (gzip), as Debian's package
dataset-fashion-mnist installs them; only the training images are learned from,
the 10,000 test images are looked at once, at the end. The script writes
model.onnx and README.md (the data sheet) into --out.

The network has what the tool should be able to handle: plain, strided, depthwise
and 1x1 convolutions, BatchNormalization left unfolded, residual additions, max
pooling, global average pooling and a Gemm. Runs are repeatable on one machine
and one version of PyTorch (fixed seed, deterministic kernels).
"""
import argparse
import copy
import datetime
import gzip
import math
import os
import pathlib
import struct
import sys
import time

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
           "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
MEAN, STD = 0.2860, 0.3530  # of the 60,000 training images scaled to 0..1


def read_idx(path):
    """An IDX file of unsigned bytes as an array."""
    with gzip.open(path, "rb") as file:
        zero, kind, rank = struct.unpack(">HBB", file.read(4))
        if zero != 0 or kind != 8:
            raise SystemExit(f"{path}: not an IDX file of unsigned bytes")
        shape = struct.unpack(f">{rank}I", file.read(4 * rank))
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def conv(inputs, outputs, size, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs))


class Basic(nn.Module):
    """Two 3x3 convolutions and the identity (or a strided 1x1 projection)."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.first = conv(inputs, outputs, 3, stride)
        self.second = conv(outputs, outputs, 3)
        self.skip = nn.Identity() if inputs == outputs and stride == 1 \
            else conv(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


class Separable(nn.Module):
    """Depthwise 3x3 and pointwise 1x1, with a residual where the shape allows."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.depthwise = conv(inputs, inputs, 3, groups=inputs)
        self.pointwise = conv(inputs, outputs, 1)
        self.residual = inputs == outputs

    def forward(self, x):
        y = self.pointwise(F.relu(self.depthwise(x)))
        return F.relu(y + x) if self.residual else F.relu(y)


class ExampleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv(1, 32, 3)
        self.stage1 = Basic(32, 32)
        self.pool = nn.MaxPool2d(2)
        self.stage2 = Basic(32, 64)
        self.stage3 = nn.Sequential(Basic(64, 80, 2), Separable(80, 128), Separable(128, 128))
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = self.pool(self.stage1(x))
        x = self.stage3(self.stage2(x))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.head(x)


def augment(images, generator):
    """Shift by up to two pixels, mirror, and blank one square, image by image."""
    count, device = images.shape[0], images.device

    def integers(low, high):
        return torch.randint(low, high, (count, 1), generator=generator, device=device)

    index = torch.arange(28, device=device)
    rows = index[None] + integers(0, 5)
    columns = torch.where(integers(0, 2) == 1, 27 - index[None], index[None]) + integers(0, 5)
    padded = F.pad(images, (2, 2, 2, 2), value=(0 - MEAN) / STD)[:, 0]
    images = padded[torch.arange(count, device=device)[:, None, None],
                    rows[:, :, None], columns[:, None, :]]
    top, left = integers(-4, 25), integers(-4, 25)
    inside_rows = (index[None] >= top) & (index[None] < top + 8)
    inside_columns = (index[None] >= left) & (index[None] < left + 8)
    blank = inside_rows[:, :, None] & inside_columns[:, None, :]
    return images.masked_fill(blank, (0 - MEAN) / STD)[:, None]


@torch.no_grad()
def accuracy(model, images, labels):
    model.eval()
    hits = sum(int((model(x).argmax(1) == y).sum())
               for x, y in zip(images.split(1000), labels.split(1000)))
    return 100.0 * hits / len(labels)


def train(model, images, labels, epochs, batch, peak, generator, tick):
    """SGD with momentum, a one-cycle rate, soft labels and an averaged copy of the weights."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.SGD([{"params": decayed, "weight_decay": 5e-4},
                                 {"params": plain, "weight_decay": 0.0}],
                                lr=0.0, momentum=0.9, nesterov=True)
    averaged = copy.deepcopy(model)
    steps, step = epochs * (len(images) // batch), 0
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(images), generator=generator, device=images.device)
        for part in order.split(batch):
            if len(part) < batch:
                break
            warm = 0.15 * steps
            rate = peak * (step / warm if step < warm
                           else 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm))))
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = F.cross_entropy(model(augment(images[part], generator)), labels[part],
                                   label_smoothing=0.05)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1
            if step % 8 == 0:
                keep = min(0.99, step / (step + 200))
                with torch.no_grad():
                    for a, b in zip(averaged.state_dict().values(), model.state_dict().values()):
                        if a.dtype.is_floating_point:
                            a.lerp_(b, 1 - keep)
                        else:
                            a.copy_(b)
        tick(epoch, loss)
    return averaged


def export(model, path):
    model = model.eval().cpu()
    torch.onnx.export(model, (torch.zeros(2, 1, 28, 28),), str(path), dynamo=False,
                      opset_version=13, input_names=["input"], output_names=["logits"],
                      dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)


def onnx_accuracy(path, images, labels):
    """Test accuracy of the written file in ONNX Runtime, or None where that is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run(["logits"], {"input": x.cpu().numpy()})[0]
                             for x in images.split(1000)])
    return 100.0 * float((logits.argmax(1) == labels.cpu().numpy()).mean())


SHEET = """# Fashion-MNIST example: data sheet

`model.onnx` is the small network that the demonstration and the tests run on.

| | |
|---|---|
| task | one of ten kinds of clothing from a grey 28×28 image |
| test accuracy | **{test:.2f} %** top-1 on the 10,000 test images ({check}) |
| parameters | {parameters:,} ({size:,} bytes of file) |
| multiply-adds | {macs:.1f} million an image |
| input | `input`, float32 `[N, 1, 28, 28]`: `(byte / 255 - {mean}) / {std}` |
| output | `logits`, float32 `[N, 10]`, before softmax |
| classes, in order | {classes} |
| ONNX | opset 13, one file, symbolic batch `N`, BatchNormalization not folded |

**Data.** Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017, arXiv:1708.07747), © 2017 Zalando SE,
MIT licence; the four IDX files of Debian's package `dataset-fashion-mnist`. 60,000 training
and 10,000 test images of Zalando's articles. Only the training images were learned from.

**Network.** A 3×3 stem, two residual blocks (32 and 64 channels) round a max pooling, a strided
residual block (80), two depthwise-separable blocks (128), global average pooling, one Gemm.

**Training.** {epochs} epochs of SGD with Nesterov momentum 0.9, batch {batch}, one-cycle rate with
peak {peak}, weight decay 5e-4 on the weights, label smoothing 0.05; images shifted by up to two
pixels, mirrored and one 8×8 square blanked; the exported weights are a running average.
Trained on {date} in {minutes:.1f} minutes on one {device} with PyTorch {torch}, Python {python};
seed {seed}, deterministic kernels.

**Again.** `tools/train_example.py --data /usr/share/datasets/fashion-mnist --out examples/fashion_mnist`

The weights were trained for this project and carry its licence (Apache-2.0).
"""


def multiply_adds(model, device):
    """Multiply-adds an image of the convolutions and the Gemm."""
    total = 0

    def count(module, _, output):
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()

    handles = [m.register_forward_hook(count) for m in model.modules()]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 1, 28, 28, device=device))
    for handle in handles:
        handle.remove()
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--out", type=pathlib.Path, default="examples/fashion_mnist")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--peak-rate", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    generator = torch.Generator(device).manual_seed(args.seed)

    def images(name):
        pixels = torch.from_numpy(read_idx(args.data / name).copy()).to(device)
        return ((pixels.float() / 255 - MEAN) / STD)[:, None]

    def labels(name):
        return torch.from_numpy(read_idx(args.data / name).astype(np.int64)).to(device)

    train_images, train_labels = images("train-images-idx3-ubyte.gz"), \
        labels("train-labels-idx1-ubyte.gz")
    test_images, test_labels = images("t10k-images-idx3-ubyte.gz"), \
        labels("t10k-labels-idx1-ubyte.gz")

    model = ExampleNet().to(device)
    macs = multiply_adds(model, device)
    start = time.time()

    def tick(epoch, loss):
        print(f"epoch {epoch + 1}/{args.epochs} loss {loss.item():.4f} "
              f"{time.time() - start:.0f} s", flush=True)

    model = train(model, train_images, train_labels, args.epochs, args.batch, args.peak_rate,
                  generator, tick)
    minutes = (time.time() - start) / 60
    test = accuracy(model, test_images, test_labels)
    print(f"test accuracy {test:.2f} %, training images {accuracy(model, train_images, train_labels):.2f} %")

    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "model.onnx"
    export(model, path)
    again = onnx_accuracy(path, test_images, test_labels)
    check = "PyTorch" if again is None else f"PyTorch; the ONNX file in ONNX Runtime: {again:.2f} %"
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    (args.out / "README.md").write_text(SHEET.format(
        test=test, check=check, parameters=sum(p.numel() for p in model.parameters()),
        size=path.stat().st_size, macs=macs / 1e6, mean=MEAN, std=STD,
        classes=", ".join(f"{i} {c}" for i, c in enumerate(CLASSES)), epochs=args.epochs,
        batch=args.batch, peak=args.peak_rate, date=datetime.date.today().isoformat(),
        minutes=minutes, device=name, torch=torch.__version__.split("+")[0],
        python=".".join(map(str, sys.version_info[:3])), seed=args.seed))
    print(f"wrote {path} ({path.stat().st_size} bytes), ONNX Runtime: {again}")


if __name__ == "__main__":
    main()
