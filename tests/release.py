"""`make release`: wheel, source archive and bill of materials in dist/, each tried in empty environments before it counts.

    python -m tests.release [--out DIR]

The wheel is installed twice, with the versions of constraints.txt and with whatever is newest, away from this checkout; there the
command, the server and the console on a demo must work, in every language. The source archive must give the same wheel.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .terminal.process import Terminal, environment, private_dirs

ROOT: Final = Path(__file__).parents[1]
TOOLS: Final = ("hatchling", "cyclonedx-bom")


class ReleaseError(Exception):
    """It is not fit to be given to others; the text says why."""


def run(*words: str | Path, cwd: Path, home: Path | None = None) -> str:
    """A command's standard output. Raises ReleaseError with what it said. `home`: with directories of its own below it."""
    env = environment(private_dirs(home)) if home is not None else None
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def made(where: Path, *packages: str | Path, constrained: bool) -> Path:
    """A new virtual environment with these packages; its bin directory."""
    run(sys.executable, "-m", "venv", where, cwd=ROOT)
    pins = ["-c", str(ROOT / "constraints.txt")] if constrained else []
    run(where / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *pins, *packages, cwd=ROOT)
    return where / "bin"


def names(wheel: Path) -> dict[str, str]:
    """Every file of a wheel and what it holds (its digest); what records the others is left out."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist() if not name.endswith("RECORD")
        }


def built(tools: Path, source: Path, out: Path) -> Path:
    """The wheel of a source tree."""
    run(tools / "python", "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=source)
    [wheel] = out.glob("*.whl")
    return wheel


def tried(binaries: Path, scratch: Path) -> None:
    """What a newcomer does first, in an environment that holds nothing but the wheel and what it needs. Raises ReleaseError."""
    scratch.mkdir()
    command = binaries / "ryze-tui"
    for words in ("--version", "--help", "config example", "schema ls", "doctor --help", "completion bash"):
        if not run(command, *words.split(), cwd=scratch, home=scratch).strip():
            raise ReleaseError(f"ryze-tui {words} said nothing")
    for language, word in (("en", "Help"), ("pt_BR", "Ajuda"), ("es", "Ayuda")):
        env = private_dirs(scratch) | {"RYZE_LANG": language, "PATH": f"{binaries}:/usr/bin:/bin"}
        with Terminal([str(command), "demo"], 100, 30, env) as term:
            term.wait_for(lambda t: "SIMUL" in t.text() and "outreach" in t.text(), 60, what=f"the console in {language}")
            term.wait_for(word)
            term.press("e")
            term.wait_for("(esc)", 20)
            term.press("ctrl+q")
            if term.wait_exit() != 0:
                raise ReleaseError(f"the console ended with {term.exit_code}")
            term.assert_clean()


def sbom(tools: Path, binaries: Path, out: Path) -> Path:
    """CycloneDX of what an installation with the pinned versions holds, ourselves as the subject."""
    path = out / "ryze-tui.cdx.json"
    run(tools / "cyclonedx-py", "environment", "--pyproject", ROOT / "pyproject.toml", "--output-reproducible", "--of", "JSON",
        "-o", path, binaries / "python", cwd=out)  # fmt: skip
    listed = {component["name"].lower().replace("_", "-") for component in json.loads(path.read_text())["components"]}
    lacking = {"textual", "httpx", "websockets", "cryptography", "sqlalchemy"} - listed
    if lacking:
        raise ReleaseError(f"the bill of materials lacks {', '.join(sorted(lacking))}")
    return path


def release(out: Path, scratch: Path) -> list[Path]:
    """Build and try everything; the files that are fit. Raises ReleaseError."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    tools = made(scratch / "tools", *TOOLS, constrained=True)
    wheel = built(tools, ROOT, out)
    run(tools / "python", "-m", "hatchling", "build", "-t", "sdist", "-d", out, cwd=ROOT)
    [archive] = out.glob("*.tar.gz")
    shutil.unpack_archive(archive, scratch / "source")
    [source] = (scratch / "source").iterdir()
    again = built(tools, source, scratch / "again")
    if names(again) != names(wheel):
        differ = sorted(set(names(again).items()) ^ set(names(wheel).items()))
        raise ReleaseError(f"the source archive makes another wheel: {[name for name, _digest in differ][:10]}")
    print(f"built {wheel.name} and {archive.name}", flush=True)
    for constrained in (True, False):
        word = "pinned" if constrained else "newest"
        binaries = made(scratch / word, wheel, constrained=constrained)
        tried(binaries, scratch / f"try-{word}")
        print(f"works with the {word} versions", flush=True)
        if constrained:
            bill = sbom(tools, binaries, out)
    sums = out / "SHA256SUMS"
    files = [wheel, archive, bill]
    sums.write_text("".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files))
    return [*files, sums]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code is 0 when everything is in dist/ and worked."""
    parser = argparse.ArgumentParser(prog="python -m tests.release", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the files go (dist/)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ryze-release-") as scratch:
        try:
            for path in release(options.out.resolve(), Path(scratch)):
                print(f"{path.stat().st_size:>9} {path}")
        except (ReleaseError, AssertionError) as error:
            print(f"release: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
