"""fuzz.py TARGET CORPUS: libFuzzer for RINGIO_FUZZ_SECONDS, 60 by itself, from the inputs in CORPUS.

The inputs are the same each time, as long as the program is, so that a change fails by what it changed;
with RINGIO_FUZZ_SEED=0 they are not.
What it finds on the way is lost, but for an input that breaks something: that one is printed.
"""

import base64
import os
import pathlib
import subprocess
import sys
import tempfile

INPUT_SECONDS = 60  # more than any input takes, with whatever else this machine has to do


def fuzz(target: str, corpus: str, folder: pathlib.Path) -> int:
    found = folder / "found"
    found.mkdir()
    seconds = os.environ.get("RINGIO_FUZZ_SECONDS", "60")
    seed = os.environ.get("RINGIO_FUZZ_SEED", "1")  # 0: another each time
    options = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-timeout={INPUT_SECONDS}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    return subprocess.run([target, *options, str(found), corpus], check=False).returncode


def show(folder: pathlib.Path, target: str) -> None:
    for path in filter(pathlib.Path.is_file, folder.iterdir()):
        text = base64.b64encode(path.read_bytes()).decode()
        print(f"{path.name}; again by: base64 -d <<< '{text}' > input; {target} input", flush=True)


def main() -> int:
    target, corpus = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        code = fuzz(target, corpus, folder)
        show(folder, target)
    return 1 if code != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
