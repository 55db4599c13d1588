import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def carry_over(apps, schema_editor):
    """Give imports of before their new form: columns in the order of the file, rejected rows in a table of their own."""
    job_model, row_model = apps.get_model("mailings", "ImportJob"), apps.get_model("mailings", "RejectedRow")
    for job in job_model.objects.iterator():
        if not isinstance(job.mapping, dict):
            continue
        read = [{"header": header, "target": field} for field, header in job.mapping.get("columns", {}).items()]
        ignored = [{"header": header, "target": ""} for header in job.mapping.get("ignored", [])]
        job.list_name = job.mapping.get("list", "")[:100]
        job.mapping = read + ignored
        if job.status == "checked":
            # Its columns may stand in another order in the file, which has to be uploaded again.
            job.status, job.reason = "failed", "Upload the file again."
        job.save(update_fields=["mapping", "list_name", "status", "reason"])
        faults = {}
        for each in job.rejected_rows:
            fault = {name: each.get(name, "") for name in ("column", "value", "reason")}
            faults.setdefault(each.get("line", 0), []).append(fault)
        row_model.objects.bulk_create(
            [row_model(job=job, line=line, kind="wrong", faults=found) for line, found in faults.items()],
            batch_size=500,
        )


def carry_back(apps, schema_editor):
    """The sums stay; how the columns were read does not."""
    apps.get_model("mailings", "ImportJob").objects.update(mapping={}, rejected_rows=[])


class Migration(migrations.Migration):

    dependencies = [
        ('mailings', '0003_access'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ImportedRow',
            fields=[
                ('pk', models.CompositePrimaryKey('job_id', 'client_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('job', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='imported_rows', to='mailings.importjob', verbose_name='import')),
                ('client_id', models.BigIntegerField(verbose_name='client')),
                ('is_new', models.BooleanField(verbose_name='new')),
                ('is_listed', models.BooleanField(verbose_name='put on the list')),
                ('changes', models.JSONField(null=True, verbose_name='changes')),
            ],
            options={
                'verbose_name': 'imported row',
                'verbose_name_plural': 'imported rows',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='RejectedRow',
            fields=[
                ('pk', models.CompositePrimaryKey('job_id', 'line', blank=True, editable=False, primary_key=True, serialize=False)),
                ('job', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rejections', to='mailings.importjob', verbose_name='import')),
                ('line', models.PositiveIntegerField(verbose_name='line')),
                ('kind', models.CharField(choices=[('wrong', 'wrong'), ('repeated', 'repeated')], max_length=8, verbose_name='kind')),
                ('cells', models.JSONField(default=list, verbose_name='cells')),
                ('faults', models.JSONField(default=list, verbose_name='faults')),
            ],
            options={
                'verbose_name': 'rejected row',
                'verbose_name_plural': 'rejected rows',
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='importjob',
            name='claim_token',
            field=models.UUIDField(blank=True, editable=False, null=True, verbose_name='claim token'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='corrects',
            field=models.BooleanField(default=False, verbose_name='put likely addresses in the place of mistyped ones'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='delimiter',
            field=models.CharField(blank=True, max_length=1, verbose_name='separator'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='doubts',
            field=models.JSONField(blank=True, default=list, verbose_name='addresses that look mistyped, the first'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='encoding',
            field=models.CharField(blank=True, max_length=16, verbose_name='encoding'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='has_header',
            field=models.BooleanField(default=True, verbose_name='column names on the first line'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='is_list_new',
            field=models.BooleanField(default=False, verbose_name='the list was made for it'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='kept',
            field=models.PositiveIntegerField(default=0, verbose_name='kept, for a run has mailed them'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='kept_consents',
            field=models.PositiveIntegerField(default=0, verbose_name='newer consents kept'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='language',
            field=models.CharField(blank=True, default='', max_length=10, verbose_name='language'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='lease_until',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='lease until'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='left',
            field=models.PositiveIntegerField(default=0, verbose_name='changed again since and left so'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='list_name',
            field=models.CharField(blank=True, max_length=100, verbose_name='name of the list'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='mistyped',
            field=models.PositiveIntegerField(default=0, verbose_name='addresses that look mistyped'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='on_existing',
            field=models.CharField(choices=[('update', 'update them'), ('skip', 'leave them as they are')], default='update', max_length=6, verbose_name='clients that are there already'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='preview',
            field=models.JSONField(blank=True, default=list, verbose_name='first rows'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='reason',
            field=models.CharField(blank=True, max_length=500, verbose_name='why it failed'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='removed',
            field=models.PositiveIntegerField(default=0, verbose_name='removed again'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='restored',
            field=models.PositiveIntegerField(default=0, verbose_name='restored'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='sample',
            field=models.JSONField(blank=True, default=list, verbose_name='first rows as they stand in the file'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='sheet',
            field=models.CharField(blank=True, max_length=100, verbose_name='sheet'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='started_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='started at'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='undo_rows',
            field=models.PositiveIntegerField(default=0, verbose_name='rows to undo'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='undone_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='undone at'),
        ),
        migrations.AlterField(
            model_name='importjob',
            name='mapping',
            field=models.JSONField(blank=True, default=list, verbose_name='columns'),
        ),
        migrations.AlterField(
            model_name='importjob',
            name='status',
            field=models.CharField(choices=[('uploaded', 'columns to be chosen'), ('checking', 'being checked'), ('checked', 'checked, not loaded'), ('queued', 'waiting for its turn'), ('running', 'running'), ('completed', 'completed'), ('stopped', 'stopped'), ('failed', 'failed'), ('undoing', 'being undone'), ('undone', 'undone')], default='uploaded', max_length=10, verbose_name='status'),
        ),
        migrations.AddIndex(
            model_name='importjob',
            index=models.Index(condition=models.Q(('status__in', ('checking', 'queued', 'running', 'undoing'))), fields=['status'], name='import_job_in_work'),
        ),
        migrations.AddConstraint(
            model_name='importjob',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('running', 'undoing'))), fields=('owner',), name='one_import_of_an_owner_writes'),
        ),
        migrations.RunPython(carry_over, carry_back),
        migrations.RemoveField(
            model_name='importjob',
            name='rejected_rows',
        ),
    ]
