"""The guide to OpenAI's clients runs as it stands, without a model, in both languages."""

from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

import pytest

from knowledge.collecting import add_text, create_base
from personas.publishing import create_persona, publish
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import page
from tests.knowledge.conftest import work_off


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


def clerk(business: Business) -> None:
    """As the API guide makes him."""
    with business.scope():
        base = create_base(name="Returns", slug="returns")
        add_text(
            base=base,
            title="Returns",
            text="You may return unopened tea within 30 days. 未开封的茶叶三十天内可以退货。",
        )
        settings = {"knowledge_bases": ["returns"]}
        publish(
            create_persona(
                tenant_id=business.id, slug="clerk", name="Clerk", kind="customer_service", settings=settings
            )
        )
    work_off(business)


@pytest.mark.parametrize(
    ("guide", "quoted"), [("docs/guides/openai.md", "within 30 days"), ("docs/guides/openai.zh.md", "三十天内可以退货")]
)
def test_the_guide_is_answered_and_its_thread_goes_on(server, acme, monkeypatch, guide, quoted):
    clerk(acme)
    monkeypatch.setenv("TROUPE", server.http)
    monkeypatch.setenv("KEY", acme.token)
    names: dict[str, object] = {}
    told = []

    for block in page(guide).blocks("python run"):
        with redirect_stdout(StringIO()) as seen:
            exec(compile(block.text, guide, "exec"), names)
        told.append(seen.getvalue())
    names["client"].close()

    answer, thread, vectors = told
    assert quoted in answer
    assert answer.splitlines()[-1] == "Returns"
    assert thread.rstrip().endswith("tokens")
    assert vectors.strip() == "384"
    conversations = acme.api.get("/api/v1/conversations/").json()["results"]
    assert [row["message_count"] for row in conversations] == [4]
