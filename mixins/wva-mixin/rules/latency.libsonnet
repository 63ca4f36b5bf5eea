// Time to first token (TTFT) and inter-token latency (ITL) of each model, and how fast their error budgets burn.
local engines = (import '../lib/engines.libsonnet').engines;

function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local native = config.histogram == 'native';
  local windows = { '5m': 300, '30m': 1800, '1h': 3600, '6h': 21600 };

  // Observations per second: of all engines, or of one.
  local rates(signal, suffix, seconds, matcher='', only=engines) = q.first([
    'rate(%s)' % q.over(q.engine(name + suffix, matcher), seconds)
    for engine in only
    for name in engine[signal]
  ], q.target);
  local sum(labels, expr) = 'sum %s (\n%s\n)' % [q.by(labels), q.indented(expr)];

  // Engines have buckets of their own, which do not add up: where a model has several, the slowest speaks.
  local buckets(signal) = std.join('\nor\n', [
    'label_replace(\n%s,\n  "engine_type", "%s", "", "")' % [
      q.indented(sum(q.model + ['le'], rates(signal, '_bucket', config.windowSeconds, only=[engine]))),
      engine.name,
    ]
    for engine in engines
  ]);
  local quantile(signal, share) = q.rule(
    'model:wva_%s_seconds:quantile' % signal,
    if native then 'histogram_quantile(%s,\n%s\n)' % [
      q.number(share),
      q.indented(sum(q.model, rates(signal, '', config.windowSeconds))),
    ]
    else 'max %s (\n  histogram_quantile(%s,\n%s\n  )\n)' % [
      q.by(q.model),
      q.number(share),
      q.indented(q.indented(buckets(signal))),
    ],
    { quantile: q.number(share) }
  );

  local observed(signal) = q.rule(
    'model:wva_%s_observed:rate' % signal,
    if native then 'histogram_count(%s)' % sum(q.model, rates(signal, '', config.windowSeconds))
    else sum(q.model, rates(signal, '_count', config.windowSeconds)),
  );

  // The share of observations above the objective's bound, of engines that have a bucket there; absent where nothing was
  // observed.
  local slow(signal, bound, window) =
    local seconds = windows[window];
    local fast = rates(signal, '_bucket', seconds, q.bound(bound));
    q.rule(
      'model:wva_%s_slow:ratio_rate%s' % [signal, window],
      if native then '1 - histogram_fraction(0, %s,\n%s\n)' % [
        q.number(bound),
        q.indented(sum(q.model, rates(signal, '', seconds))),
      ]
      else '1 -\n%s\n/ (\n%s > 0\n)' % [
        sum(q.model, fast),
        q.indented(sum(q.model, '(\n%s\n)\nand %s (\n%s\n)' % [
          q.indented(rates(signal, '_count', seconds)),
          q.on(q.target),
          q.indented(fast),
        ])),
      ],
    );
  // How many times faster than allowed the error budget is spent: 1 spends it exactly.
  local burn(signal, window) = q.rule(
    'model:wva_%s_burn:ratio_rate%s' % [signal, window],
    'model:wva_%s_slow:ratio_rate%s / (1 - %s)' % [signal, window, q.number(config.slo.objective)],
  );

  std.flattenArrays([
    [quantile(signal.name, share) for share in [0.5, 0.95, 0.99]]
    + [observed(signal.name)]
    + std.flattenArrays([
      [slow(signal.name, signal.bound, window), burn(signal.name, window)]
      for window in ['5m', '30m', '1h', '6h']
    ])
    for signal in [{ name: 'ttft', bound: config.slo.ttftSeconds }, { name: 'itl', bound: config.slo.itlSeconds }]
  ])
