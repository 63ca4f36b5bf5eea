// What the fleet costs, who spends it, and what comes back for it.
local g = import '../lib/grafana.libsonnet';

function(parts)
  local c = parts.cost, l = parts.load, d = parts.decisions;
  local config = parts.config, p = parts.panels;
  local budget = config.costBudgetPerHour;
  local money(title, description, query, decimals=2, steps={}) = g.stat({
    title: title,
    description: description,
    unit: config.currencyUnit,
    decimals: decimals,
    queries: [g.query(query, title)],
  } + steps);
  local over(title, description, query, legend) = g.lines({
    title: title,
    description: description,
    unit: config.currencyUnit,
    min: 0,
    stacked: true,
    interpolation: 'stepAfter',
    queries: [g.query(query, legend)],
  });

  local now = [
    money('Per hour, running', 'What the replicas that exist cost an hour.', c.running, steps=(
      if budget == null then {} else { steps: g.steps([[budget * 0.9, 'orange'], [budget, 'red']]) }
    )),
    money('Per hour, wanted', 'What the replicas that targets ask for cost an hour.', c.wanted),
    money('Per hour, safe count', 'What the counts of wva:desired_replicas:safe cost an hour: what scalers follow without the exporter.', c.safe),
    money('Per month at this pace', '730 hours like this one.', c.perMonth, 0),
    money('Spent in this period', 'The sum over the period that is shown.', c.spent),
    money('Dearest request', 'Cost per finished request of the model where it is highest.', c.dearestRequest, 6),
    money('Dearest million tokens', 'Cost per million tokens, read and written, of the model where it is highest.', c.dearestMillionTokens, 3),
    g.stat({
      title: 'Models without a cost',
      description: 'Models with a variant of which no cost is configured. It is in no sum here.',
      unit: 'short',
      steps: g.steps([[1, 'orange']]),
      queries: [g.query(c.unknown, 'models')],
    }),
  ];

  local fleet = [
    g.lines({
      title: 'Cost per hour: running and wanted',
      description: 'Running above wanted: replicas that are to go. Wanted above running: replicas that are to come' + (
        '. The budget, if there is one, is the dashed red line.'
      ),
      w: 12,
      unit: config.currencyUnit,
      min: 0,
      interpolation: 'stepAfter',
      queries: [g.query(c.running, 'running'), g.query(c.wanted, 'wanted')]
               + [g.query(c.limit, 'budget')],
      overrides: [g.dashed('wanted'), g.limit('budget')],
    }),
    over('Cost per hour by model', 'Of the replicas that exist.', c.byModel, '{{namespace}}/{{model_name}}') { gridPos+: { w: 12 } },
    over('Cost per hour by variant', 'Of the replicas that exist.', c.byVariant, '{{namespace}}/{{variant_name}}'),
    over('Cost per hour by accelerator', 'Of the replicas that exist.', c.byAccelerator, '{{accelerator_type}}'),
    over('Cost per hour by namespace', 'Of the replicas that exist.', c.byNamespace, '{{namespace}}'),
  ];

  local line(title, description, query, decimals) = g.lines({
    title: title,
    description: description,
    unit: config.currencyUnit,
    decimals: decimals,
    min: 0,
    queries: [g.query(query, '{{namespace}}/{{model_name}}')],
  });
  local returns = [
    line('Cost per request', 'Falls as replicas are better filled. Rises at night where a minimum keeps replicas idle.', c.perRequest, 6),
    line('Cost per million tokens', 'Tokens read and written. Compare with what a provider asks.', c.perMillionTokens, 3),
    line('Cost per hour of unused KV cache', 'Cost times the share of the KV cache that is free: headroom in money. Some of it is the reserve that keeps latency within its objective.', c.unused, 2),
  ];

  local models = g.table({
    title: 'Models',
    description: 'What each model costs and serves. "Spent" is the sum over the period that is shown.',
    h: 7,
    keys: { namespace: 'Namespace', model_name: 'Model' },
    order: ['Model'],
    last: ['Namespace'],
    sortBy: 'Per hour',
    columns: [
      { name: 'Per hour', expr: c.byModel, cells: { unit: config.currencyUnit, decimals: 2 } },
      { name: 'Spent', expr: c.spentByModel, cells: { unit: config.currencyUnit, decimals: 2 } },
      { name: 'Per request', expr: c.perRequest, cells: { unit: config.currencyUnit, decimals: 6 } },
      { name: 'Per million tokens', expr: c.perMillionTokens, cells: { unit: config.currencyUnit, decimals: 3 } },
      { name: 'Requests', expr: l.finished, cells: { unit: 'reqps', decimals: 1 } },
      { name: 'Replicas', expr: d.runningOfModel, cells: { unit: 'short', decimals: 0 } },
      { name: 'KV cache', expr: l.kvOfModel, cells: { unit: 'percentunit', decimals: 0 } },
    ],
    overrides: [p.toModel],
  });

  p.dashboard({
    file: 'wva-economics.json',
    title: 'Economics',
    description: 'What the fleet costs, who spends it, and what comes back for it.',
    from: '24h',
    variables: parts.variables.fleet,
    rows: [
      g.row('Now', now),
      g.row('Who spends it', fleet),
      g.row('What comes back', returns + [models]),
    ],
  })
