"""What the runners share: JSON in on standard input, JSON out.

In: {"schema": {"f.t": {"column": "type"}}, "statements": [sql, …], "rounds": n}.
Out: a list of {"edges": [[target column, table, column], …]} or {"error": text},
with "ms", processor time, the best of the rounds.
"""

import json
import re
import sys
import time
import warnings

_QUERY = re.compile(r"\s*(select|with|values|table|\()", re.IGNORECASE)
_WRITES = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)


def as_table(sql):
    """Give a bare query a target: tools that describe data flows know no other output."""
    if _QUERY.match(sql) and not _WRITES.search(sql):
        return f"create table result as {sql}"
    return sql


def serve(edges, prepare=lambda schema: schema):
    """Answer for `edges(sql, prepare(schema))`."""
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    schema = prepare(asked["schema"])
    answers = []
    for sql in asked["statements"]:
        answer = {"ms": float("inf")}
        for turn in range(asked["rounds"]):
            begun = time.process_time()
            try:
                # Another text each time, for a tool that remembers its answers.
                answer["edges"] = [list(edge) for edge in edges(sql + " " * turn, schema)]
            except Exception as error:  # noqa: BLE001
                answer["error"] = f"{type(error).__name__}: {error}"[:200]
            answer["ms"] = min(answer["ms"], 1000 * (time.process_time() - begun))
        answers.append(answer)
    json.dump(answers, sys.stdout)
