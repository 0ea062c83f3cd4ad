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
    "陌生管理员", "陌生账号", "陌生…账号", "陌生用户", "不认识的账号", "明文存储", "身份证明文", "密码明文", "被加密", "加密勒索", "比特币", "变成快捷方式", "ex-employee", "former employee",
    "still has access", "was used to send", "someone else is using", "somebody else is using", "bitcoin", "encrypted files", "unknown device",
    "unknown location", "unknown account", "unknown admin",
    "中毒", "被盗", "冒充", "假冒", "诈骗", "仿冒", "肉鸡", "外连", "境外ip", "泄密", "窃取", "非法访问", "非法登录", "密码被改", "被改密码", "发垃圾邮件", "webshell", "提权", "端口扫描", "高危",
    "敏感数据外", "敏感信息外", "非授权", "劫持", "被植入", "可疑文件", "可疑链接", "可疑流量", "异常外联", "异常流量攻击", "注入攻击", "盗取", "盗号", "without my knowledge", "i did not do this",
    "someone changed my", "somebody changed my", "someone else logged", "impersonating", "impersonated", "impersonation", "spoofed", "spoofing",
    "scam", "fraud", "fraudulent", "stolen", "suspicious", "infected", "virus", "unauthorized", "unauthorised", "hijacked", "exploit", "exploited",
    "credentials were", "keylogger", "botnet", "port scan", "password spraying", "sending spam", "rootkit", "web shell", "zero-day", "zero day",
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
    "答非所问", "一个电话都没有", "浪费", "你们就是这样", "不承认", "等了…分钟", "等了…小时", "等了…天", "等…天了", "这就是你们的", "打了…电话", "连个电话", "连个解释", "没有解释", "没人解释", "说话不算", "出尔反尔",
    "前后矛盾", "说法都不一样", "答复都不一样", "不解决问题", "kept me waiting", "kept us waiting", "cut me off", "not professional", "different answers",
    "not what we pay", "on hold for", "waiting for weeks", "waited for weeks", "weeks without", "days without a reply", "no accountability",
    "incompetence", "finger pointing", "finger-pointing", "blame each other",
    "有人管", "有没有人", "没下文", "没有下文", "没回音", "没音讯", "没动静", "发脾气", "粗暴", "推来推去", "推给", "推卸", "不作为", "糊弄", "忽悠", "骗人", "太过分", "过分", "糟糕", "寒心", "气愤", "愤怒",
    "不像话", "还没有回复", "还没回复", "没有人联系", "无人联系", "没人联系", "至今没有人", "至今无人", "没人答复", "没人解决", "迟到", "爱答不理", "爱理不理", "骂人", "语气", "冷漠", "不管不问", "一直推", "承诺的",
    "说好的", "没人上门", "没有人上门", "迟迟未", "迟迟没", "已经等了", "等了一", "没有任何回复", "没有任何反馈", "没有任何答复", "不给回复", "不给处理", "讲话难听", "回复太慢", "响应太慢", "处理太慢", "处理速度太慢",
    "跟进不及时", "响应不及时", "处理不及时", "答复不及时", "very poor", "nothing back", "heard nothing", "haven't heard", "have not heard", "no one called",
    "nobody called", "no one came", "nobody came", "never called back", "waste of time", "arrived late", "late again", "broken promise", "promised",
    "attitude", "impolite", "not acceptable", "ridiculous", "appalling", "angry", "outrageous", "shame on", "your manager", "no feedback",
    "keeps ignoring", "no follow-up", "no follow up", "takes far too long", "bad experience", "badly handled", "let us down", "nobody cares",
    "no one cares", "nobody ever", "no one ever", "hopeless", "condescending", "took far too long", "closed my ticket", "closed our ticket",
    "still nothing",
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
    "就掉", "总掉", "一直掉", "出入", "丢了", "丢数据", "没用了", "没法", "打电话没声", "没网络", "连不了网", "上不了网", "没办法", "不好使", "不好用", "不行了", "不能用", "坏", "崩", "崩溃了", "挂机", "掉包",
    "时断时续", "断断续续", "时好时坏", "串线", "串号", "跳转不", "does nothing", "no service", "tripled", "doubled", "shows zero", "shows nothing", "latency",
    "not updating", "not reachable", "not started", "not starting", "not sending", "not printing", "not syncing", "not opening", "not displayed",
    "not showing", "not accepted", "drops", "dropped", "hung", "goes blank", "reboot loop", "acting up", "unable to",
    "没生效", "未生效", "没有生效", "空指针", "不成功", "未成功", "没成功", "没有成功", "不准确", "不完整", "不全", "不同步", "不匹配", "不识别", "不刷新", "不更新", "不稳定", "不来", "不了", "不出来", "不进去",
    "不上去", "不上来", "不起来", "不动", "拨不通", "打不进", "找不到", "搜不到", "连不到", "没有收到", "没收到", "没有生成", "没有显示", "没有更新", "没有扣", "没有数据", "没跑", "没执行", "未执行", "没有执行",
    "没有输出", "有误", "错了", "弄错", "搞错", "不太对", "好像不对", "成功率", "使用率", "利用率", "阈值", "停电", "断电", "跳闸", "漏水", "温度", "红灯", "坏道", "断了", "老掉", "老是掉", "掉单", "丢单",
    "错乱", "花屏", "弹窗", "黑了", "出现问题", "遇到问题", "碰到问题", "存在问题", "报障", "报修", "障碍", "阻断", "失灵", "损坏", "烧了", "过热", "冲突", "溢出", "拒绝访问", "被拒绝", "403", "401",
    "405", "429", "400", "504", "下降到", "骤降", "突降", "突增", "激增", "暴涨", "打不通电话", "呼叫失败", "无声", "单通", "杂音", "回显", "证书过期", "已过期", "密码过期", "提示余额不足",
    "提示资源不足", "提示系统", "提示失败", "提示错误", "多收", "少收", "少记", "多记", "漏记", "漏收", "误扣", "乱扣", "扣多", "重复收到", "重复发送", "重复短信", "延误", "滞后", "晚了", "推迟", "没开出来",
    "没下来", "没处理成功", "没到账", "异常高", "异常低", "对不上账", "403", "401", "404", "429", "502", "503", "504", "did not run", "didn't run", "won't run",
    "does not start", "didn't start", "doesn't start", "not available", "not visible", "not found", "no output", "nothing happens", "nothing loads",
    "not able", "impossible to", "unreadable", "invalid", "throws", "doesn't", "does not", "didn't", "did not", "isn't", "problem", "problems",
    "issue", "issues", "trouble", "having trouble", "stuck in", "blocked", "usage 9", "exceeded", "threshold", "gives me", "mismatch", "inconsistent",
    "out of date", "overdue job", "skipped", "duplicated", "duplicates", "twice", "no sound", "no picture", "flickering", "overheating", "burnt",
    "power failure", "power cut", "short circuit", "leaking", "killed", "oom", "segfault", "null pointer", "exception", "deadlock", "backlog",
    "queue is growing", "growing queue", "behind schedule", "delayed", "delay", "late", "certificate expired", "has expired", "expired certificate",
    "not synchronised", "not synchronized", "not syncing", "won't connect", "won't print", "won't turn on", "doesn't turn on", "no connection",
    "no internet", "no network", "no dial tone", "no signal", "incorrect balance", "wrong balance", "misrouted",
    "故障", "报错", "错误", "异常", "无法", "不能", "失败", "中断", "宕机", "瘫痪", "崩溃", "卡死", "打不开", "登不上", "连不上", "超时",
    "没有反应", "没反应", "无反应", "掉线", "死机", "丢失", "坏了", "进不去", "上不去", "打不通", "收不到", "发不出", "未到账", "没到账", "不到账", "没有到账",
    "白屏", "黑屏", "蓝屏", "闪退", "卡顿", "很卡", "太卡", "特别卡", "好卡", "很慢", "太慢", "非常慢", "特别慢", "缓慢", "延迟", "一直转圈", "转圈", "加载不出",
    "显示不出", "不显示", "不正常", "不可用", "不通", "断网", "断线", "断连", "丢包", "重复扣", "多扣", "错扣", "扣错", "扣了两次", "扣两次", "金额不对", "不对",
    "数据不对", "不一致", "对不上", "出错", "出问题", "出了问题", "有问题", "挂了", "挂掉", "崩了", "502", "503", "504", "http 500", "500错误", "404", "告警", "自动重启", "反复重启",
    "很久才", "好久才", "有点慢", "变慢", "慢得", "半天", "打不了", "看不到", "看不见", "找不到了", "不见了", "没了", "消失", "少了", "多了一笔", "算错", "扣多了", "不准", "偏差", "告急", "掉了", "起不来", "启动不起来", "跑不起来", "连不到", "不动了", "没有声音", "没有信号", "无信号", "无声音", "用不成", "没有数据", "无数据", "空白", "弹出", "提示系统繁忙", "系统繁忙", "服务器繁忙", "服务异常", "占用率", "cpu100", "内存溢出", "泄露内存", "oom", "飙高", "飙升", "爆满", "耗尽", "不足", "断开", "断掉", "中止", "终止", "停止响应", "停止服务", "停机", "宕", "卡了", "卡得", "抖动", "未同步", "没同步", "没更新", "未更新", "没到", "未到", "未出账", "没出账", "未下发", "没下发", "下发不", "上传不及时", "上传失败", "重复短信", "反复", "频繁",
    "无响应", "不响应", "没响应", "访问不到", "查不到", "查询不到", "查不出", "不生效", "失效", "卡住", "卡在", "堵塞", "积压", "漏单", "乱码", "没声音", "没信号",
    "没网", "停了", "没法用", "没法登", "没办法登", "没有短信", "未收到短信", "没收到短信", "没收到验证码", "收不着", "闪断", "异常退出", "进程退出", "没出来", "出不来", "没有生成", "未生成", "没生成", "读不到", "写不进", "满了", "爆了", "死锁",
    *(f"{verb}不了" for verb in _CANNOT), *(f"{verb}不上" for verb in ("登录", "连接", "访问", "同步", "注册")),
    "fault", "outage", "down", "broken", "error", "errors", "fail", "fails", "failed", "failing", "failure", "crash", "crashes",
    "crashed", "crashing", "cannot", "can't", "can not", "cant", "unable", "not working", "doesn't work", "does not work", "don't work", "isn't working", "won't load",
    "won't start", "won't open", "will not start", "unavailable", "unreachable", "timeout", "timeouts", "timed out", "times out", "timing out", "stopped working",
    "not responding", "unresponsive", "no response", "very slow", "extremely slow", "slow", "stuck", "hangs", "hanging", "freezes", "freezing", "frozen", "blank page", "white screen",
    "missing", "lost", "incorrect", "wrong", "charged twice", "double charged", "duplicate charge", "not receiving", "not received",
    "never arrived", "has not arrived", "did not arrive", "bug", "500", "disconnected", "disconnects", "keeps dropping", "dropping", "packet loss", "no longer works", "nothing works",
    "not credited", "disconnecting", "not responding", "won't", "keeps", "never got", "never received", "didn't receive", "did not receive", "haven't received", "have not received", "not arrived", "not updating", "not updated", "not syncing", "out of sync", "stopped", "can't find", "disappeared", "vanished", "empty", "overcharged", "incorrectly", "unexpected", "unstable", "intermittent", "degraded", "lagging", "laggy", "spinning", "forever to", "takes ages", "taking forever", "denied", "rejected", "bounced", "offline", "exception", "stack trace", "alert", "alarm", "disk full", "out of memory", "no data", "no signal", "dead", "freeze", "locked out", "gone",
    "problem with", "issue with", "malfunction", "corrupted", "garbled", "rebooting", "reboots", "high latency", "not loading", "doesn't load", "does not load", "refused", "kicked out", "not showing", "does not show", "doesn't show",
)  # fmt: skip

