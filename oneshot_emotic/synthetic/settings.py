"""The parameters of the stand-in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from oneshot_emotic.errors import InputError, Problem

#: Version of the invention: a change that gives other persons or labels raises it.
EDITION = 1


@dataclass(frozen=True)
class StandInSettings:
    """What decides every annotation and every picture of a stand-in.

    A cue of 0 leaves what is seen as varied as ever but unrelated to the emotion; a cue of 1 ties
    it to the emotion always.

    Attributes:
        persons: Annotated persons in all.
        seed: Another seed gives other people in other scenes.
        body_cue: Share of persons whose posture and face follow their own emotion.
        scene_cue: Share of pictures whose light and colours follow the mood of the scene.
        semantic_cue: Share of a picture's objects that follow the mood of the scene.
        posture_noise: Standard deviation, in levels, between a person's valence, arousal and
            dominance and the ones that posture and face show.
        shared_mood: Share of persons who feel what the scene is about; the others feel something
            else.
    """

    persons: int = 4000
    seed: int = 0
    body_cue: float = 0.65
    scene_cue: float = 0.85
    semantic_cue: float = 0.95
    posture_noise: float = 0.8
    shared_mood: float = 0.8

    def __post_init__(self) -> None:
        """Refuse values outside their range, all at once."""
        problems = []
        if not 1 <= self.persons <= 1_000_000:
            problems.append(Problem(f"must be from 1 to 1,000,000, not {self.persons}", "persons"))
        if self.seed < 0:
            problems.append(Problem(f"must not be negative, is {self.seed}", "seed"))
        problems += [
            Problem(f"must be from 0 to 1, not {getattr(self, name)}", name)
            for name in ("body_cue", "scene_cue", "semantic_cue", "shared_mood")
            if not 0 <= getattr(self, name) <= 1
        ]
        if not 0 <= self.posture_noise <= 10:
            problems.append(
                Problem(f"must be from 0 to 10 levels, not {self.posture_noise}", "posture_noise")
            )
        if problems:
            raise InputError(problems)

    def to_dict(self) -> dict[str, Any]:
        """The settings with the edition, as the data set records them."""
        return {"edition": EDITION, **asdict(self)}
