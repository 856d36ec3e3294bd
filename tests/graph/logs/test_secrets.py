"""No secret is stored: in a sample, a pattern, an edge or a name."""

from __future__ import annotations

import pytest

from pg_llm.graph.logs import scanner, secrets

_SECRET = "hunter2horse"
_STATEMENTS = [
    "create role joe password '{}'",
    "CREATE USER joe WITH ENCRYPTED PASSWORD '{}' valid until '2030-01-01'",
    "alter role joe password e'\\x41{}'",
    "ALTER USER joe PASSWORD $pw${}$pw$",
    "create user mapping for joe server s options (user 'joe', password '{}')",
    "alter user mapping for joe server s options (set password '{}')",
    "create server s foreign data wrapper w options (host 'h', secret_access_key '{}')",
    "create subscription s connection 'host=h user=u password={}' publication p",
    "alter subscription s connection 'postgresql://u:{}@h/db'",
    "select * from dblink('host=h password={}', 'select 1') as t(a int)",
    "select dblink_connect('c', 'dbname=x password=''{}''')",
    "select dblink_exec('u', $$alter role x password '{}'$$)",
    "copy t from program 'curl -u joe:{} https://h'",
    "set pg_llm.openai_key = '{}'",
    "set local pg_llm.api_key to {}",
    "alter role joe set app.token = {}",
    "alter database d set my.secret to '{}'",
    "alter system set primary_conninfo = 'host=h password={}'",
    "select set_config('pg_llm.key', '{}', false)",
    "select llm_secret_set('openai', '{}', 'https://h')",
    "select llm_secret_set(name => 'o', value => $1, endpoint => 'https://h') -- {}",
    "select crypt('{}', gen_salt('bf'))",
    "select pgp_sym_decrypt(data, '{}') from t",
    "update users set password = '{}' where id = 1",
    "insert into users (name, password) values ('joe', '{}'), ('eve', '{}')",
    "select * from users where name = 'joe' and pass = '{}'",
    "select http_get('https://joe:{}@h/path')",
    "/* password={} */ select 1",
    "comment on role joe is 'Passwort: password {}'",
    "do $$ begin execute 'create role x password ''{}'''; end $$",
    "create role joe password '{}",
    "select 'postgres://u:{}@h",
    "select 'Bearer {}', 'Authorization: {}'",
    "update t set 密码 = '{}'",
    "select 'sk-{}abcdefghijk'",
    "select 'eyJhbGciOiJIUzI1NiJ9.{}'",
]


@pytest.mark.parametrize("statement", _STATEMENTS)
def test_masked(statement):
    text = statement.replace("{}", _SECRET)
    assert _SECRET not in secrets.mask(text)
    assert _SECRET not in scanner.normalize(text)


@pytest.mark.parametrize(
    "text",
    [
        "select name, 'x' from item where id = 5 -- why",
        "insert into orders values (1, 'Pässe', $1)",
        "select compass, trespass from map where direction = 'north'",
    ],
)
def test_others_are_left_alone(text):
    assert secrets.mask(text) == text


def test_what_is_left_of_a_masked_statement_is_sql():
    assert (
        secrets.mask("update users set password = 'x', age = 5 -- c\n where id = $1")
        == "update users set password = '***', age = 0 where id = $1"
    )


def test_names():
    assert secrets.mask_name("psql") == "psql"
    assert secrets.mask_name("worker postgres://u:p@h") == secrets.MASK
