# The walk-through, sourced by tools/demo.
cd "$root/sample"
psql -d demo -f demo.sql
