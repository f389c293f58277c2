"""A frozen network of timm with a small head, from pictures to a file of embeddings.

python examples/frozen_timm.py ROOT [--encoder timm:NAME[@FILE]] [--dataset NAME|DIR]

ROOT is an EMOTIC copy or the stand-in (`oneshot-emotic synth ROOT`). The network sees every person
once; its vectors are kept in ROOT/features. Needs the extras [encoders] and [baselines].
"""

import argparse
from pathlib import Path

from oneshot_emotic_baselines.head import fit_head, head_card
from oneshot_emotic_baselines.settings import HeadSettings

from oneshot_emotic import evaluate, features_of, load_task, write_submission
from oneshot_emotic.submission.embeddings_file import suffix_of

parser = argparse.ArgumentParser()
parser.add_argument("root")
parser.add_argument("--encoder", default="timm:vit_base_patch14_reg4_dinov2.lvd142m")
parser.add_argument("--dataset", default="synthetic")
parser.add_argument("-o", "--output", default="preds.safetensors")
arguments = parser.parse_args()
suffix_of(Path(arguments.output), to_write=True)  # or it would be refused after all the work

task = load_task("cat-6-6", arguments.dataset)
features = features_of(arguments.encoder, arguments.root, [task])

# Base persons alone: two of six classes are held out in turn to choose the epoch by.
settings = HeadSettings(hidden=0, base="clean", seed=0)  # settings, too, are chosen by `validation`
head = fit_head(features, task, settings)
held_out = head.validation[head.epochs - 1]
print(f"epoch {head.epochs}: {held_out:.3f} on held-out base classes, without it {head.raw:.3f}")

frozen = features.of(task.novel.sample_ids)  # the novel persons once, at the end
print(evaluate(frozen, task, shots=(1, 5)))
print(evaluate(head.embed(frozen), task, shots=(1, 5)))
card = head_card(features.card, settings, head, seeds=[settings.seed])
write_submission(arguments.output, head.embed(frozen), task, model=card)
