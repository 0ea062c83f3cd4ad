"""The keyword tables of mail, Chinese and English (RULES 2.4, 3.1, 3.3.1). `tocsin policy show` prints them.

Words match case-folded; Latin ones on word borders, Chinese ones anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Words:
    """Word lists. `kinds` and `categories` are tried in the order written; the first with a hit wins."""

    urgent: tuple[str, ...] = (
        "紧急", "加急", "特急", "火急", "火速", "立即处理", "马上处理", "尽快处理", "十万火急", "急！", "急!",
        "urgent", "urgently", "asap", "emergency", "immediately", "right away", "as soon as possible",
    )  # fmt: skip
    not_urgent: tuple[str, ...] = (
        "不紧急", "不急", "非紧急", "不是紧急", "紧急联系人", "紧急联系电话", "紧急程度", "紧急度",
        "not urgent", "non-urgent", "nonurgent", "no urgency", "not an emergency", "emergency contact", "not immediately",
    )  # fmt: skip
    interrupted: tuple[str, ...] = (
        "无法使用", "不能使用", "用不了", "中断", "宕机", "全部", "瘫痪", "崩溃", "完全打不开",
        "down", "outage", "unavailable", "unusable", "nothing works", "cannot work", "can't work", "crashed",
    )  # fmt: skip
    kinds: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "security": (
                "信息安全", "安全事件", "入侵", "被黑", "黑客", "木马", "勒索", "钓鱼", "泄露", "泄漏", "漏洞", "攻击", "病毒",
                "security incident", "intrusion", "hacked", "breach", "ransomware", "phishing", "malware",
                "vulnerability", "data leak", "ddos", "compromised",
            ),
            "complaint": (
                "投诉", "态度恶劣", "态度差", "不满意", "太差", "抱怨", "无人处理", "没人处理", "没人管", "推诿",
                "complaint", "complain", "complaining", "unacceptable", "dissatisfied", "terrible service",
            ),
            "fault": (
                "故障", "报错", "错误", "异常", "无法", "不能", "失败", "中断", "宕机", "瘫痪", "崩溃", "卡死", "打不开",
                "登录不了", "登不上", "连不上", "超时", "用不了", "没有反应", "掉线", "死机", "丢失", "坏了",
                "fault", "outage", "down", "broken", "error", "errors", "fail", "fails", "failed", "failing", "failure",
                "crash", "crashed", "cannot", "can't", "unable", "not working", "doesn't work", "does not work",
                "unavailable", "unreachable", "timeout", "timed out", "stopped working", "not responding",
            ),
            "consultation": (
                "咨询", "请问", "如何", "怎么", "怎样", "想了解", "是否支持", "什么意思", "在哪里",
                "how do", "how to", "how can", "question", "wondering", "is it possible", "could you explain", "what is",
            ),
            "request": (
                "申请", "请求", "需求", "开通", "变更", "续租", "扩容", "请帮", "麻烦", "需要", "提取", "导出",
                "request", "please add", "please create", "please provide", "need access", "would like", "renew",
            ),
        }
    )  # fmt: skip
    categories: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "lease_renewal": ("续租", "续期", "延期使用", "到期续", "renew", "renewal", "extend the lease"),
            "vm_disk_change": (
                "磁盘扩容", "扩容磁盘", "磁盘变更", "加磁盘", "增加磁盘", "云盘", "硬盘扩容", "resize disk", "extend disk", "add disk",
                "bigger disk", "more disk",
            ),
            "physical_machine_request": ("物理机", "裸金属", "实体服务器", "bare metal", "physical server", "physical machine"),
            "vm_request": (
                "申请虚拟机", "虚拟机申请", "申请云主机", "新建虚拟机", "开通虚拟机", "申请一台虚拟机", "new vm", "new virtual machine",
                "request a vm", "request a virtual machine", "provision a vm",
            ),
            "resource_config_change": (
                "配置变更", "变更配置", "资源变更", "调整配置", "升级配置", "增加内存", "加内存", "调整内存", "cpu变更",
                "configuration change", "change the configuration", "resize the vm", "more memory", "more cpu",
            ),
        }
    )  # fmt: skip
    yes: tuple[str, ...] = (
        "是", "是的", "好的", "好了", "确认", "已解决", "解决了", "可以了", "没问题了", "恢复了", "已恢复", "谢谢", "感谢",
        "yes", "confirmed", "confirm", "solved", "resolved", "fixed", "works now", "it works", "ok", "thanks", "thank you",
    )  # fmt: skip
    no: tuple[str, ...] = (
        "否", "不是", "没有解决", "未解决", "没解决", "还是不行", "仍然", "依然", "还没好", "没好", "不行", "又出现",
        "no", "not solved", "not resolved", "not fixed", "still", "again", "doesn't work", "does not work",
    )  # fmt: skip


WORDS = Words()
