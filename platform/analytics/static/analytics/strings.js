/** What the pages of data say, added to the strings of the chat page, whose tools are used here too. */
import { CATALOGUE, currentLanguage, t as say } from "../chat/strings.js";

export const TEXTS = {
  en: {
    ask_title: "Ask your data",
    menu: "Pages", menu_ask: "Ask", menu_data: "Data", menu_saved: "Saved", menu_history: "History",
    skip_to_content: "Skip to the content", to_admin: "To the admin", cancel: "Cancel", delete: "Delete", save: "Save", edit: "Edit", undo: "Undo",
    loading: "Loading…", load_again: "Load again", sign_in_again: "Sign in",
    trouble_away: "The server does not answer. Check your connection, then load the page again.",
    trouble_stale: "This page has been open for too long. Load it again, then repeat what you did.",
    yes: "yes", no: "no",

    datasets_title: "Data", datasets_lead: "What you can ask about: your files, your databases, and the conversations in Troupe.",
    add_files: "Add files", connect_postgres: "Connect a PostgreSQL", choose_files: "Choose files",
    drop_title: "Drop your tables here", drop_text: "CSV, Excel or Parquet. Each sheet becomes a table; its headers may be in any language.",
    drop_limits: "Nothing in the file is changed or run: formulas count as their values.",
    uploading: "Uploading {name}", uploading_now: "Uploading…", uploaded_now: "Sent. The server takes it in…",
    connect_text: "Troupe only reads. Use an account that may see nothing but what may be asked about.",
    connect_name: "Name", connect_dsn: "Address (postgresql://…)", connect: "Connect",
    conversations_name: "Conversations in Troupe", conversations_text: "Built in: chats, turns, feedback, costs and documents of this tenant",
    kind_files: "Files", kind_postgres: "PostgreSQL", kind_conversations: "Built in", table_count: "Tables: {n}",
    dataset_importing: "Importing", dataset_ready: "Ready", dataset_failed: "Failed", changed_at: "Changed {when}", ask_this: "Ask",
    delete_dataset: "Delete the dataset", delete_title: "Delete «{name}»?",
    delete_text: "Its tables, glossary, questions and saved questions go with it. You can undo this while the page says so; your own file or database stays as it is.",
    deleted: "«{name}» is deleted.",

    tab_tables: "Tables", tab_glossary: "Metrics and joins", tab_pairs: "Verified questions", tab_files: "Files",
    dataset_importing_text: "The file is being read. Tables appear here as soon as they are in.", rows_in: "{done} of {total} rows",
    row_count: "Rows: {n}", column: "Column", type: "Type", meaning: "Meaning", samples: "Sample values",
    description: "Description", description_hint: "What this is, in a sentence", synonyms: "Also called", synonyms_hint: "Other words, separated by commas",
    samples_off: "Keep no sample values", samples_none: "None kept", pii_email: "Email addresses", pii_phone: "Phone numbers", pii_id_number: "Identity numbers", pii_name: "Names of persons", pii_card: "Card numbers",
    pii_note: "personal: none shown", pii_not: "Not personal", hide_table: "Leave this table out of answers", saved_changes: "Saved.", type_loses_title: "Some values of «{name}» would become empty", type_loses: "{lost} of {rows} values are nothing of this kind, such as: {examples}. The file keeps them: choosing the type before brings them back.", type_lose: "Change it", type_changed: "The column is read as {type} now.",
    format_title: "How are the dates of «{name}» written?", format_text: "01/02/2024 can be two days.", format_dmy: "Day first", format_mdy: "Month first", type_is_changing: "The column is being read as {type}…",
    proposals: "Proposals", proposals_lead: "Found by looking at the data. They count once you approve them.",
    metrics: "Metrics", metrics_lead: "A word of your business and how it is computed, such as revenue: sum(amount).", no_metrics: "No metrics yet.",
    metric_name: "Name", metric_table: "Table", metric_sql: "Computed as (SQL)", add_metric: "Add a metric", remove: "Remove", removed: "«{name}» is removed.",
    joins: "Joins", joins_lead: "Columns of two tables that name the same thing, so that questions can use both.", no_joins: "No joins yet.", join_left: "Column", join_right: "names the same as", add_join: "Add a join",
    approve: "Approve", reject: "Reject", approved: "Approved", proposed: "Proposed", approved_now: "«{name}» counts now.", rejected_now: "«{name}» is rejected.",
    pairs_lead: "Questions whose SQL somebody found right. A model takes them as examples; without a model they answer questions of the same kind, with your names, numbers and dates.",
    no_pairs: "No verified questions yet. Say of an answer that it is right, or add one here.",
    pair_question: "Question", pair_sql: "SQL that answers it", add_pair: "Add a verified question", origin_feedback: "from feedback", origin_member: "written by a member", origin_seed: "from the demo",
    file_notes: "What was noticed", file_no_notes: "Nothing out of the ordinary.", note_about: "{name}: {note}", megabytes: "{n} MB", kilobytes_of_file: "{n} KB", files_lead: "Upload a newer file to replace the rows of its tables at once, or to append to them.", mode: "What happens to the rows that are there", mode_replace: "Replace them", mode_append: "Keep them, append", mode_new: "New tables",
    file_queued: "Queued", file_reading: "Reading", file_importing: "Importing", file_ready: "Ready", file_failed: "Failed", file_cancelled: "Cancelled", upload_again: "Upload", cancel_import: "Cancel the import", retry_import: "Try again",
    read_database_again: "Read the tables anew", database_read: "The tables are being read.",
    ask_about_this: "Ask about this",

    past_questions: "Asked before", past_none: "Nothing yet.", past_thread: "{when} · {n} questions", ask_about: "Ask about", new_question: "New question",
    welcome_title: "What would you like to know?", welcome_text: "Ask as you would ask a colleague. The answer comes with its numbers, a chart, and how it was computed.",
    welcome_without_model: "Ask one of the verified questions, with other names, numbers or dates if you like.",
    suggestions: "Questions to begin with", your_question: "Your question", ask_placeholder: "Ask a question…", follow_up_placeholder: "Ask on: and by month?", send_question: "Ask", question_sent: "Asked.",
    ask_smallprint: "Only reading queries run, and only on the data you chose. Look at how an answer was computed before you rely on it.",
    no_data_title: "There is no data yet", no_data_editor: "Upload a CSV or Excel file, or connect a PostgreSQL. Then ask about it here.", no_data_viewer: "Ask an owner or editor of your tenant to add data.", go_to_data: "Go to the data",
    no_model_title: "No language model is connected.", no_model_works: "Questions that resemble a verified one are answered, with the names, numbers and dates of yours.", no_model_adds: "A model would answer questions that nobody has asked before.", no_model_where: "Connect one under Model routes.", no_model_whom: "An owner can connect one in the admin, under Model routes.",
    example_by_group: "What is the total {measure} by {group}?", example_by_month: "How does {measure} develop by month?", example_count: "How many rows are there for each {group}?", example_top: "Which five {group} have the highest {measure}?", example_rows: "How many rows does {table} have?", example_metric: "What is the {metric}?",

    step_queued: "Waiting", step_writing: "Writing SQL", step_checking: "Checking", step_running: "Running", cancel_question: "Stop",
    was_cancelled: "Stopped.", ask_again: "Ask again", no_rows: "The query ran and found no rows. Perhaps a name is written differently in the data, or the period has none.",
    how: "How this was answered", attempts: "Tried before: {n}", asked_at: "Asked {when}", from_cache: "from an earlier answer", by_model: "SQL by {model}", by_pair: "SQL from a verified question",
    edit_sql: "Change the SQL", stop_editing: "Close", run_sql: "Run", sql_label: "SQL. What fits is offered while you write.", sql_ran: "It ran. Rows: {n}.", rule: "(Rule: {rule}.)", editor_help: "Ctrl+Space offers tables, columns and functions; Ctrl+Enter runs.",
    completions: "What fits here", completions_found: "{n} offers. Arrows choose, Enter takes.",
    teach: "This is the right answer: remember it", taught: "Remembered. Questions like it will be answered this way.",
    is_right: "Right", is_wrong: "Wrong", thanks_right: "Thank you. Questions like it will be answered alike.", thanks_wrong: "Thank you. An editor can correct the SQL.", thanks_wrong_editor: "Thank you. Correct the SQL, run it, and have it remembered.",
    save_question: "Save", copy_link: "Copy the link", link_copied: "The link is copied.", download: "Download",
    result_table: "The result", show_more: "Show more rows", filter_rows: "Search in the rows", sort_by: "Sort by {name}", rows_all: "Rows: {all}", rows_truncated: "The first {all} rows; there are more", rows_found: "{found} of {all} rows",
    type_integer: "number", type_decimal: "decimal", type_float: "decimal", type_text: "text", type_boolean: "yes/no", type_date: "date", type_time: "time", type_timestamp: "date and time", type_timestamp_zone: "date and time (zone)", type_interval: "duration", type_json: "JSON", type_other: "other",
    chart: "Chart", chart_kind: "Chart", chart_x: "Across", chart_y: "Up", chart_none: "No chart", chart_series: "Series", series_none: "None", chart_of: "Chart: {what}", chart_show: "Draw a chart",
    kind_bar: "Bars", kind_grouped: "Grouped bars", kind_stacked: "Stacked bars", kind_line: "Line", kind_area: "Area", kind_scatter: "Points", kind_pie: "Pie",

    save_title: "Save this question", save_name: "Name", save_text: "Everybody in your tenant can run it again. Tick the values that may be changed then.", save_done: "Saved.", see_saved: "See saved questions",
    saved_title: "Saved questions", saved_lead: "Kept for everybody here, to be run again with other values.", saved_none_title: "Nothing is saved yet", saved_none: "Ask something, then choose «Save» under the answer.",
    run_again: "Run", delete_saved: "Delete the saved question", deleted_saved: "«{name}» is deleted.", about_dataset: "About {name}", parameters: "Values that can be changed", parameter_label: "Called",
    history_title: "History", history_lead: "Every statement that ran or was refused on your data: who, when, what, and what came of it. Nothing here can be changed.", history_none: "Nothing has run yet.",
    history_when: "When", history_what: "Question and SQL", history_verdict: "Verdict", history_rows: "Rows", history_time: "Time", history_who: "Who", history_ms: "{n} ms", verdict_ok: "Ran", origin_generated: "model", origin_repaired: "model, repaired", origin_pair: "verified question", origin_saved: "saved question", origin_written: "by hand", who_key: "API key", who_visitor: "a visitor", who_operator: "an operator", more_rows: "Show older ones", history_dataset: "Data", all_datasets: "All data", sql_given: "As given",

    advice_sql_rejected: "Ask in other words, or let an editor look at the SQL below.",
    advice_sql_failed: "Ask in other words: name the table or the column that you mean.",
    advice_cannot_answer: "Ask about what the tables hold; under Data you see their columns.",
    ask_instead: "What can be asked now:",
    advice_needs_model: "An editor can add this as a verified question under Data: then it is answered, and those like it.",
    advice_sql_too_costly: "Ask about a shorter period or fewer groups.",
    advice_sql_timed_out: "Ask about a shorter period or fewer groups.",
    advice_budget_exhausted: "An owner can raise the budget in the admin, under Model routes.",
    advice_provider_unavailable: "Try again in a moment. If it stays so, check the model under Model routes.",
    advice_provider_timeout: "Try again in a moment. If it stays so, check the model under Model routes.",
  },
  "zh-Hans": {
    ask_title: "问数据",
    menu: "页面", menu_ask: "提问", menu_data: "数据", menu_saved: "已保存", menu_history: "记录",
    skip_to_content: "跳到正文", to_admin: "前往管理后台", cancel: "取消", delete: "删除", save: "保存", edit: "修改", undo: "撤销",
    loading: "加载中……", load_again: "重新加载", sign_in_again: "登录",
    trouble_away: "服务器没有回应。请检查网络连接，然后重新加载本页。",
    trouble_stale: "本页打开太久了。请重新加载，再做一次刚才的操作。",
    yes: "是", no: "否",

    datasets_title: "数据", datasets_lead: "可以提问的内容：您的文件、数据库，以及 Troupe 里的对话。",
    add_files: "添加文件", connect_postgres: "连接 PostgreSQL", choose_files: "选择文件",
    drop_title: "把表格拖到这里", drop_text: "支持 CSV、Excel 和 Parquet。每个工作表成为一张表，表头可以是任何语言。",
    drop_limits: "文件不会被改动，也不会执行：公式只取它的值。",
    uploading: "正在上传 {name}", uploading_now: "正在上传……", uploaded_now: "已发送，服务器正在接收……",
    connect_text: "Troupe 只读取数据。请使用只能看到可供提问内容的账号。",
    connect_name: "名称", connect_dsn: "地址（postgresql://…）", connect: "连接",
    conversations_name: "Troupe 里的对话", conversations_text: "内置：本租户的对话、回合、反馈、费用和文档",
    kind_files: "文件", kind_postgres: "PostgreSQL", kind_conversations: "内置", table_count: "{n} 张表",
    dataset_importing: "导入中", dataset_ready: "可用", dataset_failed: "失败", changed_at: "更新于 {when}", ask_this: "提问",
    delete_dataset: "删除数据集", delete_title: "删除“{name}”？",
    delete_text: "其中的表、词汇、问题和已保存的问题会一并删除，在页面提示消失之前可以撤销；您自己的文件或数据库不受影响。",
    deleted: "已删除“{name}”。",

    tab_tables: "表", tab_glossary: "指标与关联", tab_pairs: "已验证的问题", tab_files: "文件",
    dataset_importing_text: "正在读取文件。导入完成后，表会显示在这里。", rows_in: "{done} / {total} 行",
    row_count: "{n} 行", column: "列", type: "类型", meaning: "含义", samples: "示例值",
    description: "说明", description_hint: "用一句话说明这是什么", synonyms: "别名", synonyms_hint: "其他叫法，用逗号分隔",
    samples_off: "不保留示例值", samples_none: "未保留", pii_email: "电子邮箱", pii_phone: "电话号码", pii_id_number: "证件号码", pii_name: "人名", pii_card: "卡号",
    pii_note: "个人信息，不显示", pii_not: "不是个人信息", hide_table: "回答时不使用这张表", saved_changes: "已保存。", type_loses_title: "“{name}”中有些值会变为空", type_loses: "{rows} 个值中有 {lost} 个不属于此类型，例如：{examples}。文件中仍然保留，改回原来的类型即可恢复。", type_lose: "仍要更改", type_changed: "此列现在按“{type}”读取。",
    format_title: "“{name}”的日期是怎么写的？", format_text: "01/02/2024 可能指两个日子。", format_dmy: "日在前", format_mdy: "月在前", type_is_changing: "正在按“{type}”重新读取此列……",
    proposals: "建议", proposals_lead: "根据数据内容得出，经您批准后才生效。",
    metrics: "指标", metrics_lead: "业务用语及其算法，例如 营业额：sum(金额)。", no_metrics: "还没有指标。",
    metric_name: "名称", metric_table: "表", metric_sql: "算法（SQL）", add_metric: "添加指标", remove: "移除", removed: "已移除“{name}”。",
    joins: "关联", joins_lead: "两张表中指同一事物的列，这样问题可以同时用到两张表。", no_joins: "还没有关联。", join_left: "列", join_right: "对应于", add_join: "添加关联",
    approve: "批准", reject: "拒绝", approved: "已批准", proposed: "待批准", approved_now: "“{name}”已生效。", rejected_now: "已拒绝“{name}”。",
    pairs_lead: "SQL 经人确认无误的问题。有模型时作为示例；没有模型时，用来回答同类问题，并换上您给的名称、数字和日期。",
    no_pairs: "还没有已验证的问题。可以在答案下选“正确”，或在这里添加。",
    pair_question: "问题", pair_sql: "回答它的 SQL", add_pair: "添加已验证的问题", origin_feedback: "来自反馈", origin_member: "成员编写", origin_seed: "来自演示",
    file_notes: "读取时的发现", file_no_notes: "没有异常。", note_about: "{name}：{note}", megabytes: "{n} MB", kilobytes_of_file: "{n} KB", files_lead: "上传新文件，可以一次性替换表中的行，或追加到后面。", mode: "如何处理已有的行", mode_replace: "替换", mode_append: "保留并追加", mode_new: "新表",
    file_queued: "排队中", file_reading: "读取中", file_importing: "导入中", file_ready: "完成", file_failed: "失败", file_cancelled: "已取消", upload_again: "上传", cancel_import: "取消导入", retry_import: "重试",
    read_database_again: "重新读取表", database_read: "正在读取表。",
    ask_about_this: "就此提问",

    past_questions: "问过的问题", past_none: "还没有。", past_thread: "{when} · {n} 个问题", ask_about: "数据", new_question: "新问题",
    welcome_title: "您想知道什么？", welcome_text: "像问同事一样提问。答案附有数字、图表和计算方法。",
    welcome_without_model: "请提出已验证的问题，可以换成别的名称、数字或日期。",
    suggestions: "可以先问这些", your_question: "您的问题", ask_placeholder: "请输入问题……", follow_up_placeholder: "接着问，例如：按月呢？", send_question: "提问", question_sent: "已提问。",
    ask_smallprint: "只会对您选择的数据执行只读查询。采用答案之前，请看看它是如何算出来的。",
    no_data_title: "还没有数据", no_data_editor: "请上传 CSV 或 Excel 文件，或连接一个 PostgreSQL，然后在这里提问。", no_data_viewer: "请让租户的所有者或编辑添加数据。", go_to_data: "前往数据",
    no_model_title: "尚未接入语言模型。", no_model_works: "与已验证的问题相似的问题可以得到回答，其中的名称、数字和日期以您的为准。", no_model_adds: "接入模型后，还能回答从未有人问过的问题。", no_model_where: "请在“模型路由”中接入。", no_model_whom: "所有者可以在管理后台的“模型路由”中接入。",
    example_by_group: "各{group}的{measure}合计是多少？", example_by_month: "{measure}按月如何变化？", example_count: "每个{group}各有多少条记录？", example_top: "{measure}最高的五个{group}是哪些？", example_rows: "{table}有多少行？", example_metric: "{metric}是多少？",

    step_queued: "等待", step_writing: "编写 SQL", step_checking: "检查", step_running: "执行", cancel_question: "停止",
    was_cancelled: "已停止。", ask_again: "再问一次", no_rows: "查询已执行，但没有找到任何行。也许名称在数据里写法不同，或者该时段没有数据。",
    how: "答案是怎么来的", attempts: "之前的尝试：{n} 次", asked_at: "提问于 {when}", from_cache: "来自之前的答案", by_model: "SQL 由 {model} 编写", by_pair: "SQL 来自已验证的问题",
    edit_sql: "修改 SQL", stop_editing: "关闭", run_sql: "执行", sql_label: "SQL。输入时会提示可用的内容。", sql_ran: "已执行：{n} 行。", rule: "（规则：{rule}。）", editor_help: "按 Ctrl+空格 提示表、列和函数；按 Ctrl+Enter 执行。",
    completions: "可用的内容", completions_found: "{n} 条提示。用方向键选择，按 Enter 采用。",
    teach: "这才是正确答案，请记住", taught: "已记住。以后类似的问题会这样回答。",
    is_right: "正确", is_wrong: "错误", thanks_right: "谢谢。以后类似的问题会同样回答。", thanks_wrong: "谢谢。编辑可以改正 SQL。", thanks_wrong_editor: "谢谢。请改正 SQL 并执行，然后让系统记住。",
    save_question: "保存", copy_link: "复制链接", link_copied: "链接已复制。", download: "下载",
    result_table: "结果", show_more: "显示更多行", filter_rows: "在行中搜索", sort_by: "按{name}排序", rows_all: "{all} 行", rows_truncated: "前 {all} 行，还有更多", rows_found: "{all} 行中的 {found} 行",
    type_integer: "整数", type_decimal: "小数", type_float: "小数", type_text: "文本", type_boolean: "是否", type_date: "日期", type_time: "时间", type_timestamp: "日期时间", type_timestamp_zone: "日期时间（带时区）", type_interval: "时长", type_json: "JSON", type_other: "其他",
    chart: "图表", chart_kind: "图表", chart_x: "横轴", chart_y: "纵轴", chart_none: "不画图", chart_series: "系列", series_none: "无", chart_of: "图表：{what}", chart_show: "画图",
    kind_bar: "柱状图", kind_grouped: "分组柱状图", kind_stacked: "堆叠柱状图", kind_line: "折线图", kind_area: "面积图", kind_scatter: "散点图", kind_pie: "饼图",

    save_title: "保存这个问题", save_name: "名称", save_text: "租户里的每个人都可以再次执行。请勾选届时可以更改的值。", save_done: "已保存。", see_saved: "查看已保存的问题",
    saved_title: "已保存的问题", saved_lead: "供这里的每个人使用，可以换别的值再次执行。", saved_none_title: "还没有保存过问题", saved_none: "先提问，再在答案下选“保存”。",
    run_again: "执行", delete_saved: "删除已保存的问题", deleted_saved: "已删除“{name}”。", about_dataset: "数据：{name}", parameters: "可以更改的值", parameter_label: "名称",
    history_title: "记录", history_lead: "在您的数据上执行过或被拒绝的每一条语句：谁、何时、内容和结果。这里的内容不能更改。", history_none: "还没有执行过任何语句。",
    history_when: "时间", history_what: "问题与 SQL", history_verdict: "结论", history_rows: "行数", history_time: "用时", history_who: "谁", history_ms: "{n} 毫秒", verdict_ok: "已执行", origin_generated: "模型", origin_repaired: "模型（已修正）", origin_pair: "已验证的问题", origin_saved: "已保存的问题", origin_written: "手写", who_key: "API 密钥", who_visitor: "访客", who_operator: "运营人员", more_rows: "显示更早的", history_dataset: "数据", all_datasets: "全部数据", sql_given: "原文",

    advice_sql_rejected: "请换个说法提问，或请编辑查看下面的 SQL。",
    advice_sql_failed: "请换个说法提问，写明您指的是哪张表、哪一列。",
    advice_cannot_answer: "请就表中已有的内容提问；在“数据”页可以看到各列。",
    ask_instead: "现在可以问：",
    advice_needs_model: "编辑可以在“数据”页把它添加为已验证的问题，之后这个问题和类似的问题都能得到回答。",
    advice_sql_too_costly: "请缩短时间范围，或减少分组。",
    advice_sql_timed_out: "请缩短时间范围，或减少分组。",
    advice_budget_exhausted: "所有者可以在管理后台的“模型路由”中提高预算。",
    advice_provider_unavailable: "请稍后再试。如果一直如此，请在“模型路由”中检查模型。",
    advice_provider_timeout: "请稍后再试。如果一直如此，请在“模型路由”中检查模型。",
  },
};

for (const [language, texts] of Object.entries(TEXTS)) Object.assign(CATALOGUE[language], texts);

export * from "../chat/strings.js";

/** As the chat page's; with `otherwise` for a key that there may not be. */
export function t(key, values, otherwise) {
  return otherwise !== undefined && !(key in CATALOGUE[currentLanguage()]) ? otherwise : say(key, values);
}

export const count = (number) => new Intl.NumberFormat(currentLanguage()).format(number);
export const percent = (share) => new Intl.NumberFormat(currentLanguage(), { style: "percent" }).format(share);

/** A moment as people say it: today only the time. */
export function moment(text) {
  const when = new Date(text);
  const isToday = when.toDateString() === new Date().toDateString();
  const style = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(currentLanguage(), style).format(when);
}
