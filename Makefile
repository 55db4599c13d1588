# Two commands for a fresh machine with Python 3.11 or newer:
#   make demo [PORT=8000] [MAIL_PORT=1025]   the whole product with demo data, nothing leaves the machine; Ctrl-C stops it
#   make test [ARGS="-k word"]               all tests on SQLite, and on PostgreSQL + Redis if TEST_DATABASE_URL is set
# and for development:
#   make check     everything that is judged without running tests (`make -k check` goes on after a fault)
#   make format    rewrites code and templates into the form that `make check` wants
#   make messages  brings the Russian catalogue up to date and compiles it
#   make audit     asks PyPI for known weaknesses in the installed packages
#   make lock      writes project/deploy/requirements.lock anew after requirements.txt has changed (ARGS=--upgrade: all)
#   make bench     prints the figures of mailings/benchmarks
#   make torture   kills workers at random while they send, and names its invariants (ARGS="--rounds 50 --seed 1")
#   make torture-imports   kills workers while they load and undo a large import (ARGS="--rows 100000 --kills 20 --seed 1")
#   make setup     the virtual environment and .env only

PORT ?= 8000
MAIL_PORT ?= 1025
ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
BIN := $(VENV)/bin
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
DEMO_PACKAGES := $(VENV)/.demo-packages
DEV_PACKAGES := $(VENV)/.dev-packages

CODE := accounts mailings project manage.py
TEMPLATES := find accounts mailings project -path '*/templates/*' -name '*.html'
# Checks see neither this machine's .env nor its database.
KEY = $$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))')
BARE = env READ_DOT_ENV=0 SECRET_KEY="$(KEY)" DATABASE_URL=sqlite://:memory: REDIS_URL=
LIKE_PRODUCTION = env READ_DOT_ENV=0 SECRET_KEY="$(KEY)" DEBUG=False DEMO=False SITE_URL=https://post.example.org \
	ALLOWED_HOSTS=post.example.org DATABASE_URL=postgres://postroom:secret@127.0.0.1/postroom \
	REDIS_URL=redis://127.0.0.1:6379/0 EMAIL_HOST=smtp.example.org EMAIL_PORT=587 EMAIL_USE_TLS=True \
	DEFAULT_FROM_EMAIL='Postroom <post@example.org>' TRUST_X_FORWARDED_PROTO=True TRUSTED_PROXIES=127.0.0.1 \
	SECURE_HSTS_SECONDS=31536000 SECURE_HSTS_INCLUDE_SUBDOMAINS=True SECURE_HSTS_PRELOAD=True

.PHONY: setup demo test check bench torture torture-imports audit lock format messages
.PHONY: check-format check-lint check-layers check-types check-templates check-system check-migrations \
	check-translations check-deploy

setup: $(DEMO_PACKAGES) .env

demo: setup
	@exec $(PY) project/deploy/demo.py "$(PORT)" "$(MAIL_PORT)"

# Both runs happen even if the first one fails; the exit code is the worse of the two.
test: $(DEV_PACKAGES)
	@failed=0; \
	printf '\n== SQLite ==\n'; \
	env -u DATABASE_URL -u REDIS_URL $(PY) -m pytest --cov --cov-report=term:skip-covered $(ARGS) || failed=1; \
	if [ -n "$$TEST_DATABASE_URL" ]; then \
		printf '\n== PostgreSQL%s ==\n' "$${TEST_REDIS_URL:+ + Redis}"; \
		DATABASE_URL="$$TEST_DATABASE_URL" REDIS_URL="$$TEST_REDIS_URL" $(PY) -m pytest $(ARGS) || failed=1; \
	else \
		printf '\nNot run on PostgreSQL: TEST_DATABASE_URL (and TEST_REDIS_URL) are not set.\n'; \
	fi; \
	exit $$failed

check: check-format check-lint check-layers check-types check-templates check-system check-migrations \
	check-translations check-deploy
	@echo "All checks passed."

check-format: $(DEV_PACKAGES)
	$(BIN)/ruff format --check $(CODE)

check-lint: $(DEV_PACKAGES)
	$(BIN)/ruff check $(CODE)

check-layers: $(DEV_PACKAGES)
	PYTHONPATH=. $(BIN)/lint-imports --no-logo

