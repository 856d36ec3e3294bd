"""sqlglot's lineage of the statements on standard input; see lineage_peers.py."""

from protocol import serve
from sqlglot import exp, parse_one
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify


def edges(sql, schema):
    tree = parse_one(sql, dialect="postgres")
    query = tree.expression if isinstance(tree, exp.Insert | exp.Create) else tree
    if not isinstance(query, exp.Query):
        raise NotImplementedError(f"no lineage of {tree.key}")
    # Stars are expanded first: lineage() looks up one named output column.
    query = qualify(query, schema=schema, dialect="postgres", validate_qualify_columns=False)
    columns = query.named_selects
    found = []
    for column, name in zip(columns, targets(tree, schema) or columns, strict=False):
        for node in lineage(column, query, schema, dialect="postgres").walk():
            if not node.downstream and isinstance(node.expression, exp.Table):
                found.append((name, node.expression.name, node.name.rpartition(".")[2]))
    return found


def targets(tree, schema):
    """Return the names that INSERT and CREATE give to the query's columns."""
    target = tree.this if isinstance(tree, exp.Insert | exp.Create) else None
    if isinstance(target, exp.Schema):
        return [column.name for column in target.expressions]
    if isinstance(tree, exp.Insert):
        return [*schema[target.name]]
    return None


def nested(schema):
    # Names in the statements are unqualified; sqlglot has no search path.
    return {table.partition(".")[2]: columns for table, columns in schema.items()}


serve(edges, nested)
