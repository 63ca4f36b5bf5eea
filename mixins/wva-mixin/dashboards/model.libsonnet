// One model: do its users get what was promised, is there capacity for what is asked, and why is it what it is?
local g = import '../lib/grafana.libsonnet';

function(parts)
  local d = parts.decisions, l = parts.load, s = parts.service, c = parts.cost, e = parts.exporter;
  local config = parts.config, p = parts.panels;
  local t = config.thresholds, slo = config.slo;

  local now = [
    g.stat({
      title: 'TTFT, p95',
      description: 'Time to first token that 95 %% of requests stay below. Objective: %g s.' % slo.ttftSeconds,
      unit: 's',
      decimals: 2,
      steps: g.steps([[slo.ttftSeconds * 0.8, 'orange'], [slo.ttftSeconds, 'red']]),
      queries: [g.query(s.ttft('0.95'), 'p95')],
    }),
    g.stat({
      title: 'ITL, p95',
      description: 'Inter-token latency that 95 %% of gaps stay below. Objective: %g s.' % slo.itlSeconds,
      unit: 's',
      decimals: 3,
      steps: g.steps([[slo.itlSeconds * 0.8, 'orange'], [slo.itlSeconds, 'red']]),
      queries: [g.query(s.itl('0.95'), 'p95')],
    }),
    g.stat({
      title: 'Offered',
      description: 'Requests that arrive each second, by flow balance.',
      unit: 'reqps',
      decimals: 1,
      queries: [g.query(l.offered, 'offered')],
    }),
    g.stat({
      title: 'Waiting',
      description: 'Requests in the queues of the engines now.',
      unit: 'short',
      steps: g.steps([[1, 'orange'], [t.queue, 'red']]),
      queries: [g.query(l.waitingOfModel, 'waiting')],
    }),
    g.stat({
      title: 'KV cache, mean',
      description: 'Mean over replicas of the share of the KV cache in use. At %g a replica is full.' % t.kvCache,
      unit: 'percentunit',
      decimals: 0,
      steps: g.steps([[t.kvCache - t.kvSpare, 'orange'], [t.kvCache, 'red']]),
      queries: [g.query(l.kvOfModel, 'mean')],
    }),
    g.stat({
      title: 'Wanted and running',
      description: 'Replicas of all variants of the model.',
      unit: 'short',
      queries: [g.query(d.wantedOfModel, 'wanted'), g.query(d.runningOfModel, 'running')],
    }),
    p.held,
    g.stat({
      title: 'Cost per request',
      description: 'What the replicas that exist cost, divided by finished requests.',
      unit: config.currencyUnit,
      decimals: 6,
      queries: [g.query(c.perRequest, 'per request')],
    }),
  ];

  local quantiles(of) = [
    g.query(of('0.5'), 'p50'),
    g.query(of('0.95'), 'p95'),
    g.query(of('0.99'), 'p99'),
  ];
  local burns(of) = [g.query(of(window), window) for window in ['5m', '1h', '6h']];
  local service = [
    p.latency('Time to first token', 'Half, 95 % and 99 % of requests are faster. The dashed line is the objective.', slo.ttftSeconds, quantiles(s.ttft)) { gridPos+: { w: 12 } },
    p.latency('Inter-token latency', 'Half, 95 % and 99 % of gaps between tokens are shorter. The dashed line is the objective.', slo.itlSeconds, quantiles(s.itl)) { gridPos+: { w: 12 } },
    p.burn('TTFT error budget burn', 'time to first token', burns(s.ttftBurn)) { gridPos+: { w: 12 } },
    p.burn('ITL error budget burn', 'inter-token latency', burns(s.itlBurn)) { gridPos+: { w: 12 } },
  ];

  local demand = [
    g.lines({
      title: 'Requests asked for and served',
      description: 'Arrivals by flow balance and finished requests. Offered above served: the model falls behind.',
      unit: 'reqps',
      min: 0,
      queries: [g.query(l.offered, 'offered'), g.query(l.finished, 'served')],
    }),
    g.lines({
      title: 'Where requests are',
      description: 'In the batches of the engines, in their queues, and held by the router (if there is one).',
      unit: 'short',
      min: 0,
      stacked: true,
      queries: [
        g.query(l.inBatchOfModel, 'in a batch'),
        g.query(l.waitingOfModel, 'waiting at an engine'),
        g.query(l.queueAtRouter, 'held by the router'),
      ],
    }),
    g.lines({
      title: 'Tokens',
      description: 'Tokens read and written each second.',
      unit: 'short',
      min: 0,
      queries: [g.query(l.promptTokens, 'prompt'), g.query(l.generationTokens, 'generated')],
    }),
    g.lines({
      title: 'KV cache: used and there',
      description: 'Tokens resident in the KV caches of the model, and how many they can hold.',
      unit: 'short',
      min: 0,
      queries: [g.query(l.tokensUsedOfModel, 'used'), g.query(l.tokensCapacityOfModel, 'capacity')],
      overrides: [g.limit('capacity')],
    }),
    g.lines({
      title: 'Free KV cache of a replica',
      description: 'Mean share below the threshold, now and after one replica is taken away. Below the dashed line the model grows; with the second above it, it may shrink.',
      unit: 'percentunit',
      steps: g.steps([[t.kvSpare, 'red']]),
      showLimits: true,
      queries: [g.query(l.kvSpare, 'free ({{role}})'), g.query(l.kvSpareWithoutOne, 'free with one replica fewer ({{role}})')],
    }),
    g.lines({
      title: 'Free queue places of a replica',
      description: 'Mean places below the threshold, now and after one replica is taken away. Below the dashed line the model grows.',
      unit: 'short',
      steps: g.steps([[t.queueSpare, 'red']]),
      showLimits: true,
      queries: [g.query(l.queueSpare, 'free ({{role}})'), g.query(l.queueSpareWithoutOne, 'free with one replica fewer ({{role}})')],
    }),
  ];

  local why = [
    g.counts({
      title: 'Replicas wanted by variant',
      description: 'The targets. The cheapest variant that can grow grows first, the dearest shrinks first.',
      stacked: true,
      queries: [g.query(d.wanted, '{{variant_name}}')],
    }),
    g.counts({
      title: 'Replicas running by variant',
      description: 'Replicas that exist, ready or not.',
      stacked: true,
      queries: [g.query(d.running, '{{variant_name}}')],
    }),
    p.reasons,
    g.lines({
      title: 'Full replicas',
      description: 'Share of the replicas whose KV cache or queue is at its threshold.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [g.query(l.saturatedOfModel, 'full')],
    }),
    g.lines({
      title: 'Age of inputs',
      description: 'Age of the oldest sample that the last cycle used. Above the dashed line the replica behind it counts as unknown.',
      unit: 's',
      min: 0,
      steps: g.steps([[config.maxInputAgeSeconds, 'red']]),
      showLimits: true,
      queries: [g.query(e.inputAge, '{{signal}}')],
    }),
    g.states({
      title: 'Missing inputs',
      description: 'Signals that the last cycle lacked. While one is missing the targets of the model do not fall; a missing cost only changes the order of variants.',
      words: { '0': ['there', 'green'], '1': ['missing', 'red'] },
      steps: g.steps([[1, 'red']]),
      queries: [g.query(e.inputMissing, '{{signal}}')],
    }),
  ];

  p.dashboard({
    file: 'wva-model.json',
    title: 'Model',
    description: 'One model: its service, its demand against its capacity, and why its targets are what they are.',
    variables: parts.variables.model,
    rows: [
      g.row('Now', now),
      g.row('Service', service),
      g.row('Demand against capacity', demand),
      g.row('Why', why),
    ],
  })
