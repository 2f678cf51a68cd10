"""Files: the built-in open() for bytes, os, shutil and pathlib, which open_file() and fs:: follow."""

import os
import pathlib
import shutil
import tempfile

from scenario import log, run_scenarios, scenario


def folder():
    return tempfile.TemporaryDirectory()


def outcome(call):
    try:
        value = call()
    except OSError as error:
        return f"OSError {error.errno}"
    except ValueError:
        return "ValueError"
    return value.decode() if isinstance(value, bytes) else value


def written_and_read(path, mode):
    with open(path, mode) as file:
        file.write(b"new")
        file.flush()
        if "+" in mode:
            file.seek(0)
            return file.read()
    return pathlib.Path(path).read_bytes()


@scenario("files.modes")
def _():
    """What each mode makes of a file that is there, and of one that is not."""
    with folder() as path:
        there = path + "/there"
        for mode in ("r+b", "wb", "w+b", "ab", "a+b", "xb", "x+b"):
            pathlib.Path(there).write_bytes(b"old text")
            log(mode, outcome(lambda: written_and_read(there, mode)))
            log(mode, outcome(lambda: written_and_read(path + "/new", mode)))
            pathlib.Path(path + "/new").unlink(missing_ok=True)


@scenario("files.positions")
def _():
    """read, seek and tell; nothing is read behind the end, and a write there leaves a hole."""
    with folder() as path, open(path + "/file", "w+b") as file:
        log(file.write(b"0123456789"), file.tell())
        log(file.seek(3), file.read(2).decode(), file.tell())
        log(file.seek(-1, os.SEEK_CUR), file.read(0).decode() == "")
        log(file.seek(-2, os.SEEK_END), file.read().decode(), file.read(5) == b"")
        log(outcome(lambda: file.seek(-1)), outcome(lambda: file.seek(0, 99)), file.tell())
        log(file.seek(12), file.write(b"z"), file.seek(0), len(file.read()))
        file.seek(5)
        file.truncate()
        log(file.tell(), os.stat(path + "/file").st_size)
        file.truncate(8)
        log(file.tell(), os.stat(path + "/file").st_size)


@scenario("files.lines")
def _():
    """readline, readlines and iteration; the last line may lack its end."""
    with folder() as path:
        name = path + "/file"
        pathlib.Path(name).write_bytes(b"one\ntwo\n\nfour")
        with open(name, "r+b") as file:
            log([line.decode().strip() for line in file])
            file.seek(0)
            log(file.readline().decode().strip(), file.tell(), file.read(2).decode())
            log([line.decode().strip() for line in file.readlines()], file.readline() == b"")
            file.seek(0)
            file.readline()
            file.write(b"TWO")
            log(file.tell(), file.readline() == b"\n")
        log(pathlib.Path(name).read_bytes() == b"one\nTWO\n\nfour")


@scenario("files.appending")
def _():
    """Writes at the end, wherever that is and wherever it was read."""
    with folder() as path, open(path + "/file", "a+b") as file:
        file.write(b"one")
        log(file.tell())
        file.seek(0)
        log(file.read(1).decode())
        file.seek(0)
        file.write(b"two")
        file.flush()
        log(file.tell())
        file.seek(0)
        log(file.read().decode())


@scenario("files.closed")
def _():
    """What is closed is read no more; closing twice is nothing."""
    with folder() as path:
        file = open(path + "/file", "w+b")
        log(file.closed)
        file.close()
        file.close()
        log(file.closed, outcome(file.read), outcome(lambda: file.write(b"x")))


@scenario("files.refused")
def _():
    """Paths that are none, and what cannot be opened."""
    with folder() as path:
        log(outcome(lambda: open(path + "/none", "rb")), outcome(lambda: open("", "rb")))
        log(outcome(lambda: open("a\0b", "rb")), outcome(lambda: open(path, "wb")))
        log(outcome(lambda: open(path + "/" + "n" * 256, "rb")))


@scenario("files.directories")
def _():
    """mkdir, exists, unlink, rmdir, replace and links."""
    with folder() as path:
        root = pathlib.Path(path)
        log(outcome(lambda: (root / "a/b").mkdir()))
        (root / "a/b").mkdir(parents=True)
        log(outcome(lambda: (root / "a").mkdir()), outcome(lambda: (root / "a").mkdir(exist_ok=True)))
        (root / "file").write_bytes(b"text")
        log(outcome(lambda: (root / "file").mkdir(exist_ok=True)))
        log((root / "a/b").exists(), (root / "none").exists(), (root / "file/x").exists())
        (root / "link").symlink_to("file")
        os.link(path + "/file", path + "/a/too")
        log(os.readlink(path + "/link"), outcome(lambda: os.readlink(path + "/file")))
        os.replace(path + "/a/too", path + "/a/b/too")
        log(outcome(lambda: os.replace(path + "/none", path + "/x")))
        log(outcome(lambda: (root / "none").unlink()), outcome(lambda: (root / "none").unlink(missing_ok=True)))
        log(outcome(lambda: (root / "a").rmdir()), outcome(lambda: (root / "link").rmdir()))
        (root / "link").unlink()
        log((root / "file").stat().st_size, (root / "a").is_dir())


@scenario("files.trees")
def _():
    """walk, copy and rmtree."""
    with folder() as path:
        root = pathlib.Path(path)
        for name in ("tree/b/c", "tree/a", "aside"):
            (root / name).mkdir(parents=True)
        (root / "aside/kept").write_bytes(b"kept")
        (root / "tree/link").symlink_to("../aside")
        shutil.copy(path + "/aside/kept", path + "/tree/b/copy")
        try:
            shutil.copy(path + "/aside/kept", path + "/aside/kept")
        except OSError:
            log("not onto itself")
        names = []
        for directory, directories, files in os.walk(path + "/tree"):
            directories.sort()
            links = [name for name in directories if os.path.islink(directory + "/" + name)]
            inside = [name for name in directories if name not in links]
            names.append((directory[len(path) + 1 :], inside, sorted(files + links)))
        for directory, inside, others in names:
            log(directory, inside, others)
        log(outcome(lambda: shutil.rmtree(path + "/aside/kept")))
        log(outcome(lambda: shutil.rmtree(path + "/none")))
        shutil.rmtree(path + "/tree")
        log((root / "tree").exists(), (root / "aside/kept").exists())


if __name__ == "__main__":
    run_scenarios()
