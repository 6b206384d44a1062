"""Brings a Mesa into a folder whose device in software has cooperative matrices: Debian 12's has none.

Debian's own packages of a later release, by apt with lists and a state of its own, unpacked and not installed: no root,
and nothing of the machine changes. They need a later C library, so that programs start through its loader: see
`command`. Their SPIRV-Tools know cooperative matrices, too.
"""

import os
import pathlib
import shutil
import subprocess

RELEASE = "trixie"
PACKAGES = [f"mesa-vulkan-drivers/{RELEASE}-backports", f"mesa-libgallium/{RELEASE}-backports", "vulkan-validationlayers",
            "libvulkan1", "spirv-tools", "libstdc++6"]
LIBRARIES = "usr/lib/x86_64-linux-gnu"
TIMEOUT_S = 900


class Unavailable(Exception):
    """Why there is no such Mesa, for people."""


def is_there(folder):
    return (pathlib.Path(folder) / "done").exists()


def fetch(folder):
    """Fetches what is not there yet. Raises Unavailable."""
    folder = pathlib.Path(folder).resolve()
    if is_there(folder):
        return
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise Unavailable("apt-get and dpkg, which fetch it, are not on this machine")
    if os.uname().machine != "x86_64":
        raise Unavailable(f"it is fetched for x86-64 only, and this machine is {os.uname().machine}")
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("lists/partial", "cache/archives/partial", "etc", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    sources = "".join(f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian {suite} main\n"
                      for suite in (RELEASE, f"{RELEASE}-backports"))
    (folder / "sources.list").write_text(sources)
    settings = {"Dir::Etc::SourceList": folder / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
                "Dir::Etc::Parts": folder / "etc", "Dir::Etc::PreferencesParts": folder / "etc",
                "Dir::State": folder, "Dir::State::Lists": folder / "lists", "Dir::State::Status": folder / "status",
                "Dir::Cache": folder / "cache", "APT::Architecture": "amd64", "APT::Architectures": "amd64",
                "APT::Sandbox::User": "", "Debug::NoLocking": "1", "Acquire::Retries": "2", "Acquire::Languages": "none"}
    options = [f"-o{name}={value}" for name, value in settings.items()]
    _run(["apt-get", *options, "--error-on=any", "update"])
    _run(["apt-get", *options, "--yes", "--no-install-recommends", "--download-only", "install", *PACKAGES])
    for package in sorted((folder / "cache" / "archives").glob("*.deb")):
        _run(["dpkg", "-x", package, folder / "root"])
    driver = next((folder / "root/usr/share/vulkan/icd.d").glob("lvp_icd*.json"), None)
    if not driver:
        raise Unavailable("the packages hold no device in software")
    text = driver.read_text().replace('"libvulkan_lvp.so"', f'"{folder / "root" / LIBRARIES / "libvulkan_lvp.so"}"')
    (folder / "driver.json").write_text(text)
    shutil.rmtree(folder / "cache")
    shutil.rmtree(folder / "lists")
    (folder / "done").touch()


def variables(folder):
    """The environment in which a program finds this Mesa, with the vectors that its cooperative matrices are made for."""
    root = pathlib.Path(folder).resolve() / "root"
    return {"VK_DRIVER_FILES": str(pathlib.Path(folder).resolve() / "driver.json"),
            "VK_ICD_FILENAMES": str(pathlib.Path(folder).resolve() / "driver.json"),
            "VK_LAYER_PATH": str(root / "usr/share/vulkan/explicit_layer.d"), "LP_NATIVE_VECTOR_WIDTH": "256"}


def command(folder, *words):
    """How a program is started with the C library of those packages."""
    libraries = pathlib.Path(folder).resolve() / "root" / LIBRARIES
    return [str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries), *map(str, words)]


def validator(folder):
    """How spirv-val of those packages is started."""
    return command(folder, pathlib.Path(folder).resolve() / "root" / "usr/bin/spirv-val")


def give_runtime(folder, libraries):
    """The compiler looks for its runtime beside the program that it is, which is the loader now."""
    place = pathlib.Path(folder).resolve() / "root/usr/lib/lib"
    if not place.is_symlink():
        place.symlink_to(pathlib.Path(libraries).resolve())


def _run(words):
    process = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             timeout=TIMEOUT_S)
    if process.returncode:
        raise Unavailable(f"{words[0]} failed: {process.stdout.strip().splitlines()[-1] if process.stdout.strip() else 'no reason given'}")
