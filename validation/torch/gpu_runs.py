"""Measures every configuration of gpu_runs.yaml on this machine's GPU: python gpu_runs.py [--out FILE]

Each runs in a process of its own, so that one's out-of-memory or fragmentation is not another's. Rows that
exist in the file are kept.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import yaml

import request as requests

HERE = pathlib.Path(__file__).parent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "measured.jsonl")
    parser.add_argument("--device", choices=("cuda", "fake"), default="cuda", help="fake: only to try the list out")
    options = parser.parse_args()
    done = {_key(row["request"]) for row in _rows(options.out)}
    for keys in yaml.safe_load((HERE / "gpu_runs.yaml").read_text()):
        request = requests.Request(**keys).as_dict()
        if _key(request) not in done:
            _append(options.out, _run(keys, options.device) or {"request": request, "failed": True})


def _run(keys, device):
    flags = [f"--{key.replace('_', '-')}={_text(value)}" for key, value in keys.items()]
    process = subprocess.run(
        [sys.executable, str(HERE / "run.py"), "--device", device, *flags], stdout=subprocess.PIPE, text=True
    )
    return json.loads(process.stdout) if process.returncode == 0 else None


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _key(request):
    return json.dumps(request, sort_keys=True)


def _rows(path):
    return [json.loads(line) for line in path.open()] if path.exists() else []


def _append(path, row):
    with path.open("a") as file:
        print(json.dumps(row, separators=(",", ":")), file=file)


if __name__ == "__main__":
    main()
