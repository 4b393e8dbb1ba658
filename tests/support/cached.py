"""Other people's programs that tests run and nobody wants installed: each is fetched once and kept
in .cache/ of the source tree."""

import fcntl
import hashlib
import pathlib
import shutil
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CACHE = SOURCE / ".cache"


def cached(name, fill):
    """The folder of that name, which `fill(folder)` makes if it is not there; tests that want it at
    the same time wait for one another."""
    folder = CACHE / name
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            work = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=CACHE))
            try:
                fill(work)
                work.rename(folder)
            except BaseException:
                shutil.rmtree(work)
                raise
    return folder


def unpacked(name, *packages):
    """Debian packages, downloaded and unpacked: a server among them is not started."""
    def fill(folder):
        with tempfile.TemporaryDirectory(prefix="todoke-packages-") as downloads:
            subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download",
                            *packages], cwd=downloads, check=True)
            for package in pathlib.Path(downloads).glob("*.deb"):
                subprocess.run(["dpkg", "-x", package, folder], check=True)
        folder.chmod(0o755)
        for file in folder.rglob("*"):
            # Nothing here runs with the rights of others.
            if file.is_file() and not file.is_symlink() and file.stat().st_mode & 0o6000:
                file.chmod(0o755)
    return cached(name, fill)


def npm_packages():
    """The folder with the packages that the lock file of tests/interop/npm names."""
    source = SOURCE / "tests/interop/npm"
    wanted = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]

    def fill(folder):
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, folder)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                              cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise AssertionError(f"npm ci failed:\n{done.stdout.decode(errors='replace')[-4000:]}")
    return cached(f"npm-{wanted}", fill)


def npm_script(name):
    """A script of tests/interop/npm, where it finds these packages."""
    installed = npm_packages()
    shutil.copy(SOURCE / "tests/interop/npm" / name, installed)
    return installed / name
