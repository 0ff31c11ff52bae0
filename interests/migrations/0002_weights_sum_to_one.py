from django.db import migrations

FUNCTION = """
CREATE FUNCTION recsite_total(numbers float8[]) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT sum(n) FROM unnest(numbers) AS n';
ALTER TABLE interests_intereststate ADD CONSTRAINT interest_weights_sum_to_one
CHECK (abs(recsite_total(weights) - 1) < 1e-6);
"""
UNDO = """
ALTER TABLE interests_intereststate DROP CONSTRAINT interest_weights_sum_to_one;
DROP FUNCTION recsite_total(float8[]);
"""


class Migration(migrations.Migration):
    dependencies = [("interests", "0001_tables")]

    operations = [migrations.RunSQL(FUNCTION, UNDO)]
