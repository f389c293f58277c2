"""From a pose to joints: where a figure's head, shoulders, elbows, hands, knees and feet are.

Inside this file a figure is measured in its own upright height, from the middle of its feet to the
right and *up*; `skeleton` hands out pixels of the picture, y downwards, like everything else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from oneshot_emotic.synthetic.drawing.curves import Point, direction
from oneshot_emotic.synthetic.drawing.look import HairStyle
from oneshot_emotic.synthetic.spec import Arm, Figure, Picture, Pose

#: Nothing of a figure reaches higher than this fraction of the picture, so that what hangs or
#: flies at the top always stays in sight.
HEADROOM = 0.08

#: Half thicknesses, in heights of the figure: shoulder, elbow, wrist; hip, knee, ankle.
ARM_RADII = (0.037, 0.033, 0.028)
LEG_RADII = (0.056, 0.047, 0.038)
HAND_RADIUS = 0.037
#: The darker rim that keeps an arm apart from the body behind it.
RIM = 0.0065

#: The height of an ankle.
ANKLE = 0.056

#: How far hair and hats rise over the skull, in radii of the head.
HAIR_RISE: dict[HairStyle, float] = {
    "crop": 0.10, "parted": 0.14, "afro": 0.30, "long": 0.10, "bob": 0.10, "bun": 0.42,
    "ponytail": 0.10, "shaved": 0.02, "cap": 0.16, "scarf": 0.13, "beanie": 0.24,
    "pigtails": 0.10, "wavy": 0.13,
}  # fmt: skip


@dataclass(frozen=True)
class _Build:
    """The proportions of an age: half the head's height, the hip's height, half widths, arms."""

    head: float
    hip: float
    shoulders: float
    waist: float
    upper_arm: float
    forearm: float


_BUILDS = {
    "Adult": _Build(0.112, 0.430, 0.102, 0.082, 0.150, 0.142),
    "Teenager": _Build(0.122, 0.415, 0.093, 0.075, 0.143, 0.136),
    "Kid": _Build(0.144, 0.360, 0.086, 0.080, 0.122, 0.116),
}

Limb = tuple[Point, Point, Point]


@dataclass(frozen=True)
class Skeleton:
    """The joints of a figure, in pixels, and its widths, in its heights.

    Attributes:
        unit: The figure's upright height.
        feet: The point on the ground between the feet.
        head: The middle of the head.
        head_radius: Half the height of the skull.
        tilt: Cosine and sine of the head's rotation, clockwise as seen.
        neck: The middle of the line between the shoulders.
        hip: The middle of the pelvis.
        shoulders, waist, hips: Half widths of the torso.
        arms: Shoulder, elbow and hand of the left and of the right arm, as seen.
        legs: Hip, knee and ankle of the left and of the right leg, as seen.
    """

    unit: float
    feet: Point
    head: Point
    head_radius: float
    tilt: Point
    neck: Point
    hip: Point
    shoulders: float
    waist: float
    hips: float
    arms: tuple[Limb, Limb]
    legs: tuple[Limb, Limb]


def skeleton(picture: Picture, figure: Figure, style: HairStyle, lean: int) -> Skeleton:
    """The joints of `figure`, whose hair and inclination are part of its height."""
    build, pose = _BUILDS[figure.age], figure.pose
    unit = figure.height * picture.height
    feet_x, feet_y = figure.x * picture.width, figure.ground * picture.height
    slump = 1 - pose.stature
    bounce = 0.022 * max(0.0, pose.energy - 0.5)

    head_up = 1 - build.head * (1 + HAIR_RISE[style])
    shoulder_up = head_up - build.head - 0.030
    hip_up = build.hip - 0.012 * slump - bounce
    neck = (lean * 0.012 * slump, shoulder_up - 0.045 * slump - bounce)
    head = (lean * 0.040 * slump, head_up - 0.078 * slump - bounce)
    shoulders = build.shoulders * (0.84 + 0.30 * pose.stature)
    ceiling = (feet_y - HEADROOM * picture.height) / unit - HAND_RADIUS - RIM

    def place(point: Point) -> Point:
        return feet_x + point[0] * unit, feet_y - point[1] * unit

    def arm(side: int, position: Arm) -> Limb:
        shoulder = (neck[0] + side * shoulders, neck[1] - 0.012 - 0.014 * slump)
        elbow, hand = _arm(build, pose, side, position, shoulder, neck, hip_up, head)
        hand = (hand[0], min(hand[1], ceiling))
        return place(shoulder), place(elbow), place(hand)

    def leg(side: int) -> Limb:
        hip = (side * 0.046, hip_up)
        ankle = (side * (0.046 + 0.085 * pose.energy), ANKLE)
        return place(hip), place(_knee(hip, ankle, build.hip - ANKLE, side)), place(ankle)

    return Skeleton(
        unit=unit,
        feet=(feet_x, feet_y),
        head=place(head),
        head_radius=build.head * unit,
        tilt=direction(lean * 13 * slump),
        neck=place(neck),
        hip=place((0.0, hip_up)),
        shoulders=shoulders,
        waist=build.waist,
        hips=build.waist + 0.012,
        arms=(arm(-1, pose.left_arm), arm(1, pose.right_arm)),
        legs=(leg(-1), leg(1)),
    )


def between(first: Point, second: Point, share: float) -> Point:
    """The point `share` of the way from `first` to `second`."""
    return (
        first[0] + (second[0] - first[0]) * share,
        first[1] + (second[1] - first[1]) * share,
    )


def bend(limb: Limb) -> tuple[Point, Point, Point, Point, Point]:
    """A limb whose joint is a bend instead of a corner."""
    root, joint, end = limb
    before, after = between(root, joint, 0.74), between(joint, end, 0.26)
    return root, before, between(joint, between(before, after, 0.5), 0.5), after, end


def _arm(
    build: _Build,
    pose: Pose,
    side: int,
    position: Arm,
    shoulder: Point,
    neck: Point,
    hip_up: float,
    head: Point,
) -> tuple[Point, Point]:
    """The elbow and the hand. Angles are degrees above the horizontal, outwards."""
    energy = pose.energy
    if position == "down":
        return _reach(build, side, shoulder, -80 + 26 * energy, -86 + 22 * energy)
    if position == "up":
        return _reach(build, side, shoulder, 14 + 40 * energy, 82 - 8 * energy)
    if position == "out":
        return _reach(build, side, shoulder, -24 + 22 * energy, -6 + 16 * energy)
    # The hand is on the body; the elbow points away from it, the more the livelier.
    flare = 0.6 + 0.4 * energy
    if position == "hip":
        hand = (side * (build.waist + 0.022), hip_up + 0.055)
        elbow = (side * 0.105 * flare, -0.115)
    elif position == "belly":
        hand = (side * 0.036, hip_up + 0.085)
        elbow = (side * 0.062 * flare, -0.130)
    elif position == "chest":
        hand = (side * 0.036, neck[1] - 0.085)
        elbow = (side * 0.085 * flare, -0.118)
    else:
        hand = (head[0] + side * build.head * 0.74, head[1] - build.head * 0.56)
        elbow = (side * 0.080 * flare, -0.115)
    scale = build.upper_arm / 0.150
    return (shoulder[0] + elbow[0] * scale, shoulder[1] + elbow[1] * scale), hand


def _reach(
    build: _Build, side: int, shoulder: Point, upper: float, lower: float
) -> tuple[Point, Point]:
    """An arm away from the body: the angles of its two parts."""
    across, down = direction(upper)
    elbow = (
        shoulder[0] + side * across * build.upper_arm,
        shoulder[1] + down * build.upper_arm,
    )
    across, down = direction(lower)
    return elbow, (elbow[0] + side * across * build.forearm, elbow[1] + down * build.forearm)


def _knee(hip: Point, ankle: Point, length: float, side: int) -> Point:
    """The knee of a leg of two equal halves, which bends outwards as hip and ankle come closer."""
    across, down = ankle[0] - hip[0], hip[1] - ankle[1]
    distance = math.sqrt(across * across + down * down)
    bend = math.sqrt(max(0.0, length * length - distance * distance)) / 2
    # The bend of a front view: most of a knee's movement is towards the viewer.
    return (hip[0] + ankle[0]) / 2 + side * bend * 0.55, (hip[1] + ankle[1]) / 2
