/** What the agent desk says, added to the strings of the chat page, whose tools are used here too. */
import { CATALOGUE, currentLanguage } from "../chat/strings.js";

export const TEXTS = {
  en: {
    desk_title: "Agent desk", menu: "Pages", menu_conversations: "Conversations", menu_replies: "Canned replies",
    skip_to_list: "Skip to the conversations", to_admin: "To the admin", switch_theme: "Switch between light and dark",
    cancel: "Cancel", save: "Save", delete: "Delete", close_window: "Close", loading: "Loading…", load_more: "Show more",
    refused_session: "You have been signed out, or you work in another tenant now. Load the page again.",
    offline: "You are offline. What you write is kept and sent when you are back.",
    limited: "Too much in a short time. The desk goes on by itself shortly.",
    trouble_away: "The server does not answer. Try again in a moment.",
    trouble_stale: "This page has been open for too long. Load it again, then repeat what you did.",

    views: "Which conversations", view_waiting: "Waiting", view_mine: "Mine", view_open: "All open", view_closed: "Closed",
    search: "Search names and messages", search_short: "Search…", every_persona: "All personas", persona: "Persona", conversations: "Conversations",
    none_waiting: "Nobody is waiting.", none_waiting_more: "When a visitor asks for a person, the conversation appears here, and you hear of it.",
    none_mine: "You have no conversations.", none_mine_more: "Take one over from “Waiting” or “All open”.",
    none_open: "Nobody is talking right now.", none_open_more: "Conversations with the bot and with people appear here.",
    none_closed: "Nothing is closed yet.", none_closed_more: "Closed conversations stay here to be read.",
    none_found: "Nothing found.", none_found_more: "Try another word, or search all open conversations.",
    none_chosen: "Choose a conversation", none_chosen_more: "Take over to answer in place of the bot. The bot falls silent at once.",
    key_hint: "for all keys",
    waiting_for: "waiting {time}", unread: "{count} unread", is_looking: "{names} is looking at this too", are_looking: "{names} are looking at this too",
    seconds: "{n} s", minutes: "{n} min", hours: "{n} h", days: "{n} d", visitor: "Visitor {n}",
    state_bot: "Bot answers", state_requested: "Waits for a person", state_human: "{agent} answers", state_mine: "You answer", state_closed: "Closed",
    said_user: "{text}", said_bot: "Bot: {text}", said_human: "{author}: {text}", said_you: "You: {text}",

    back_to_list: "Back to the list", take_over: "Take over", release: "Back to the bot", transfer: "Transfer", close_conversation: "Close",
    show_context: "About this conversation", earlier_messages: "Earlier messages", messages: "Messages", loading_talk: "Loading the conversation…",
    note_by: "Note by {author} · never shown to the visitor", visitor_typing: "The visitor is writing…", bot_writing: "The bot is writing…",
    answer_failed: "The answer failed: {why}", answer_cut: "Cut off here, because a person took over.", sources: "Sources", feedback_up: "Rated as good", feedback_down: "Rated as bad",
    status_requested: "A person was asked for.", status_human: "{agent} took over.", status_bot: "The bot answers again.", status_closed: "The conversation was closed.",
    trace: "How this came about", trace_search: "Looked for “{query}” and found {found} passages; {cited} are cited.", trace_no_search: "No knowledge was looked up.",
    trace_model: "{model} answered (route {route}, version {version}).", trace_draft: "draft", trace_time: "First word after {first} s, whole answer after {total} s.",
    trace_tokens: "{input} tokens read, {output} written.", trace_best: "Best match: {score}", answer_stopped_here: "The visitor stopped this answer.",

    mode_reply: "Reply", mode_note: "Note", your_reply: "Your reply to the visitor", your_note: "Your note; the visitor never sees it",
    reply_placeholder: "Write to the visitor… ( / for canned replies)", note_placeholder: "Only colleagues see this.", take_over_first: "Take over to answer. Notes can be written at any time.",
    closed_hint: "This conversation is closed. Notes can still be written.", held_by: "{agent} answers this conversation. Take it over to answer yourself.",
    send: "Send", send_note: "Save the note", sending: "Sending…", waiting_to_send: "Waiting to be sent", not_sent: "Not sent.", send_again: "Send again", discard: "Discard",
    canned: "Canned replies", canned_none: "No canned reply fits.", canned_some: "{count} canned replies; choose with the arrow keys and Enter", suggest: "Suggest an answer", suggesting: "The bot drafts an answer…", suggested: "A draft is in the box. Check it before you send it.", suggested_nothing: "The bot has no answer to offer here.",
    smallprint: "Enter sends, Shift+Enter starts a new line.",

    about: "About this conversation", why_person: "Why a person was asked for", reason_none: "No reason was given.", about_visitor: "Visitor", name: "Name", visitor_id: "Id", language: "Language", since: "Since", satisfaction: "Satisfaction", of_five: "{n} of 5",
    earlier: "Earlier conversations", earlier_none: "This is the first one.", earlier_count: "{count} messages", sources_here: "Sources the bot used", sources_none: "The bot has cited nothing yet.", open_record: "Open the record in the admin",
    reason_visitor: "The visitor asked for a person.", reason_persona: "The bot decided to hand over.", reason_rule: "A rule of the persona applied.", reason_keyword: "The visitor used a word that calls for a person.", reason_low_confidence: "The bot found no good answer.", reason_sentiment: "The visitor seems upset.", reason_system: "The bot could not answer.", reason_agent: "A colleague handed it over.",

    transfer_title: "Transfer to whom?", transfer_text: "Your colleague is told and answers from then on.", transfer_queue: "Back to the queue (everybody)", transfer_none: "There is no other agent in this tenant yet.",
    close_title: "Close this conversation?", close_text: "The visitor is told and may be asked how it went. A closed conversation takes no more messages.", close_yes: "Close it",
    held_title: "{agent} answers here", held_text: "Take this conversation over all the same? Your colleague is told.", taken_from_you: "{agent} has taken over this conversation.", deed_done_takeover: "You answer now. The bot is silent.", deed_done_release: "The bot answers again.", deed_done_close: "Closed.", deed_done_transfer: "Transferred to {agent}.", deed_done_queue: "Back in the queue.",
    gone: "This conversation is no longer there.",

    alerts: "Alerts", alerts_title: "How you hear of visitors", sound: "Sound", sound_text: "A short chime when somebody waits or writes to you.", notices: "Browser notifications", notices_text: "Shown while you are in another window or tab.", notices_on: "Turn on", notices_off: "Turn off", notices_denied: "The browser refuses them for this page. Allow them in its settings for this site.", notices_missing: "This browser has none.", try_sound: "Try it",
    alert_waiting: "{visitor} is waiting for a person", alert_message: "{visitor} wrote", alert_transferred: "You were given the conversation with {visitor}",

    keys: "Keys", keys_title: "Keys", keys_off: "Single keys work", keys_off_text: "Switch this off if they get in the way of speech input or a screen reader.",
    key_move: "Move in the list", key_open: "Open the conversation", key_takeover: "Take over", key_reply: "Write a reply", key_note: "Write a note", key_transfer: "Transfer", key_release: "Give back to the bot", key_close: "Close the conversation", key_search: "Search", key_views: "Waiting, mine, all open, closed", key_context: "About this conversation", key_back: "Back to the list", key_send: "Send", key_canned: "Canned replies, at the beginning of a reply", key_help: "Show all keys",

    replies_title: "Canned replies", replies_lead: "Ready-made answers. Type / in a reply to choose one; those of the visitor's language and persona come first.", replies_none: "There are no canned replies yet.", replies_none_more: "Write down what you type every day, for example a greeting or your opening hours.", new_reply: "New reply", edit_reply: "Change", shortcut: "Shortcut", shortcut_help: "What you type behind the slash. Letters, digits, hyphens.", reply_text: "Text", every_language: "Every language", any_persona: "Every persona", chinese: "Chinese", english: "English", delete_reply: "Delete this reply?", delete_reply_text: "“{shortcut}” is gone for everybody.", saved: "Saved.", deleted: "Deleted.",
    menu_left: "Messages left", left_title: "Messages left", left_lead: "Outside office hours, or when nobody came, visitors may leave a message and how to reach them.", left_none: "Nobody is waiting to hear from you.", left_none_more: "Messages that are dealt with are shown on request.", with_done: "Show those that are done", is_done: "Done", now_done: "Marked as done.", now_open: "Open again.", open_talk: "Open the conversation",
  },
  "zh-Hans": {
    desk_title: "客服工作台", menu: "页面", menu_conversations: "对话", menu_replies: "快捷回复",
    skip_to_list: "跳到对话列表", to_admin: "前往管理后台", switch_theme: "切换浅色或深色",
    cancel: "取消", save: "保存", delete: "删除", close_window: "关闭", loading: "正在载入……", load_more: "显示更多",
    refused_session: "您已退出登录，或者现在在另一个租户中工作。请重新载入页面。",
    offline: "您已离线。您写的内容会保留，联网后自动发送。",
    limited: "短时间内操作过多，稍后会自动继续。",
    trouble_away: "服务器没有响应，请稍后再试。",
    trouble_stale: "此页面打开时间过长。请重新载入，然后再操作一次。",

    views: "查看哪些对话", view_waiting: "等待中", view_mine: "我的", view_open: "全部进行中", view_closed: "已关闭",
    search: "搜索姓名和消息", search_short: "搜索……", every_persona: "全部角色", persona: "角色", conversations: "对话",
    none_waiting: "没有人在等待。", none_waiting_more: "有访客请求人工时，对话会出现在这里，并会提醒您。",
    none_mine: "您没有正在处理的对话。", none_mine_more: "可从“等待中”或“全部进行中”接管一个。",
    none_open: "现在没有进行中的对话。", none_open_more: "与机器人或与人工的对话都会出现在这里。",
    none_closed: "还没有已关闭的对话。", none_closed_more: "已关闭的对话留在这里供查阅。",
    none_found: "没有找到。", none_found_more: "换一个词，或在全部进行中的对话里搜索。",
    none_chosen: "请选择一个对话", none_chosen_more: "接管后由您代替机器人回答，机器人立即停止说话。",
    key_hint: "查看全部快捷键",
    waiting_for: "已等待 {time}", unread: "{count} 条未读", is_looking: "{names} 也在查看此对话", are_looking: "{names} 也在查看此对话",
    seconds: "{n} 秒", minutes: "{n} 分钟", hours: "{n} 小时", days: "{n} 天", visitor: "访客 {n}",
    state_bot: "机器人回答", state_requested: "等待人工", state_human: "{agent} 正在回答", state_mine: "由您回答", state_closed: "已关闭",
    said_user: "{text}", said_bot: "机器人：{text}", said_human: "{author}：{text}", said_you: "您：{text}",

    back_to_list: "返回列表", take_over: "接管", release: "交还机器人", transfer: "转接", close_conversation: "关闭",
    show_context: "对话信息", earlier_messages: "更早的消息", messages: "消息", loading_talk: "正在载入对话……",
    note_by: "{author} 的备注 · 访客永远看不到", visitor_typing: "访客正在输入……", bot_writing: "机器人正在回答……",
    answer_failed: "回答失败：{why}", answer_cut: "人工接管，回答到此为止。", sources: "来源", feedback_up: "评为有用", feedback_down: "评为没用",
    status_requested: "已请求人工。", status_human: "{agent} 已接管。", status_bot: "现在由机器人继续回答。", status_closed: "对话已关闭。",
    trace: "回答是怎么来的", trace_search: "检索“{query}”，找到 {found} 个段落，引用了 {cited} 个。", trace_no_search: "没有检索知识。",
    trace_model: "由 {model} 回答（路由 {route}，版本 {version}）。", trace_draft: "草稿", trace_time: "{first} 秒后开始回答，{total} 秒后答完。",
    trace_tokens: "读入 {input} 个 Token，写出 {output} 个。", trace_best: "最佳匹配：{score}", answer_stopped_here: "访客停止了这次回答。",

    mode_reply: "回复", mode_note: "备注", your_reply: "给访客的回复", your_note: "您的备注，访客永远看不到",
    reply_placeholder: "回复访客……（输入 / 选择快捷回复）", note_placeholder: "只有同事能看到。", take_over_first: "接管后即可回答。备注随时可以写。",
    closed_hint: "此对话已关闭，仍可以写备注。", held_by: "{agent} 正在回答此对话。要自己回答，请先接管。",
    send: "发送", send_note: "保存备注", sending: "正在发送……", waiting_to_send: "等待发送", not_sent: "未发送。", send_again: "重新发送", discard: "丢弃",
    canned: "快捷回复", canned_none: "没有合适的快捷回复。", canned_some: "有 {count} 条快捷回复，用方向键和回车选择", suggest: "建议回答", suggesting: "机器人正在起草……", suggested: "草稿已放入输入框，发送前请核对。", suggested_nothing: "机器人这里没有可建议的回答。",
    smallprint: "回车发送，Shift+回车换行。",

    about: "对话信息", why_person: "为什么请求人工", reason_none: "没有说明原因。", about_visitor: "访客", name: "姓名", visitor_id: "标识", language: "语言", since: "开始于", satisfaction: "满意度", of_five: "{n} 分（满分 5 分）",
    earlier: "以往的对话", earlier_none: "这是第一次对话。", earlier_count: "{count} 条消息", sources_here: "机器人引用的来源", sources_none: "机器人还没有引用任何内容。", open_record: "在管理后台打开记录",
    reason_visitor: "访客请求人工。", reason_persona: "机器人决定转人工。", reason_rule: "触发了角色的规则。", reason_keyword: "访客用了需要人工处理的词。", reason_low_confidence: "机器人没有找到合适的回答。", reason_sentiment: "访客似乎不满意。", reason_system: "机器人无法回答。", reason_agent: "由同事转来。",

    transfer_title: "转接给谁？", transfer_text: "同事会收到提醒，之后由其回答。", transfer_queue: "放回等待队列（所有人）", transfer_none: "此租户还没有其他客服。",
    close_title: "要关闭此对话吗？", close_text: "访客会收到通知，并可能被请求评价。已关闭的对话不再接收消息。", close_yes: "关闭",
    held_title: "{agent} 正在回答", held_text: "仍要接管此对话吗？会通知您的同事。", taken_from_you: "{agent} 已接管此对话。", deed_done_takeover: "现在由您回答，机器人已停止。", deed_done_release: "现在由机器人继续回答。", deed_done_close: "已关闭。", deed_done_transfer: "已转接给 {agent}。", deed_done_queue: "已放回队列。",
    gone: "此对话已不存在。",

    alerts: "提醒", alerts_title: "如何提醒您", sound: "声音", sound_text: "有人等待或给您写消息时，响一声提示音。", notices: "浏览器通知", notices_text: "您在别的窗口或标签页时显示。", notices_on: "开启通知", notices_off: "关闭通知", notices_denied: "浏览器不允许此页面发送通知，请在浏览器的网站设置中允许。", notices_missing: "此浏览器不支持通知。", try_sound: "试听",
    alert_waiting: "{visitor} 正在等待人工", alert_message: "{visitor} 发来消息", alert_transferred: "与 {visitor} 的对话已转给您",

    keys: "快捷键", keys_title: "快捷键", keys_off: "启用单键快捷键", keys_off_text: "如果影响语音输入或读屏软件，请关闭。",
    key_move: "在列表中移动", key_open: "打开对话", key_takeover: "接管", key_reply: "写回复", key_note: "写备注", key_transfer: "转接", key_release: "交还机器人", key_close: "关闭对话", key_search: "搜索", key_views: "等待中、我的、全部进行中、已关闭", key_context: "对话信息", key_back: "返回列表", key_send: "发送", key_canned: "快捷回复（在回复开头输入）", key_help: "显示全部快捷键",

    replies_title: "快捷回复", replies_lead: "预先写好的回答。在回复中输入 / 即可选择，符合访客语言和角色的排在前面。", replies_none: "还没有快捷回复。", replies_none_more: "把每天都要打的话写下来，比如问候语或营业时间。", new_reply: "新建回复", edit_reply: "修改", shortcut: "快捷词", shortcut_help: "在斜杠后输入的词，可用字母、数字和连字符。", reply_text: "内容", every_language: "所有语言", any_persona: "所有角色", chinese: "中文", english: "英文", delete_reply: "要删除此回复吗？", delete_reply_text: "删除后，所有人都不能再使用“{shortcut}”。", saved: "已保存。", deleted: "已删除。",
    menu_left: "留言", left_title: "留言", left_lead: "工作时间之外，或没有人来得及接待时，访客可以留言并留下联系方式。", left_none: "没有人在等您的回复。", left_none_more: "已处理的留言可以勾选后查看。", with_done: "显示已处理的留言", is_done: "已处理", now_done: "已标为已处理。", now_open: "已改回未处理。", open_talk: "打开对话",
  },
};

for (const [language, texts] of Object.entries(TEXTS)) Object.assign(CATALOGUE[language], texts);

export * from "../chat/strings.js";

/** Whether there is a text for this key. */
export const isSaid = (key) => key in CATALOGUE[currentLanguage()];

/** A moment as people say it: today only the time. */
export function moment(text) {
  const when = new Date(text);
  const isToday = when.toDateString() === new Date().toDateString();
  const style = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(currentLanguage(), style).format(when);
}

/** A moment in a narrow list: the time today, else the day. */
export function shortMoment(text) {
  const when = new Date(text);
  const isToday = when.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(currentLanguage(), isToday ? { timeStyle: "short" } : { month: "short", day: "numeric" }).format(when);
}
