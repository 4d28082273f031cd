"""Titles in scripts without spaces are found by their middles."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

FUNCTION = r"""
CREATE OR REPLACE FUNCTION changes_pieces(title text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN title ~ '[{0}]' THEN (
    SELECT array_agg(DISTINCT substr(run[1], start, length))
    FROM regexp_matches(title, '[{0}]+', 'g') AS run,
      generate_series(1, 2) AS length,
      generate_series(1, char_length(run[1]) - length + 1) AS start
  ) ELSE '{{}}' END
$$
"""
UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
"""As in ``changes.searching``; a test compares them."""


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('changes', '0007_expired_links')]

    operations = [
        migrations.RunSQL(
            FUNCTION.format(UNSPACED), 'DROP FUNCTION IF EXISTS changes_pieces(text)'
        ),
        AddIndexConcurrently(
            model_name='change',
            index=django.contrib.postgres.indexes.GinIndex(
                models.Func('title', function='changes_pieces'),
                name='changes_change_pieces',
            ),
        ),
    ]
