"""Reads bodies from stdin and says what prometheus_client's OpenMetrics parser makes of each.

A body and an answer are each a length of four bytes, most significant first, and so many bytes.
An answer is `refused` and why, or `taken` and a line for each sample: the name, the value's and
the timestamp's bits in hexadecimal, and names and values of the labels, with tabs between,
backslash, tab and line feed escaped.
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


def judge(body):
    try:
        return "\n".join(["taken", *samples_of(body)])
    except Exception as error:  # whatever it raises, it has refused
        return "refused\n" + str(error)


def main():
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while head := stdin.read(4):
        (length,) = struct.unpack(">I", head)
        answer = judge(stdin.read(length)).encode("utf-8", "surrogatepass")
        stdout.write(struct.pack(">I", len(answer)) + answer)
        stdout.flush()


main()
