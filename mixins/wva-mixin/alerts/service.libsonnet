// Do users notice?
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local signals = [
    { name: 'Ttft', record: 'ttft', what: 'time to first token' },
    { name: 'Itl', record: 'itl', what: 'inter-token latency' },
  ];
  // Both windows: the long one says that it matters, the short one that it still goes on (SRE workbook, chapter 5).
  local burns(signal, long, short, factor) =
    'model:wva_%(s)s_burn:ratio_rate%(long)s > %(f)s\nand\nmodel:wva_%(s)s_burn:ratio_rate%(short)s > %(f)s'
    % { s: signal.record, long: long, short: short, f: q.number(factor) };

  std.flattenArrays([
    [
      {
        name: 'WVA%sBudgetBurnsFast' % signal.name,
        severity: 'critical',
        minutes: 2,
        expr: burns(signal, '1h', '5m', 14.4),
        summary: 'The error budget of %s burns fast.' % signal.what,
        description: 'Model {{ $labels.model_name }} in {{ $labels.namespace }} misses its %s {{ $value | humanize }} times as often as its objective allows; a budget of 30 days is gone in 2.' % signal.what,
      },
      {
        name: 'WVA%sBudgetBurnsSlowly' % signal.name,
        severity: 'warning',
        minutes: 15,
        expr: burns(signal, '6h', '30m', 6),
        summary: 'The error budget of %s burns.' % signal.what,
        description: 'Model {{ $labels.model_name }} in {{ $labels.namespace }} misses its %s {{ $value | humanize }} times as often as its objective allows; a budget of 30 days is gone in 5.' % signal.what,
      },
    ]
    for signal in signals
  ]) + [
    {
      name: 'WVAObjectiveNotMeasured',
      severity: 'warning',
      minutes: 15,
      expr: std.join('or\n', [
        |||
          label_replace(
            model:wva_%(s)s_observed:rate > 0
            unless model:wva_%(s)s_slow:ratio_rate5m,
            "signal", "%(s)s", "", "")
        ||| % { s: signal.record }
        for signal in signals
      ]),
      summary: 'A latency objective is not measured.',
      description: 'Requests of model {{ $labels.model_name }} in {{ $labels.namespace }} are timed, but no engine of it has a histogram bucket at the objective for {{ $labels.signal }}: no alert about its error budget can fire.',
    },
    {
      name: 'WVAQueueGrowing',
      severity: 'warning',
      minutes: 5,
      expr: |||
        deriv(%(queue)s) > 0
        and
        model:wva_requests_waiting:sum > %(threshold)s * model:wva_replicas_live:count
      ||| % {
        queue: q.over('model:wva_requests_waiting:sum', config.longWindowSeconds),
        threshold: q.number(config.thresholds.queue),
      },
      summary: 'The queue of a model grows.',
      description: 'More than %s requests a replica of {{ $labels.model_name }} in {{ $labels.namespace }} wait, and it grows by {{ $value | humanize }} requests a second.' % q.number(config.thresholds.queue),
    },
    {
      name: 'WVAAllReplicasSaturated',
      severity: 'critical',
      minutes: 10,
      expr: 'model:wva_replicas_saturated:sum == model:wva_replicas_live:count',
      summary: 'Every replica of a model is saturated.',
      description: 'All {{ $value }} replicas of {{ $labels.model_name }} in {{ $labels.namespace }} are saturated for 10 minutes: more are not coming, or not enough.',
    },
  ]
