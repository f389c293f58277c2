"""The list of all systems: on a narrow terminal, without torch, with what each must disclose."""

from __future__ import annotations

import re
import subprocess
import sys

from oneshot_emotic_baselines.recipes import RECIPES

from oneshot_emotic.encoders.known import KNOWN


def test_it_fits_a_terminal(run):
    assert max(map(len, run("baselines").output.splitlines())) <= 80


def test_every_system_with_its_size_and_source(run):
    lines = run("baselines").output.splitlines()
    for recipe in RECIPES.values():
        about = [line for line in lines if line.split()[:1] == [recipe.name]]
        assert recipe.title in about[0]
        if recipe.kind != "trained":
            continue
        _, inputs, training = about[:3]
        assert about[0].rstrip().endswith(recipe.paper.rpartition("/")[2] or "–")
        assert all(name in inputs for name in recipe.branches)
        assert f" {recipe.parameters:,} " in training
        assert all(
            x.name.replace("_", " ") in training for x in recipe.losses if x.name != "metric"
        )


def test_what_is_reported_elsewhere_is_called_so(run):
    """Folded over lines, and below a line that says by what it can't be compared."""
    text = " ".join(run("baselines").output.split())
    _, part = text.split("Reported elsewhere, each by another protocol; comparable with no score")
    for recipe in RECIPES.values():
        assert recipe.elsewhere in part


def test_frozen_encoders_with_licence_and_disclosure(run):
    output = run("baselines").output
    for known in KNOWN:
        entry = re.search(rf"^{re.escape(known.name)}\n((?:    .*\n)+)", output, re.M)[1]
        assert f"{known.parameters:,} parameters" in entry and known.licence in entry
        expected = "yes" if known.words else "no"
        assert f"--seen-unseen-names {expected}" in entry


def test_it_needs_no_torch():
    code = (
        "import sys\nsys.modules.update(dict.fromkeys(['torch', 'torchvision', 'timm']))\n"
        "from oneshot_emotic.cli.main import main\nmain(['baselines'])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "sem-ib-dml" in result.stdout and KNOWN[0].name in result.stdout
