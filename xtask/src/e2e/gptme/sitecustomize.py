"""Gives tiktoken an encoding of single bytes, which it would download: only how gptme counts for itself changes."""

import importlib.util
import sys


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name != "tiktoken.registry":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            from tiktoken.core import Encoding

            ranks = {bytes([byte]): byte for byte in range(256)}
            encoding = Encoding("bytes", pat_str=r"(?s:.)", mergeable_ranks=ranks, special_tokens={})
            module.get_encoding = lambda name: encoding

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
