"""One YAML file, validated, as frozen settings: ``load.load`` is the way in, ``schema.Settings`` what comes out."""
