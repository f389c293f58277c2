"""The text of a pull request's comment, from an artifact that anybody may have made.

    python3 .github/scripts/comment.py rows.zip RUN_URL

Prints markdown. The artifact's comment.md is shown as plain text in a code block that nothing in it
can end, so that it mentions nobody, links nowhere and loads nothing; at most LIMIT bytes of it are
ever unpacked, and of an archive of more than LARGEST bytes nothing. Without a sound artifact the
comment says where to look.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

MARKER = "<!-- oneshot-emotic rows -->"
NAME = "comment.md"
#: Bytes of comment.md that are shown.
LIMIT = 50_000
#: Bytes of an archive that is read; a listing as long as that takes 100 MB.
LARGEST = 10_000_000
#: Characters that GitHub takes for a comment.
MOST = 65_536


def artifact_text(path: Path) -> str | None:
    """The beginning of comment.md in a zip file; None if there is none to be read."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(NAME)
            # Other methods unpack as much at once as the archive wants.
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                return None
            with archive.open(member) as stream:
                content = stream.read(LIMIT + 1)
    except Exception:  # a damaged archive makes the library raise anything
        return None
    text = content[:LIMIT].decode("utf-8", errors="replace")
    if len(content) > LIMIT:
        text += "\n... and more"
    # Controls, and characters that turn the direction of writing, are not shown as what they are.
    return "".join(c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def comment(text: str | None, run_url: str) -> str:
    """The whole comment."""
    if not re.fullmatch(r"https://github\.com/[\w./-]+", run_url):
        raise SystemExit("not the address of a run")
    if text is None or not text.strip():
        return (
            f"{MARKER}\nThe rows of this pull request could not be recomputed. "
            f"[The run's log]({run_url}) says why.\n"
        )
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    whole = (
        f"{MARKER}\nWhat this pull request changes in the leaderboard, as "
        f"[its own run]({run_url}) found it. A maintainer recomputes it before merging.\n\n"
        f"{fence}text\n{text.strip()}\n{fence}\n"
    )
    return whole if len(whole) <= MOST else comment(None, run_url)


if __name__ == "__main__":
    sys.stdout.buffer.write(comment(artifact_text(Path(sys.argv[1])), sys.argv[2]).encode("utf-8"))
