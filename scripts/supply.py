"""The supply chain: known faults in both locks, licences, a list of all parts, and secrets.

Writes `docs/licences.md` and `artifacts/sbom.json` (CycloneDX). The exit code counts what is wrong;
an audit that could not look says so and counts as wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
BASELINE = PROJECT / ".secrets.baseline"
SILENT = "says nothing"
BIN = Path(sys.executable).parent


def main() -> int:
    """Every part of it; returns how many went wrong."""
    return sum((*(audit(PROJECT / lock) for lock in LOCKS), parts(), licences(), secrets()))


def audit(lock: Path) -> int:
    """Known faults; 1 when there are any or when it did not look at every package."""
    command = [BIN / "pip-audit", "--requirement", lock, "--no-deps", "--disable-pip"]
    done = run([*command, "--format", "json", "--progress-spinner", "off"])
    try:
        looked: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1][:160]
        say(f"{lock.name}: NOT LOOKED AT ({reason})")
        return 1
    skipped = [one for one in looked if "skip_reason" in one]
    faulty = [one for one in looked if one.get("vulns")]
    wanted = sum("==" in line for line in lock.read_text().splitlines())
    seen = len(looked) - len(skipped)
    say(f"{lock.name}: {seen} of {wanted} looked at, {len(faulty)} with known faults")
    for one in faulty:
        say(f"  {one['name']} {one['version']}: {', '.join(v['id'] for v in one['vulns'])}")
    if skipped:
        reasons = Counter(one["skip_reason"].partition(":")[0] for one in looked if one in skipped)
        say(f"  NOT LOOKED AT: {len(skipped)} ({reasons.most_common(1)[0][0][:80]})")
    return int(bool(faulty) or seen < wanted)


def parts() -> int:
    """The list of all parts that are installed, as CycloneDX."""
    out = PROJECT / "artifacts" / "sbom.json"
    out.parent.mkdir(exist_ok=True)
    done = run([BIN / "cyclonedx-py", "environment", sys.executable, "--output-file", out])
    if done.returncode:
        say(f"parts: {done.stderr.strip()[-160:]}")
        return 1
    say(f"parts: {len(json.loads(out.read_text())['components'])} in {out.relative_to(PROJECT)}")
    return 0


def licences() -> int:
    """A table of packages and licences; 1 when one of them says nothing."""
    wanted = {name(line) for lock in LOCKS for line in (PROJECT / lock).read_text().splitlines()}
    found = {
        name(one.metadata["Name"]): (one.version, licence(one.metadata))
        for one in distributions()
        if name(one.metadata["Name"]) in wanted
    }
    rows = [f"| {key} | {version} | {said} |" for key, (version, said) in sorted(found.items())]
    head = ["# Licences", "", "Of every package in the two lock files, by `make supply`.", ""]
    table = ["| package | version | licence |", "|---|---|---|", *rows, ""]
    (PROJECT / "docs" / "licences.md").write_text("\n".join([*head, *table]), encoding="utf-8")
    silent = sorted(key for key, (_, said) in found.items() if said == SILENT)
    common = Counter(said for _, said in found.values()).most_common(4)
    say(f"licences: {len(found)} packages; {', '.join(f'{n} {k}' for k, n in common)}")
    if silent:
        say(f"  without: {', '.join(silent)}")
    return 0


def licence(metadata: Any) -> str:
    """What the package says of itself, shortest first."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [
        one.rpartition(" :: ")[2]
        for one in metadata.get_all("Classifier") or []
        if one.startswith("License ::")
    ]
    if classifiers:
        return ", ".join(classifiers)
    written = str(metadata.get("License") or "").strip().splitlines()
    return written[0][:60] if written else SILENT


def secrets() -> int:
    """What looks like a key and is not in the baseline."""
    files = run(["git", "ls-files"]).stdout.split()
    done = run([BIN / "detect-secrets-hook", "--baseline", BASELINE, *files])
    say("secrets: none new" if not done.returncode else done.stdout.strip())
    return done.returncode


def name(line: str) -> str:
    """A package's name as indexes compare it."""
    return line.partition("==")[0].strip().lower().replace("_", "-").replace(".", "-")


def run(command: list[Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
