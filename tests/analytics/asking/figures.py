"""Two datasets, and questions about them with the SQL that answers them. English and Chinese, half and half."""

from tests.analytics.conftest import Tables

TRADE: Tables = {
    "customers": (
        [("id", "integer"), ("name", "text"), ("city", "text"), ("segment", "text"), ("joined_on", "date")],
        [
            (1, "Ada Brown", "London", "retail", "2024-01-10"),
            (2, "Lin Xiao", "Hangzhou", "business", "2024-02-20"),
            (3, "Chen Li", "Chengdu", "retail", "2024-07-01"),
            (4, "Bo Weiss", "Berlin", "business", "2025-01-15"),
        ],
    ),
    "products": (
        [("id", "integer"), ("title", "text"), ("category", "text"), ("list_price", "text")],
        [
            (1, "Longjing", "tea", "88.00"),
            (2, "Earl Grey", "tea", "18.00"),
            (3, "Teapot", "ware", "120.00"),
            (4, "Cup", "ware", ""),
        ],
    ),
    "orders": (
        [
            ("id", "integer"), ("customer_id", "integer"), ("product_id", "integer"), ("ordered_on", "date"),
            ("quantity", "integer"), ("amount", "numeric(10,2)"), ("status", "text"), ("discount", "numeric(4,2)"),
        ],
        [
            (1, 1, 2, "2025-01-05", 3, "54.00", "paid", None),
            (2, 2, 1, "2025-01-20", 2, "176.00", "paid", "0.10"),
            (3, 2, 4, "2025-02-11", 10, "395.00", "shipped", "0.15"),
            (4, 3, 1, "2025-02-28", 1, "88.00", "cancelled", None),
            (5, 1, 3, "2025-03-09", 1, "120.00", "paid", None),
            (6, 3, 4, "2025-03-30", 4, "158.00", "shipped", "0.05"),
            (7, 4, 1, "2025-04-02", 5, "440.00", "paid", "0.20"),
            (8, 4, 2, "2024-12-24", 6, "108.00", "paid", None),
        ],
    ),
}  # fmt: skip

STAFF: Tables = {
    "departments": (
        [("id", "integer"), ("name", "text"), ("floor", "integer")],
        [(1, "销售部", 3), (2, "技术部", 5), (3, "人事部", 2)],
    ),
    "employees": (
        [
            ("id", "integer"), ("name", "text"), ("department_id", "integer"), ("hired_on", "date"),
            ("salary", "numeric(10,2)"), ("gender", "text"), ("education", "text"), ("bonus_text", "text"),
        ],
        [
            (1, "王芳", 1, "2020-03-01", "12000", "女", "本科", "3000"),
            (2, "李强", 1, "2021-07-15", "9500", "男", "大专", "1500"),
            (3, "张伟", 2, "2019-11-11", "22000", "男", "硕士", "8000"),
            (4, "赵敏", 2, "2023-02-20", "18000", "女", "本科", ""),
            (5, "孙丽", 3, "2022-05-05", "8000", "女", "本科", "900"),
            (6, "周杰", 2, "2024-09-01", "15000", "男", "硕士", "2000"),
        ],
    ),
    "leaves": (
        [("id", "integer"), ("employee_id", "integer"), ("kind", "text"), ("starts_on", "date"), ("days", "integer")],
        [
            (1, 1, "年假", "2025-01-27", 5),
            (2, 2, "病假", "2025-02-03", 2),
            (3, 3, "年假", "2025-02-10", 3),
            (4, 1, "病假", "2025-03-03", 1),
            (5, 5, "事假", "2025-03-18", 1),
            (6, 4, "年假", "2024-12-30", 4),
        ],
    ),
}  # fmt: skip

STAFF_LABELS = {
    "departments": "部门", "employees": "员工", "leaves": "请假记录", "name": "名称", "floor": "楼层",
    "department_id": "部门编号", "hired_on": "入职日期", "salary": "月薪", "gender": "性别", "education": "学历",
    "bonus_text": "奖金", "employee_id": "员工编号", "kind": "类型", "starts_on": "开始日期", "days": "天数",
}  # fmt: skip

