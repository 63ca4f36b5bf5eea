// Time to first token (TTFT) and inter-token latency (ITL) of each model, and how fast their error budgets burn.
local engines = import '../lib/engines.libsonnet';

function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local native = config.histogram == 'native';
  local model = q.by(q.model);

  local signals = [
    { name: 'ttft', series: engines.ttft, seconds: config.slo.ttftSeconds },
    { name: 'itl', series: engines.itl, seconds: config.slo.itlSeconds },
  ];
  // Observations per second of the first name that a model has.
  local rates(signal, suffix, by, seconds, matcher='') = q.first([
    'sum %s (rate(%s))' % [by, q.over(q.vllm(name + suffix, matcher), seconds)]
    for name in signal.series
  ], q.model);
  local histogram(signal, seconds) =
    if native then rates(signal, '', model, seconds)
    else rates(signal, '_bucket', q.by(q.model + ['le']), seconds);

  local quantile(signal, share) = q.rule(
    'model:wva_%s_seconds:quantile' % signal.name,
    'histogram_quantile(%s,\n%s\n)' % [q.number(share), q.indented(histogram(signal, config.windowSeconds))],
    { quantile: q.number(share) }
  );
  // The share of observations above the objective's bound; absent where nothing was observed.
  local slow(signal, window) =
    local seconds = { '5m': 300, '30m': 1800, '1h': 3600, '6h': 21600 }[window];
    q.rule(
      'model:wva_%s_slow:ratio_rate%s' % [signal.name, window],
      if native then '1 - histogram_fraction(0, %s,\n%s\n)' % [q.number(signal.seconds), q.indented(histogram(signal, seconds))]
      else '1 - (\n%s\n)\n/ (\n(\n%s\n) > 0)' % [
        q.indented(rates(signal, '_bucket', model, seconds, q.bound(signal.seconds))),
        q.indented(rates(signal, '_count', model, seconds)),
      ]
    );
  // How many times faster than allowed the error budget is spent: 1 spends it exactly.
  local burn(signal, window) = q.rule(
    'model:wva_%s_burn:ratio_rate%s' % [signal.name, window],
    'model:wva_%s_slow:ratio_rate%s / (1 - %s)' % [signal.name, window, q.number(config.slo.objective)],
  );

  std.flattenArrays([
    [quantile(signal, share) for share in [0.5, 0.95, 0.99]]
    + std.flattenArrays([[slow(signal, window), burn(signal, window)] for window in ['5m', '30m', '1h', '6h']])
    for signal in signals
  ])
