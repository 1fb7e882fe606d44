"""SQL with the faults that models make, each beside the question that it should answer; and a model that repairs.

The repairing model knows nothing but its prompt: it reads what was wrong, the nearest names and the tables, and changes
one thing by rule, as a careful beginner would.
"""

import json
import re
from typing import Any

from tests.fakes.openai_server import RecordedRequest

# question → (kind of fault, wrong SQL)
ABOUT_TRADE = [
    ("How many orders are there?", "table", "SELECT count(*) FROM order_list"),
    ("How many orders are there?", "table", 'SELECT count(*) FROM "Orders"'),
    ("What is the total amount of all orders?", "column", "SELECT sum(amounts) FROM orders"),
    ("What is the total amount of all orders?", "column", "SELECT sum(order_amount) FROM orders"),
    ("Total amount by status", "column", "SELECT order_status, sum(amount) FROM orders GROUP BY 1 ORDER BY 2 DESC"),
    ("Total amount by status", "group", "SELECT status, sum(amount) FROM orders ORDER BY 2 DESC"),
    ("Which customers live in London?", "table", "SELECT name FROM customer WHERE city = 'London'"),
    ("Which customers live in London?", "dialect", 'SELECT `name` FROM `customers` WHERE `city` = "London"'),
    ("Which customers live in London?", "column", "SELECT customer_name FROM customers WHERE city = 'London'"),
    ("Customers who joined in 2024", "dialect",
     "SELECT name FROM customers WHERE YEAR(joined_on) = 2024 ORDER BY name"),
    ("Customers who joined in 2024", "cast", "SELECT name FROM customers WHERE joined_on LIKE '2024%' ORDER BY name"),
    ("Monthly sales", "dialect",
     "SELECT DATE_TRUNC(ordered_on, MONTH) AS month, sum(amount) FROM orders GROUP BY 1 ORDER BY 1"),
    ("Top three orders by amount", "dialect", "SELECT TOP 3 id, amount FROM orders ORDER BY amount DESC"),
    ("Top three orders by amount", "dialect", "SELECT id, amount FROM orders ORDER BY amount DESC LIMIT 0, 3"),
    ("Sales by city", "join", "SELECT city, sum(amount) FROM orders GROUP BY city ORDER BY 1"),
    ("Sales by city", "join",
     "SELECT o.city, sum(o.amount) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY o.city ORDER BY 1"),
    ("Sales by city", "join",
     "SELECT c.city, sum(o.amount) FROM orders o JOIN customers c ON c.customer_id = o.customer_id "
     "GROUP BY 1 ORDER BY 1"),
    ("Sales by product category", "join",
     "SELECT category, sum(amount) FROM orders JOIN products ON product_id = product.id GROUP BY 1 ORDER BY 1"),
    ("Sales by product category", "table",
     "SELECT p.category, sum(o.amount) FROM orders o JOIN product p ON p.id = o.product_id GROUP BY 1 ORDER BY 1"),
    ("Average order value", "cast", "SELECT round(avg(amount)::float, 2) FROM orders"),
    ("Average order value", "column", "SELECT round(avg(amout), 2) FROM orders"),
    ("Average discount, none counting as zero", "dialect", "SELECT round(avg(IFNULL(discount, 0)), 4) FROM orders"),
    ("Average discount, none counting as zero", "dialect", "SELECT round(avg(ISNULL(discount, 0)), 4) FROM orders"),
    ("Average discount, none counting as zero", "dialect", "SELECT round(avg(NVL(discount, 0)), 4) FROM orders"),
    ("Orders in the first quarter of 2025", "dialect",
     "SELECT count(*) FROM orders WHERE YEAR(ordered_on) = 2025 AND QUARTER(ordered_on) = 1"),
    ("Customers with more than one order", "dialect",
     "SELECT c.name, count(*) AS n FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.name HAVING n > 1 "
     "ORDER BY 1"),
    ("Customers with more than one order", "join",
     "SELECT c.name, count(*) FROM orders JOIN customers ON customers.id = orders.customer_id GROUP BY c.name "
     "HAVING count(*) > 1 ORDER BY 1"),
    ("Sum of list prices per category", "cast",
     "SELECT category, sum(list_price) FROM products GROUP BY category ORDER BY category"),
    ("Sum of list prices per category", "cast",
     "SELECT category, sum(list_price::numeric) FROM products GROUP BY category ORDER BY category"),
    ("Best month", "dialect",
     "SELECT DATE_FORMAT(ordered_on, '%Y-%m') AS month FROM orders GROUP BY 1 ORDER BY sum(amount) DESC LIMIT 1"),
    ("Best month", "dialect",
     "SELECT strftime('%Y-%m', ordered_on) AS month FROM orders GROUP BY 1 ORDER BY sum(amount) DESC LIMIT 1"),
    ("Names that contain an L", "column", "SELECT full_name FROM customers WHERE full_name ILIKE '%l%' ORDER BY 1"),
]  # fmt: skip

