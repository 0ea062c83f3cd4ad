"""Mailboxes: folders, receipts, leases. Heartbeats."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

INDEXES = [
    (f"CREATE INDEX {name} ON {columns}", name)
    for name, columns in {
        "receipts_pending": "mailbox_receipts (mailbox, folder, uidvalidity, uid) WHERE state <> 'done'",
        "receipts_inbox": "mailbox_receipts (inbox)",
    }.items()
]


class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]  # noqa: RUF012 — tortoise declares it so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="FolderEntry",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True)),
                ("mailbox", fields.CharField(max_length=200)),
                ("folder", fields.CharField(max_length=800)),
                ("uidvalidity", fields.BigIntField()),
                ("start_uid", fields.BigIntField()),
                ("started_at", fields.BigIntField()),
                ("resync", fields.BooleanField()),
            ],
            options={"table": "mailbox_folders", "unique_together": (("mailbox", "folder"),), "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="HeartbeatEntry",
            fields=[
                ("name", fields.CharField(primary_key=True, max_length=200)),
                ("last_at", fields.BigIntField()),
                ("excused_until", fields.BigIntField()),
                ("missed_at", fields.BigIntField(null=True)),
            ],
            options={"table": "heartbeats", "pk_attr": "name"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LeaseEntry",
            fields=[
                ("name", fields.CharField(primary_key=True, max_length=200)),
                ("holder", fields.TextField()),
                ("until", fields.BigIntField()),
            ],
            options={"table": "leases", "pk_attr": "name"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReceiptEntry",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True)),
                ("mailbox", fields.CharField(max_length=200)),
                ("folder", fields.CharField(max_length=800)),
                ("uidvalidity", fields.BigIntField()),
                ("uid", fields.BigIntField()),
                ("inbox", fields.BigIntField(null=True)),
                ("message_id", fields.TextField()),
                ("internaldate", fields.BigIntField(null=True)),
                ("size", fields.BigIntField()),
                ("sha256", fields.TextField()),
                ("action", fields.TextField()),
                ("state", fields.TextField()),
                ("attempts", fields.IntField()),
                ("next_at", fields.BigIntField()),
            ],
            options={
                "table": "mailbox_receipts",
                "unique_together": (("mailbox", "folder", "uidvalidity", "uid"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        # What is to be done is little beside what was done: its index does not grow with the folder.
        ops.RunSQL(
            sql=[sql for sql, _ in INDEXES],
            reverse_sql=[f"DROP INDEX {name}" for _, name in INDEXES],
        ),
    ]
