"""Install the peers into their folder: ``python -m benchmarks.step_throughput.peers``."""

import subprocess
import sys

from benchmarks.step_throughput.peers import FOLDER, PEERS


def main() -> None:
    """Install the missing peers by pip, without their dependencies."""
    wanted = [peer.requirement for peer in PEERS.values()]
    found = {path.name.removesuffix(".dist-info") for path in FOLDER.glob("*.dist-info")}
    missing = [one for one in wanted if one.replace("-", "_").replace("==", "-") not in found]
    if not missing:
        print(f"{', '.join(wanted)}: in {FOLDER}")
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--target", str(FOLDER), *missing], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
