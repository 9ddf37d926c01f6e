CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER money_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON money
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER addresses_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON addresses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- refunds never exceed what was captured
CREATE FUNCTION money_within_captured() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE captured bigint; refunded bigint;
BEGIN
    PERFORM 1 FROM orders WHERE order_id = NEW.order_id FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'captured'), 0),
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'refunded'), 0)
      INTO captured, refunded FROM money WHERE order_id = NEW.order_id;
    IF refunded > captured THEN
        RAISE EXCEPTION 'refunds % exceed captured %', refunded, captured
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER money_refunds AFTER INSERT ON money
    FOR EACH ROW WHEN (NEW.kind = 'refunded') EXECUTE FUNCTION money_within_captured();
