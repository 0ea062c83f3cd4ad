"""The words of the kinds and categories, and the phrases that mislead (RULES 2.4; [A 5.2], [B 附录1]).

What a mail asks for is seldom said by one word: a fault's mail says please, a request names the error that it is to
prevent. So each kind has a table, the words of STRONG count double, and NEUTRAL phrases are taken out first.
"""

from __future__ import annotations

_CANNOT = (
    *(
        "用",
        "使用",
        "登录",
        "登陆",
        "登",
        "访问",
        "打开",
        "提交",
        "保存",
        "下载",
        "上传",
        "打印",
        "连接",
        "连",
        "发送",
        "接收",
        "支付",
    ),
    *(
        "充值",
        "办理",
        "开机",
        "启动",
        "加载",
        "查询",
        "查看",
        "注册",
        "收",
        "发",
        "进",
        "导出",
        "同步",
        "挂载",
        "受理",
        "缴费",
        "出账",
    ),
)

SECURITY = (
    "信息安全", "安全事件", "入侵", "被黑", "黑客", "木马", "勒索", "钓鱼", "泄露", "泄漏", "漏洞", "攻击", "病毒", "挖矿", "后门", "弱口令",
    "弱密码", "暴力破解", "撞库", "异地登录", "陌生ip", "可疑登录", "账号被盗", "被盗用", "盗刷", "篡改", "挂马", "恶意软件", "恶意程序",
    "恶意文件", "恶意脚本", "越权", "sql注入", "未授权访问", "可疑邮件", "诈骗邮件", "可疑进程", "外发数据", "安全隐患", "不明登录",
    "security incident", "security issue", "intrusion", "hacked", "hacker", "breach", "breached", "ransomware", "ransom note",
    "phishing", "malware", "trojan", "vulnerability", "vulnerabilities", "cve", "data leak", "leaked", "ddos", "compromised",
    "brute force", "brute-force", "suspicious login", "suspicious email", "unauthorized access", "unauthorised access",
    "unknown ip", "cryptominer", "crypto miner", "stolen credentials", "sql injection", "xss", "defaced", "backdoor",
    "suspicious activity", "exposed data", "sign-in from",
)  # fmt: skip

COMPLAINT = (
    "投诉", "态度恶劣", "态度差", "态度很差", "态度太差", "服务态度", "态度", "不满意", "不满", "太差", "抱怨", "无人处理", "没人处理", "没人管",
    "没人理", "无人理", "没人回复", "无人回复", "没人回", "没有人回复", "一直没回复", "没有回复我", "不回复", "迟迟不", "没有答复", "没有答覆", "未给答复",
    "推诿", "踢皮球", "互相推", "敷衍", "拖延", "一拖再拖", "拖了", "催了", "催过", "多次催", "多次反馈", "多次反映", "反映多次", "反馈多次", "反复报修", "服务质量",
    "服务太", "差评", "差劲", "不负责任", "不专业", "失望", "效率低", "效率太低", "说法不一", "无人接听", "没人接", "忍无可忍", "讨个说法", "给个说法",
    "没人跟进", "无人跟进", "没有人跟进", "石沉大海", "不闻不问", "客服不理", "不耐烦", "挂我电话", "挂断我", "退款都不", "言而无信", "赔偿", "道歉", "改进服务", "受不了",
    "complaint", "complain", "complaining", "unacceptable", "dissatisfied", "not satisfied", "unsatisfied", "unhappy with",
    "terrible service", "poor service", "bad service", "awful service", "worst", "rude", "disappointed", "disappointing",
    "frustrated", "frustrating", "no one has replied", "nobody has replied", "nobody replied", "no one replied",
    "no one responded", "nobody responded", "nobody answers", "no one answers", "nobody answered", "nobody has answered", "still no reply", "still no answer",
    "no reply from", "no response from your", "no answer from your", "still waiting for a reply", "still waiting for an answer", "without any answer", "ignored", "ignoring",
    "unprofessional", "how your team", "your support team is", "fed up", "apology", "apologize", "hung up on", "passed around",
    "third time", "fourth time", "several times already", "chasing", "let down", "customer service was", "incompetent",
)  # fmt: skip

