"""Texts, numbers and values that mean something to one of the readers, or are at the end of a range."""

from typing import Any

# fmt: off
NUMBERS = (0, 1, 2, 7, 8, 63, 127, 128, 255, 256, 32767, 65535, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
TEXTS = (
    "", "0", "-1", "1e999", "1e-999", "nan", "inf", "0x1", "1_0", "\u0663", "9" * 30, "-0", "1.5", "null", "true",
    "hair", "eyes", "blue hair", "red eyes", "hair=blue", "file", "file,hair,eyes", "step", "1girl:", ":7", "a:1",
    '"', "'", "\\", '\\"', "\\u0041", "\\ud800", ";", ",", ":", "=", "\t", " ", "\n", "\r\n", "\r", "\0", "\ufeff",
    "/", "..", "../a", "/etc/passwd", "C:\\a", "%00", "a\u0301", "e\u0301" * 9, "\u202e", "\u00df", "\u0130", "\u2028",
    "\x1b[2J", "{", "}", "[", "]", "[[", '{"a":', "checkpoint-3.pt", "archive/data.pkl", "data/0", "storage", "cpu",
    "\u3042", "\U0001f600", "\u1e9e", "\ufb01", "-", "--", "#", "a" * 300,
)
RAW = (b"\xff", b"\xed\xa0\x80", b"\xc3", b"\xff\xfe", b"PK\x05\x06", b"\x80\x02", b"\x93NUMPY")
WORDS = (*(text.encode() for text in TEXTS), *RAW)
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 10**6, 2**31, 2**53, 2**63, 2**64, 10**19, -(10**19), 0.0, -0.0, 0.5, 1e308,
    -1e308, 5e-324, "", "a", " ", "nan", "0", "\ud800", "\0", "\n", "a\x1b[2J", "\u202e", "..", "../x", "/", "a" * 300,
    "e\u0301", [], {}, [[]], [None], [0], [""], {"": 0}, {"a": None}, [1, 2, 3], ["a", "a"], [[1], "a"], {"name": "a"},
)
# fmt: on