check-types: $(DEV_PACKAGES)
	@echo "mypy --strict"
	@$(BARE) $(BIN)/mypy

check-templates: $(DEV_PACKAGES)
	$(TEMPLATES) -exec $(BIN)/djade --check --target-version 5.2 {} +

check-system: $(DEV_PACKAGES)
	@echo "manage.py check --fail-level WARNING"
	@$(BARE) $(PY) manage.py check --fail-level WARNING

check-migrations: $(DEV_PACKAGES)
	@echo "manage.py makemigrations --check"
	@$(BARE) $(PY) manage.py makemigrations --check --dry-run

check-translations: $(DEV_PACKAGES)
	@echo "project/check_translations.py"
	@$(BARE) $(PY) -m project.check_translations

check-deploy: $(DEV_PACKAGES)
	@echo "manage.py check --deploy --fail-level WARNING (production-like settings)"
	@$(LIKE_PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING

format: $(DEV_PACKAGES)
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)
	$(TEMPLATES) -exec $(BIN)/djade --target-version 5.2 {} +

messages: $(DEV_PACKAGES)
	$(BARE) $(PY) manage.py makemessages --locale ru --ignore var --ignore tests --no-wrap --no-location
	$(BARE) $(PY) manage.py compilemessages --locale ru --ignore $(VENV) --ignore var

torture: $(DEV_PACKAGES)
	@exec $(PY) -m mailings.tests.torture $(ARGS)

torture-imports: $(DEV_PACKAGES)
	@exec $(PY) -m mailings.tests.import_torture $(ARGS)

audit: $(DEV_PACKAGES)
	$(BIN)/pip-audit --local --skip-editable

# For every Python and platform at once, which pip's own resolver cannot: hence uv.
lock:
	@[ -n "$(UV)" ] || { echo "make lock needs uv: https://docs.astral.sh/uv/ (pip install uv)." >&2; exit 1; }
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
		--output-file project/deploy/requirements.lock $(ARGS) requirements.txt

bench: $(DEV_PACKAGES)
	@[ -f mailings/benchmarks/__main__.py ] || { echo "There are no benchmarks yet (mailings/benchmarks/__main__.py)." >&2; exit 1; }
	$(PY) -m mailings.benchmarks $(ARGS)

# --- What the above needs --------------------------------------------------------------------------------------------

# The stamps lie inside .venv: who deletes it starts afresh.
$(DEMO_PACKAGES): requirements.txt requirements-dev.txt $(PY)
	@$(call install,-r requirements.txt -c requirements-dev.txt aiosmtpd honcho)
	@touch $@

$(DEV_PACKAGES): requirements.txt requirements-dev.txt $(PY)
	@$(call install,-r requirements-dev.txt)
	@touch $@ $(DEMO_PACKAGES)

ifneq ($(UV),)

$(PY):
	@echo "Making $(VENV) with uv …"
	@uv venv --quiet --python '>=3.11' $(VENV) || { rm -rf $(VENV); echo "uv could not make $(VENV): see above." >&2; exit 1; }

define install
echo "Installing packages with uv …"; \
uv pip install --quiet --python $(PY) $(1) \
	|| { echo "uv could not install the packages: see above; is the package index reachable?" >&2; exit 1; }
endef

else

# PYTHON=… on the command line picks another one.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

$(PY):
	@[ -n "$(PYTHON)" ] || { echo "Postroom needs Python 3.11 or newer, and python3 is $$(python3 --version 2>/dev/null || echo not there): install one." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: name another one, e.g. make PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python cannot make virtual environments here: install its venv package (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) …"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) could not make $(VENV): see above." >&2; exit 1; }

define install
echo "Installing packages …"; \
$(PY) -m pip install --quiet --disable-pip-version-check --no-input $(1) \
	|| { echo "pip could not install the packages: see above; is the package index reachable? If pip itself is broken, delete $(VENV)." >&2; exit 1; }
endef

endif

# The sample with a key of its own and DEMO switched on. Never overwritten.
.env: | $(PY)
	@key="$(KEY)"; umask 077; \
	sed -e "s|^SECRET_KEY=$$|SECRET_KEY=$$key|" -e 's|^DEMO=False$$|DEMO=True|' .env.sample > .env.new && mv .env.new .env
	@echo "Wrote .env with a random SECRET_KEY."
