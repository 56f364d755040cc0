"""the models of meters and other devices on serial lines

列出串口设备的型号
"""

import argparse
import sys
from pathlib import Path

from daemon.columns import aligned
from daemon.config.files import TABLES_FOLDER

NAME = "models"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "List the device tables: what `model` may be, the settings that such devices leave the factory with, what a "
        "poll brings, and how many frames prove each table, by where they come from."
    )
    parser.add_argument(
        "--tables", type=Path, default=Path(TABLES_FOLDER), metavar="FOLDER",
        help="your own device tables, beside the configuration (default: %(default)s, if it is there)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print the list; 2 when a table of the user's own cannot be used."""
    from adapters.device_table import VECTOR_KINDS, DeviceTableError, load_tables

    try:
        tables = load_tables(args.tables)
    except DeviceTableError as error:
        sys.stderr.write(f"caretaker models: {error}\n")
        return 2
    rows: list[tuple[str, ...]] = [("model", "line", "protocol", *VECTOR_KINDS, "a poll brings")]
    for table in sorted(tables.values(), key=lambda table: table.name):
        counts = (str(sum(vector.kind == kind for vector in table.vectors)) for kind in VECTOR_KINDS)
        labels = ", ".join(field.label for field in table.fields)
        rows.append((table.name, table.line, table.protocol, *counts, labels))
    sys.stdout.writelines(f"{line}\n" for line in aligned(rows, numbers=range(3, 3 + len(VECTOR_KINDS))))
    return 0
