"""The tables. Instants are bigint milliseconds UTC, lists and dicts are JSON text, so both databases hold the same.

Only the schema and the seldom used queries go through these classes; the hot path is SQL in the files beside.
Indexes that tortoise cannot express (partial ones) stand in the migration.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class RawRow(Model):
    """What came in. `body` is null when the bytes are in the file that `file` names (large ones, SQLite only)."""

    id = fields.BigIntField(primary_key=True)
    sha256 = fields.TextField()
    size = fields.BigIntField()
    body = fields.BinaryField(null=True)
    file = fields.TextField(null=True)
    envelope = fields.TextField()

    class Meta:
        table = "raw"


class InboxEntry(Model):
    """The narrow side of `raw`, same id. `state`: pending, done, failed."""

    id = fields.BigIntField(primary_key=True)
    source = fields.TextField()
    entry = fields.TextField()
    parser = fields.TextField()
    received_at = fields.BigIntField()
    state = fields.TextField()
    outcome = fields.TextField()
    error = fields.TextField()
    attempts = fields.IntField()

    class Meta:
        table = "inbox"


class ReportEntry(Model):
    """What became of one report of an inbox row; `key` is the alert key, "" without one."""

    id = fields.BigIntField(primary_key=True)
    inbox = fields.BigIntField()
    idx = fields.IntField()
    outcome = fields.TextField()
    incident = fields.BigIntField(null=True)
    key = fields.TextField()

    class Meta:
        table = "reports"
        unique_together = (("inbox", "idx"),)


class IncidentEntry(Model):
    """Columns are the fields of `daemon.core.incident.Incident` that are filtered or reported on; `state` holds the
    rest as JSON (rows.py derives the mapping)."""

    id = fields.BigIntField(primary_key=True)
    version = fields.BigIntField()
    title = fields.TextField()
    source = fields.TextField()
    origin = fields.TextField()
    kind = fields.TextField()
    category = fields.TextField(null=True)
    cause = fields.TextField(null=True)
    service = fields.TextField(null=True)
    environment = fields.TextField(null=True)
    customer = fields.TextField(null=True)
    external_ref = fields.TextField(null=True)
    entry = fields.TextField()
    reporter_name = fields.TextField()
    reporter_address = fields.TextField()
    status = fields.TextField()
    needs_triage = fields.BooleanField()
    impact = fields.TextField()
    urgency = fields.TextField()
    priority = fields.SmallIntField()
    emergency = fields.BooleanField()
    fault_level = fields.TextField(null=True)
    complaints_counted = fields.BigIntField()
    complaint_of = fields.BigIntField(null=True)
    assignee = fields.TextField(null=True)
    assigned_role = fields.TextField(null=True)
    line = fields.TextField()
    reassignments = fields.IntField()
    reopenings = fields.IntField()
    registered_at = fields.BigIntField()
    occurred_at = fields.BigIntField()
    dispatched_at = fields.BigIntField(null=True)
    accepted_at = fields.BigIntField(null=True)
    third_party_at = fields.BigIntField(null=True)
    onsite_due_at = fields.BigIntField(null=True)
    onsite_at = fields.BigIntField(null=True)
    resolved_at = fields.BigIntField(null=True)
    closed_at = fields.BigIntField(null=True)
    response_due_at = fields.BigIntField(null=True)
    resolve_due_at = fields.BigIntField(null=True)
    kind_due_at = fields.BigIntField(null=True)
    bulletin_due_at = fields.BigIntField(null=True)
    next_at = fields.BigIntField(null=True)
    policy_hash = fields.TextField()
    solved_by = fields.TextField(null=True)
    solved_by_role = fields.TextField(null=True)
    workaround = fields.BooleanField()
    problem_ref = fields.TextField(null=True)
    close_code = fields.TextField(null=True)
    duplicate_of = fields.BigIntField(null=True)
    human = fields.BooleanField()
    satisfaction_score = fields.IntField(null=True)
    retrospective = fields.BooleanField()
    state = fields.TextField()

    class Meta:
        table = "incidents"


class AlertKeyEntry(Model):
    """`newest`: the inbox id of the newest signal of the key. On PostgreSQL a row without incident and with
    `newest` 0 only holds the lock of a key that nobody has registered yet."""

    key = fields.CharField(primary_key=True, max_length=1024)
    incident = fields.BigIntField(null=True)
    newest = fields.BigIntField()
    state = fields.TextField()

    class Meta:
        table = "alert_keys"


class TimelineEntry(Model):
    id = fields.BigIntField(primary_key=True)
    incident = fields.BigIntField()
    at = fields.BigIntField()
    actor = fields.TextField()
    event = fields.TextField()
    data = fields.TextField()

    class Meta:
        table = "timeline"


class OutboxEntry(Model):
    """A notice and, once sent, its message. `state`: pending, sent, failed, merged, dropped."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(max_length=1024, unique=True)
    incident_id = fields.BigIntField()
    reason = fields.TextField()
    role = fields.TextField(null=True)
    person = fields.TextField()
    name = fields.TextField()
    channel = fields.TextField()
    address = fields.TextField()
    priority = fields.SmallIntField()
    at = fields.BigIntField()
    due_at = fields.BigIntField()
    epoch = fields.TextField()
    reporter = fields.BooleanField()
    data = fields.TextField()
    state = fields.TextField()
    attempts = fields.IntField()
    next_attempt_at = fields.BigIntField()
    lease_until = fields.BigIntField(null=True)
    leased_by = fields.BigIntField(null=True)
    error = fields.TextField()
    remote_id = fields.TextField()
    message_id = fields.TextField()
    subject = fields.TextField()
    text = fields.TextField()
    sent_at = fields.BigIntField(null=True)
    fallback_of = fields.BigIntField(null=True)

    class Meta:
        table = "outbox"


class MessageIdEntry(Model):
    """Message-IDs sent and received, for threading: one may belong to several incidents (ids are reused)."""

    id = fields.BigIntField(primary_key=True)
    message_id = fields.CharField(max_length=1024)
    incident = fields.BigIntField()

    class Meta:
        table = "message_ids"
        unique_together = (("message_id", "incident"),)


class ReplyEntry(Model):
    """One automatic answer to a reporter, for the caps of MAIL 2.2d."""

    id = fields.BigIntField(primary_key=True)
    address = fields.CharField(max_length=512)
    incident = fields.BigIntField(null=True)
    subject_key = fields.TextField()
    at = fields.BigIntField()

    class Meta:
        table = "reply_counts"


class TokenEntry(Model):
    """`hash` is the SHA-256 of the token as hex; the token itself is nowhere."""

    id = fields.BigIntField(primary_key=True)
    name = fields.TextField()
    hash = fields.CharField(max_length=64, unique=True)
    scope = fields.TextField()
    person = fields.TextField(null=True)
    created_at = fields.BigIntField()
    revoked_at = fields.BigIntField(null=True)

    class Meta:
        table = "tokens"


class IdempotencyEntry(Model):
    id = fields.BigIntField(primary_key=True)
    token = fields.CharField(max_length=128)
    key = fields.CharField(max_length=512)
    request = fields.TextField()
    status = fields.IntField()
    answer = fields.TextField()
    at = fields.BigIntField()

    class Meta:
        table = "idempotency"
        unique_together = (("token", "key"),)


class SettingEntry(Model):
    name = fields.CharField(primary_key=True, max_length=200)
    value = fields.TextField()

    class Meta:
        table = "settings"
