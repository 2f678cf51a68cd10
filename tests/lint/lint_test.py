"""The forms that g++ 12.2 gets wrong: ringio-lint must name exactly those of forms.txt that are marked.

    lint_test.py forms                         what the lint says of each form is what stands before it
    lint_test.py measured GXX CLANGXX          what stands before each form is what g++ 12 makes of it
    lint_test.py program                       messages and exit codes of the program
"""

import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LINT = os.path.join(HERE, "..", "..", "tools", "ringio-lint")
MAIN = """
int main(int, char** arguments) {
    flag_value = arguments[2][0] == '1';
    {
        bool done = false;
        Task<> form = forms[std::atoi(arguments[1])]();
        auto whole = [](Task<> body, bool& end) -> Task<> {
            try {
                co_await std::move(body);
            } catch (...) {
                log("!thrown");
            }
            end = true;
        }(std::move(form), done);
        whole.handle.resume();
        for (int turns = 0; !waiting.empty() && turns < 50; ++turns) {
            const auto next = waiting.back();
            waiting.pop_back();
            next.resume();
        }
        if (!done) {
            log("!unfinished");
        }
    }
    std::puts((events + (alive.empty() ? "" : "!alive")).c_str());
}
"""


def read_forms():
    """(verdict, body) of each; the verdict is "right" or the rule that it breaks."""
    with open(os.path.join(HERE, "forms.txt"), encoding="utf-8") as file:
        rows = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
    return [tuple(part.strip() for part in row.split("|", 1)) for row in rows]


def source(forms):
    """A program with one form a line; the first is in line 3."""
    text = f'#include "{HERE}/forms.hpp"\n\n'
    for index, (_, body) in enumerate(forms):
        body = re.sub(r"\bB\b", "flag()", body)
        text += f"static Task<> form_{index}() {{ {body} }}\n"
    names = ", ".join(f"form_{index}" for index in range(len(forms)))
    return f"{text}static Task<> (*const forms[])() = {{{names}}};\n{MAIN}"


def lint(folder, text, *options):
    path = os.path.join(folder, "forms.cpp")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
        command = f"g++ -std=c++20 -Wall -c '{path}'"
        json.dump([{"directory": folder, "file": path, "command": command}], file)
    return subprocess.run(
        [sys.executable, LINT, "-p", folder, "--root", folder, *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_forms(folder):
    forms = read_forms()
    result = lint(folder, source(forms))
    found = {}
    for line, rule in re.findall(r":(\d+):\d+: warning: .* \[(\w+)\]$", result.stdout, re.M):
        found.setdefault(int(line) - 3, set()).add(rule)
    if result.returncode != 1:
        return [f"ended with {result.returncode}: {result.stderr}"]
    return [
        f"is '{verdict}', but the lint says {sorted(found.get(index, {'right'}))}: {body}"
        for index, (verdict, body) in enumerate(forms)
        if verdict not in found.get(index, {"right"})
    ]


def outcomes(folder, compiler, forms):
    path = os.path.join(folder, "forms.cpp")
    program = os.path.join(folder, "forms")
    with open(path, "w", encoding="utf-8") as file:
        file.write(source(forms))
    subprocess.run([compiler, "-std=gnu++20", "-w", path, "-o", program], check=True)
    result = []
    for index in range(len(forms)):
        runs = []
        for value in "01":
            run = subprocess.run(
                [program, str(index), value], capture_output=True, timeout=60, check=False
            )
            runs.append((run.returncode, run.stdout))
        result.append(runs)
    return result


def test_measured(folder, gxx, clangxx):
    version = subprocess.run([gxx, "-dumpfullversion"], capture_output=True, text=True, check=False)
    if not version.stdout.startswith("12."):
        print(f"skipped: {gxx} is not g++ 12")
        sys.exit(77)
    forms = [form for form in read_forms() if form[0] != "refused"]  # those have no program
    right = outcomes(folder, clangxx, forms)
    real = outcomes(folder, gxx, forms)
    return [
        f"is '{verdict}', but g++ 12 makes of it {theirs}, clang {ours}: {body}"
        for (verdict, body), ours, theirs in zip(forms, right, real)
        if (verdict == "right") != (ours == theirs)
    ]


def test_program(folder):
    faults = []

    def expect(what, result, code, text):
        if result.returncode != code or text not in result.stdout + result.stderr:
            faults.append(f"{what}: {result.returncode} instead of {code}, or not '{text}': {result}")

    good = f'#include "{HERE}/forms.hpp"\nTask<> f() {{ co_await Turn(); }}\n'
    bad = f'#include "{HERE}/forms.hpp"\nTask<> f() {{ co_await take(Job{{1, "a"}}); }}\n'
    expect("nothing to say", lint(folder, good), 0, "0 found in 1 translation units")
    expect("place and rule", lint(folder, bad), 1, "forms.cpp:2:31: warning: g++ before 13 destroys")
    expect("allowed", lint(folder, bad.replace("; }", "; }  // ringio-lint: allow")), 0, "0 found")
    with open(os.path.join(folder, "part.cpp"), "w", encoding="utf-8") as file:
        file.write(bad)
    part = os.path.join(folder, "part.cpp")
    expect("a unity build", lint(folder, f'#include "{part}"\n', part), 1, "part.cpp:2:31: warning")
    expect("no C++", lint(folder, good + "what?"), 2, "clang cannot read")
    absent = lint(folder, good, "--clang-query", "no-such-program")
    expect("no clang-query", absent, 2, "apt-get install clang-tools-19")
    expect("nothing asked for", lint(folder, good, "/nowhere"), 2, "none of the files")
    expect("no database", lint(folder, good, "-p", "/nowhere"), 2, "CMAKE_EXPORT_COMPILE_COMMANDS")
    return faults


def main():
    name, *arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.join(os.path.realpath(folder), "a.b+(c)")  # a name that is no pattern
        os.mkdir(folder)
        faults = {"forms": test_forms, "measured": test_measured, "program": test_program}[name](
            folder, *arguments
        )
    for fault in faults:
        print(fault)
    return 1 if faults else 0


sys.exit(main())
