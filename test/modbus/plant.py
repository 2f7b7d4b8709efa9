"""A plant's devices, by pymodbus: units 1 and 2 over TCP, RTU over TCP or a serial port.

plant.py tcp|rtu-over-tcp PORT    plant.py rtu PATH

Tells on the first line, as JSON, what its holding registers mean as pymodbus encoded it; serves then.
"""

import asyncio
import json
import sys

from pymodbus.constants import Endian
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.payload import BinaryPayloadBuilder
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

VALUES = {
    "int16": [-32768, -2, 0, 32767],
    "uint16": [0, 1, 40001, 65535],
    "int32": [-2147483648, -65537, 123456789],
    "uint32": [65536, 4294967295],
    "int64": [-9223372036854775808, -2, 81985529216486895],
    "uint64": [4294967296, 18364758544493064720],
    "float32": [0.0, -21.3, 1.5e-7, 3.25e12],
    "float64": [3.141592653589793, -2.5e-300, 1.7e308],
}
ADD = {
    "int16": "add_16bit_int",
    "uint16": "add_16bit_uint",
    "int32": "add_32bit_int",
    "uint32": "add_32bit_uint",
    "int64": "add_64bit_int",
    "uint64": "add_64bit_uint",
    "float32": "add_32bit_float",
    "float64": "add_64bit_float",
}
ORDERS = {"big": Endian.Big, "little": Endian.Little}


def encoded():
    """Registers from 0 without a gap, and what they mean."""
    registers, points = [], []

    def put(builder, **point):
        points.append({"address": len(registers), **point})
        registers.extend(builder.to_registers())

    for kind, values in VALUES.items():
        for byte_order in ORDERS:
            for word_order in ["big"] if kind.endswith("16") else ORDERS:
                for value in values:
                    builder = BinaryPayloadBuilder(byteorder=ORDERS[byte_order], wordorder=ORDERS[word_order])
                    getattr(builder, ADD[kind])(value)
                    put(builder, type=kind, byteOrder=byte_order, wordOrder=word_order, value=str(value))
    for text in ["pump 7", "odd", "Grad °C", ""]:
        builder = BinaryPayloadBuilder(byteorder=Endian.Big, wordorder=Endian.Big)
        builder.add_string((text + "\0\0" if len(text.encode()) % 2 == 0 else text + "\0"))
        size = len(builder.to_registers()) * 2
        put(builder, type="string", byteOrder="big", wordOrder="big", length=size, value=text)
    return registers, points


def block(first, values):
    return ModbusSparseDataBlock({first + at: value for at, value in enumerate(values)})


def device(registers):
    return ModbusSlaveContext(
        co=block(0, [at % 3 == 0 for at in range(2100)]),
        di=block(10, [at % 2 == 1 for at in range(20)]),
        hr=block(0, registers),
        ir=ModbusSparseDataBlock({at: 100 + at for at in [*range(20), *range(30, 40)]}),
        zero_mode=True,
    )


async def main():
    transport, place = sys.argv[1:3]
    registers, points = encoded()
    context = ModbusServerContext(slaves={1: device(registers), 2: device([7, 8, 9])}, single=False)
    print(json.dumps(points), flush=True)
    if transport == "rtu":
        await StartAsyncSerialServer(
            context, framer=ModbusRtuFramer, port=place, baudrate=19200, ignore_missing_slaves=True
        )
        return
    framer = ModbusRtuFramer if transport == "rtu-over-tcp" else ModbusSocketFramer
    await StartAsyncTcpServer(
        context, framer=framer, address=("127.0.0.1", int(place)), allow_reuse_address=True
    )


asyncio.run(main())
