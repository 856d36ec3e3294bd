# ruff: noqa: RUF001  (Chinese text)
"""Chinese words that carry a question's structure; symbols as in the English lexicon.

d is 的; M a limit (前五名). Measure words and particles carry nothing.
"""

from __future__ import annotations

from pg_llm.text2sql.composition.lexeme import Hint, Superlative
from pg_llm.text2sql.words import word_set

_NONE = Hint(())
_PRICE = Hint(("price", "cost", "rate", "amount", "fee"))
_WEIGHT = Hint(("weight", "mass"))
_AGE = Hint(("age",), ("birth date", "birthday"))
_TIME = Hint(("date", "time", "year"))


def word_list(text: str) -> tuple[str, ...]:
    """Return the words of a text in their order."""
    return tuple(text.split())


# Measure words and units: after a number, 每 and 多少 they say nothing more.
MEASURES = word_list(
    """
    个 位 名 次 条 笔 种 家 张 件 份 部 人 门 辆 台 款 间 所 项 只 本 首 场 套 批 篇 段 户 座
    架 艘
    支 单 类 级 层 岁 元 块 块钱 欧元 美元 千克 公斤 克 吨 斤 米 厘米 公里 分 分钟 小时 秒 毫秒
    天
    平方米 平米 度 页 字 票 例 颗 根 瓶 箱 盒 袋 桶 包 棵 头 匹 组 对 队 届 节 课时 人次 号
    """
)

# What is asked for and no construction of the grammar gives.
BEYOND = word_list(
    """
    同比 环比 增长率 增长 增幅 涨幅 降幅 中位数 众数 标准差 方差 分位数 累计 累积 滚动 移动平均
    预测
    预计会 将会 会 将 会不会 将来 未来 可能 也许 为什么 为何 怎么 怎样 怎么样 如何 趋势 相关性
    原因 建议
    连续 差值
    差额 之差 相差 差距 排名第 第二高 第三高 写一 忽略 删除 插入 修改 清空 分布 对比 比较 分析
    复购率
    留存 转化率 周转率 占比 比例 百分比 比率 次高 倒数第 下属 倍
    """
)


def _counting() -> list[str]:
    """Return the ways to ask how many: 有多少个, 共有几位."""
    begins = (
        "",
        "有",
        "共有",
        "一共有",
        "总共有",
        "共",
        "一共",
        "总共",
        "各有",
        "分别有",
        "都有",
        "又有",
    )
    return [
        begin + many + one
        for begin in begins
        for many in ("多少", "几")
        for one in ("", *MEASURES)
        if many == "多少" or one
    ]


