"""Every migration says when it runs, and one that runs beside older programs takes nothing away from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.infra.migrations import revisions
from db.infra.migrations.revisions import (
    REVISIONS,
    Stage,
    UnmarkedMigration,
    migrations,
    newest_contraction,
    read_migration,
    required_revision,
)
from tests.fixtures.migration_rules import split_statements, violations

VERSIONS = Path(revisions.__file__).parent / "versions"
BREAKING = [
    "ALTER TABLE turns DROP COLUMN answer",
    "ALTER TABLE turns ADD COLUMN a text, DROP answer",
    "ALTER TABLE turns RENAME COLUMN answer TO reply",
    "ALTER TABLE turns RENAME TO talks",
    "alter table only public.turns alter column answer set not null",
    "ALTER TABLE turns ALTER answer TYPE jsonb USING answer::jsonb",
    "ALTER TABLE turns ALTER COLUMN answer SET DATA TYPE jsonb",
    "ALTER TABLE turns ALTER COLUMN kind DROP DEFAULT",
    "ALTER TABLE turns ADD COLUMN weight integer NOT NULL",
    "ALTER TABLE turns ADD weight numeric(4, 2) NOT NULL",
    "ALTER TABLE turns ADD COLUMN weight integer PRIMARY KEY",
    "ALTER TABLE turns ADD CONSTRAINT short CHECK (length(question) < 9)",
    "ALTER TABLE turns ADD CHECK (length(question) < 9)",
    "ALTER TABLE turns ADD COLUMN a text DEFAULT 'DROP, ME', ADD UNIQUE (question)",
    "ALTER TABLE turns ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE turns SET SCHEMA elsewhere",
    "ALTER TABLE turns SOMETHING NEW",
    "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
    "ALTER FUNCTION f() RENAME TO g",
    "DROP TABLE turns",
    "DROP FUNCTION join_person(bytea)",
    "DROP INDEX turns_update",
    "DROP POLICY own ON turns",
    "CREATE UNIQUE INDEX one ON turns (question)",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
    "CREATE OR REPLACE VIEW v AS SELECT 1",
    "CREATE POLICY tight ON turns AS RESTRICTIVE FOR SELECT USING (false)",
    "CREATE TRIGGER t BEFORE INSERT ON turns FOR EACH ROW EXECUTE FUNCTION f()",
    "REVOKE SELECT ON turns FROM consilium_app",
    "REVOKE ALL ON FUNCTION join_person(bytea) FROM PUBLIC",
    "UPDATE turns SET answer = upper(answer)",
    "DELETE FROM turns",
    "TRUNCATE turns",
    "DO $$ BEGIN EXECUTE 'ALTER TABLE turns DROP COLUMN answer'; END $$",
    "DO $body$ BEGIN PERFORM 1; DROP TABLE turns; END $body$",
    "SELECT drop_everything()",
    "-- compatible:\nDROP TABLE turns",
    "-- compatible: only this one\nDROP TABLE a; DROP TABLE b",
    "DROP TABLE turns -- compatible: said too late",
    "SELECT '-- compatible: a text'; DROP TABLE turns",
]
ADDING = [
    "",
    "-- DROP TABLE turns;",
    "/* DROP TABLE turns; */ CREATE TABLE own (a int)",
    "ALTER TABLE turns ADD COLUMN weight integer",
    "ALTER TABLE turns ADD COLUMN weight integer NOT NULL DEFAULT 0",
    "ALTER TABLE turns ADD COLUMN a text CHECK (a IN ('DROP', 'x, y')), ADD COLUMN b int REFERENCES own",
    "ALTER TABLE turns ADD COLUMN a boolean NOT NULL DEFAULT true; ALTER TABLE turns ALTER a SET DEFAULT false",
    "ALTER TABLE turns ALTER COLUMN answer DROP NOT NULL",
    "ALTER TABLE turns NO FORCE ROW LEVEL SECURITY",
    "CREATE TABLE own (a int); ALTER TABLE own ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    "CREATE TABLE own (a int NOT NULL); CREATE UNIQUE INDEX one ON own (a); INSERT INTO own VALUES (1)",
    "CREATE TABLE own (a int); CREATE POLICY p ON own AS RESTRICTIVE FOR SELECT USING (true)",
    "CREATE INDEX quick ON turns (question)",
    "CREATE POLICY more ON turns FOR SELECT USING (true)",
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP TABLE turns; $$; REVOKE ALL ON FUNCTION f() FROM PUBLIC",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; GRANT a TO b",
    "ALTER TYPE mood ADD VALUE 'calm'",
    "GRANT SELECT ON turns TO consilium_app",
    "DO $$ BEGIN EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', 'f()'); END $$",
    "-- compatible: nobody has used it since 0.3\nDROP TABLE turns",
    "-- Why it is.\n-- compatible: nobody\n-- has used it.\nDROP TABLE turns;\nCREATE TABLE own (a int)",
]


@pytest.mark.parametrize("script", sorted(VERSIONS.glob("*.up.sql")), ids=lambda script: script.name[:4])
def test_each_migration_is_marked_and_takes_nothing_away_before_the_restart(script: Path) -> None:
    migration = read_migration(script)
    assert migration.summary
    assert script.with_name(script.name.replace(".up.", ".down.")).exists()
    if migration.stage is Stage.BEFORE:
        assert violations(script.read_text("utf-8")) == []


@pytest.mark.parametrize("script", BREAKING)
def test_what_older_programs_would_not_bear_is_found(script: str) -> None:
    assert violations(script) != []
    assert violations(f"CREATE TABLE other (a int);\n{script};\nGRANT a TO b;") != []


@pytest.mark.parametrize("script", ADDING)
def test_what_only_adds_is_let_through(script: str) -> None:
    assert violations(script) == []


def test_a_quoted_semicolon_ends_nothing() -> None:
    script = "COMMENT ON TABLE a IS 'x; y -- z'; CREATE TABLE \"a;b\" (c int)"
    assert [each.text for each in split_statements(script)] == [
        "COMMENT ON TABLE a IS 'x; y -- z'", 'CREATE TABLE "a;b" (c int)',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "head", ["", "-- before\n", "-- stage: later\n", "\n-- stage: before\n", "CREATE TABLE a ();\n"]
)
def test_a_migration_without_a_mark_is_refused(tmp_path: Path, head: str) -> None:
    (tmp_path / "0099_new.up.sql").write_text(f"{head}CREATE TABLE b ();\n", encoding="utf-8")
    with pytest.raises(UnmarkedMigration, match="0099_new"):
        read_migration(tmp_path / "0099_new.up.sql")


def test_the_numbers_follow_from_the_marks() -> None:
    assert [migration.revision for migration in migrations()] == list(REVISIONS[1:])
    assert newest_contraction("base") == "base"
    contracting = [migration.revision for migration in migrations() if migration.stage is Stage.AFTER]
    assert newest_contraction(REVISIONS[-1]) == contracting[-1]
    assert newest_contraction(contracting[0]) == contracting[0]
    expanding = [migration.revision for migration in migrations() if migration.stage is Stage.BEFORE]
    assert required_revision() == expanding[-1]
