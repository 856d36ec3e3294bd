# ruff: noqa: RUF001  (Chinese text)
"""Chinese words that carry a question's structure; symbols as in the English lexicon.

d is 的; M a limit (前五名). Measure words and particles carry nothing.
"""

from __future__ import annotations

from pg_llm.text2sql.lexeme import Hint, Superlative
from pg_llm.text2sql.words import word_set

_NONE = Hint(())
_PRICE = Hint(("price", "cost", "rate", "amount", "fee"))
_WEIGHT = Hint(("weight", "mass"))
_AGE = Hint(("age",), ("birth date", "birthday"))
_TIME = Hint(("date", "time", "year"))


def _phrases() -> dict[str, tuple[str, object]]:
    table: dict[str, tuple[str, object]] = {}

    def add(symbol: str, payload: object, words: str) -> None:
        for word in words.split():
            table[word] = (symbol, payload)

    add(
        "Q",
        None,
        "多少 多少个 多少位 多少名 多少次 多少条 多少笔 多少种 多少家 多少张 多少件 多少份 多少部",
    )
    add(
        "Q",
        None,
        "几个 几位 几名 几次 几家 几种 数量 个数 总数 数目 次数 人数 笔数 件数 总数量 总个数 "
        "数 有多少 共有多少 一共有多少",
    )
    add("A", "avg", "平均 平均值 均值 平均数")
    add("A", "sum", "总 总额 总和 合计 总计 总共 总量 之和 共计 总金额")
    add("A", "max", "最大值 最高值")
    add("A", "min", "最小值 最低值")
    for words, descending, hint in (
        ("最高 最多 最大 最长 最强", True, _NONE),
        ("最低 最少 最小 最短", False, _NONE),
        ("最贵", True, _PRICE),
        ("最重", True, _WEIGHT),
        ("最轻", False, _WEIGHT),
        ("最便宜", False, _PRICE),
        ("年龄最大 最老 最年长", True, _AGE),
        ("年龄最小 最年轻", False, _AGE),
        ("最新 最近 最晚", True, _TIME),
        ("最早 最旧", False, _TIME),
    ):
        add("X", Superlative(descending, hint), words)
    add("X", Superlative(True, _NONE, common=True), "最常见 最受欢迎 最热门")
    add("P", (">", _NONE, False), "超过 大于 高于 多于 高过 超出 长于 重于 > 贵于")
    add("P", (">=", _NONE, False), "至少 不少于 不低于 不小于 大于等于 >= 大于或等于")
    add("P", ("<", _NONE, False), "低于 少于 小于 不到 不足 不满 短于 轻于 <")
    add(
        "P", ("<=", _NONE, False), "至多 最多为 不超过 不多于 不高于 不大于 小于等于 <= 小于或等于"
    )
    add("P", ("=", _NONE, False), "等于 恰好 正好 =")
    add("P", ("<>", _NONE, False), "不等于 不是 不为 除了")
    add("p", ">=", "以上 及以上 或以上 或更多 以后 之后 及以后")
    add("p", "<=", "以下 及以下 或以下 或更少 以内")
    add("p", "<", "以前 之前")
    add(
        "E",
        None,
        "每个 每一个 每位 每名 每家 每种 每 各 各个 每类 每间 各家 各种 各类 每条 每张 每部 "
        "每件 不同的每个 每款",
    )
    add("O", None, "按 按照 依 依照 根据")
    add(
        "K",
        True,
        "从高到低 从大到小 降序 从多到少 倒序 由高到低 从新到旧 由大到小 由多到少 "
        "从长到短 从晚到早 降序排列 降序排序 从高到低排序 从高到低排列 从大到小排序 "
        "从大到小排列 从多到少排列 从多到少排序",
    )
    add(
        "K",
        False,
        "从低到高 从小到大 升序 从少到多 正序 由低到高 从旧到新 由小到大 按字母顺序 "
        "字母顺序 从短到长 从早到晚 升序排列 升序排序 从低到高排序 从低到高排列 "
        "从小到大排列 从小到大排序 排序 排列",
    )
    add("U", None, "不同 不同的 唯一的 去重 不重复的 去重后的")
    add("!", None, "没有 无 未 从未 尚未 没 不 还没有 还没 未曾 并未 从来没有 非 没有任何")
    add(
        "H",
        None,
        "哪些 哪个 哪一个 哪位 哪几个 什么 谁 哪里 哪家 哪种 哪类 哪一位 哪一家 哪一种 是谁 "
        "是什么 是哪些 是哪个 有哪些 是哪位 是哪家 哪 多大 多高",
    )
    add(
        "G",
        None,
        "列出 显示 查询 找出 给出 统计 计算 查找 请列出 请问 展示 告诉我 查看 列举 返回 求 "
        "请给出 请统计 请显示 查一下 看看",
    )
    add("&", None, "和 与 及 以及 、 ， , 并且 且 同时 并 而且 还有 跟 ；")
    add("|", None, "或 或者 还是")
    add("F", "in", "在 于 从 来自 位于 住在 中 里 内 里面 其中 当中 属于 对 向 由 给 自 期间 间")
    add("I", None, "是 为 叫 等于")
    add("L", "{}%", "开头 打头 开始于")
    add("L", "%{}", "结尾 收尾")
    add("L", "%{}%", "包含 含有 包括 含")
    add("B", None, "到 至 介于 之间")
    add("d", None, "的 之")
    return table