CONSULTATION = (
    "需要什么", "要什么", "需要多久", "需要多长时间", "什么条件", "什么手续", "什么材料", "接口文档", "文档", "多大", "多高", "多少", "上限", "可否", "能否", "行不行", "允许", "如果", "原理", "规则", "政策", "有效期", "截止", "有无", "哪一", "哪儿",
    "怎么选", "怎么办理", "怎么申请", "如何申请", "怎么操作", "步骤", "方法", "教程", "说明书", "是指", "指的是", "请指教", "望告知", "盼复", "答疑", "求助一个问题", "请问下", "问个问题", "想咨询", "了解",
    "what happens if", "what do i need", "what does", "what do", "what would", "do we need", "do i need", "are there", "is there", "who do i",
    "who should", "whom", "may i", "are we allowed", "allowed to", "eligible", "requirements", "limits", "limit for", "maximum", "minimum",
    "supported", "compatible", "support for", "learn more", "more information", "more details", "information about", "information on",
    "details about", "curious", "could you clarify", "can you clarify", "can you confirm whether", "could you confirm whether", "is it ok to",
    "best way", "best practice", "best practices", "datasheet", "data sheet", "price list", "roadmap", "sla", "how often", "how far", "how big",
    "how does",
    "咨询", "请问", "请教", "想了解", "了解一下", "想问", "问一下", "问下", "请问一下", "是否支持", "支不支持", "支持…吗", "是否可以", "能否支持", "可不可以", "能不能支持",
    "什么意思", "是什么", "在哪里", "在哪", "哪里可以", "哪里能", "怎么收费", "如何收费", "收费标准", "多少钱", "价格", "资费", "报价", "有什么区别", "区别", "有何不同", "需要哪些", "需要什么材料",
    "什么时候", "多久", "多长时间", "几个工作日", "有没有文档", "使用说明", "操作手册", "用户手册", "操作指南", "操作文档", "有哪些", "想知道", "能不能告知", "能否告知", "烦请告知", "请告知", "麻烦告知", "请说明", "请解释", "怎么算", "怎么计算", "如何计算", "有没有", "哪个", "哪些", "哪种", "几种", "什么", "是否", "推荐", "建议", "疑问", "不明白", "不太清楚", "不清楚", "含义", "口径", "吗?", "么?", "呢?", "求解答", "解释一下", "说明一下",
    "question", "questions", "wondering", "wonder if", "is it possible", "could you explain", "can you explain", "please explain", "what is", "what's", "what are",
    "where can i", "where do i", "which plan", "how much", "how long", "how many", "does it support", "do you support", "does the", "do you offer", "is there a way", "is there any way",
    "could you tell me", "can you tell me", "could you let me know", "please tell me", "please let me know", "any way to", "where is", "where are", "when will", "when is", "which", "explain", "guide", "manual", "tutorial", "recommend", "clarify", "clarification", "documentation", "inquiry", "enquiry", "enquire", "inquire", "advice", "advise on", "would like to know", "want to know", "like to understand", "can i", "should i", "difference between", "pricing",
)  # fmt: skip

