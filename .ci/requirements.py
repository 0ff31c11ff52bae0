"""Print what pyproject.toml asks for, one a line: `requirements.py [EXTRA...]`.

The site runs from its checkout and is not installed itself, so pip needs the list alone.
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
for requirement in project["dependencies"]:
    print(requirement)
for extra in sys.argv[1:]:
    for requirement in project["optional-dependencies"][extra]:
        print(requirement)
