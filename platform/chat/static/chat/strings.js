/**
 * What the page says, in each language it speaks. Every language has the same keys (a test compares them);
 * `{name}` is filled in by `t`.
 */
export const CATALOGUE = {
  en: {
    other_language: "中文",
    switch_language: "切换到中文",
    switch_theme: "Switch between light and dark",
    new_conversation: "New conversation",
    skip_to_composer: "Skip to the message box",
    messages: "Messages",
    announcements: "New messages, read aloud",
    suggestions: "Suggested questions",
    your_message: "Your message",
    composer_placeholder: "Ask anything…",
    send: "Send",
    stop: "Stop the answer",
    you_said: "You said:",
    is_typing: "Writing an answer…",
    sending: "Sending…",
    waiting_to_send: "Waiting to be sent",
    not_sent: "Not sent.",
    send_again: "Send again",
    edit: "Edit",
    retry: "Try again",
    copy: "Copy the answer",
    copied: "Copied",
    good_answer: "Good answer",
    bad_answer: "Bad answer",
    jump_to_newest: "New messages",
    dismiss: "Dismiss",
    close: "Close",
    loading_history: "Loading the conversation…",
    sources: "Sources",
    source: "Source {n}: {title}",
    source_count: "Source {n} · {position} of {total}",
    source_page: "Page {page}",
    source_open: "Open the document",
    previous_source: "Previous source",
    next_source: "Next source",
    close_source: "Close the source",
    mark_sample: "Marked",
    mark_legend: "words also appear in the answer.",
    answer_stopped: "You stopped this answer.",
    answer_length: "The answer reached its length limit and ends here.",
    answer_filtered: "Part of this answer was withheld.",
    handoff_requested: "A person has been asked to join. You can keep writing.",
    handoff_human: "{agent} has joined the conversation.",
    handoff_bot: "{persona} is answering again.",
    someone: "A person",
    change: "Change this message",
    editing: "Changing your message: it is answered anew.",
    cancel: "Cancel",
    regenerate: "Answer again",
    what_was_wrong: "What was wrong with it? (optional)",
    what_was_good: "What was good about it? (optional)",
    send_comment: "Send",
    thanks: "Thank you.",
    unsupported: "not found in the sources",
    doubt_sample: "Underlined:",
    doubt_legend: "nothing in the sources supports this. Better check it.",
    ask_person: "Talk to a person",
    hands_asking: "Asking for a person…",
    hands_requested: "A person has been asked to join.",
    hands_human: "You are talking to {agent}, a person.",
    person_typing: "{agent} is writing…",
    handoff_closed: "This conversation was closed. Write again to go on.",
    handoff_outside_hours: "Nobody is there right now.",
    handoff_outside_hours_until: "Nobody is there right now; people are back {until}.",
    handoff_nobody_free: "Nobody is free right now.",
    handoff_form_received: "Your message has been passed on. Somebody will be in touch.",
    contact_title: "Leave a message",
    contact_name: "Name (optional)",
    contact_how: "Email or telephone",
    contact_message: "What is it about? (optional)",
    contact_send: "Leave the message",
    contact_sent: "Your message has been passed on.",
    satisfaction_title: "How was this conversation?",
    satisfaction_low: "poor",
    satisfaction_high: "very good",
    satisfaction_comment: "Anything to add? (optional)",
    satisfaction_send: "Send",
    open_chat: "Chat with us",
    open_chat_unread: "Chat with us ({count} new)",
    close_chat: "Close the chat",
    unread: "{count} new in the chat",
    connecting: "Connecting…",
    offline: "You are offline. What you write is kept and sent when you are back.",
    reconnecting: "Connection lost. What you write is kept and sent when it is back.",
    limited: "Too many messages in a short time. The chat goes on by itself shortly.",
    retry_in: "{seconds} s",
    connect_now: "Connect now",
    refused_session: "This chat cannot be opened right now. Load the page again, or come back later.",
    refused_gone: "This chat has been taken down. Ask whoever gave you the link for a new one.",
    refused_origin: "This chat may not be used from this address.",
    reload: "Load again",
    history_gone: "Earlier messages could not be loaded. You can go on from here.",
    text_too_long: "{count} of {limit} characters: please shorten it.",
    text_count: "{count} of {limit} characters",
    ai_notice: "Answers are written by an AI and can be wrong.",
    reader_notice: "No language model is connected: answers are quoted from its source texts.",
    reader_how: "How to connect one",
    reader_title: "Connect a language model",
    reader_what: "Right now the built-in reader answers. It finds the passages that fit a question and quotes them word for word. A language model can put answers into its own words.",
    reader_environment: "For the whole installation, set these two variables before it starts (and OPENAI_API_KEY, if the endpoint asks for a key). Any OpenAI-compatible endpoint will do:",
    reader_route: "For one tenant or persona, add a route in the admin and choose it in the persona's settings.",
    copy_failed: "The browser did not allow copying. Select the text and copy it by hand.",
    error_rate_limited: "That was too fast. Wait a moment, then send again.",
    error_wait: "That was too fast. You can send again in {seconds} s.",
    error_conflict: "That is no longer possible: the conversation has gone on.",
    error_quota_exhausted: "The limit for this chat has been reached. Please come back later.",
    error_budget_exhausted: "This chat has used up its budget. Please come back later.",
    error_provider_unavailable: "The language model cannot be reached. Try again in a moment.",
    error_provider_timeout: "The language model took too long. Try again.",
    error_provider_invalid: "The language model sent an unusable reply. Try again.",
    error_turn_interrupted: "The answer was interrupted. Try again to get the whole of it.",
    error_taken_over: "A person has taken over this conversation.",
    error_frame_too_large: "The message is too long. Shorten it and send again.",
    error_unreachable: "That could not be sent. Try again in a moment.",
    error_unknown: "Something went wrong. Try again in a moment.",
  },
  "zh-Hans": {
    other_language: "English",
    switch_language: "Switch to English",
    switch_theme: "切换浅色或深色",
    new_conversation: "新对话",
    skip_to_composer: "跳到输入框",
    messages: "消息",
    announcements: "朗读新消息",
    suggestions: "推荐问题",
    your_message: "您的消息",
    composer_placeholder: "请输入您的问题……",
    send: "发送",
    stop: "停止回答",
    you_said: "您说：",
    is_typing: "正在回答……",
    sending: "正在发送……",
    waiting_to_send: "等待发送",
    not_sent: "未发送。",
    send_again: "重新发送",
    edit: "修改",
    retry: "重试",
    copy: "复制回答",
    copied: "已复制",
    good_answer: "回答得好",
    bad_answer: "回答得不好",
    jump_to_newest: "新消息",
    dismiss: "关闭提示",
    close: "关闭",
    loading_history: "正在载入对话……",
    sources: "来源",
    source: "来源 {n}：{title}",
    source_count: "来源 {n} · 第 {position} 个，共 {total} 个",
    source_page: "第 {page} 页",
    source_open: "打开文档",
    previous_source: "上一个来源",
    next_source: "下一个来源",
    close_source: "关闭来源",
    mark_sample: "标出的文字",
    mark_legend: "也出现在回答中。",
    answer_stopped: "您已停止这次回答。",
    answer_length: "回答达到长度上限，到此为止。",
    answer_filtered: "这次回答有一部分未予显示。",
    handoff_requested: "已请人工加入，您可以继续留言。",
    handoff_human: "{agent} 已加入对话。",
    handoff_bot: "现在由 {persona} 继续回答。",
    someone: "人工客服",
    change: "修改这条消息",
    editing: "正在修改您的消息，修改后会重新回答。",
    cancel: "取消",
    regenerate: "重新回答",
    what_was_wrong: "哪里不好？（选填）",
    what_was_good: "哪里好？（选填）",
    send_comment: "提交",
    thanks: "谢谢。",
    unsupported: "来源中没有依据",
    doubt_sample: "下划线：",
    doubt_legend: "来源中没有支持这些内容的依据，请核实。",
    ask_person: "转人工",
    hands_asking: "正在为您联系人工……",
    hands_requested: "已请人工加入。",
    hands_human: "正在与您交谈的是人工客服 {agent}。",
    person_typing: "{agent} 正在输入……",
    handoff_closed: "此对话已结束。再次留言即可继续。",
    handoff_outside_hours: "现在没有人工客服。",
    handoff_outside_hours_until: "现在没有人工客服，{until}恢复服务。",
    handoff_nobody_free: "人工客服现在都在忙。",
    handoff_form_received: "您的留言已转交，我们会与您联系。",
    contact_title: "留言",
    contact_name: "姓名（选填）",
    contact_how: "邮箱或电话",
    contact_message: "关于什么？（选填）",
    contact_send: "提交留言",
    contact_sent: "您的留言已转交。",
    satisfaction_title: "您对这次对话满意吗？",
    satisfaction_low: "不满意",
    satisfaction_high: "非常满意",
    satisfaction_comment: "还有什么想说的？（选填）",
    satisfaction_send: "提交",
    open_chat: "与我们聊天",
    open_chat_unread: "与我们聊天（{count} 条新消息）",
    close_chat: "关闭对话",
    unread: "对话中有 {count} 条新消息",
    connecting: "正在连接……",
    offline: "您已离线。您写的内容会保留，联网后自动发送。",
    reconnecting: "连接已断开。您写的内容会保留，恢复后自动发送。",
    limited: "短时间内消息过多，稍后会自动继续。",
    retry_in: "{seconds} 秒",
    connect_now: "立即连接",
    refused_session: "现在无法打开此对话。请重新载入页面，或稍后再来。",
    refused_gone: "此对话已下线。请向提供链接的人索取新的链接。",
    refused_origin: "此地址不能使用该对话。",
    reload: "重新载入",
    history_gone: "较早的消息无法载入，您可以从这里继续。",
    text_too_long: "{count} / {limit} 字，请缩短。",
    text_count: "{count} / {limit} 字",
    ai_notice: "回答由人工智能生成，可能有误。",
    reader_notice: "尚未接入语言模型：回答均摘自原文。",
    reader_how: "如何接入",
    reader_title: "接入语言模型",
    reader_what: "目前由内置的“阅读器”作答：它找出与问题相符的段落并逐字引用。接入语言模型后，回答可以用自己的话来表述。",
    reader_environment: "要用于整个系统，请在启动前设置以下两个变量（如果端点需要密钥，另设 OPENAI_API_KEY）。任何兼容 OpenAI 的端点都可以：",
    reader_route: "只用于某个租户或角色，请在管理后台添加一条路由，并在角色设置中选用。",
    copy_failed: "浏览器不允许复制，请选中文字后手动复制。",
    error_rate_limited: "发送太快了。请稍等片刻再发送。",
    error_wait: "发送太快了，{seconds} 秒后可以再发送。",
    error_conflict: "对话已经继续，现在不能这样做了。",
    error_quota_exhausted: "此对话已达到使用上限，请稍后再来。",
    error_budget_exhausted: "此对话的预算已用完，请稍后再来。",
    error_provider_unavailable: "暂时联系不上语言模型，请稍后重试。",
    error_provider_timeout: "语言模型响应超时，请重试。",
    error_provider_invalid: "语言模型返回了无法使用的内容，请重试。",
    error_turn_interrupted: "回答中断了。请重试以获得完整回答。",
    error_taken_over: "此对话已由人工接手。",
    error_frame_too_large: "消息太长，请缩短后再发送。",
    error_unreachable: "没有发送成功，请稍后重试。",
    error_unknown: "出了点问题，请稍后重试。",
  },
};

