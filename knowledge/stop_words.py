"""Words too common to tell passages apart. Already folded: lower case, simplified, unstemmed.

Kept short on purpose: a word missing here costs little, since BM25 weighs common words down anyway; a word
wrongly here can never be searched for.
"""

ENGLISH = frozenset(
    """
    a about above after again against all also am an and any are aren't as at be because been before being
    below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down
    during each few for from further had hadn't has hasn't have haven't having he he'd he'll he's her here
    hers herself him himself his how i i'd i'll i'm i've if in into is isn't it it's its itself let's me
    more most my myself no nor not of off on once only or other our ours ourselves out over own please same
    she she'd she'll she's should shouldn't so some such than that that's the their theirs them themselves
    then there there's these they they'd they'll they're they've this those through to too under until up
    very was wasn't we we'd we'll we're we've were weren't what what's when where which while who who's whom
    why will with won't would wouldn't you you'd you'll you're you've your yours yourself yourselves
    """.split()  # noqa: SIM905 - a list literal of words would be unreadable
)

CHINESE = frozenset(
    """
    的 了 着 过 地 得 之 是 为 在 有 和 与 及 或 而 且 但 并 也 都 就 还 又 很 更 最 太 把 被 对 从 到 由 于
    以 向 让 给 吗 呢 吧 啊 呀 嘛 么 哦 嗯 这 那 其 该 此 每 各 个 们 我 你 您 他 她 它 我们 你们 您们 他们
    她们 它们 自己 大家 什么 哪 哪个 哪些 哪里 哪儿 谁 几 多少 怎么 怎样 怎么样 如何 为什么 为何 是否 是不是
    有没有 能不能 可不可以 这个 那个 这些 那些 这里 那里 这样 那样 一个 一些 一下 没有 不是 就是 还是 或者
    以及 并且 而且 但是 因为 所以 如果 那么 然后 可以 能够 请 请问 想 要 会 能 不 没 上 下 里 中 等 时 后 前
    所 将 则 若 被 比 跟 当 只 才 再 已 这是 那是 都是 也是 只是 而是 还有 关于 对于 由于 其中 之间 之后
    之前 什麽 啥 咋 咱 咱们
    """.split()  # noqa: SIM905 - a list literal of words would be unreadable
)

STOP_WORDS = ENGLISH | CHINESE
