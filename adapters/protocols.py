"""The registry of protocols on serial lines: one row each, by the name that device tables give."""

from collections.abc import Mapping

from adapters.cjt188_codec import Cjt188
from adapters.dlt645_1997 import Dlt645Of1997
from adapters.dlt645_codec import Dlt645
from adapters.mbus_codec import Mbus
from adapters.modbus import Modbus
from adapters.protocol import AnyCodec

CODECS: Mapping[str, AnyCodec] = {
    codec.name: codec
    for codec in (
        Dlt645(),
        Dlt645Of1997(),
        Modbus(),
        Cjt188(),
        Mbus(),
    )
}  # fmt: skip