ABOUT_STAFF = [
    ("一共有多少员工？", "table", "SELECT count(*) FROM employee"),
    ("一共有多少员工？", "table", "SELECT count(*) FROM 员工"),
    ("每个部门有多少人？", "join",
     "SELECT d.name, count(*) FROM employees e JOIN departments d ON d.id = e.dept_id GROUP BY d.name ORDER BY 1"),
    ("平均月薪是多少？", "column", "SELECT round(avg(月薪), 2) FROM employees"),
    ("平均月薪是多少？", "column", "SELECT round(avg(salaries), 2) FROM employees"),
    ("月薪最高的三个人是谁？", "dialect", "SELECT TOP 3 name, salary FROM employees ORDER BY salary DESC"),
    ("男女各有多少人？", "column", "SELECT sex, count(*) FROM employees GROUP BY sex ORDER BY 1"),
    ("男女各有多少人？", "dialect", "SELECT `gender`, count(*) FROM `employees` GROUP BY `gender` ORDER BY 1"),
    ("硕士学历的员工有哪些？", "dialect", 'SELECT name FROM employees WHERE education = "硕士" ORDER BY name'),
    ("硕士学历的员工有哪些？", "column", "SELECT 名称 FROM 员工 WHERE 学历 = '硕士' ORDER BY 1"),
    ("2022年以后入职的员工", "column",
     "SELECT name FROM employees WHERE hire_on >= DATE '2022-01-01' ORDER BY hire_on"),
    ("每年入职多少人？", "dialect",
     "SELECT YEAR(hired_on) AS 年份, count(*) FROM employees GROUP BY YEAR(hired_on) ORDER BY 1"),
    ("各类请假一共多少天？", "table", "SELECT kind, sum(days) FROM leave GROUP BY kind ORDER BY 2 DESC, 1"),
    ("各类请假一共多少天？", "table", "SELECT 类型, sum(天数) FROM 请假记录 GROUP BY 类型 ORDER BY 2 DESC, 1"),
    ("谁请过病假？", "join",
     "SELECT DISTINCT l.name FROM leaves l JOIN employees e ON e.id = l.employee_id WHERE l.kind = '病假' ORDER BY 1"),
    ("没有请过假的员工", "join",
     "SELECT e.name FROM employees e LEFT JOIN leaves l ON l.emp_id = e.id WHERE l.id IS NULL ORDER BY 1"),
    ("奖金总额", "cast", "SELECT sum(bonus_text) FROM employees"),
    ("奖金总额", "column", "SELECT sum(nullif(奖金, '')::numeric) FROM employees"),
    ("2025年每月请假天数", "dialect",
     "SELECT DATE_FORMAT(starts_on, '%Y-%m-01') AS 月份, sum(days) FROM leaves WHERE YEAR(starts_on) = 2025 GROUP BY 1 "
     "ORDER BY 1"),
    ("姓王的员工", "column", "SELECT employee_name FROM employees WHERE employee_name LIKE '王%'"),
    ("五楼有哪些员工？", "join", "SELECT name FROM employees WHERE floor = 5 ORDER BY 1"),
    ("月薪在一万到两万之间的人数", "column", "SELECT count(*) FROM employees WHERE pay BETWEEN 10000 AND 20000"),
]  # fmt: skip

_NAME = re.compile(r'(?:column|relation|table|has no column|missing FROM-clause entry for table) "?([\w.]*\w)')


def repair(request: RecordedRequest) -> str:
    """What the repairing model answers."""
    shown = json.loads(request.messages[1]["content"])
    sql = json.loads(request.messages[-2]["content"])["sql"]
    wrong = json.loads(request.messages[-1]["content"].partition("\n")[2])
    fixed = _fixed(sql, wrong, {table["name"]: table for table in shown["tables"]}, shown.get("joins", []))
    return json.dumps({"sql": fixed, "explanation": "", "cannot_answer": ""}, ensure_ascii=False)


def _fixed(sql: str, wrong: dict[str, Any], tables: dict[str, Any], joins: list[str]) -> str:
    error = wrong["error"]
    if "GROUP BY" in error and (found := re.search(r'column "(?:\w+\.)?(\w+)"', error)):
        return re.sub(r"( ORDER BY|$)", rf" GROUP BY {found[1]}\1", sql, count=1)
    found = _NAME.search(error)
    if not found:
        return sql
    name = found[1].rpartition(".")[2]
    nearest = wrong.get("nearest_names") or re.findall(r"mean (\w+)", error)
    if nearest and nearest[0] != name:
        return re.sub(rf"\b{name}\b", nearest[0], sql)
    owners = [table for table, about in tables.items() if any(name == each["name"] for each in about["columns"])]
    for join in joins:
        left, right = (side.split(".") for side in join.split(" = "))
        for owner, (here, there) in ((left[0], (right, left)), (right[0], (left, right))):
            if owner in owners and re.search(rf"\bFROM {here[0]}\b", sql):
                return re.sub(
                    rf"\bFROM {here[0]}\b", f"FROM {here[0]} JOIN {owner} ON {'.'.join(here)} = {'.'.join(there)}", sql
                )
    return sql
