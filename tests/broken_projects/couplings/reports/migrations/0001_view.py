from django.db import migrations

VIEW = "CREATE VIEW summary AS SELECT * FROM orders_orderline"  # C
CLEANING = "DELETE FROM catalogue_product"  # decoy: done once
TRIGGER = "CREATE TRIGGER t AFTER UPDATE ON suppliers_supplier EXECUTE FUNCTION f()"  # C


class Migration(migrations.Migration):
    operations = [migrations.RunSQL(each) for each in (VIEW, CLEANING, TRIGGER)]
