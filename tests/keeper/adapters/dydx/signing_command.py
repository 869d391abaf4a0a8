"""A signing command as an operator would write one, and its misbehaving kin.

Arguments: key in hex, how to behave, and a file that gets a line for each start.
"""

import json
import sys
import time
from pathlib import Path

from coincurve import PrivateKey

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
STEADY = ("well", "high-s", "lazy")
GOOD_BEFORE = 3  # answers before the misbehaviour begins


def signature(key: PrivateKey, behaviour: str, message: bytes) -> bytes:
    signed = key.sign_recoverable(message)[:64]
    if behaviour == "high-s":
        s = ORDER - int.from_bytes(signed[32:], "big")
        return signed[:32] + s.to_bytes(32, "big")
    if behaviour == "other-message":
        return key.sign_recoverable(message + b"!")[:64]
    if behaviour == "short":
        return signed[:63]
    return signed


def main() -> None:
    key, behaviour = PrivateKey.from_hex(sys.argv[1]), sys.argv[2]
    with Path(sys.argv[3]).open("a") as starts:
        starts.write("started\n")
    for number, line in enumerate(sys.stdin):
        asked = json.loads(line)
        answer = {"id": asked["id"]}
        now = behaviour if number >= GOOD_BEFORE or behaviour in STEADY else "well"
        if now == "silent":
            continue
        if now == "dead":
            return
        if now == "slow" or (now == "lazy" and number):
            time.sleep(0.3)
        if now == "refuses":
            answer["error"] = "the slot is locked"
        else:
            answer["signature"] = signature(key, now, bytes.fromhex(asked["sign_bytes"])).hex()
        sys.stdout.write(("Welcome!" if now == "chatty" else json.dumps(answer)) + "\n")
        sys.stdout.flush()


main()
