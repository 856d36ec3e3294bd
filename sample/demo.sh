# The walk-through, sourced by tools/demo: demo.sql, beside a server that
# answers from answers.jsonl as a model would.
cd "$root/sample"
library=$("$copy" --pkglibdir)/pg_llm-$(sed -n "s/^default_version = '\(.*\)'/\1/p" ../pg_llm.control)
python=$(cat "$library/PYTHON")
port=$state/port
: > "$port"
become env PYTHONPATH="$library" "$(command -v "/usr/bin/python$python" || command -v "python$python")" \
    -m pg_llm.models.scripted answers.jsonl > "$port" 2> "$state/scripted.log" &
scripted=$!
trap 'kill "$scripted" 2> /dev/null' EXIT
waited=0
while ! [ -s "$port" ]; do
    waited=$((waited + 1))
    [ "$waited" -lt 100 ] || fail "The scripted server did not start: $(cat "$state/scripted.log")"
    sleep 0.1
done
psql -d demo -v port="$(cat "$port")" -f demo.sql