FAULT = (
    "故障", "报错", "错误", "异常", "无法", "不能", "失败", "中断", "宕机", "瘫痪", "崩溃", "卡死", "打不开", "登不上", "连不上", "超时",
    "没有反应", "没反应", "无反应", "掉线", "死机", "丢失", "坏了", "进不去", "上不去", "打不通", "收不到", "发不出", "未到账", "没到账", "不到账", "没有到账",
    "白屏", "黑屏", "蓝屏", "闪退", "卡顿", "很卡", "太卡", "特别卡", "好卡", "很慢", "太慢", "非常慢", "特别慢", "缓慢", "延迟", "一直转圈", "转圈", "加载不出",
    "显示不出", "不显示", "不正常", "不可用", "不通", "断网", "断线", "断连", "丢包", "重复扣", "多扣", "错扣", "扣错", "扣了两次", "扣两次", "金额不对", "不对",
    "数据不对", "不一致", "对不上", "出错", "出问题", "出了问题", "有问题", "挂了", "挂掉", "崩了", "502", "503", "504", "http 500", "500错误", "404", "告警", "自动重启", "反复重启",
    "无响应", "不响应", "没响应", "访问不到", "查不到", "查询不到", "查不出", "不生效", "失效", "卡住", "卡在", "堵塞", "积压", "漏单", "乱码", "没声音", "没信号",
    "没网", "停了", "没法用", "没法登", "没办法登", "没有短信", "未收到短信", "没收到短信", "没收到验证码", "收不着", "闪断", "异常退出", "进程退出", "没出来", "出不来", "没有生成", "未生成", "没生成", "读不到", "写不进", "满了", "爆了", "死锁",
    *(f"{verb}不了" for verb in _CANNOT), *(f"{verb}不上" for verb in ("登录", "连接", "访问", "同步", "注册")),
    "fault", "outage", "down", "broken", "error", "errors", "fail", "fails", "failed", "failing", "failure", "crash", "crashes",
    "crashed", "crashing", "cannot", "can't", "can not", "cant", "unable", "not working", "doesn't work", "does not work", "don't work", "isn't working", "won't load",
    "won't start", "won't open", "will not start", "unavailable", "unreachable", "timeout", "timeouts", "timed out", "times out", "timing out", "stopped working",
    "not responding", "unresponsive", "no response", "very slow", "extremely slow", "slow", "stuck", "hangs", "hanging", "freezes", "freezing", "frozen", "blank page", "white screen",
    "missing", "lost", "incorrect", "wrong", "charged twice", "double charged", "duplicate charge", "not receiving", "not received",
    "never arrived", "has not arrived", "did not arrive", "bug", "500", "disconnected", "disconnects", "keeps dropping", "dropping", "packet loss", "no longer works", "nothing works",
    "problem with", "issue with", "malfunction", "corrupted", "garbled", "rebooting", "reboots", "high latency", "not loading", "doesn't load", "does not load", "refused", "kicked out", "not showing", "does not show", "doesn't show",
)  # fmt: skip

CONSULTATION = (
    "咨询", "请问", "请教", "想了解", "了解一下", "想问", "问一下", "问下", "请问一下", "是否支持", "支不支持", "支持…吗", "是否可以", "能否支持", "可不可以", "能不能支持",
    "什么意思", "是什么", "在哪里", "在哪", "哪里可以", "哪里能", "怎么收费", "如何收费", "收费标准", "多少钱", "价格", "资费", "报价", "有什么区别", "区别", "有何不同", "需要哪些", "需要什么材料",
    "什么时候", "多久", "多长时间", "几个工作日", "有没有文档", "使用说明", "操作手册", "用户手册", "操作指南", "操作文档", "有哪些", "疑问", "不明白", "不太清楚", "不清楚", "含义", "口径", "吗?", "么?", "呢?", "求解答", "解释一下", "说明一下",
    "question", "questions", "wondering", "wonder if", "is it possible", "could you explain", "can you explain", "please explain", "what is", "what's", "what are",
    "where can i", "where do i", "which plan", "how much", "how long", "how many", "does it support", "do you support", "does the", "do you offer", "is there a way", "is there any way",
    "clarify", "clarification", "documentation", "inquiry", "enquiry", "enquire", "inquire", "advice", "advise on", "would like to know", "want to know", "like to understand", "can i", "should i", "difference between", "pricing",
)  # fmt: skip

