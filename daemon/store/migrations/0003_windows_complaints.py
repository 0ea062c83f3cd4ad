"""Silences and maintenance windows; indexes for complaint tickets, work orders and the storm digest."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

OPEN = "status IN ('registered', 'assigned', 'in_progress', 'pending')"
INDEXES = [
    (f"CREATE INDEX {name} ON {columns}", name)
    for name, columns in {
        "incidents_faults_open": f"incidents (service, id) WHERE kind = 'fault' AND complaint_of IS NULL AND {OPEN}",
        "incidents_tickets": "incidents (service, registered_at) WHERE origin = 'user' AND complaint_of IS NULL",
        "incidents_counted": "incidents (complaint_of, reporter_address) WHERE complaint_of IS NOT NULL",
        "incidents_external": "incidents (external_ref) WHERE external_ref IS NOT NULL",
        "outbox_sent": "outbox (channel, address, sent_at) WHERE state = 'sent'",
    }.items()
]


class Migration(migrations.Migration):
    dependencies = [("store", "0002_mailboxes")]  # noqa: RUF012 — tortoise declares it so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="WindowEntry",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True)),
                ("kind", fields.TextField()),
                ("starts_at", fields.BigIntField()),
                ("ends_at", fields.BigIntField()),
                ("body", fields.TextField()),
            ],
            options={"table": "windows", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.RunSQL(
            sql=[sql for sql, _ in INDEXES],
            reverse_sql=[f"DROP INDEX {name}" for _, name in INDEXES],
        ),
    ]
