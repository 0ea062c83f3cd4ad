"""The common names of what an alert tells, as `generic` compares them: lower case, without separators."""

from __future__ import annotations

WRAPPERS = (
    "event",
    "alert",
    "incident",
    "alertgroup",
    "issue",
    "monitor",
    "check",
    "data",
    "payload",
    "details",
    "notification",
    "result",
    "essentials",
)
LISTS = ("alerts", "events", "incidents", "messages", "notifications", "records", "items")
KEY = ("dedupkey", "dedup", "deduplicationkey", "dedupid", "incidentkey", "alertkey", "alias", "alertuid",
        "fingerprint", "alertid", "incidentid", "alertgroupid",
        "issueid", "problemid", "triggerid", "monitorid", "checkid", "ruleid", "entityid", "id", "uid", "uuid",
        "key", "hash")  # fmt: skip
STATE = ("status", "state", "action", "eventaction", "eventtype", "eventstatus", "alertstatus", "alertstate",
          "currentstate", "newstate", "newstatevalue",
          "messagetype", "transition", "alerttransition", "monitorstatus", "checkstate", "alerttypefriendlyname",
          "statename", "事件状态", "告警状态", "状态")  # fmt: skip
OVER_FLAGS = (
    "resolved",
    "isresolved",
    "recovered",
    "isrecovered",
    "isok",
    "ok",
    "healthy",
    "ishealthy",
    "closed",
    "isup",
)
ON_FLAGS = ("firing", "isfiring", "alerting", "isalert", "isalarm", "isdown", "triggered", "isproblem")
SEVERITY = ("severity", "severityname", "priority", "level", "alertlevel", "triggerlevel", "alarmlevel",
             "criticality", "importance", "urgency", "sev",
             "告警级别", "级别", "严重程度")  # fmt: skip
TITLE = ("title", "summary", "subject", "alertname", "alerttitle", "rulename", "alarmname", "headline",
          "eventtitle", "problem", "triggername", "checkname",
          "monitorname", "monitorfriendlyname", "shortdescription", "name", "message", "msg", "text", "description",
          "标题", "告警名称", "告警标题")  # fmt: skip
TEXT = ("description", "details", "body", "message", "msg", "text", "content", "output", "reason", "alertdetails",
         "longdescription", "note", "comment", "内容",
         "告警内容", "描述")  # fmt: skip
SOURCE = ("host", "hostname", "instance", "server", "node", "device", "machine", "target", "resource",
           "resourcename", "entity", "pod", "ip", "source", "monitor",
           "monitorurl", "endpoint", "component", "主机", "告警对象")  # fmt: skip
SERVICE = ("service", "servicename", "application", "app", "job", "system", "product", "服务")
ENVIRONMENT = ("environment", "env", "stage", "环境")
START = ("startsat", "startedat", "starttime", "start", "firsttriggertime", "triggeredat", "occurredat",
          "eventtime", "triggertime", "alertdatetime",
          "createdat", "timestamp", "time", "datetime", "date")  # fmt: skip
LABELS = ("labels", "tags", "meta", "metadata", "customdetails", "tagsmap", "attributes", "annotations")
HEAD = frozenset(
    {
        *STATE,
        *SEVERITY,
        *SOURCE,
        *SERVICE,
        *ENVIRONMENT,
        *OVER_FLAGS,
        *ON_FLAGS,
        *(name for name in LABELS if name != "annotations"),
    }
)
