"""check.py SNIPPET COMPILER [FLAG...]: passes if the compiler refuses SNIPPET and says what its
first line, `// expect: text`, asks for."""

import subprocess
import sys


def main() -> int:
    snippet, *command = sys.argv[1:]
    with open(snippet, encoding="utf-8") as file:
        first = file.readline()
    marker, _, expected = first.partition("// expect:")
    expected = expected.strip()
    if marker or not expected:
        print(f"{snippet}: the first line must be '// expect: <text of the error>'")
        return 1
    # A real compilation: with -fsyntax-only g++ leaves pending templates uninstantiated.
    result = subprocess.run(
        [*command, "-c", snippet, "-o", "/dev/null"], capture_output=True, text=True, check=False
    )
    output = result.stdout + result.stderr
    if result.returncode == 0:
        print(f"{snippet}: compiles, but must not")
        return 1
    if expected not in output:
        print(f"{snippet}: refused, but not with '{expected}':\n{output}")
        return 1
    return 0


sys.exit(main())
