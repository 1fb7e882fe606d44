"""What a tenant may ask about its own conversations: the views, and what each column means, in both languages.

A view's SELECT reads the platform's tables with the tenant's id as a literal. It names each column: what is not named
here (secrets, vectors, prompts) is in no view, and the views' owner may not even read it.
"""

from dataclasses import dataclass

from analytics.datasets.describing import ColumnFound, TableFound


@dataclass(frozen=True, slots=True)
class View:
    """`select` has `{tenant}` where the tenant's id belongs: once for each table that it reads."""

    found: TableFound
    select: str


def _column(name: str, kind: str, english: str, chinese: str, about: str = "", pii: str = "") -> ColumnFound:
    return ColumnFound(name, kind, label=f"{english} · {chinese}", description=about, synonyms=(chinese,), pii=pii)


def _view(name: str, label: str, synonyms: str, about: str, columns: tuple[ColumnFound, ...], source: str) -> View:
    """`source` is the SELECT, with its columns in the order of `columns`."""
    return View(TableFound(name, columns, label, about, tuple(synonyms.split())), source)


_IDS = "Joins with conversations.id. 与 conversations.id 相连。"
_CURRENCY_NOTE = "In the currency of the route. 以模型线路的货币计。"

CONVERSATIONS = _view(
    "conversations",
    "Conversations · 会话",
    "chats sessions threads 会话 对话 聊天",
    "One row per conversation of an end user with a persona. Test chats are left out. "
    "每行是一位用户与一个角色的一次会话，不含测试会话。",
    (
        _column("id", "uuid", "Conversation", "会话编号"),
        _column("persona", "text", "Persona", "角色", "Name of who answered. 作答角色的名称。"),
        _column("persona_slug", "text", "Persona's slug", "角色标识"),
        _column("end_user", "text", "End user", "用户", "As the business names them. 业务方给的编号。", pii="name"),
        _column("state", "text", "State", "状态", "bot, requested (asked for a person), human, closed. "
                "bot 机器人，requested 已请求人工，human 人工，closed 已结束。"),
        _column("opened_at", "timestamp with time zone", "Opened", "开始时间"),
        _column("last_message_at", "timestamp with time zone", "Last message", "最后消息时间"),
        _column("message_count", "integer", "Messages", "消息数"),
    ),
    """SELECT c.id, p.name::text, p.slug::text, u.external_id::text, c.state::text, c.opened_at, c.last_message_at,
              c.message_count
       FROM chat_conversation c
       JOIN personas_persona p ON p.id = c.persona_id AND p.tenant_id = {tenant}
       JOIN chat_enduser u ON u.id = c.end_user_id AND u.tenant_id = {tenant}
       WHERE c.tenant_id = {tenant} AND NOT c.is_test""",
)  # fmt: skip
MESSAGES = _view(
    "messages",
    "Messages · 消息",
    "texts replies 消息 发言 回复",
    "One row per thing said, by the user, the bot or a person of the business. 每行是用户、机器人或人工说的一句话。",
    (
        _column("id", "uuid", "Message", "消息编号"),
        _column("conversation_id", "uuid", "Conversation", "会话编号", _IDS),
        _column("role", "text", "Role", "发言方", "user 用户, bot 机器人, human 人工 (a person), note 备注."),
        _column("text", "text", "Text", "内容", pii="name"),
        _column("characters", "integer", "Characters", "字数"),
        _column("citation_count", "integer", "Citations", "引用数"),
        _column("finish_reason", "text", "Finish", "结束原因"),
        _column("created_at", "timestamp with time zone", "Said at", "发送时间"),
    ),
    """SELECT m.id, m.conversation_id, m.role::text, m.text, length(m.text),
              CASE jsonb_typeof(m.citations) WHEN 'array' THEN jsonb_array_length(m.citations) ELSE 0 END,
              m.finish_reason::text, m.created_at
       FROM chat_message m
       JOIN chat_conversation c ON c.id = m.conversation_id AND c.tenant_id = {tenant}
       WHERE m.tenant_id = {tenant} AND m.replaced_at IS NULL AND NOT c.is_test""",
)  # fmt: skip
TURNS = _view(
    "turns",
    "Turns · 轮次",
    "answers 轮次 回答 应答",
    "One row per question with the work on its answer: outcome, time, tokens, cost. "
    "每行是一问与作答过程：结果、用时、令牌数、费用。",
    (
        _column("id", "uuid", "Turn", "轮次编号"),
        _column("conversation_id", "uuid", "Conversation", "会话编号", _IDS),
        _column("status", "text", "Status", "结果", "queued, running, completed, failed, interrupted. "
                "queued 排队，running 进行中，completed 完成，failed 失败，interrupted 中断。"),
        _column("error_code", "text", "Error", "错误代码"),
        _column("persona_version", "integer", "Version of the persona", "角色版本"),
        _column("input_tokens", "integer", "Input tokens", "输入令牌数"),
        _column("output_tokens", "integer", "Output tokens", "输出令牌数"),
        _column("cost", "numeric", "Cost", "费用", _CURRENCY_NOTE),
        _column("first_token_ms", "integer", "Ms until the first token", "首字延迟毫秒"),
        _column("total_ms", "integer", "Ms in all", "总用时毫秒"),
        _column("created_at", "timestamp with time zone", "Asked at", "提问时间"),
        _column("finished_at", "timestamp with time zone", "Finished at", "完成时间"),
    ),
    """SELECT t.id, t.conversation_id, t.status::text, t.error_code::text, t.persona_version, t.input_tokens,
              t.output_tokens, t.cost::numeric, t.first_token_ms, t.total_ms, t.created_at, t.finished_at
       FROM chat_turn t
       JOIN chat_conversation c ON c.id = t.conversation_id AND c.tenant_id = {tenant}
       WHERE t.tenant_id = {tenant} AND NOT c.is_test""",
)  # fmt: skip
FEEDBACK = _view(
    "feedback",
    "Feedback · 评价",
    "ratings thumbs 评价 反馈 点赞 点踩",
    "One row per rated answer. 每行是一条被评价的回答。",
    (
        _column("message_id", "uuid", "Message", "消息编号", "Joins with messages.id. 与 messages.id 相连。"),
        _column("conversation_id", "uuid", "Conversation", "会话编号", _IDS),
        _column("persona", "text", "Persona", "角色"),
        _column("rating", "integer", "Rating", "评价", "1 good, -1 bad. 1 好评，-1 差评。"),
        _column("comment", "text", "Comment", "评语", pii="name"),
        _column("created_at", "timestamp with time zone", "Answered at", "回答时间"),
    ),
    """SELECT m.id, m.conversation_id, p.name::text, m.feedback::integer, m.feedback_comment, m.created_at
       FROM chat_message m
       JOIN chat_conversation c ON c.id = m.conversation_id AND c.tenant_id = {tenant}
       JOIN personas_persona p ON p.id = c.persona_id AND p.tenant_id = {tenant}
       WHERE m.tenant_id = {tenant} AND m.feedback IS NOT NULL AND m.replaced_at IS NULL AND NOT c.is_test""",
)
COSTS = _view(
    "costs",
    "Costs · 费用",
    "usage spending tokens 费用 用量 花费 开销",
    "One row per call of a model. 每行是一次模型调用。",
    (
        _column("id", "uuid", "Call", "调用编号"),
        _column("at", "timestamp with time zone", "At", "时间"),
        _column("operation", "text", "Operation", "操作", "chat or embed. chat 对话，embed 向量化。"),
        _column("model", "text", "Model", "模型"),
        _column("persona", "text", "Persona", "角色"),
        _column("conversation_id", "uuid", "Conversation", "会话编号", _IDS),
        _column("input_tokens", "integer", "Input tokens", "输入令牌数"),
        _column("output_tokens", "integer", "Output tokens", "输出令牌数"),
        _column("cached_tokens", "integer", "Cached tokens", "缓存令牌数"),
        _column("cost", "numeric", "Cost", "费用", _CURRENCY_NOTE),
        _column("currency", "text", "Currency", "货币"),
        _column("duration_ms", "integer", "Duration in ms", "用时毫秒"),
        _column("outcome", "text", "Outcome", "结果", "ok, stopped, failed. ok 完成，stopped 停止，failed 失败。"),
        _column("error_code", "text", "Error", "错误代码"),
    ),
    """SELECT k.id, k.at, k.operation::text, k.model::text, p.name::text, k.conversation_id, k.input_tokens,
              k.output_tokens, k.cached_tokens, k.cost::numeric, k.currency::text, k.duration_ms, k.outcome::text,
              k.error_code::text
       FROM llm_modelcall k
       LEFT JOIN personas_persona p ON p.id = k.persona_id AND p.tenant_id = {tenant}
       WHERE k.tenant_id = {tenant}""",
)
DOCUMENTS = _view(
    "documents",
    "Documents · 文档",
    "files knowledge 文档 资料 知识库",
    "One row per document of a knowledge base. 每行是知识库中的一份文档。",
    (
        _column("id", "uuid", "Document", "文档编号"),
        _column("knowledge_base", "text", "Knowledge base", "知识库"),
        _column("title", "text", "Title", "标题"),
        _column("status", "text", "Status", "状态", "queued, parsing, chunking, embedding, ready, failed, cancelled. "
                "ready 可用，failed 失败，其余为处理中或已取消。"),
        _column("size_bytes", "bigint", "Bytes", "字节数"),
        _column("passages", "integer", "Passages", "段落数"),
        _column("created_at", "timestamp with time zone", "Added", "添加时间"),
        _column("ready_at", "timestamp with time zone", "Ready", "可用时间"),
    ),
    """SELECT d.id, b.name::text, d.title::text, d.status::text, d.size_bytes, d.chunk_count, d.created_at, d.ready_at
       FROM knowledge_document d
       JOIN knowledge_knowledgebase b ON b.id = d.base_id AND b.tenant_id = {tenant}
       WHERE d.tenant_id = {tenant}""",
)  # fmt: skip
VIEWS = (CONVERSATIONS, MESSAGES, TURNS, FEEDBACK, COSTS, DOCUMENTS)
