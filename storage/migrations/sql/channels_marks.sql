CREATE FUNCTION channel_stock_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO channel_stock_marks (sku) VALUES (
        CASE TG_TABLE_NAME WHEN 'skus' THEN to_jsonb(NEW) ->> 'sku'
                           WHEN 'bundle_components' THEN to_jsonb(coalesce(NEW, OLD)) ->> 'bundle' END);
    RETURN NULL;
END $$;
CREATE TRIGGER skus_mark_new AFTER INSERT ON skus
    FOR EACH ROW EXECUTE FUNCTION channel_stock_mark();
CREATE TRIGGER skus_mark_changed AFTER UPDATE OF backorder_max ON skus
    FOR EACH ROW WHEN (OLD.backorder_max <> NEW.backorder_max) EXECUTE FUNCTION channel_stock_mark();
CREATE TRIGGER locations_mark_changed AFTER UPDATE OF active ON locations
    FOR EACH ROW WHEN (OLD.active <> NEW.active) EXECUTE FUNCTION channel_stock_mark();
CREATE TRIGGER bundle_components_mark AFTER INSERT OR UPDATE OR DELETE ON bundle_components
    FOR EACH ROW EXECUTE FUNCTION channel_stock_mark();
CREATE TRIGGER selling_rules_mark AFTER INSERT ON selling_rules
    FOR EACH STATEMENT EXECUTE FUNCTION channel_stock_mark();
