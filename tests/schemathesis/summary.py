"""Prints which operations of openapi.yaml were tested and how often, and fails if one was forgotten or asked too rarely.

python summary.py REPORT.ndjson, in the checkout's folder.
"""

import collections
import json
import sys
import tomllib

import yaml

PHASES = ["examples", "coverage", "fuzzing", "stateful"]
METHODS = ["get", "post", "put", "patch", "delete"]


def operations(contract):
    """Every operation as (METHOD path, its description)."""
    for path, item in contract["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method], item.get("parameters", [])


def count(report):
    """How many requests each operation got in each phase, and which statuses it answered."""
    asked, statuses = collections.Counter(), collections.defaultdict(set)
    for line in report:
        scenario = json.loads(line).get("ScenarioFinished")
        recorder = (scenario or {}).get("recorder") or {}
        for case_id, exchange in (recorder.get("interactions") or {}).items():
            case = recorder["cases"][case_id]["value"]
            # Elsewhere than in sequences an operation is also asked with methods that it does not have.
            label = f"{case['method']} {case['path']}" if scenario["phase"] == "stateful" else recorder["label"]
            asked[label, scenario["phase"]] += 1
            if exchange.get("response"):
                statuses[label].add(exchange["response"]["status_code"])
    return asked, statuses


def excluded(config, operation):
    """Whether schemathesis.toml says that an operation is not asked."""
    off = [rule for rule in config.get("operations", []) if rule.get("enabled") is False]
    return any(rule.get("include-tag") in operation["tags"] or rule.get("include-operation-id") == operation["operationId"] for rule in off)


def main():
    with open("openapi.yaml", encoding="utf-8") as file:
        contract = yaml.safe_load(file)
    with open("tests/schemathesis/schemathesis.toml", "rb") as file:
        config = tomllib.load(file)
    with open(sys.argv[1], encoding="utf-8") as file:
        asked, statuses = count(file)
    least = config["generation"]["max-examples"]
    forgotten = []
    print(f"{'':52}" + "".join(f"{phase:>9}" for phase in PHASES) + "  answers")
    for label, operation, shared in operations(contract):
        if excluded(config, operation):
            print(f"{label:52}  excluded, see schemathesis.toml")
            continue
        counts = [asked[label, phase] for phase in PHASES]
        print(f"{label:52}" + "".join(f"{number:9}" for number in counts) + "  " + " ".join(map(str, sorted(statuses[label]))))
        # Without parameters and body there is one request to make up.
        has_input = operation.get("parameters") or shared or operation.get("requestBody")
        if counts[PHASES.index("fuzzing")] < (least if has_input else 1):
            forgotten.append(label)
    if forgotten:
        sys.exit(f"asked fewer than {least} times while fuzzing: {', '.join(forgotten)}")


main()
