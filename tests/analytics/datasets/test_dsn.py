"""Addresses of other people's databases: what is not on the list is refused, and nothing of it is repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.datasets.dsn import parse_dsn
from tenants.errors import Invalid

SECRET = "s3cr3t-pw"


@pytest.mark.parametrize(
    ("text", "schema", "options"),
    [
        (f"postgresql://ann:{SECRET}@db.example.com/sales", "public", {}),
        (f"postgres://ann:{SECRET}@db.example.com:5432/sales?sslmode=require", "public", {"sslmode": "require"}),
        (f"postgresql://ann:{SECRET}@db.example.com/sales?schema=shop&connect_timeout=3", "shop",
         {"connect_timeout": 3}),
        (f"host=db.example.com dbname=sales user=ann password='{SECRET}' search_path=shop", "shop", {}),
        (f"host = db.example.com user=ann dbname=sales password={SECRET} application_name='x y'", "public", {}),
    ],
)  # fmt: skip
def test_both_forms_are_read(text, schema, options):
    dsn = parse_dsn(text)

    assert dsn.address == {
        "host": "db.example.com",
        "port": 5432,
        "database": "sales",
        "user": "ann",
        "options": options,
    }
    assert (dsn.schema, dsn.password) == (schema, SECRET)
    assert SECRET not in repr(dsn)


def test_a_quoted_password_may_look_like_an_option():
    dsn = parse_dsn("host=h dbname=d user=u password='a schema=b \\' c'")

    assert (dsn.password, dsn.schema) == ("a schema=b ' c", "public")


BASE = f"host=db.example.com dbname=sales user=ann password={SECRET}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mysql://ann:s3cr3t-pw@db/sales",
        "not an address",
        f"postgresql://ann:{SECRET}@/sales",
        f"postgresql://ann:{SECRET}@%2Fvar%2Frun%2Fpostgresql/sales",
        f"postgresql://ann:{SECRET}@one.example,two.example/sales",
        f"postgresql://ann:{SECRET}@db.example.com:99999/sales",
        f"postgresql://ann:{SECRET}@db.example.com:5432,5433/sales",
        f"postgresql://ann@db.example.com/sales?pass={SECRET}",
        f"postgresql://db.example.com/{SECRET}",
        f"dbname=sales user=ann password={SECRET}",
        f"{BASE} host=/tmp",
        f"{BASE} host=@socket",
        *(
            f"{BASE} {option}"
            for option in (
                "hostaddr=127.0.0.1",
                "service=internal",
                "servicefile=/etc/pg_service.conf",
                "passfile=/etc/pgpass",
                "sslcert=/etc/ssl/cert.pem",
                "sslkey=/etc/ssl/key.pem",
                "sslrootcert=/etc/passwd",
                "sslmode=allow",
                "sslmode=verify-ca",
                "options='-c role=postgres'",
                "krbsrvname=x",
                "gssencmode=require",
                "replication=database",
                "target_session_attrs=primary",
                "load_balance_hosts=random",
                "connect_timeout=100000",
                "connect_timeout=-1",
                "sslpassword=x",
                "sslsni=0",
                "ssl_min_protocol_version=TLSv1",
                "client_encoding=SQL_ASCII",
                "keepalives=0",
                "schema=a,b",
                'schema="weird name"',
                "schema=a search_path=b",
                "schema=a;drop",
                "nosuchoption=1",
            )
        ),
        f"{BASE} dbname='postgresql://evil.example/x?host=/tmp' replication=1",
        f"{BASE}\n",
        f"{BASE}\x00",
        f"{BASE} application_name={'x' * 2000}",
    ],
)  # fmt: skip
def test_the_rest_is_refused_without_being_repeated(text):
    with pytest.raises(Invalid) as caught:
        parse_dsn(text)

    assert caught.value.errors[0]["field"] == "dsn"
    assert SECRET not in str(caught.value.detail)


@given(st.text(max_size=200) | st.from_regex(r"(host|dbname|user|password|schema)=.{0,20}( port=.{0,5})?"))
def test_anything_else_is_refused_or_read_and_never_breaks(text):
    try:
        dsn = parse_dsn(text)
    except Invalid:
        return
    assert dsn.address.keys() == {"host", "port", "database", "user", "options"}
    assert dsn.address["options"].keys() <= {"sslmode", "connect_timeout"}
