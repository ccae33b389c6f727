-- The roles and the database of docs/how-to/use-your-own-postgres.md and docs/how-to/backup.md. The image of Postgres runs
-- it once, as the superuser, when it makes its data folder; psql reads the passwords from the environment.
\getenv owner_password DB_OWNER_PASSWORD
\getenv login_password DB_LOGIN_PASSWORD
\getenv backup_password DB_BACKUP_PASSWORD

CREATE ROLE consilium_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
CREATE ROLE consilium_owner LOGIN PASSWORD :'owner_password';
GRANT consilium_app TO consilium_owner WITH INHERIT FALSE, SET TRUE;
CREATE ROLE consilium_login LOGIN PASSWORD :'login_password';
GRANT consilium_app TO consilium_login WITH INHERIT TRUE, SET TRUE;
CREATE ROLE consilium_backup LOGIN PASSWORD :'backup_password' BYPASSRLS;
GRANT pg_read_all_data TO consilium_backup;

CREATE DATABASE consilium OWNER consilium_owner;
\connect consilium
CREATE EXTENSION vector;
