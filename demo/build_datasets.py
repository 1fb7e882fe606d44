"""Build demo/datasets/*.csv: two shops' books, drawn by lot with a fixed seed, about nobody.

Run it after changing what is drawn: `python demo/build_datasets.py`. The results are committed; rebuilding gives the
same bytes.
"""

import csv
import random
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

DATASETS = Path(__file__).parent / "datasets"
FIRST, LAST = date(2025, 1, 1), date(2026, 10, 31)

TEAS = {
    "绿茶": {"西湖龙井": "88.00", "碧螺春": "76.00", "安吉白茶": "92.00"},
    "红茶": {"正山小种": "68.00", "祁门红茶": "72.00", "滇红": "58.00"},
    "乌龙": {"铁观音": "66.00", "大红袍": "128.00", "冻顶乌龙": "96.00"},
    "茶具": {"盖碗": "45.00", "茶杯": "28.00", "紫砂壶": "260.00"},
}
STORES = {"杭州总店": 4, "上海店": 3, "成都店": 2, "线上": 5}
GOODS = {
    "Lamps": {"Brass desk lamp": "64.00", "Harbour lantern": "38.50", "Reading light": "27.90"},
    "Maps": {"Coast chart": "18.00", "Town map": "9.50", "Star map": "22.00"},
    "Prints": {"Finch print": "24.00", "Lighthouse print": "31.00", "Tide table poster": "12.00"},
    "Stationery": {"Log book": "14.50", "Ink set": "19.90", "Letter box": "42.00"},
}
CITIES = {"Bristol": 5, "Whitby": 3, "Leith": 3, "Falmouth": 2, "Cork": 2}
CHANNELS = {"Shop": 4, "Online": 5, "Market stall": 1}


def tea_sales(lot: random.Random) -> Iterable[list[object]]:
    yield ["日期", "门店", "品类", "商品", "数量", "单价", "金额", "会员"]
    for day in days(lot, 420):
        kind, name, price = goods_of(lot, TEAS)
        count = lot.choices([1, 2, 3, 4, 6], [9, 6, 3, 2, 1])[0]
        yield [day, drawn(lot, STORES), kind, name, count, price, price * count, lot.choice(["是", "是", "否"])]


def shop_orders(lot: random.Random) -> Iterable[list[object]]:
    yield [
        "Order",
        "Ordered on",
        "City",
        "Channel",
        "Category",
        "Product",
        "Quantity",
        "Unit price",
        "Amount",
        "Returned",
    ]
    for number, day in enumerate(days(lot, 360), start=1001):
        kind, name, price = goods_of(lot, GOODS)
        count = lot.choices([1, 2, 3, 5], [8, 5, 2, 1])[0]
        returned = "yes" if lot.random() < 0.06 else "no"
        yield [number, day, drawn(lot, CITIES), drawn(lot, CHANNELS), kind, name, count, price, price * count, returned]


def days(lot: random.Random, count: int) -> list[date]:
    """In order, more of them in November and December."""
    span = (LAST - FIRST).days + 1
    found = [FIRST + timedelta(days=lot.randrange(span)) for _ in range(count)]
    found += [day.replace(month=12, day=min(day.day, 24), year=2025) for day in lot.sample(found, count // 20)]
    return sorted(found)


def goods_of(lot: random.Random, shelf: dict[str, dict[str, str]]) -> tuple[str, str, Decimal]:
    kind = lot.choice(list(shelf))
    name = lot.choice(list(shelf[kind]))
    return kind, name, Decimal(shelf[kind][name])


def drawn(lot: random.Random, weights: dict[str, int]) -> str:
    return lot.choices(list(weights), list(weights.values()))[0]


def write(name: str, rows: Iterable[list[object]]) -> None:
    with open(DATASETS / name, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    DATASETS.mkdir(exist_ok=True)
    write("tea-sales.csv", tea_sales(random.Random(17)))
    write("shop-orders.csv", shop_orders(random.Random(29)))
