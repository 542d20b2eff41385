"""Finds the Chromium that the browser tests drive; run as a script, it installs one where there is none.

The machine's own comes first, then the system's package manager, then Playwright's download, each under a time limit.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Flags for a quiet browser that asks nothing of the network by itself."""


def launch_flags() -> list[str]:
    """`FLAGS`, and no sandbox for root, who cannot have one."""
    return [*FLAGS, "--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else list(FLAGS)


def executable() -> str | None:
    """Path of a Chromium to drive: `CAI_STUDIO_CHROMIUM`, the machine's, or the one Playwright downloaded."""
    named = os.environ.get("CAI_STUDIO_CHROMIUM")
    installed = (shutil.which(name) for name in NAMES)
    on_mac = (path for path in MAC_PATHS if Path(path).exists())
    return named or next(filter(None, installed), None) or next(on_mac, None) or _downloaded()


def _downloaded() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _run(*command: str, limit: int) -> bool:
    print("$", *command, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=limit, env=environment).returncode == 0
    except (subprocess.TimeoutExpired, OSError) as error:
        print(error, file=sys.stderr)
        return False


def _install_by_apt() -> bool:
    if not shutil.which("apt-get"):
        return False
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    _run(*sudo, "apt-get", "update", "-qq", limit=180)
    return _run(*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", limit=600)


def _install_by_playwright() -> bool:
    return _run(sys.executable, "-m", "playwright", "install", "chromium", limit=300)


def main() -> int:
    """Make sure there is a Chromium; silent where there is one already."""
    if executable():
        return 0
    print("No Chromium was found for the browser tests; installing one.")
    if (_install_by_apt() or _install_by_playwright()) and executable():
        return 0
    print(
        "Could not install Chromium. Install Chromium or Chrome, or name one in CAI_STUDIO_CHROMIUM.", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