REQUEST = (
    "申请", "请求", "需求", "开通", "变更", "续租", "续期", "扩容", "缩容", "请帮", "帮忙", "帮我", "麻烦", "需要", "提取", "导出", "取数", "重置密码", "重置", "新增", "新建",
    "增加", "添加", "开账号", "开个账号", "加白名单", "白名单", "开放端口", "开端口", "放通", "开权限", "权限", "授权", "注销", "销户", "退订", "迁移", "升级配置", "降配", "快照", "更换", "更新证书",
    "调整", "修改", "删除账号", "删除", "关闭账号", "下线", "请提供", "请协助", "请安排", "协助", "请…更新", "请…配置", "请…开", "请…加", "请…改", "请…删", "请…调", "请…提供", "请…发", "请…导", "延长", "回收", "释放", "过户", "补打", "补开", "开发票", "换发票",
    "request", "requesting", "please add", "please create", "please provide", "please…add", "please…create", "please…reset", "please…grant", "please…extend", "please…increase", "please…delete",
    "please…remove", "please…change", "please…update", "please…export", "please…open", "please…enable", "please…disable", "please…upgrade", "please…send", "please…set up", "please…provision", "please…renew", "please…move", "please…install", "please…whitelist",
    "could you add", "could you create", "could you…reset", "could you…send", "could you…set", "could you…change", "could you…extend", "could you…provide", "can you…add", "can you…create", "can you…reset", "can you…send", "can you…change", "can you…extend", "can you…provide", "can you…increase",
    "need access", "need a new", "need an additional", "need more", "would like to", "we'd like", "i'd like", "renew", "renewal", "provision", "new account", "new user", "password reset", "reset my password", "grant access", "whitelist",
    "resize", "increase", "additional", "permission", "permissions", "decommission", "extend", "upgrade", "export", "apply for", "application for",
)  # fmt: skip

KINDS = {
    "security": tuple(dict.fromkeys(SECURITY)),
    "complaint": tuple(dict.fromkeys(COMPLAINT)),
    "fault": tuple(dict.fromkeys(FAULT)),
    "consultation": tuple(dict.fromkeys(CONSULTATION)),
    "request": tuple(dict.fromkeys(REQUEST)),
}

CATEGORIES = {
    "lease_renewal": (
        "续租", "续期", "延期使用", "到期续", "延长租期", "延长使用", "租期延长", "租约到期", "续费云", "renew", "renewal", "extend the lease", "lease extension", "extend…lease", "lease…extend",
    ),
    "vm_disk_change": (
        "磁盘扩容", "扩容磁盘", "磁盘变更", "加磁盘", "增加磁盘", "云盘", "硬盘扩容", "扩硬盘", "加硬盘", "数据盘", "系统盘", "加一块盘", "磁盘…扩", "扩…磁盘", "磁盘空间…扩", "扩盘",
        "resize disk", "extend disk", "add disk", "bigger disk", "more disk", "disk…extend", "extend…disk", "resize…disk", "additional disk", "disk size", "increase…disk", "disk…increase",
    ),
    "physical_machine_request": ("物理机", "裸金属", "实体服务器", "物理服务器", "bare metal", "bare-metal", "physical server", "physical machine", "dedicated server"),
    "vm_request": (
        "申请虚拟机", "虚拟机申请", "申请云主机", "云主机申请", "新建虚拟机", "新建云主机", "开通虚拟机", "开通云主机", "申请一台虚拟机", "申请…虚拟机", "申请…云主机", "需要…虚拟机", "需要…云主机", "新增…虚拟机",
        "新增…云主机", "开…云主机", "开…虚拟机", "申请…云服务器", "申请…服务器",
        "new vm", "new virtual machine", "request a vm", "request a virtual machine", "provision a vm", "need…vm", "need…virtual machine", "create…vm", "create…virtual machine", "new…vm", "provision…virtual machine", "vms for",
    ),
    "resource_config_change": (
        "配置变更", "变更配置", "资源变更", "调整配置", "升级配置", "升配", "降配", "增加内存", "加内存", "扩内存", "调整内存", "内存…升", "内存…扩", "内存…加", "cpu变更", "加cpu", "升级…内存", "升级…cpu", "资源…调整", "扩容…内存", "带宽…升", "增加带宽", "升级带宽", "调整带宽",
        "configuration change", "change the configuration", "resize the vm", "more memory", "more cpu", "more ram", "increase…memory", "increase…ram", "increase…cpu", "upgrade…memory", "upgrade…ram", "increase…bandwidth", "resize…vm",
    ),
}  # fmt: skip

