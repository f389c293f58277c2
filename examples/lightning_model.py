"""A model of your own in Lightning: logged, its best epoch kept, scored.

pip install lightning
python examples/lightning_model.py ROOT [--dataset NAME|DIR] [--epochs 3]

ROOT is an EMOTIC copy or the stand-in (`oneshot-emotic synth ROOT`).
An epoch took 2 minutes, all included, on two busy CPU cores (the stand-in, 4,000 persons).
"""

import argparse
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import models
from torchvision.transforms import v2

from oneshot_emotic import PersonDataset, evaluate, load_task, open_pictures, write_submission
from oneshot_emotic.submission.embeddings_file import suffix_of

TRANSFORM = v2.Compose([v2.ToImage(), v2.Resize((64, 64)), v2.ToDtype(torch.float32, scale=True)])


class BodyNetwork(lightning.LightningModule):
    """A ResNet-18 on the body crop; it is watched on held-out base classes."""

    def __init__(self, classes, val):
        super().__init__()
        self.network = models.resnet18(num_classes=classes)
        self.val, self.embedded = val, {}

    def training_step(self, batch, _):
        return functional.cross_entropy(self.network(batch["body"]), batch["label"])

    def predict_step(self, batch, _):
        """The 512 numbers before the last layer, of unit length, by sample_id."""
        trunk = torch.nn.Sequential(*list(self.network.children())[:-1])
        vectors = functional.normalize(trunk(batch["body"]).flatten(1)).cpu().numpy()
        return dict(zip(batch["sample_id"], vectors, strict=True))

    def validation_step(self, batch, place):
        self.embedded |= self.predict_step(batch, place)

    def on_validation_epoch_end(self):
        scores = evaluate(self.embedded, self.val)
        self.log("one_shot", scores[1].balanced_accuracy.mean, prog_bar=True)
        self.log_dict(scores.flat())
        self.embedded = {}

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def main(root, dataset, epochs, output, workers):
    suffix_of(Path(output), to_write=True)  # or it would be refused after all the work
    lightning.seed_everything(0, verbose=False)
    task, pictures = load_task("cat-6-6", dataset), open_pictures(root)
    train, val = task.base.split(share=0.3, by="class")

    def loader(persons, shuffle=False):
        data = PersonDataset(persons, pictures, TRANSFORM, views=("body",))
        return DataLoader(data, batch_size=64, shuffle=shuffle, num_workers=workers)

    training = loader(train.clean, shuffle=True)
    model = BodyNetwork(len(training.dataset.classes), val)
    best = ModelCheckpoint(monitor="one_shot", mode="max")
    trainer = lightning.Trainer(
        max_epochs=epochs,
        callbacks=[best],
        logger=CSVLogger("."),
        num_sanity_val_steps=0,  # the few persons of such a check are no whole task
    )
    trainer.fit(model, training, loader(val.novel))

    parts = trainer.predict(model, loader(task.novel), ckpt_path=best.best_model_path)
    embeddings = {sample_id: vector for part in parts for sample_id, vector in part.items()}
    print(evaluate(embeddings, task, shots=(1, 5)))  # the novel persons once, at the end
    card = {"name": "My ResNet-18", "modalities": ["body"], "base": "clean", "training_seeds": [0]}
    write_submission(output, embeddings, task, model=card)


if __name__ == "__main__":  # workers may be started anew
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", default="preds.safetensors")
    main(**vars(parser.parse_args()))