PHRASES = _phrases()
LONGEST = max(len(phrase) for phrase in PHRASES)

STOP = word_set(
    """
    已 已经 了 吗 呢 啊 吧 我们 我 您 请 一共 总共有 共有 有 个 位 名 次 条 笔 种 家 张 件 份 部
    款 台 辆 本 元 欧元 美元 千克 公斤 分钟 天 所有 全部 任何 都 也 就 则 其 它们 他们 她们 该
    这些 那些 这个 那个 目前 当前 现在 一下 情况 信息 数据 记录 分别 各自 进行 分组 汇总 统计 所
    被 把 将 会 能 可以 需要 想 知道 以 ？ ? 。 . ！ ! ： : “ ” " ' ‘ ’ （ ） ( ) 《 》 上
    过 着 得 地 们 又 还 再 拥有 发生 产生 属 一个 一位 排名 名单 列表 清单 多 岁 级 号 第 值
    年份 高 低 至今 总的
    """
)

# Verbs that say no more than that two things belong together.
LIGHT = word_set(
    """
    购买 买 买过 下 下单 下过 订购 卖 销售 卖出 售出 支付 收取 收到 发出 开具 使用 参加 参与
    居住 住 工作 属于 提供 供应 供货 生产 制造 出演 演出 主演 拍摄 借 租 租借 归还 拥有 持有
    存放 储存 保管 注册 入职 负责 管理 处理 完成 取消 发货 送达 运送 配送 产生 贡献 发布 发表 写
    骑 骑行 骑过 维修 进行 做 做过 有过 存在 交易 开 出 达到 出现 经过
    """
)

# Words that mean the same where a database and a question name things.
SYNONYMS = tuple(
    tuple(group.split())
    for group in (
        "工资 薪资 薪水 薪酬 月薪", "员工 雇员 职员", "客户 顾客", "产品 商品", "供应商 供货商",
        "销售额 营业额 收入 营收", "类别 分类 种类 类型", "地区 区域",
        "邮箱 电子邮件 邮件", "评级 分级 等级", "时长 长度", "姓氏 姓", "标题 片名 题目",
        "门店 店铺 商店", "仓库 库房", "付款 支付", "租赁 租借 出租", "电话 手机", "部门 科室",
    )
)  # fmt: skip

DIGITS = {
    "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8,
    "九": 9, "十": 10,
}  # fmt: skip


def number(text: str) -> int | None:
    """Return a Chinese numeral below one hundred (十二, 三十), None for none."""
    if text in DIGITS:
        return DIGITS[text]
    tens, found, ones = text.partition("十")
    if not found or any(part and part not in DIGITS for part in (tens, ones)):
        return None
    return (DIGITS[tens] if tens else 1) * 10 + (DIGITS[ones] if ones else 0)