ABOUT_TRADE = [
    ("How many orders are there?", "SELECT count(*) FROM orders"),
    ("What is the total amount of all orders?", "SELECT sum(amount) FROM orders"),
    ("Total amount by status", "SELECT status, sum(amount) FROM orders GROUP BY status ORDER BY 2 DESC"),
    ("Which customers live in London?", "SELECT name FROM customers WHERE city = 'London'"),
    ("Customers who joined in 2024",
     "SELECT name FROM customers WHERE joined_on >= DATE '2024-01-01' AND joined_on < DATE '2025-01-01' ORDER BY name"),
    ("Monthly sales",
     "SELECT date_trunc('month', ordered_on)::date AS month, sum(amount) FROM orders GROUP BY 1 ORDER BY 1"),
    ("Top three orders by amount", "SELECT id, amount FROM orders ORDER BY amount DESC LIMIT 3"),
    ("Sales by city",
     "SELECT c.city, sum(o.amount) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.city ORDER BY 1"),
    ("Sales by product category",
     "SELECT p.category, sum(o.amount) FROM orders o JOIN products p ON p.id = o.product_id GROUP BY 1 ORDER BY 1"),
    ("Average order value", "SELECT round(avg(amount), 2) FROM orders"),
    ("How many different customers have ordered?", "SELECT count(DISTINCT customer_id) FROM orders"),
    ("Average discount, none counting as zero", "SELECT round(avg(coalesce(discount, 0)), 4) FROM orders"),
    ("Orders in the first quarter of 2025",
     "SELECT count(*) FROM orders WHERE extract(year FROM ordered_on) = 2025 AND extract(quarter FROM ordered_on) = 1"),
    ("Customers with more than one order",
     "SELECT c.name, count(*) AS n FROM orders o JOIN customers c ON c.id = o.customer_id "
     "GROUP BY c.name HAVING count(*) > 1 ORDER BY 1"),
    ("Share of cancelled orders",
     "SELECT round(100.0 * count(*) FILTER (WHERE status = 'cancelled') / count(*), 1) FROM orders"),
    ("Sum of list prices per category",
     "SELECT category, sum(nullif(list_price, '')::numeric) FROM products GROUP BY category ORDER BY category"),
    ("Quantity sold of each product",
     "SELECT p.title, coalesce(sum(o.quantity), 0) FROM products p LEFT JOIN orders o ON o.product_id = p.id "
     "GROUP BY p.title ORDER BY p.title"),
    ("Which products were never ordered in 2024?",
     "SELECT title FROM products WHERE id NOT IN (SELECT product_id FROM orders WHERE ordered_on < DATE '2025-01-01') "
     "ORDER BY title"),
    ("Best month",
     "SELECT to_char(ordered_on, 'YYYY-MM') AS month FROM orders GROUP BY 1 ORDER BY sum(amount) DESC LIMIT 1"),
    ("Running total of paid orders",
     "SELECT id, sum(amount) OVER (ORDER BY ordered_on) FROM orders WHERE status = 'paid' ORDER BY ordered_on"),
    ("Business customers and their spending",
     "SELECT c.name, sum(o.amount) FROM customers c JOIN orders o ON o.customer_id = c.id "
     "WHERE c.segment = 'business' GROUP BY c.name ORDER BY 2 DESC"),
    ("Names that contain an L", "SELECT name FROM customers WHERE name ILIKE '%l%' ORDER BY name"),
]  # fmt: skip

ABOUT_STAFF = [
    ("一共有多少员工？", "SELECT count(*) FROM employees"),
    ("每个部门有多少人？",
     "SELECT d.name, count(*) FROM employees e JOIN departments d ON d.id = e.department_id "
     "GROUP BY d.name ORDER BY 1"),
    ("平均月薪是多少？", "SELECT round(avg(salary), 2) FROM employees"),
    ("技术部的平均月薪",
     "SELECT round(avg(e.salary), 2) FROM employees e JOIN departments d ON d.id = e.department_id "
     "WHERE d.name = '技术部'"),
    ("月薪最高的三个人是谁？", "SELECT name, salary FROM employees ORDER BY salary DESC LIMIT 3"),
    ("男女各有多少人？", "SELECT gender, count(*) FROM employees GROUP BY gender ORDER BY 1"),
    ("硕士学历的员工有哪些？", "SELECT name FROM employees WHERE education = '硕士' ORDER BY name"),
    ("2022年以后入职的员工", "SELECT name FROM employees WHERE hired_on >= DATE '2022-01-01' ORDER BY hired_on"),
    ("每年入职多少人？",
     "SELECT extract(year FROM hired_on)::int AS 年份, count(*) FROM employees GROUP BY 1 ORDER BY 1"),
    ("各类请假一共多少天？", "SELECT kind, sum(days) FROM leaves GROUP BY kind ORDER BY 2 DESC, 1"),
    ("谁请过病假？",
     "SELECT DISTINCT e.name FROM leaves l JOIN employees e ON e.id = l.employee_id WHERE l.kind = '病假' ORDER BY 1"),
    ("没有请过假的员工",
     "SELECT e.name FROM employees e LEFT JOIN leaves l ON l.employee_id = e.id WHERE l.id IS NULL ORDER BY 1"),
    ("各部门请假总天数",
     "SELECT d.name, sum(l.days) FROM leaves l JOIN employees e ON e.id = l.employee_id "
     "JOIN departments d ON d.id = e.department_id GROUP BY d.name ORDER BY 2 DESC"),
    ("奖金总额", "SELECT sum(nullif(bonus_text, '')::numeric) FROM employees"),
    ("月薪高于平均水平的员工",
     "SELECT name FROM employees WHERE salary > (SELECT avg(salary) FROM employees) ORDER BY name"),
    ("每个部门月薪最高的人",
     "SELECT name FROM "
     "(SELECT name, rank() OVER (PARTITION BY department_id ORDER BY salary DESC) AS r FROM employees) t "
     "WHERE r = 1 ORDER BY name"),
    ("2025年每月请假天数",
     "SELECT date_trunc('month', starts_on)::date AS 月份, sum(days) FROM leaves WHERE starts_on >= DATE '2025-01-01' "
     "GROUP BY 1 ORDER BY 1"),
    ("五楼有哪些员工？",
     "SELECT e.name FROM employees e JOIN departments d ON d.id = e.department_id WHERE d.floor = 5 ORDER BY 1"),
    ("姓王的员工", "SELECT name FROM employees WHERE name LIKE '王%'"),
    ("月薪在一万到两万之间的人数", "SELECT count(*) FROM employees WHERE salary BETWEEN 10000 AND 20000"),
    ("女员工的工资占比",
     "SELECT round(100.0 * sum(salary) FILTER (WHERE gender = '女') / sum(salary), 1) FROM employees"),
    ("人数超过一人的部门",
     "SELECT d.name FROM employees e JOIN departments d ON d.id = e.department_id GROUP BY d.name "
     "HAVING count(*) > 1 ORDER BY 1"),
]  # fmt: skip
