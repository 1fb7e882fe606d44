"""Words that say what kind of sentence it is, not what it is about. Folded, as `spelling.fold` does."""

_ENGLISH = """
    a able about actually after again all am an and another any anyone anything are arent as at be
    because been before being between both but by can can't cant concerning could did didn't do does
    doesn't doing don't dont down during each else even ever everyone everything few for from
    further get gets go goes going got had has have having he hello her here hers hi him himself his
    how i i'd i'll i'm i've if im in into is isnt it it's its itself ive just kindly know least less
    let like make many may me might more most much my myself next no nor not nothing now of off on
    once only or other others our ours out over per please possible put quite rather regarding said
    same say says several she should show since so some someone something still such tell than thank
    thanks that that's the their them themselves then there these they they'd they're thing things
    this those though through to too toward under until up upon us very via want wanted was way we
    we're were what what's whatever whats when where whether which while who whom whose why will
    with within without would yet you you'd you're you've your yours yourself
"""

_CHINESE = """
    请问一下 请问 麻烦 我想知道 我想问 想问一下 想知道 想问 告诉我 你们 我们 他们 她们 咱们 您们
    大家 自己 什么样的 什么样 什么 怎么样 怎么 怎样 如何 为什么 为何 多少 几个 哪些 哪个 哪种 哪里
    哪儿 哪位 是不是 有没有 能不能 可不可以 要不要 会不会 是否 可以 能够 一下 一个 这个 那个 这些
    那些 这里 那里 这样 那样 但是 因为 所以 如果 然后 或者 还是 以及 并且 而且 关于 对于 现在 目前
    东西 情况 话 的话 比如 大概 到底 究竟 才能 才行 应该 需要 想要 还能 还 能 想 要 会 的 了 着 过
    地 得 之 是 出来 起来 下来 过来 过去 回来 一次 一点 完 为 在 有 和 与 及 或 而 且 也 都 就 又 很
    更 太 把 被 对 从 到 由 于 以 向 让 给 吗 呢 吧 啊 呀 嘛 么 哦 嗯 这 那 其 该 此 每 各 我 你 您
    他 她 它 们 谁 几 哪 没 不 上 里 中 等 时 后 前 所 将 若 跟 当 只 才 再 已 用 做 去 来 请
"""

ENGLISH = frozenset(_ENGLISH.split())
CHINESE = frozenset(_CHINESE.split())