REQUEST = (
    "想把", "给我加", "加一", "加个", "加块", "加台", "再用", "停用", "启用", "冻结", "解冻", "解锁", "核对", "查一下", "帮忙查", "查询一下", "评估", "排期", "新业务", "取消", "迁到", "迁至", "搬迁",
    "搬到", "开一", "开个", "配一", "改成", "改为", "换成", "合并", "拆分", "发给我", "发我", "给我一份", "提供一份", "出一份", "打印", "请将", "请把", "请给", "请为", "请于", "请在", "希望能", "希望增加",
    "烦请", "劳烦", "安排一下", "安装", "部署", "配置", "上架", "布线", "采购", "借用", "领用", "归还", "登记", "备案", "调拨", "转移", "划拨", "关停", "关机", "重启一下", "协助查询", "调取", "拷贝",
    "复制", "绑定", "解绑", "更名", "改名", "变更为", "更正", "补录", "补发", "重发", "重新发送", "撤销", "作废", "延期", "顺延", "预约", "试用", "could we get", "can we get",
    "can we have", "could we have", "may we have", "we want to", "i want to", "we wish", "please", "kindly", "cancel", "subscription", "disable",
    "enable", "move", "migrate", "migration", "transfer", "set up", "install", "unlock", "two more", "three more", "another", "new", "order", "quote",
    "add", "create", "remove", "delete", "change", "update", "provide", "send me", "send us", "schedule", "arrange", "assign", "activate",
    "deactivate", "register", "unsubscribe", "close the account", "close my account", "need", "needed", "replace", "replacement", "allocate",
    "rename", "book", "restore", "copy", "open port", "open the port", "firewall rule", "dns record", "mailing list", "onboarding", "offboarding",
    "new joiner", "leaver", "license", "licence", "licenses", "quota",
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
        "有人管", "没下文", "没有下文", "发脾气", "糊弄", "不作为", "太过分", "中毒", "被盗", "冒充", "诈骗", "发垃圾邮件", "可疑链接", "without my knowledge", "i did not do this", "infected", "stolen", "unauthorized", "suspicious", "没生效", "未生效", "空指针", "接口文档", "请把", "请将", "停用", "cancel", "nothing back", "haven't heard", "have not heard", "ridiculous", "appalling", "very poor", "no one called", "迟到", "推来推去", "没有人联系", "没人联系", "did not run", "didn't run", "403", "nothing happens", "不了", "could we get", "can we get", "impersonating", "scam", "fraud", "回复太慢", "响应太慢",
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

WEAK = frozenset(
    (
        "请帮", "帮忙", "帮我", "麻烦", "需要", "协助", "请协助", "请安排", "增加", "修改", "调整", "删除", "新增", "添加", "态度", "延迟", "有问题",
        "不对", "什么", "是否", "哪个", "哪些", "有无", "建议", "频繁", "反复", "半天", "少了", "不足", "未到", "没到", "请告知", "终止", "多少",
        "如果", "允许", "规则", "政策", "有效期", "截止", "文档", "方法", "了解", "能否", "可否", "打印", "配置", "登记", "安装", "核对", "查一下",
        "更正", "承诺的", "说好的", "语气", "过分", "请给", "请在", "请为", "希望能", "烦请", "劳烦", "温度", "使用率", "成功率", "告警", "提示系统",
        "不来", "错了", "晚了", "重启一下", "上限", "多大", "不全", "延误", "取消", "迁移", "question", "questions", "slow",
        "missing", "lost", "wrong", "can i", "what is", "which", "gone", "guide", "alert", "keeps", "empty",
        "doesn't", "does not", "didn't", "did not", "isn't", "problem", "problems", "issue", "issues",
        "trouble", "invalid", "late", "delay", "twice", "please", "kindly", "new", "need", "needed", "another",
        "add", "create", "change", "update", "move", "order", "send me", "send us", "provide", "install",
        "what does", "what do", "are there", "is there", "limits", "promised", "attitude", "angry",
        "suspicious", "virus", "may i", "do i need", "do we need", "supported", "what are", "what's",
        "schedule", "restore", "copy", "book", "license", "licenses", "licence", "remove", "delete", "assign",
        "register", "quota", "quote", "gives me", "exceeded", "not found", "blocked", "delayed", "stopped",
        "denied", "rejected", "offline", "dead", "when is", "when will", "where is", "where are", "stuck",
    )
)  # fmt: skip
"""Words that every kind of mail uses: half the weight."""

NEUTRAL = (
    "打印机",
    "受不了", "少不了", "免不了", "大不了", "忘不了", "不了解", "不了了之", "用户投诉", "客户投诉", "引起投诉", "群众投诉", "投诉用户", "用户来电投诉", "投诉处理系统", "投诉系统", "最近不错", "new york", "please note", "still in use", "issue an invoice", "issue the invoice", "issue a refund", "late charges", "late fee", "no issue", "no issues", "no problem", "no problems", "do not hesitate", "don't hesitate", "not a problem",
    "安全组", "安全帽", "安全出口", "无错误", "没有错误", "没有报错", "未报错", "无报错", "不再报错", "错误码", "无异常", "没有异常", "未见异常", "一切正常", "不能再", "无法律", "故障演练", "病毒库",
    "防病毒软件", "攻击性", "变更通知", "是否需要", "不需要", "故障申告电话", "故障报修电话", "投诉电话", "投诉渠道", "投诉流程", "投诉建议箱", "投诉数量", "投诉统计", "投诉报表", "投诉数据", "投诉工单", "异常感谢",
    "申请流程", "申请表", "续租流程", "开通流程", "故障率", "故障统计", "故障报表", "漏洞扫描报告", "防ddos", "ddos防护", "抗ddos", "态度很好", "态度好", "服务态度很好", "服务态度好", "密码错误次数", "错误日志", "权限不足", "error code", "error codes", "error log", "error logs", "failure rate", "no error",
    "no errors", "without errors", "down payment", "scroll down", "write down", "break down the", "breakdown of", "cut down", "slow down", "downtime report", "shut down the", "shut down our", "complaint report", "complaints report", "failover", "antivirus license", "lost and found", "drop-down", "ddos protection", "vulnerability scan report", "security group", "security groups", "missing out",
)  # fmt: skip
"""Phrases that hold a kind's word and mean something else."""
