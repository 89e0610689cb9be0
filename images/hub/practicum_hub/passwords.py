"""Passwords of the demo's accounts: scrypt, as `scrypt$n$r$p$salt$hash` with base64 values.

Run as a module it reads a password from standard input and prints its hash.
"""

import base64
import hashlib
import hmac
import secrets
import sys
from dataclasses import dataclass
from typing import Self

# OWASP's least for scrypt is n=2^17, r=8, p=1; it takes 128 MiB, too much for a demo's Hub.
# n=2^15, p=3 is the alternative of equal strength that they name with 32 MiB.
COST, BLOCK, LANES = 2**15, 8, 3
_SALT_BYTES = 16
_MEMORY = 64 * 2**20


@dataclass(frozen=True)
class PasswordHash:
    """A hash with its parameters."""

    cost: int
    block: int
    lanes: int
    salt: bytes
    digest: bytes

    @classmethod
    def make(cls, password: str, salt: bytes | None = None) -> Self:
        """Hash a password with today's parameters."""
        salt = salt or secrets.token_bytes(_SALT_BYTES)
        return cls(COST, BLOCK, LANES, salt, _scrypt(password, salt, COST, BLOCK, LANES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the written form; raises ValueError when it is none."""
        kind, *rest = text.split("$")
        if kind != "scrypt" or len(rest) != 5:  # noqa: PLR2004
            raise ValueError("not a hash of the form scrypt$n$r$p$salt$hash")
        cost, block, lanes = (int(number) for number in rest[:3])
        salt, digest = (base64.b64decode(part, validate=True) for part in rest[3:])
        return cls(cost, block, lanes, salt, digest)

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"scrypt${self.cost}${self.block}${self.lanes}${salt}${digest}"

    def matches(self, password: str) -> bool:
        """Whether this is the hash of `password`; takes the same time either way."""
        found = _scrypt(password, self.salt, self.cost, self.block, self.lanes)
        return hmac.compare_digest(found, self.digest)


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost, r=block, p=lanes, maxmem=_MEMORY, dklen=32
    )


if __name__ == "__main__":
    sys.stdout.write(f"{PasswordHash.make(sys.stdin.readline().rstrip(chr(10)))}\n")
