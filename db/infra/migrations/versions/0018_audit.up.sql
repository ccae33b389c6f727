-- stage: before
-- Who did what that matters to others: access rules, linked accounts, exports, deletions. No texts. `actor` is a person's
-- id and no reference: when the person is deleted, it says nothing about anybody any more, and the entry stays.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor uuid NOT NULL,
    action text NOT NULL,
    -- What it was done to, in the operator's terms: an access rule, another person's id.
    subject text NOT NULL DEFAULT ''
);
CREATE INDEX audit_log_actor ON audit_log (actor);

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON audit_log USING (actor = current_person()) WITH CHECK (actor = current_person());
-- Added to and read; never changed.
GRANT SELECT, INSERT ON audit_log TO consilium_app;

CREATE POLICY overseen ON audit_log FOR SELECT TO CURRENT_USER USING (current_setting('app.overseeing', true) = 'audit');

CREATE FUNCTION read_audit_log(most integer) RETURNS SETOF audit_log
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.overseeing', 'audit', true);
    RETURN QUERY SELECT * FROM public.audit_log AS a ORDER BY a.id DESC LIMIT greatest(most, 0);
    PERFORM set_config('app.overseeing', '', true);
END
$$;
REVOKE ALL ON FUNCTION read_audit_log(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_audit_log(integer) TO consilium_app;
