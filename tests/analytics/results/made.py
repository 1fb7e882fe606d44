"""Results as queries give them, made up: of each kind that a summary tells differently."""

import random
from datetime import date
from decimal import Decimal

from analytics.results.cells import StoredColumn, to_rows

CITIES = ["北京", "上海", "广州", "深圳", "Hangzhou", "New York", "iPhone 15", "A座", "Q1 Promo", "成都"]
MEASURES = ["销售额", "订单数", "revenue", "orders", "refund amount", "2024年收入"]


def number(dice):
    match dice.randrange(4):
        case 0:
            return dice.randint(0, 30)
        case 1:
            return dice.randint(1_000, 90_000_000)
        case 2:
            return Decimal(dice.randint(1, 10**9)) / 100
    return Decimal(dice.randint(-(10**7), 10**7)) / Decimal(10) ** dice.randint(0, 4)


def label_column(dice, count):
    match dice.randrange(4):
        case 0:
            return StoredColumn("城市", "text"), dice.sample(CITIES, count)
        case 1:
            return StoredColumn("month", "date"), [date(2024 + n // 12, n % 12 + 1, 1) for n in range(count)]
        case 2:
            return StoredColumn("日期", "date"), [date(2025, 3, 1 + n) for n in range(count)]
    return StoredColumn("customer_id", "integer"), list(range(1, count + 1))


def made_result(seed):
    """(columns, rows as cells), 1 to 10 rows."""
    dice = random.Random(seed)
    count = dice.choice([1, 2, 3, 5, 8, 10])
    label, names = label_column(dice, count)
    measures = dice.sample(MEASURES, dice.choice([1, 1, 2]))
    holes = dice.random() < 0.2
    rows = [(name, *(None if holes and dice.random() < 0.2 else number(dice) for _ in measures)) for name in names]
    dice.shuffle(rows)
    columns = [label, *(StoredColumn(measure, "decimal") for measure in measures)]
    if dice.random() < 0.15:  # a listing: nothing names its rows
        columns, rows = columns[1:], [row[1:] for row in rows]
    return columns, to_rows(rows)
