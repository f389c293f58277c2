"""A model of your own, from pictures to a row: trained on base persons, validated, scored.

python examples/own_model.py ROOT [--dataset NAME|DIR] [--epochs 3]

ROOT is an EMOTIC copy or the stand-in (`oneshot-emotic synth ROOT`). Needs torch and torchvision;
takes some minutes on a CPU.
"""

import argparse
from pathlib import Path

import torch
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import models
from torchvision.transforms import v2

from oneshot_emotic import PersonDataset, evaluate, load_task, open_pictures, write_submission
from oneshot_emotic.submission.embeddings_file import suffix_of

parser = argparse.ArgumentParser()
parser.add_argument("root")
parser.add_argument("--dataset", default="synthetic")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("-o", "--output", default="preds.safetensors")
arguments = parser.parse_args()
suffix_of(Path(arguments.output), to_write=True)  # or it would be refused after all the work

torch.manual_seed(0)
task = load_task("cat-6-6", arguments.dataset)
pictures = open_pictures(arguments.root)
transform = v2.Compose([v2.ToImage(), v2.Resize((64, 64)), v2.ToDtype(torch.float32, scale=True)])

# Whole classes are held out, here 2 of 6: to recognise what was never seen is what will be asked.
# `clean` leaves out the persons who share an image with a novel or a held-out one.
train, val = task.base.split(share=0.3, by="class")
data = PersonDataset(train.clean, pictures, transform, views=("body",))
model = models.resnet18(num_classes=len(data.classes))
optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)


@torch.inference_mode()
def embed(persons):
    """The 512 numbers before the last layer, of unit length, by sample_id."""
    trunk = torch.nn.Sequential(*list(model.children())[:-1]).eval()
    data = PersonDataset(persons, pictures, transform, views=("body",))
    vectors = {}
    for batch in DataLoader(data, batch_size=128):
        found = functional.normalize(trunk(batch["body"]).flatten(1))
        vectors.update(zip(batch["sample_id"], found.numpy(), strict=True))
    return vectors


for epoch in range(arguments.epochs):
    model.train()
    for batch in DataLoader(data, batch_size=64, shuffle=True):
        loss = functional.cross_entropy(model(batch["body"]), batch["label"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    scores = evaluate(embed(val.novel), val)  # choose epochs and settings by this
    print(f"epoch {epoch + 1}: {scores[1].balanced_accuracy.mean:.3f} on held-out base classes")

embeddings = embed(task.novel)  # the novel persons once, at the end
print(evaluate(embeddings, task, shots=(1, 5)))
card = {"name": "My ResNet-18", "modalities": ["body"], "base": "clean", "training_seeds": [0]}
write_submission(arguments.output, embeddings, task, model=card)
