"""Kills workers with SIGKILL while they load and undo an import, and compares every row with what must be there.

`python -m mailings.tests.import_torture [--rows 100000] [--kills 20] [--seed N]` is the long one, on the database of
the environment's DATABASE_URL (PostgreSQL) or on SQLite; the suite runs a short one. Exit code 1: something is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent.parent
CHUNK = 2_000
FILE_HEADER = "E-mail;Имя;Город\n"
EVERY_WRONG, EVERY_THERE = 97, 5

# Runs in the product, in a process of its own, as a worker does without a queue.
WORKER = """
import sys
from mailings.operations import imports
next_ids = [int(sys.argv[1])]
while next_ids:
    next_ids = imports.work(next_ids[0], on_chunk=lambda job: print("chunk", flush=True))
"""
PREPARE = """
import json, sys
from accounts.tests.factories import make_user
from mailings.models import Client, ImportJob
from mailings.operations import imports
path, every, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
owner = make_user("owner@staff.example")
there = [Client(owner=owner, email=f"a{n}@example.com", full_name="Old", comment="kept") for n in range(0, rows, every)]
Client.objects.bulk_create(there, batch_size=2000)
with open(path, "rb") as file:
    job = imports.receive(file, "clients.csv", owner)
imports.choose(job, ["email", "full_name", "attribute:Город"], list_name="All")
imports.work(job.pk)
job.refresh_from_db()
imports.queue(job)
print(json.dumps(job.pk))
"""
PROGRESS = """
import json, sys
from mailings.models import ImportJob
job = ImportJob.objects.get(pk=int(sys.argv[1]))
names = ("status", "progress", "new", "changed", "unchanged", "wrong", "repeated", "suppressed", "rows", "removed")
print(json.dumps({name: getattr(job, name) for name in names} | {"restored": job.restored}))
"""
# A killed worker's lease runs out in a minute; nobody needs to wait for it here.
EXPIRE = """
import sys
from datetime import timedelta
from django.utils import timezone
from mailings.models import ImportJob
ImportJob.objects.filter(pk=int(sys.argv[1])).update(lease_until=timezone.now() - timedelta(seconds=1))
"""
UNDO = """
import sys
from mailings.models import ImportJob
from mailings.operations import imports
imports.start_undo(ImportJob.objects.get(pk=int(sys.argv[1])))
"""
DUMP = """
import hashlib, json
from mailings.models import Client, ClientList, ImportedRow
columns = [field.attname for field in Client._meta.concrete_fields if field.attname != "created_at"]
found = hashlib.sha256()
emails, count = set(), 0
for row in Client.objects.order_by("pk").values_list(*columns).iterator():
    found.update(repr(row).encode())
    emails.add(row[columns.index("email")])
    count += 1
members = ClientList.clients.through.objects
print(json.dumps({
    "state": found.hexdigest(), "clients": count, "addresses": len(emails), "lists": ClientList.objects.count(),
    "members": members.count(), "distinct_members": members.values("client").distinct().count(),
    "records": ImportedRow.objects.count(),
    "loaded": Client.objects.filter(full_name__startswith="Имя", attributes={"Город": "Казань"}).count(),
}))
"""


def as_script(code, arguments):
    return f"import sys; sys.argv = {['worker', *map(str, arguments)]!r}\n{code}"


class Trial:
    def __init__(self, system, rows, kills, seed):
        self.system, self.rows, self.kills = system, rows, kills
        self.random = random.Random(seed)  # noqa: S311  repeatable, no secret
        self.faults = []
        self.killed = 0

    def ask(self, code, *arguments):
        return self.system.shell(as_script(code, arguments))

    def told(self, code, *arguments):
        return json.loads(self.ask(code, *arguments).splitlines()[-1])

    def expect(self, what, found, expected):
        if found != expected:
            self.faults.append(f"{what}: {found}, not {expected}")

    def run(self):
        path = self.system.folder / "clients.csv"
        path.write_text(FILE_HEADER + "".join(map(self.line, range(self.rows))), encoding="utf-8")
        job = self.told(PREPARE, path, EVERY_THERE, self.rows)
        before = self.told(DUMP)
        self.work_under_fire(job)
        self.look_at_loaded(job)
        self.ask(UNDO, job)
        self.work_under_fire(job)
        after = self.told(DUMP)
        self.expect("status after undoing", self.told(PROGRESS, job)["status"], "undone")
        self.expect("the base after undoing", after, before)
        return self.faults

    def line(self, number):
        address = "nonsense" if number % EVERY_WRONG == 1 else f"a{number}@example.com"
        return f"{address};Имя {number};Казань\n"

    def work_under_fire(self, job):
        """Let one worker after the other begin, kill each somewhere within a chunk, and let the last one end it."""
        chunks = max(1, self.rows // CHUNK)
        for _ in range(self.kills):
            self.kill(self.begin(job), after=self.random.randint(0, max(1, 2 * chunks // (self.kills + 1))))
            self.ask(EXPIRE, job)
        last = self.begin(job)
        last.stdout.read()
        self.expect("the last worker's exit code", last.wait(timeout=60), 0)

    def begin(self, job):
        """Start a worker, which says “chunk” after each that it has committed."""
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", as_script(WORKER, [job])]
        return subprocess.Popen(command, cwd=ROOT, env=self.system.env, stdout=subprocess.PIPE, text=True)

    def kill(self, worker, after):
        is_over = any(not worker.stdout.readline() for _ in range(after))
        # A chunk takes some fifty milliseconds: its beginning, its middle, its commit.
        time.sleep(self.random.random() * 0.08)
        if not is_over and worker.poll() is None:
            worker.send_signal(signal.SIGKILL)
            self.killed += 1
        worker.stdout.close()
        worker.wait()

    def look_at_loaded(self, job):
        wrong = len(range(1, self.rows, EVERY_WRONG))
        there = sum(1 for n in range(0, self.rows, EVERY_THERE) if n % EVERY_WRONG != 1)
        good = self.rows - wrong
        told, base = self.told(PROGRESS, job), self.told(DUMP)
        all_there = len(range(0, self.rows, EVERY_THERE))
        self.expect("status", told["status"], "completed")
        expected = {"new": good - there, "changed": there, "unchanged": 0, "wrong": wrong, "repeated": 0}
        self.expect("sums", {name: told[name] for name in expected}, expected)
        self.expect("progress", told["progress"], told["rows"])
        self.expect("clients", base["clients"], all_there + good - there)
        self.expect("distinct addresses", base["addresses"], base["clients"])
        self.expect("rows as in the file", base["loaded"], good)
        self.expect("records", base["records"], good)
        self.expect("members of the list", (base["members"], base["distinct_members"]), (good, good))


def main():
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = options.parse_args()
    # The environment of every test has to come before Django reads its settings.
    import project.test_environment  # noqa: F401, PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from mailings.tests.system import System  # noqa: PLC0415  Django has to be ready

    with tempfile.TemporaryDirectory() as folder, System(Path(folder)) as system:
        trial = Trial(system, asked.rows, asked.kills, asked.seed)
        faults = trial.run()
    print(f"seed {asked.seed}: {asked.rows} rows, {trial.killed} kills, {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
