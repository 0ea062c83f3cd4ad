"""The tables. Instants are bigint milliseconds UTC, lists and dicts are JSON text, so both databases hold the same.

Only the schema and the seldom used queries go through these classes; the hot path is SQL in the files beside.
Indexes that tortoise cannot express (partial ones) stand in the migration. What a table is for stands in a comment:
tortoise takes a docstring for the table's description, and a changed one for a change of the schema.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


# What came in. `body` is null when the bytes are in the file that `file` names (large ones, SQLite only).
class RawRow(Model):
    id = fields.BigIntField(primary_key=True)
    sha256 = fields.TextField()
    size = fields.BigIntField()
    body = fields.BinaryField(null=True)
    file = fields.TextField(null=True)
    envelope = fields.TextField()

    class Meta:
        table = "raw"


# The narrow side of `raw`, same id. `state`: pending, done, failed.
class InboxEntry(Model):
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


# What became of one report of an inbox row; `key` is the alert key, "" without one.
class ReportEntry(Model):
    id = fields.BigIntField(primary_key=True)
    inbox = fields.BigIntField()
    idx = fields.IntField()
    outcome = fields.TextField()
    incident = fields.BigIntField(null=True)
    key = fields.TextField()

    class Meta:
        table = "reports"
        unique_together = (("inbox", "idx"),)


# Columns are the fields of `daemon.core.incident.Incident` that are filtered or reported on; `state` holds the
# rest as JSON (rows.py derives the mapping).
class IncidentEntry(Model):
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


# `newest`: the inbox id of the newest signal of the key. On PostgreSQL a row without incident and with
# `newest` 0 only holds the lock of a key that nobody has registered yet.
class AlertKeyEntry(Model):
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


# A notice and, once sent, its message. `state`: pending, sent, failed, merged, dropped.
class OutboxEntry(Model):
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


# Message-IDs sent and received, for threading: one may belong to several incidents (ids are reused).
class MessageIdEntry(Model):
    id = fields.BigIntField(primary_key=True)
    message_id = fields.CharField(max_length=1024)
    incident = fields.BigIntField()

    class Meta:
        table = "message_ids"
        unique_together = (("message_id", "incident"),)


# One automatic answer to a reporter, for the caps of MAIL 2.2d.
class ReplyEntry(Model):
    id = fields.BigIntField(primary_key=True)
    address = fields.CharField(max_length=512)
    incident = fields.BigIntField(null=True)
    subject_key = fields.TextField()
    at = fields.BigIntField()

    class Meta:
        table = "reply_counts"


# `hash` is the SHA-256 of the token as hex; the token itself is nowhere.
class TokenEntry(Model):
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


# An IMAP folder in its present life; `resync` while it is compared with the receipts of the one before.
class FolderEntry(Model):
    id = fields.BigIntField(primary_key=True)
    mailbox = fields.CharField(max_length=200)
    folder = fields.CharField(max_length=800)
    uidvalidity = fields.BigIntField()
    start_uid = fields.BigIntField()
    started_at = fields.BigIntField()
    resync = fields.BooleanField()

    class Meta:
        table = "mailbox_folders"
        unique_together = (("mailbox", "folder"),)


# That a mail of a folder is ours. `inbox` is null for one that was taken over from an earlier life of the folder, and
# in the state `retry`. `state`: pending, copied, done, retry.
class ReceiptEntry(Model):
    id = fields.BigIntField(primary_key=True)
    mailbox = fields.CharField(max_length=200)
    folder = fields.CharField(max_length=800)
    uidvalidity = fields.BigIntField()
    uid = fields.BigIntField()
    inbox = fields.BigIntField(null=True)
    message_id = fields.TextField()
    internaldate = fields.BigIntField(null=True)
    size = fields.BigIntField()
    sha256 = fields.TextField()
    action = fields.TextField()
    state = fields.TextField()
    attempts = fields.IntField()
    next_at = fields.BigIntField()

    class Meta:
        table = "mailbox_receipts"
        unique_together = (("mailbox", "folder", "uidvalidity", "uid"),)


# Who does what only one daemon may do, and until when on the database's clock.
class LeaseEntry(Model):
    name = fields.CharField(max_length=200, primary_key=True)
    holder = fields.TextField()
    until = fields.BigIntField()

    class Meta:
        table = "leases"


# `missed_at`: since when it is missed. `excused_until`: it may not be missed before, for nobody could hear it.
class HeartbeatEntry(Model):
    name = fields.CharField(max_length=200, primary_key=True)
    last_at = fields.BigIntField()
    excused_until = fields.BigIntField()
    missed_at = fields.BigIntField(null=True)

    class Meta:
        table = "heartbeats"


# Silences and maintenance windows. `body`: services or matchers, who made it and why.
class WindowEntry(Model):
    id = fields.BigIntField(primary_key=True)
    kind = fields.TextField()
    starts_at = fields.BigIntField()
    ends_at = fields.BigIntField()
    body = fields.TextField()

    class Meta:
        table = "windows"
