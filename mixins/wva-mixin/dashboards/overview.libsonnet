// Is anything held, short, at its maximum, failing, too dear, and why? From left to right and from top to bottom.
local g = import '../lib/grafana.libsonnet';

function(parts)
  local d = parts.decisions, l = parts.load, s = parts.service, c = parts.cost;
  local config = parts.config, p = parts.panels;
  local t = config.thresholds;
  local alarming(colour='red') = g.steps([[1, colour]]);
  local budget = config.costBudgetPerHour;

  local state = [
    p.decisionAge,
    g.stat({
      title: 'Alerts firing',
      description: 'Alerts of this mixin that fire now, in the whole fleet. Nothing is shown where the rules are not evaluated.',
      unit: 'short',
      steps: alarming(),
      queries: [g.query(d.firing, 'firing')],
    }),
    p.held,
    g.stat({
      title: 'Without a target',
      description: 'Variants whose target was withdrawn: their data were missing for longer than the hold time, and their scaler stays where it is.',
      unit: 'short',
      steps: alarming(),
      queries: [g.query(d.withdrawn, 'withdrawn')],
    }),
    g.stat({
      title: 'Replicas missing',
      description: 'Replicas that an HPA should have made of the targets by now and that do not serve: they start, find no node, or nobody follows the target.',
      unit: 'short',
      steps: alarming('orange'),
      queries: [g.query(d.missing, 'missing')],
    }),
    g.stat({
      title: 'At maximum, short',
      description: 'Variants at the maximum of their HPA while their model lacks capacity. Raise the maximum or add hardware.',
      unit: 'short',
      steps: alarming(),
      queries: [g.query(d.atMaximum, 'at maximum')],
    }),
    g.stat({
      title: 'Models missing SLO',
      description: 'Models that were slower than an objective of latency allows, over the last 5 minutes.',
      unit: 'short',
      steps: alarming(),
      queries: [g.query(s.missed, 'models')],
    }),
    g.stat({
      title: 'Cost per hour',
      description: 'What the replicas that exist cost an hour' + (
        if budget == null then '. No budget is configured.' else ', against a budget of %g.' % budget
      ),
      unit: config.currencyUnit,
      decimals: 2,
      [if budget != null then 'steps']: g.steps([[budget * 0.9, 'orange'], [budget, 'red']]),
      queries: [g.query(c.running, 'running')],
    }),
  ];

  local variants = g.table({
    title: 'Variants',
    description: 'Every variant with what was decided, what exists, and whether the target was decided on good data or is held for a reason. Click a variant or a model to look into it.',
    h: 9,
    keys: { namespace: 'Namespace', variant_name: 'Variant', model_name: 'Model', reason: 'Decision' },
    order: ['Variant', 'Decision'],
    sortBy: 'Missing',
    columns: [
      { name: 'Wanted', expr: d.wanted },
      { name: 'Running', expr: d.running },
      { name: 'Ready', expr: d.ready },
      { name: 'Missing', expr: d.missingOfVariant, cells: {
        thresholds: alarming('orange'),
        'custom.cellOptions': p.colouredText,
      } },
      { name: 'Max', expr: d.maximum },
      { name: 'KV cache', expr: l.kvPeakOfVariant, cells: {
        unit: 'percentunit',
        decimals: 0,
        thresholds: g.steps([[t.kvCache - t.kvSpare, 'orange'], [t.kvCache, 'red']]),
        'custom.cellOptions': p.colouredText,
      } },
      { name: 'Waiting', expr: l.waitingOfVariant, cells: {
        thresholds: g.steps([[1, 'orange'], [t.queue, 'red']]),
        'custom.cellOptions': p.colouredText,
      } },
      { name: 'Cost/h', expr: c.ofVariant, cells: { unit: config.currencyUnit, decimals: 2 } },
      { name: 'Held', expr: d.reasons, hidden: true },
      { name: 'Rank', expr: d.rank },
    ],
    last: ['Model', 'Namespace'],
    overrides: [
      p.toVariant,
      p.toModel,
      g.column('Decision', {
        mappings: [{ type: 'value', options: { none: { text: 'on good data', color: 'green', index: 0 } } }],
        'custom.cellOptions': p.colouredText,
        thresholds: g.steps([], 'orange'),
      }),
    ],
  });

  local decisions = [
    g.counts({
      title: 'Replicas of the fleet',
      description: 'What targets ask for, what exists, and what is ready to serve. Wanted above ready for longer than a start-up takes: see "Replicas missing".',
      queries: [
        g.query(d.wantedOfFleet, 'wanted'),
        g.query(d.runningOfFleet, 'running'),
        g.query(d.readyOfFleet, 'ready'),
      ],
      overrides: [g.dashed('wanted')],
    }),
    p.reasons,
    g.states({
      title: 'Alerts',
      description: 'Alerts of this mixin, pending and firing. Each has a section in docs/runbooks.md.',
      words: { '0': ['silent', 'green'], '1': ['pending', 'orange'], '2': ['firing', 'red'] },
      steps: g.steps([[1, 'orange'], [2, 'red']]),
      queries: [g.query(d.alerts, '{{alertname}}')],
    }),
  ];

  local saturation = [
    g.lines({
      title: 'KV cache in use by model',
      description: 'Mean over replicas of the peak within the window. At the dashed line a replica counts as full.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      steps: g.steps([[t.kvCache, 'red']]),
      showLimits: true,
      queries: [g.query(l.kvOfModel, '{{namespace}}/{{model_name}}')],
    }),
    g.lines({
      title: 'Requests that wait by model',
      description: 'In the queues of the engines. A queue that grows means that capacity is short.',
      unit: 'short',
      min: 0,
      queries: [g.query(l.waitingOfModel, '{{namespace}}/{{model_name}}')],
    }),
    g.lines({
      title: 'Requests asked for and served',
      description: 'Arrivals by flow balance (what leaves, and by how much what is inside grows) and finished requests. Offered above served: the fleet falls behind.',
      unit: 'reqps',
      min: 0,
      queries: [g.query(l.offeredOfFleet, 'offered'), g.query(l.finishedOfFleet, 'served')],
    }),
  ];

  local slo = config.slo;
  local service = [
    p.latency(
      'Time to first token, p95',
      'Of each model. Above the dashed line the objective of %g s is missed.' % slo.ttftSeconds,
      slo.ttftSeconds,
      [g.query(s.ttft('0.95'), '{{namespace}}/{{model_name}}')],
    ),
    p.latency(
      'Inter-token latency, p95',
      'Of each model. Above the dashed line the objective of %g s is missed.' % slo.itlSeconds,
      slo.itlSeconds,
      [g.query(s.itl('0.95'), '{{namespace}}/{{model_name}}')],
    ),
    p.burn('Error budget burn, worst signal', 'the worse of both latencies', [g.query(s.worstBurn('1h'), '{{namespace}}/{{model_name}}')]),
  ];

  local cost = [
    g.lines({
      title: 'Cost per hour',
      description: 'Of the replicas that exist, of those wanted, and the budget if there is one.',
      unit: config.currencyUnit,
      min: 0,
      interpolation: 'stepAfter',
      queries: [g.query(c.running, 'running'), g.query(c.wanted, 'wanted')]
               + [g.query(c.limit, 'budget')],
      overrides: [g.dashed('wanted'), g.limit('budget')],
    }),
    p.changes,
    g.lines({
      title: 'GPUs of nodes and of pods',
      description: 'What nodes could give and what pods asked for, by kube-state-metrics. Where both meet, no replica finds a place. Optional: needs kube_node_status_allocatable and kube_pod_container_resource_requests.',
      unit: 'short',
      decimals: 0,
      min: 0,
      queries: [
        g.query(parts.optional.gpusOfNodes, '{{resource}} of nodes'),
        g.query(parts.optional.gpusOfPods, '{{resource}} asked for'),
      ],
      overrides: [g.limit('.* of nodes')],
    }),
  ];

  p.dashboard({
    file: 'wva-overview.json',
    title: 'Overview',
    description: 'Is anything held, short, at its maximum, failing or too dear, and why.',
    variables: parts.variables.fleet,
    rows: [
      g.row('Is anything wrong?', state + [variants]),
      g.row('Decisions', decisions),
      g.row('Saturation', saturation),
      g.row('Service', service),
      g.row('Cost and hardware', cost),
    ],
  })
