"""The words in which SQL is told, in both languages. No interface."""

from personas.context import Language

Bilingual = dict[Language, str]

FROM: Bilingual = {"en": "From {tables}", "zh": "从{tables}中"}
JOINED: Bilingual = {"en": "{table} matched on {on}", "zh": "{table}（按{on}对应）"}
JOINED_ALL: Bilingual = {
    "en": "{table} matched on {on} where there is a match",
    "zh": "{table}（按{on}对应，没有对应的也保留）",
}
WHERE: Bilingual = {"en": "only rows where {conditions}", "zh": "只看{conditions}的记录"}
GROUPED: Bilingual = {"en": "for each {keys}", "zh": "按{keys}分组"}
SHOWN: Bilingual = {"en": "shows {what}", "zh": "列出{what}"}
DISTINCT: Bilingual = {"en": "shows each different {what} once", "zh": "列出不重复的{what}"}
HAVING: Bilingual = {"en": "keeps groups where {conditions}", "zh": "只保留{conditions}的组"}
ORDERED: Bilingual = {"en": "sorted by {keys}", "zh": "按{keys}排序"}
DOWN: Bilingual = {"en": "{key}, largest first", "zh": "{key}从大到小"}
UP: Bilingual = {"en": "{key}, smallest first", "zh": "{key}从小到大"}
LIMIT: Bilingual = {"en": "only the first {count}", "zh": "只取前 {count} 行"}
OFFSET: Bilingual = {"en": "after leaving out the first {count}", "zh": "跳过前 {count} 行"}
STEP: Bilingual = {"en": "First «{name}»: {text}", "zh": "先算“{name}”：{text}"}
STEPS_RESULT: Bilingual = {"en": "Then: {text}", "zh": "再：{text}"}
UNION: Bilingual = {"en": "{left}; together with: {right}", "zh": "{left}；再加上：{right}"}
INTERSECT: Bilingual = {
    "en": "{left}; of these only what is also in: {right}",
    "zh": "{left}；其中只留同时属于：{right}",
}
EXCEPT: Bilingual = {"en": "{left}; without: {right}", "zh": "{left}；去掉：{right}"}
INNER_QUERY: Bilingual = {"en": "an inner query ({text})", "zh": "子查询（{text}）"}
ALL_COLUMNS: Bilingual = {"en": "all columns", "zh": "所有列"}

AND: Bilingual = {"en": " and ", "zh": "且"}
OR: Bilingual = {"en": " or ", "zh": "或"}
LIST: Bilingual = {"en": ", ", "zh": "、"}
CLAUSE: Bilingual = {"en": "; ", "zh": "，"}
END: Bilingual = {"en": ".", "zh": "。"}

# Conditions, by the name of their node in the tree.
CONDITIONS: dict[str, Bilingual] = {
    "EQ": {"en": "{a} is {b}", "zh": "{a}为{b}"},
    "NEQ": {"en": "{a} is not {b}", "zh": "{a}不为{b}"},
    "GT": {"en": "{a} is more than {b}", "zh": "{a}大于{b}"},
    "GTE": {"en": "{a} is at least {b}", "zh": "{a}不小于{b}"},
    "LT": {"en": "{a} is less than {b}", "zh": "{a}小于{b}"},
    "LTE": {"en": "{a} is at most {b}", "zh": "{a}不大于{b}"},
    "Like": {"en": "{a} is like {b}", "zh": "{a}形如{b}"},
    "ILike": {"en": "{a} is like {b}", "zh": "{a}形如{b}"},
}
# Of dates we say it otherwise.
SINCE: dict[str, Bilingual] = {
    "GT": {"en": "{a} is after {b}", "zh": "{a}晚于{b}"},
    "GTE": {"en": "{a} is from {b} on", "zh": "{a}不早于{b}"},
    "LT": {"en": "{a} is before {b}", "zh": "{a}早于{b}"},
    "LTE": {"en": "{a} is up to {b}", "zh": "{a}不晚于{b}"},
}
CONTAINS: Bilingual = {"en": "{a} contains {b}", "zh": "{a}包含{b}"}
BETWEEN: Bilingual = {"en": "{a} is between {b} and {c}", "zh": "{a}在{b}到{c}之间"}
ONE_OF: Bilingual = {"en": "{a} is one of {b}", "zh": "{a}是{b}之一"}
EMPTY: Bilingual = {"en": "{a} is empty", "zh": "{a}为空"}
FILLED: Bilingual = {"en": "{a} is not empty", "zh": "{a}不为空"}
NOT: Bilingual = {"en": "not ({a})", "zh": "并非（{a}）"}
EXISTS: Bilingual = {"en": "there is a row in {a}", "zh": "存在{a}"}

# Terms, by the name of their node in the tree.
TERMS: dict[str, Bilingual] = {
    "Sum": {"en": "the sum of {a}", "zh": "{a}合计"},
    "Avg": {"en": "the average of {a}", "zh": "平均{a}"},
    "Min": {"en": "the smallest {a}", "zh": "最小{a}"},
    "Max": {"en": "the largest {a}", "zh": "最大{a}"},
    "Count": {"en": "the number of {a}", "zh": "{a}的个数"},
    "Lower": {"en": "{a}", "zh": "{a}"},
    "Upper": {"en": "{a}", "zh": "{a}"},
    "Trim": {"en": "{a}", "zh": "{a}"},
}
COUNT_ROWS: Bilingual = {"en": "the number of rows", "zh": "记录数"}
COUNT_DIFFERENT: Bilingual = {"en": "the number of different {a}", "zh": "不同{a}的个数"}
FILTERED: Bilingual = {"en": "{a} where {b}", "zh": "{a}（只计{b}的）"}
PART_OF_DATE: Bilingual = {"en": "the {unit} of {a}", "zh": "{a}的{unit}"}
UNITS: dict[str, Bilingual] = {
    "YEAR": {"en": "year", "zh": "年份"},
    "QUARTER": {"en": "quarter", "zh": "季度"},
    "MONTH": {"en": "month", "zh": "月份"},
    "WEEK": {"en": "week", "zh": "周"},
    "DAY": {"en": "day", "zh": "日期"},
    "DOW": {"en": "weekday", "zh": "星期"},
    "ISODOW": {"en": "weekday", "zh": "星期"},
    "HOUR": {"en": "hour", "zh": "小时"},
}
# What `to_char` makes of a date, by its format.
FORMATS = {"%Y": "YEAR", "%Y-%m": "MONTH", "%Y%m": "MONTH", "%Y-%m-%d": "DAY", "%Y%m%d": "DAY"}
SPANS: dict[str, Bilingual] = {
    "YEAR": {"en": "{count} years", "zh": "{count} 年"},
    "MONTH": {"en": "{count} months", "zh": "{count} 个月"},
    "WEEK": {"en": "{count} weeks", "zh": "{count} 周"},
    "DAY": {"en": "{count} days", "zh": "{count} 天"},
    "HOUR": {"en": "{count} hours", "zh": "{count} 小时"},
}
TODAY: Bilingual = {"en": "today", "zh": "今天"}
NOW: Bilingual = {"en": "now", "zh": "此刻"}
