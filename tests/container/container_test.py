"""container_test.py: the seccomp profiles that packaging/container makes allow io_uring, and
nothing else that the profile which they are made of does not."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

CONTAINER = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "container"
CALLS = {"io_uring_setup", "io_uring_enter", "io_uring_register"}

# In the form of Docker's, with each kind of rule that there is.
PROFILE = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 1,
    "archMap": [
        {
            "architecture": "SCMP_ARCH_X86_64",
            "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        },
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
    ],
    "syscalls": [
        {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
        {
            "names": ["ptrace"],
            "action": "SCMP_ACT_ALLOW",
            "includes": {"minKernel": "4.8"},
        },
        {
            "names": ["personality"],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}],
        },
        {
            "names": ["arch_prctl"],
            "action": "SCMP_ACT_ALLOW",
            "includes": {"arches": ["amd64", "x32"]},
        },
        {
            "names": ["mount", "clone3"],
            "action": "SCMP_ACT_ALLOW",
            "includes": {"caps": ["CAP_SYS_ADMIN"]},
        },
        {
            "names": ["clone"],
            "action": "SCMP_ACT_ALLOW",
            "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390", "s390x"]},
        },
        {
            "names": ["clone3"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": 38,
            "excludes": {"caps": ["CAP_SYS_ADMIN"]},
        },
        {
            "names": ["io_uring_setup", "bdflush"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": 1,
        },
        {"names": ["io_uring_enter"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
    ],
}


def make(profile, *options: str) -> subprocess.CompletedProcess:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "profile.json"
        text = profile if isinstance(profile, str) else json.dumps(profile)
        path.write_text(text, encoding="utf-8")
        script = str(CONTAINER / "allow_io_uring.py")
        command = [sys.executable, script, *options, str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def rules_for(profile: dict, name: str) -> list[dict]:
    return [rule for rule in profile["syscalls"] if name in rule["names"]]


class Container(unittest.TestCase):
    def test_io_uring_is_allowed_by_one_rule_without_conditions(self):
        for options in ([], ["--flat", "--arch", "x86_64"]):
            made = json.loads(make(PROFILE, *options).stdout)
            for call in CALLS:
                rules = rules_for(made, call)
                self.assertEqual([rule["action"] for rule in rules], ["SCMP_ACT_ALLOW"])
                self.assertEqual(rules[0].keys(), {"names", "action"})
                self.assertEqual(set(rules[0]["names"]), CALLS)

    def test_everything_else_stays(self):
        made = json.loads(make(PROFILE).stdout)
        for key in PROFILE.keys() - {"syscalls"}:
            self.assertEqual(made[key], PROFILE[key])
        self.assertEqual(made["syscalls"][:7], PROFILE["syscalls"][:7])
        self.assertEqual(made["syscalls"][7], {**PROFILE["syscalls"][7], "names": ["bdflush"]})
        self.assertEqual(len(made["syscalls"]), 9)

    def test_made_twice_it_is_the_same(self):
        made = make(PROFILE).stdout
        self.assertEqual(make(made).stdout, made)

    def test_flat_has_no_condition_left_and_nothing_that_takes_a_capability(self):
        made = json.loads(make(PROFILE, "--flat", "--arch", "x86_64").stdout)
        for rule in made["syscalls"]:
            self.assertLessEqual(rule.keys(), {"names", "action", "errnoRet", "args"})
        self.assertNotIn("archMap", made)
        self.assertEqual(
            made["architectures"], ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
        )
        self.assertEqual(rules_for(made, "mount"), [])
        self.assertEqual([r["action"] for r in rules_for(made, "clone3")], ["SCMP_ACT_ERRNO"])
        for call in ("ptrace", "personality", "arch_prctl", "clone"):
            self.assertEqual(len(rules_for(made, call)), 1, call)
        self.assertEqual(rules_for(made, "personality")[0]["args"], PROFILE["syscalls"][2]["args"])

    def test_flat_is_of_one_architecture(self):
        made = json.loads(make(PROFILE, "--flat", "--arch", "aarch64").stdout)
        self.assertEqual(rules_for(made, "arch_prctl"), [])
        self.assertEqual(made["architectures"], ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"])
        made = json.loads(make(PROFILE, "--flat", "--arch", "s390x").stdout)
        self.assertEqual(rules_for(made, "clone"), [])

    def test_what_is_no_profile_is_refused_in_a_sentence(self):
        new = {"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"moon": "full"}}
        for profile, options in (
            ("{", []),
            ({}, []),
            ({"syscalls": [{"name": "read", "action": "SCMP_ACT_ALLOW"}]}, []),
            ({**PROFILE, "syscalls": [new]}, ["--flat", "--arch", "x86_64"]),
        ):
            refused = make(profile, *options)
            self.assertEqual(refused.returncode, 1)
            self.assertEqual(refused.stdout, "")
            self.assertNotIn("Traceback", refused.stderr)

    def test_the_pod_names_the_profile_that_the_page_makes(self):
        pod = (CONTAINER / "pod.yaml").read_text(encoding="utf-8")
        self.assertRegex(pod, r"type: Localhost\n +localhostProfile: profiles/seccomp-ringio\.json")
        for page in (CONTAINER / "README.md", CONTAINER.parents[1] / "docs" / "kernels.md"):
            made = re.findall(r"> (\S+\.json)", page.read_text(encoding="utf-8"))
            self.assertEqual(set(made), {"seccomp-ringio.json"}, page)


if __name__ == "__main__":
    unittest.main()
