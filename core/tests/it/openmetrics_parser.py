"""Parses bodies from stdin with prometheus_client's OpenMetrics parser, and answers on stdout.

Each body and each answer begins with its length in four bytes, most significant byte first.
An answer is `refused` with the reason, or `taken` with one line for each sample. A line has these
fields, separated by tabs: the name, the bits of the value and of the timestamp in hexadecimal, and
the names and values of the labels. Backslash, tab and line feed are escaped.
"""

import struct
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def bits(number):
    return struct.pack(">d", float(number)).hex()


def escape(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def samples_of(body):
    for family in text_string_to_metric_families(body.decode("utf-8")):
        for sample in family.samples:
            timestamp = "" if sample.timestamp is None else bits(sample.timestamp)
            fields = [sample.name, bits(sample.value), timestamp]
            for name, value in sorted((sample.labels or {}).items()):
                fields += [name, value]
            yield "\t".join(escape(field) for field in fields)


def parse(body):
    try:
        return "\n".join(["taken", *samples_of(body)])
    except Exception as error:  # whatever it raises, it has refused
        return "refused\n" + str(error)


def main():
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while head := stdin.read(4):
        (length,) = struct.unpack(">I", head)
        answer = parse(stdin.read(length)).encode("utf-8", "surrogatepass")
        stdout.write(struct.pack(">I", len(answer)) + answer)
        stdout.flush()


main()
