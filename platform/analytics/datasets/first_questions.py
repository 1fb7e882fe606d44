"""Questions that every tenant may ask about its conversations without a model: each in both languages, with its SQL."""

# (English, Chinese, SQL)
FIRST_QUESTIONS = (
    (
        "How many conversations were there?",
        "一共有多少次会话？",
        "SELECT count(*) AS conversations FROM conversations",
    ),
    (
        "How many conversations were there per day?",
        "每天有多少次会话？",
        "SELECT opened_at::date AS day, count(*) AS conversations FROM conversations GROUP BY 1 ORDER BY 1",
    ),
    (
        "How many conversations did each persona have?",
        "每个角色有多少次会话？",
        "SELECT persona, count(*) AS conversations FROM conversations GROUP BY persona ORDER BY conversations DESC",
    ),
    (
        "How many answers were rated good and how many bad?",
        "好评和差评各有多少？",
        "SELECT CASE rating WHEN 1 THEN '👍' ELSE '👎' END AS rating, count(*) AS answers FROM feedback "
        "GROUP BY 1 ORDER BY answers DESC",
    ),
    (
        "What did the models cost per month?",
        "每个月的模型费用是多少？",
        "SELECT date_trunc('month', at)::date AS month, currency, sum(cost) AS cost FROM costs "
        "GROUP BY 1, currency ORDER BY 1",
    ),
    (
        "How many answers failed, and why?",
        "有多少回答失败了，原因是什么？",
        "SELECT error_code, count(*) AS turns FROM turns WHERE status IN ('failed', 'interrupted') "
        "GROUP BY error_code ORDER BY turns DESC",
    ),
    (
        "How many documents does each knowledge base hold?",
        "每个知识库有多少份文档？",
        "SELECT knowledge_base, count(*) AS documents FROM documents GROUP BY knowledge_base ORDER BY documents DESC",
    ),
)
