"""Print which requirements of a file this Python does not meet, one a line, each with what is there instead.

Distributions are looked up by name, which costs milliseconds; importing them would cost a second.
"""

import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
    if not line.strip() or line.startswith("#"):
        continue
    requirement = Requirement(line)
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        print(requirement, "(absent)")
        continue
    if not requirement.specifier.contains(version, prereleases=True):
        print(requirement, f"({version})")
