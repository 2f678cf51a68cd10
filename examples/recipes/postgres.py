"""postgres.cpp against a server of its own, through a Unix socket and by TCP, and against nobody."""

import glob
import os
import pathlib
import subprocess

import peer

PORT = 15432  # at an address of its own
EXPECTED = """\
Mars has 2 moons
Vulcan has unknown moons
8000000 letters went there, the same: t
at once: second, third; t
news: it rains
too long
at the server 0 are left
the connection is good
42601: ERROR:  syntax error at or near "SELEC"
LINE 1: SELEC 1
        ^
{to}FATAL:  database "nowhere" does not exist
57P01: FATAL:  terminating connection due to administrator command
no connection to the server
"""
# The server does not run as root.
OWNER = "postgres" if os.geteuid() == 0 else None
AS_OWNER = {"user": OWNER, "group": OWNER, "extra_groups": []} if OWNER else {}


def server_programs() -> pathlib.Path:
    installed = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    return pathlib.Path(max(installed) if installed else peer.find("postgresql", "postgres")).parent


def make_data(programs: pathlib.Path, data: pathlib.Path) -> None:
    command = [programs / "initdb", "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8"]
    subprocess.run(
        [*command, "--no-locale", "--no-sync"],
        stdout=subprocess.DEVNULL,
        cwd=data.parent,
        check=True,
        **AS_OWNER,
    )


def all_of_it() -> None:
    programs = server_programs()
    address = peer.loopback()
    with peer.folder(OWNER) as folder:
        make_data(programs, folder / "data")
        command = [programs / "postgres", "-F", "-D", folder / "data", "-k", folder, "-p", PORT]
        command += ["-c", f"listen_addresses={address}"]
        ask = [programs / "pg_isready", "-q", "-h", folder, "-p", str(PORT)]
        with peer.serving(
            command, lambda: subprocess.call(ask) == 0, folder / "log", cwd=folder, **AS_OWNER
        ):
            result = peer.run(f"host={folder} port={PORT} user=test dbname=postgres")
            to = f'connection to server on socket "{folder}/.s.PGSQL.{PORT}" failed: '
            peer.check_output(result, EXPECTED.format(to=to))

            # At the first of two ports there is nobody.
            two = f"hostaddr={address},{address} port=1,{PORT}"
            result = peer.run(f"{two} user=test dbname=postgres sslmode=disable")
            to = (
                f'connection to server at "{address}", port 1 failed: Connection refused\n'
                "\tIs the server running on that host and accepting TCP/IP connections?\n"
                f'connection to server at "{address}", port {PORT} failed: '
            )
            peer.check_output(result, EXPECTED.format(to=to))


def nobody() -> None:
    with peer.folder() as folder:
        result = peer.run(f"host={folder}")
        peer.check(result.returncode == 1, f"status {result.returncode}")
        peer.check(f"{folder}/.s.PGSQL.5432" in result.stderr, result.stderr)


peer.main(nobody, all_of_it)