def _phrases() -> dict[str, tuple[str, object]]:
    table: dict[str, tuple[str, object]] = {}

    def add(symbol: str, payload: object, words: str) -> None:
        for word in words.split():
            table[word] = (symbol, payload)

    add("Q", None, " ".join(_counting()))
    add(
        "Q",
        None,
        "数量 个数 总数 数目 次数 人数 笔数 件数 单数 份数 总数量 总个数 总人数 总次数 "
        "数 量 有多少",
    )
    add("z", None, " ".join(BEYOND))
    add("!", None, "不再")
    # how much there is, and not whether there is a row of it
    add("Z", ">", "有库存 有货 在库 有现货")
    add("Z", "=", "没有库存 没库存 无库存 缺货 断货 无货 没货 脱销 售罄")
    add("Z", None, "库存不足 库存紧张 快没货 曾缺货 低库存")
    add("y", None, "已 已经 已被")
    add("b", None, "既 同时既")
    add("h", None, "有 填写了 填了")
    add("A", "avg", "平均 平均值 均值 平均数")
    add(
        "A",
        "sum",
        "总 总额 总和 合计 总计 总共 总量 之和 共计 总金额 总消费 总花费 总支出 "
        "总消费额 消费总额 消费总金额",
    )
    add("A", "max", "最大值 最高值")
    add("A", "min", "最小值 最低值")
    for words, descending, hint in (
        ("最高 最多 最大 最长 最强 最重要 最远 最久 最深 最快", True, _NONE),
        ("最低 最少 最小 最短 最慢 最差", False, _NONE),
        ("最贵", True, _PRICE),
        ("最重", True, _WEIGHT),
        ("最轻", False, _WEIGHT),
        ("最便宜", False, _PRICE),
        ("年龄最大 年纪最大 岁数最大 最老 最年长", True, _AGE),
        ("年龄最小 年纪最小 岁数最小 最年轻", False, _AGE),
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
    add("P", ("<>", _NONE, False), "不等于 不是 不为 除了 除 不包括 不含 不包含 排除 不在 不属于")
    add("p", ">", "之后 过后")
    add("p", ">=", "以上 及以上 或以上 或更多 以后 及以后 以来 起")
    add("p", "<=", "以下 及以下 或以下 或更少 以内")
    add("p", "<", "以前 之前")
    add("E", None, "每 各 每一 各个 不同的每个 每款 各类 各种 各家 逐 任意一个")
    add("E", None, " ".join(which + one for which in ("每", "每一") for one in MEASURES))
    add("O", None, "按 按照 依 依照 根据")
    add(
        "K",
        True,
        "从高到低 从大到小 降序 从多到少 倒序 由高到低 从新到旧 由大到小 由多到少 "
        "从长到短 从晚到早 降序排列 降序排序 从高到低排序 从高到低排列 从大到小排序 "
        "从大到小排列 从多到少排列 从多到少排序 倒序排列 倒序排序 从新到旧排序 降序排",
    )
    add(
        "K",
        False,
        "从低到高 从小到大 升序 从少到多 正序 由低到高 从旧到新 由小到大 按字母顺序 "
        "字母顺序 从短到长 从早到晚 升序排列 升序排序 从低到高排序 从低到高排列 "
        "从小到大排列 从小到大排序 从少到多排序 从旧到新排序 排序 排列 升序排",
    )
    add("U", None, "不同 不同的 唯一的 去重 不重复的 去重后的")
    add(
        "!",
        None,
        "没有 无 未 没有被 没有填写 没填写 没有填 没填 未填写 未填 没有登记 没有记录 "
        "从未 从没 一直没有 尚没有 不含有 尚未 没 不 还没有 还没"
        "未曾 并未 从来没有 非 没有任何",
    )
    add(
        "H",
        None,
        "哪些 哪个 哪一个 哪位 哪几个 什么 谁 哪里 哪家 哪种 哪类 哪一位 哪一家 哪一种 是谁 "
        "是什么 是哪些 是哪个 有哪些 是哪位 是哪家 是哪种 是哪门 是哪些人 有谁 有什么 "
        "哪门 哪本 哪辆 哪间 哪所 哪只 哪张 哪条 哪件 哪部 哪款 哪几位 哪几种 哪些人 "
        "的是谁 哪 多大 多高 叫什么名字 叫什么",
    )
    add(
        "G",
        None,
        "列出 显示 查询 找出 给出 统计 计算 查找 请列出 请问 展示 告诉我 查看 列举 返回 求 "
        "请给出 请统计 请显示 查一下 看看",
    )
    add("&", None, "又 和 与 及 以及 、 ， , 并且 且 同时 并 而且 还有 跟 ；")
    add("|", None, "或 或者 还是")
    add("F", "in", "在 于 从 来自 位于 住在 中 里 内 里面 其中 当中 属于 对 向 由 给 自 期间 间")
    add("I", None, "是 为 叫 等于")
    add("L", "{}%", "开头 打头 开始于 为开头 起头")
    add("L", "%{}", "结尾 收尾")
    add("L", "%{}%", "包含 含有 包括 带有")
    add("B", None, "到 至 介于 之间")
    add("d", None, "的 之")
    return table


PHRASES = _phrases()
LONGEST = max(len(phrase) for phrase in PHRASES)

STOP = word_set(
    """
    了 吗 呢 啊 吧 我们 我 您 请 帮我 一共 总共有 共有 个 所有 全部 任何 都 也 就 则 其
    它们
    他们 她们 该 这些 那些 这个 那个 目前 当前 现在 一下 情况 信息 数据 记录 分别 各自 进行
    分组 汇总
    统计 所 被 把 能 可以 需要 想 知道 以 ？ ? 。 . ！ ! ： : “ ” " ' ‘ ’ （ ） ( ) 《 》
    上
    过 着 得 地 们 还 再 拥有 发生 产生 属 一个 一位 排名 名单 列表 清单 多 第 值 年份 高 低
    至今 总的
    下 之外 以外 外 人 元 岁 医院 学校 图书馆 超市 商场 工厂 企业 银行 酒店 机构 集团 店里 馆里
    公司 系统 数据库 平台 本院 本校 本店 全校 全院 全公司
    我校 我院
    我司 公司里 是什么时候 什么时候 及其 对应 对应的 相应 相关 具体 各项 本次 时 有多重 有多长
    有多高 有多大 多重 多长
    """
)

# Verbs that say no more than that two things belong together.
LIGHT = word_set(
    """
    购买 买 买过 下 下单 下过 订购 卖 销售 卖出 售出  收取    使用 参加 参与
    居住 住 工作 属于 提供 供应 供货 生产 制造 出演 演出 主演 拍摄 借 租 租借  拥有 持有
    存放 储存 保管   负责 管理      运送 配送 产生 贡献 发布 发表 写
    发往 寄往 送往 前往 飞往 运往 寄出 派送 投递 签收 阅读 借阅 借过 借了 看过 骑 骑行 骑过
    维修 进行 做 做过 有过 存在 交易 开 出 达到 出现 经过 接受 选 选了 选修 选择
    教 讲授
    教授 负责 消费 花 花费 成交 使用过 用过 去过 来过 来自 担任 开设 设有 设立 拥有 包含 购入
    采购 领取
    领用 办理 就诊 看病 接诊   加入 收 发 寄 送 订 预订 预约 提交 签订 签署 录入 登记 涉及
    """
)

# Of these, what things do by being there: alone, such a verb restricts nothing.
EXISTENTIAL = word_set(
    """
    开设 设有 设立 拥有 持有 存在 产生 发生 提供 开 出 出现 包含 有过 登记 录入 涉及 属于 达到
    进行 经过
    """
)

# Words that mean the same where a database and a question name things.
SYNONYMS = tuple(
    tuple(group.split())
    for group in (
        "工资 薪资 薪水 薪酬 月薪", "员工 雇员 职员 职工 人员",
        "客户 顾客 用户 会员 买家 消费者",
        "产品 商品 货品 货物 物品 物料", "供应商 供货商 厂商 供应方", "生产商 制造商 厂家 厂商",
        "销售额 营业额 收入 营收 营业收入", "类别 分类 种类 类型 类目 品类", "地区 区域 地域",
        "邮箱 电子邮件 邮件 电子邮箱", "评级 分级 等级 级别", "时长 长度 片长", "姓氏 姓",
        "标题 片名 题目 名称 名字", "姓名 名字", "门店 店铺 商店 店", "仓库 库房 仓",
        "付款 支付 缴费 缴款",
        "租赁 租借 出租 租用", "电话 手机 手机号 联系电话 电话号码 手机号码", "部门 科室 院系",
        "订单 单子 订货单", "金额 价钱 钱 款项", "价格 单价 售价 价钱 定价 标价",
        "数量 个数 数目 件数",
        "时间 日期", "编号 编码 代码 号码 代号", "医生 大夫 医师", "患者 病人 病患",
        "药品 药物 药",
        "教师 老师 教员", "学生 同学 学员", "课程 课 科目", "成绩 分数 得分", "专业 学科",
        "班级 教学班",
        "影片 电影 片子", "歌曲 曲目 歌 单曲", "歌手 艺人 艺术家 演唱者", "书 图书 书籍",
        "作者 作家",
        "城市 所在城市", "楼层 楼", "国家 国别", "省份 省", "生日 出生日期 出生年月",
        "住址 地址", "雇用 入职 聘用",
        "开始 起始 起", "结束 截止 终止", "创建 建立 新建", "成本 费用 花费 支出",
        "利润 盈利 毛利",
        "库存 存货", "发货 出货 配送", "退货 退款 退单", "账户 账号 帐户", "公司 企业",
        "航班 班机",
        "体重 重量", "身高 高度", "备注 说明 描述 简介", "职位 岗位 职务 职称",
        "汽车 车 车辆", "酒店 宾馆", "餐厅 餐馆 饭店", "评分 打分 得分 评级", "评论 评价",
        "运费 邮费",
    )
)  # fmt: skip

DIGITS = {
    "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8,
    "九": 9,
}  # fmt: skip


_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}


def number(text: str) -> int | None:
    """Return the value of a Chinese numeral (十二, 三百, 两千五百), None for none."""
    if not text or any(sign not in DIGITS and sign not in _SCALES for sign in text):
        return None
    whole = part = 0
    digit: int | None = None
    for sign in text:
        scale = _SCALES.get(sign)
        if scale is None:
            if digit:
                return None
            digit = DIGITS[sign]
        elif scale >= 10_000:
            whole = (whole + part + (digit or 0)) * scale
            part, digit = 0, None
        else:
            part += (1 if digit is None else digit) * scale
            digit = None
    return whole + part + (digit or 0)


def counted(text: str) -> int | None:
    """Return the number of a numeral with a measure word (五件), None for others."""
    for size in (2, 1, 3):
        if len(text) > size and text[-size:] in MEASURES:
            return number(text[:-size])
    return None
