"""Personal data is found by rule, in both languages, and masked."""

import pytest

from analytics.meaning.personal import is_card_number, is_id_number, masked, personal_kind


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("contact", ["alice@acme.test", "bob@globex.test", "n/a"], "email"),
        ("邮箱", ["", "carol@acme.test"], "email"),
        ("手机号", ["13812345678", "13900001111"], "phone"),
        ("col_7", ["+86 138 1234 5678", "13900001111"], "phone"),
        ("Phone", ["(555) 010-1234", "555-010-9999"], "phone"),
        ("office", ["+44 20 7946 0958", "+1 555 010 1234"], "phone"),
        ("联系电话", ["138****5678"], "phone"),
        ("备注", ["11010519491231002X", "440524188001010014"], "id_number"),
        ("身份证号", ["110105194912310021"], "id_number"),
        ("pay_ref", ["4111 1111 1111 1111", "5500005555555559"], "card"),
        ("银行卡", ["6222020200112233445"], "card"),
        ("姓名", ["张三", "李四"], "name"),
        ("contactName", ["Ada Lovelace"], "name"),
        ("客户", ["王芳", "李明", "张伟华"], "name"),
        ("name", ["Ada Lovelace", "Alan M. Turing", "Grace Hopper"], "name"),
    ],
)
def test_what_is_personal_is_found(header, values, kind):
    assert personal_kind(header, values) == kind


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("product_name", ["Espresso Machine", "steel kettle 2 l", "Cup 200ml"]),
        ("name", ["华东大区", "西南大区", "总部"]),
        ("客户名称", ["北京星辰科技有限公司", "上海远洋贸易"]),
        ("customer", ["Globex Ltd", "Initech Inc", "Acme Company"]),
        ("order_no", ["2024010100000001", "2024010100000002", "2024010100000003", "2024010100000004"]),
        ("amount", ["13812345678.50", "100.00", "20"]),
        ("date", ["2024-01-02", "2024-01-03"]),
        ("订单号", ["SO-20240101-0001"]),
        ("手机型号", ["Mate 60", "iPhone 15"]),
        ("empty", []),
    ],
)
def test_what_is_not_personal_stays(header, values):
    assert personal_kind(header, values) == ""


def test_check_digits_are_checked():
    assert is_id_number("11010519491231002X")
    assert not is_id_number("110105194912310021")  # another last digit
    assert not is_id_number("11010519491331002X")  # a thirteenth month
    assert is_card_number("4111111111111111")
    assert not is_card_number("4111111111111112")
    assert not is_card_number("0000000000000000")


def test_a_personal_column_shows_only_shapes():
    assert masked("alice@acme.test", "email") == "***@***"
    assert masked("王芳", "name") == "***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("请回电13812345678，谢谢", "请回电***，谢谢"),
        ("mail bob@globex.test or +44 20 7946 0958", "mail *** or ***"),
        ("身份证11010519491231002X已核", "身份证***已核"),
        ("card 4111 1111 1111 1111", "card ***"),
        ("order 4111111111111112 of 2024-01-02: 1,200.50", "order 4111111111111112 of 2024-01-02: 1,200.50"),
    ],
)
def test_what_is_personal_inside_a_text_is_cut_out(text, shown):
    assert masked(text) == shown