STRONG = frozenset(
    (
        "投诉", "态度恶劣", "态度差", "态度很差", "态度太差", "服务态度", "没人处理", "无人处理", "没人管", "没人回复", "无人回复", "一直没回复", "推诿", "踢皮球", "敷衍", "complaint", "complain",
        "unacceptable", "rude", "nobody replied", "no one replied", "nobody has replied", "no one has replied", "still no reply", "fed up", "unprofessional", "没人跟进", "无人跟进", "服务质量", "不满", "不满意", "没人理", "无人接听",
        "没人接", "催了", "失望", "disappointed", "terrible service", "poor service", "no response from your", "石沉大海", "dissatisfied", "拖了", "忍无可忍",
        "入侵", "被黑", "黑客", "木马", "勒索", "钓鱼", "泄露", "泄漏", "挖矿", "暴力破解", "撞库", "被盗用", "篡改", "挂马", "信息安全", "安全事件", "ransomware", "phishing", "hacked", "malware", "breach", "compromised",
        "ddos", "data leak", "leaked", "brute force", "brute-force", "unauthorized access", "intrusion", "漏洞", "vulnerability", "病毒", "账号被盗", "异地登录", "sql注入", "suspicious login", "cve", "可疑登录", "弱口令", "越权", "后门",
        "宕机", "瘫痪", "崩溃", "打不开", "登不上", "连不上", "中断", "outage", "crashed", "not working", "stopped working", "doesn't work", "unreachable", "无法登录", "蓝屏", "白屏", "挂了", "down", "charged twice", "未到账", "没到账", "重复扣",
        "咨询", "想了解", "请教", "是否支持", "question", "inquiry", "enquiry", "how much", "would like to know", "is it possible", "wondering", "有什么区别",
        "申请", "续租", "扩容", "开通", "重置密码", "request", "apply for", "need access", "new account", "provision", "导出", "提取", "白名单", "续期",
    )
)  # fmt: skip

NEUTRAL = (
    "安全组", "安全帽", "安全出口", "无错误", "没有错误", "没有报错", "未报错", "无报错", "不再报错", "错误码", "无异常", "没有异常", "未见异常", "一切正常", "不能再", "无法律", "故障演练", "病毒库",
    "防病毒软件", "攻击性", "变更通知", "需要多久", "需要多长时间", "需要什么", "需要哪些", "是否需要", "不需要", "故障申告电话", "故障报修电话", "投诉电话", "投诉渠道", "投诉流程", "投诉建议箱", "投诉数量", "投诉统计", "投诉报表", "投诉数据", "投诉工单", "异常感谢",
    "申请流程", "申请表", "续租流程", "开通流程", "故障率", "故障统计", "故障报表", "漏洞扫描报告", "防ddos", "ddos防护", "抗ddos", "态度很好", "态度好", "服务态度很好", "服务态度好", "密码错误次数", "错误日志", "权限不足", "error code", "error codes", "error log", "error logs", "failure rate", "no error",
    "no errors", "without errors", "down payment", "scroll down", "write down", "break down the", "breakdown of", "cut down", "slow down", "downtime report", "shut down the", "shut down our", "complaint report", "complaints report", "failover", "antivirus license", "lost and found", "drop-down", "ddos protection", "vulnerability scan report", "security group", "security groups", "missing out",
)  # fmt: skip
"""Phrases that hold a kind's word and mean something else."""
