"""The files a configuration points to: certificates, and secrets that each lie in a file of their own."""

import ssl
import stat
from dataclasses import dataclass
from pathlib import Path as FilePath

from daemon.config.errors import Findings
from daemon.config.lines import Path

MOST_CHARACTERS = 10_000  # of a file that holds one line
TABLES_FOLDER = "devices"  # beside the configuration: the user's own device tables


@dataclass(frozen=True, slots=True)
class Secrets:
    """Files beside the configuration; what they hold appears in no message."""

    folder: FilePath

    def line(self, name: str | None, path: Path, findings: Findings) -> str | None:
        """The first line of a file; a warning if everybody on the machine may read it."""
        if name is None:
            return None
        if "://" in name:
            findings.error(path, "secret_inline")
            return None
        file = self.folder / name
        try:
            with file.open(encoding="utf-8-sig") as opened:
                text = opened.read(MOST_CHARACTERS).strip()
            is_open = bool(file.stat().st_mode & stat.S_IROTH)
        except FileNotFoundError:
            findings.error(path, "secret_missing", found=name)
            return None
        except (OSError, UnicodeDecodeError) as error:
            detail = error.strerror if isinstance(error, OSError) else "UTF-8"
            findings.error(path, "file_unreadable", found=name, detail=detail)
            return None
        if not text:
            findings.error(path, "secret_empty", found=name)
            return None
        if is_open:
            findings.warn(path, "secret_open", found=name)
        return text.splitlines()[0].strip()

    def certificates(self, name: str | None, path: Path, findings: Findings) -> str | None:
        """A file of trusted certificates, loaded once to see that it is one, as an absolute path."""
        if name is None:
            return None
        file = (self.folder / name).absolute()
        try:
            ssl.create_default_context(cafile=str(file))
        except FileNotFoundError:
            findings.error(path, "file_missing", found=name)
        except ssl.SSLError:
            findings.error(path, "not_certificates", found=name)
        except OSError as error:
            findings.error(path, "file_unreadable", found=name, detail=error.strerror)
        return str(file)


def decoded(raw: bytes) -> str | None:
    """A text as spreadsheets save it: UTF-16 with its mark, UTF-8, or else GBK; None if it is none of them."""
    for encoding in ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
