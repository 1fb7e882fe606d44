"""Who works where, and that nobody sees anything from elsewhere."""

from uuid_utils.compat import uuid7

from knowledge.models import KnowledgeBase
from tenants.models import Member, Tenant, User
from tenants.provisioning import add_member
from tests.admin.conftest import PASSWORD, sign_in


def test_the_root_leads_to_the_admin_and_that_to_the_sign_in(client):
    assert client.get("/").headers["Location"] == "/admin/"
    assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
    page = client.get("/admin/login/")
    assert page.status_code == 200
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert 'rel="icon" href="/static/chat/icon' in page.content.decode()


def test_alice_signs_in_with_her_address_and_is_at_home(client, alice):
    answer = client.post("/admin/login/?next=/admin/", {"username": alice.user.email, "password": PASSWORD})

    assert answer.headers["Location"] == "/admin/"
    page = client.get("/admin/")
    assert page.status_code == 200
    assert "Acme" in page.content.decode()


def test_a_wrong_password_stays_outside(client, alice):
    page = client.post("/admin/login/", {"username": alice.user.email, "password": "wrong"})
    assert page.status_code == 200
    assert client.get("/admin/").status_code == 302


def test_one_who_belongs_nowhere_is_told_whom_to_ask(acme):
    user = User.objects.create_user("nobody-yet@example.com", PASSWORD, is_staff=True)
    nobody = sign_in(user)

    assert nobody.client.get("/admin/").headers["Location"] == "/admin/choose/"
    page = nobody.sees("/admin/choose/").content.decode()
    assert "You do not belong to a tenant yet" in page
    assert acme.tenant.slug not in page


def test_who_belongs_to_two_chooses_and_may_change_his_mind(acme, globex, alice):
    add_member(tenant=globex.tenant, email=alice.user.email, role=Member.Role.VIEWER)

    assert alice.client.get("/admin/").headers["Location"] == "/admin/choose/"
    page = alice.sees("/admin/choose/").content.decode()
    assert acme.tenant.slug in page
    assert globex.tenant.slug in page

    alice.enters(acme)
    assert alice.sees("/admin/tenants/apikey/").status_code == 200
    alice.enters(globex)
    assert alice.client.get("/admin/tenants/apikey/").status_code == 403


def test_a_tenant_of_others_cannot_be_entered(alice, globex):
    answer = alice.posts("/admin/choose/enter/", tenant=str(globex.id))

    assert answer.status_code == 404
    assert alice.chosen is None
    assert alice.posts("/admin/choose/enter/", tenant="rubbish").status_code == 404


def test_one_who_was_removed_is_out_with_the_next_page(acme, globex, alice):
    add_member(tenant=globex.tenant, email=alice.user.email, role=Member.Role.OWNER)
    alice.enters(globex)
    alice.sees("/admin/")
    with globex.scope():
        Member.objects.filter(user=alice.user).delete()

    assert alice.client.get("/admin/").headers["Location"] == "/admin/choose/"
    assert globex.tenant.slug not in alice.sees("/admin/choose/").content.decode()
    alice.enters(acme)
    alice.sees("/admin/")


def test_an_operator_sees_no_data_before_he_enters_and_a_banner_while_inside(olga, acme):
    for path in ("/admin/", "/admin/tenants/apikey/", "/admin/tenants/member/"):
        assert olga.client.get(path).headers["Location"] == "/admin/choose/"
    assert acme.tenant.slug in olga.sees("/admin/choose/").content.decode()

    olga.enters(acme)
    page = olga.sees("/admin/tenants/apikey/").content.decode()
    assert "You are inside Acme as an operator." in page
    with acme.scope():
        assert acme.tenant.name in page

    olga.posts("/admin/choose/leave/")
    assert olga.chosen is None
    assert olga.client.get("/admin/tenants/apikey/").headers["Location"] == "/admin/choose/"


def test_members_see_no_banner(alice):
    assert "as an operator" not in alice.sees("/admin/").content.decode()


def test_entering_needs_the_forms_own_token(olga, acme):
    strict = sign_in(olga.user, enforce_csrf_checks=True)
    answer = strict.posts("/admin/choose/enter/", tenant=str(acme.id))
    assert answer.status_code == 403
    assert strict.chosen is None


def test_an_operator_founds_a_tenant_whose_owner_can_sign_in(olga, client):
    slug = f"initech-{uuid7().hex[-12:]}"
    fields = {
        "name": "Initech",
        "slug": slug,
        "owner": f"bill@{slug}.example",
        "password": "a-long-first-one",
    }

    assert olga.posts("/admin/choose/found/", **fields | {"password": ""}).context["form"].errors.keys() == {"password"}
    assert olga.posts("/admin/choose/found/", **fields).status_code == 302
    again = olga.posts("/admin/choose/found/", **fields)
    assert again.context["form"].errors.keys() == {"slug"}

    client.post("/admin/login/", {"username": fields["owner"], "password": fields["password"]})
    assert "Initech" in client.get("/admin/").content.decode()
    assert Tenant.objects.using("system").filter(slug=slug).count() == 1


def test_members_found_no_tenants_and_see_no_accounts(alice):
    assert alice.client.get("/admin/choose/found/").status_code == 403
    assert alice.client.get("/admin/tenants/user/").status_code == 403
    assert alice.client.get(f"/admin/tenants/user/{alice.user.pk}/change/").status_code == 403


def test_an_operator_keeps_accounts_without_entering_a_tenant(olga):
    olga.sees("/admin/tenants/user/")
    olga.sees(f"/admin/tenants/user/{olga.user.pk}/change/")
    fields = {
        "email": "new-one@example.com",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    made = olga.posts("/admin/tenants/user/add/", **fields)
    assert made.status_code == 302, made.context["adminform"].form.errors
    assert User.objects.get(email="new-one@example.com").is_staff


def test_the_admin_speaks_chinese(alice):
    alice.client.cookies["django_language"] = "zh-hans"
    page = alice.sees("/admin/").content.decode()
    assert '<html lang="zh-hans"' in page
    assert "知识库" in page


def test_a_page_that_fails_leaves_nothing_behind(alice, acme, monkeypatch):
    def fail(*args: object) -> None:
        raise RuntimeError("the log is full")

    monkeypatch.setattr("tenants.adminsite.base.audit", fail)
    alice.client.raise_request_exception = False
    fields = {"name": "Handbook", "slug": "", "language": ""}
    assert alice.posts("/admin/knowledge/knowledgebase/add/", **fields).status_code == 500
    with acme.scope():
        assert not KnowledgeBase.objects.exists()
