"""Replays files of test vectors: ``python -m tests.vectors FILE...``.

A part of the product takes part with a module in this folder that has one or both of::

    AREAS: dict[str, Callable[[Case], Any]]                # schema of saturation.yaml: by `area`
    OPS: dict[tuple[str, str], Callable[[Case], Any]]      # schema of queueing.yaml: by (`group`, `op`)

A ``Case`` is the case as it stands in the file, plus ``case["compat"]`` (``"exact"`` or ``"corrected"``) and
``case["defaults"]`` (of the file, else those of the schema). Its inputs are ``case["in"]``, ``case["input"]`` or, for
(queueing_model_analyzer, ...), ``case["data"]``; a row of the CSV comes as a case of ("queueing", "size").

The function only translates: it calls ``wva_exporter`` and returns its answers under the names of the schema, a mapping or,
where the expectation is one number, that number. It returns everything that the schema can ask of it: a listed key that the
answer lacks is a failure. A refusal is the answer ``{"error": "stage: text"}`` with what is known beside it. Which values of a
case are compared, and how closely, is not its business but that of ``wants`` and ``queueing_wants``.

Modules here import each other relatively: the folder is ``tests.vectors`` for the command and ``vectors`` for pytest.
"""
