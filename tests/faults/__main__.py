"""`python -m tests.faults [--seed N]`: the long form, with hundreds of conversations and outages of half a minute."""

import argparse
import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=5, help="another seed is another storm")
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), "-n0", "-v", "--durations=0", "-rs"]
    return subprocess.call(command, env={**os.environ, "FAULTS": "long", "FAULTS_SEED": str(arguments.seed)})


if __name__ == "__main__":
    sys.exit(main())