let language = "en";

/** The language of ours that fits a BCP 47 tag, or null: every Chinese is read as Simplified Chinese. */
export function languageFor(tag) {
  if (/^zh\b/i.test(tag ?? "")) return "zh-Hans";
  return /^en\b/i.test(tag ?? "") ? "en" : null;
}

/** The first of `tags` that we speak; English if there is none. */
export function pickLanguage(tags) {
  return tags.map(languageFor).find(Boolean) ?? "en";
}

/** Say in which language the page speaks. A widget has a language of its own (`Surface`). */
export function setLanguage(name) {
  language = name;
  document.documentElement.lang = name;
}

export const currentLanguage = () => language;

/** The text of `key` in one language, with its `{names}` filled in. */
export function textIn(language, key, values = {}) {
  return CATALOGUE[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** What to tell a visitor about an error: our own sentence for codes we know, else the server's. */
export function explainIn(language, { code, detail }) {
  return CATALOGUE[language][`error_${code}`] ?? (detail || textIn(language, "error_unknown"));
}

/** The text of `key` in the page's language. */
export const t = (key, values) => textIn(language, key, values);

export const explain = (error) => explainIn(language, error);

/** Fill in every text below `root` that is named by a data-i18n attribute. */
export function translate(root, say = t) {
  for (const element of root.querySelectorAll("[data-i18n]")) element.textContent = say(element.dataset.i18n);
  for (const element of root.querySelectorAll("[data-i18n-placeholder]")) {
    element.placeholder = say(element.dataset.i18nPlaceholder);
  }
  for (const element of root.querySelectorAll("[data-i18n-label]")) label(element, say(element.dataset.i18nLabel));
}

/** Name an element for screen readers, and buttons for the pointer too. */
export function label(element, text) {
  element.setAttribute("aria-label", text);
  if (element instanceof HTMLButtonElement) element.title = text;
}
