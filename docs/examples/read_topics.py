"""Prints what Sonde's collectors write to Kafka, one JSON object a line.

usage: read_topics.py BROKERS TOPIC [COUNT]      for example: read_topics.py localhost:9092 sonde.flows
"""
import ipaddress
import json
import struct
import sys

from confluent_kafka import Consumer

# Made by: protoc --proto_path=model/batch/wire --python_out=. flow.proto
from flow_pb2 import ADDRESS, STRING, FlowBatch

FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}


def numbers(column, rows):
    """A column's number for each row: the base plus `width` little-endian bytes, which width 0 leaves out."""
    if column.width == 0:
        return [column.base] * rows
    return [column.base + n for n in struct.unpack(f"<{rows}{FORMATS[column.width]}", column.numbers)]


def values(column, rows):
    if column.kind == STRING:
        return [column.strings[n] for n in numbers(column, rows)]
    if column.kind == ADDRESS:
        addresses = [ipaddress.IPv6Address(column.addresses[i:i + 16]) for i in range(0, len(column.addresses), 16)]
        names = [str(address.ipv4_mapped or address) for address in addresses]
        return [names[n] for n in numbers(column, rows)]
    return numbers(column, rows)


def records(part):
    """The rows of a part as dictionaries. Fields that a row does not name are 0, "" or ::."""
    columns = {column.name: values(column, part.rows) for column in part.columns}
    return [{name: column[row] for name, column in columns.items()} for row in range(part.rows)]


def is_new(message, reached):
    """Whether a message comes for the first time, by its place in its collector's spool; notes it in `reached`."""
    headers = dict(message.headers() or [])
    if "sonde-stream" not in headers:
        return True
    key = (message.partition(), headers["sonde-stream"])
    position = int(headers["sonde-position"])
    if position <= reached.get(key, -1):
        return False
    reached[key] = position
    return True


def main(brokers, topic, count=None):
    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": "read-topics-example",
        "auto.offset.reset": "earliest",
        # What a collector began to write and did not finish is not to be read.
        "isolation.level": "read_committed",
    })
    consumer.subscribe([topic])
    left = int(count) if count else -1
    reached = {}
    while left != 0:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise RuntimeError(message.error())
        if not is_new(message, reached):
            continue
        batch = FlowBatch.FromString(message.value())
        if batch.schema_version > 1:
            raise RuntimeError(f"schema version {batch.schema_version} is newer than this program")
        for kind, part in (("flow", batch.flows), ("dns", batch.dns)):
            for record in records(part):
                print(json.dumps({"kind": kind, "cluster": batch.cluster, "node": batch.node, **record}), flush=True)
        left -= 1
    consumer.close()


main(*sys.argv[1:])
