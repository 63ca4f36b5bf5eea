// One variant: what was decided for it, whether that is followed, and how full each of its replicas is.
local g = import '../lib/grafana.libsonnet';

function(parts)
  local d = parts.decisions, l = parts.load, c = parts.cost, o = parts.optional;
  local config = parts.config, p = parts.panels;
  local t = config.thresholds;
  local number(title, description, query, legend) = g.stat({
    title: title,
    description: description,
    unit: 'short',
    decimals: 0,
    queries: [g.query(query, legend)],
  });

  local now = [
    number('Wanted', 'The target.', d.wanted, 'wanted'),
    number('Running', 'Replicas that exist, ready or not.', d.running, 'running'),
    number('Ready', 'Replicas that serve, by kube-state-metrics.', d.ready, 'ready'),
    number('Maximum', 'What the HPA allows, by kube-state-metrics.', d.maximum, 'maximum'),
    p.held,
    g.stat({
      title: 'KV cache, fullest',
      description: 'Share of the KV cache in use on the fullest replica. At %g it is full.' % t.kvCache,
      unit: 'percentunit',
      decimals: 0,
      steps: g.steps([[t.kvCache - t.kvSpare, 'orange'], [t.kvCache, 'red']]),
      queries: [g.query(l.kvPeakOfVariant, 'fullest')],
    }),
    g.stat({
      title: 'Waiting',
      description: 'Requests in the queues of its replicas now.',
      unit: 'short',
      steps: g.steps([[1, 'orange'], [t.queue, 'red']]),
      queries: [g.query(l.waitingOfVariant, 'waiting')],
    }),
    g.stat({
      title: 'Cost per hour',
      description: 'Of the replicas that exist.',
      unit: config.currencyUnit,
      decimals: 2,
      queries: [g.query(c.ofVariant, 'running')],
    }),
  ];

  local replicas = [
    g.counts({
      title: 'Replicas',
      description: 'The target, what exists, what serves, and the bounds of the HPA.',
      w: 16,
      queries: [
        g.query(d.wanted, 'wanted'),
        g.query(d.running, 'running'),
        g.query(d.ready, 'ready'),
        g.query(d.minimum, 'minimum'),
        g.query(d.maximum, 'maximum'),
      ],
      overrides: [g.dashed('wanted'), g.limit('minimum', 'semi-dark-blue'), g.limit('maximum')],
    }),
    g.counts({
      title: 'Replicas on their way',
      description: 'Asked for, or there and not ready yet. Each step is as long as a start-up takes; a plateau that does not end is a replica that does not start.',
      queries: [g.query(d.pending, 'starting')],
    }),
    g.counts({
      title: 'What scalers read',
      description: 'wva:desired_replicas:safe, the last believed word of the exporter, and the decision in PromQL that takes over when the exporter is gone.',
      queries: [
        g.query(d.safe, 'safe'),
        g.query(d.lastWord, 'last word'),
        g.query(d.fallback, 'PromQL decision'),
      ],
      overrides: [g.dashed('PromQL decision')],
    }),
    p.reasons,
    g.counts({
      title: 'Pods without a node',
      description: 'Pods that find no node with room, by workload of the namespace. Optional: needs kube_pod_status_unschedulable of kube-state-metrics, which is there only while there are such pods.',
      queries: [g.query(o.unschedulable, '{{workload}}')],
    }),
  ];

  local load = [
    g.lines({
      title: 'KV cache in use by replica',
      description: 'Peak within the window. At the dashed line the replica counts as full.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      steps: g.steps([[t.kvCache, 'red']]),
      showLimits: true,
      queries: [g.query(l.kvOfReplica, '{{replica}}')],
    }),
    g.lines({
      title: 'Queue by replica',
      description: 'Requests that wait. At the dashed line the replica counts as full.',
      unit: 'short',
      min: 0,
      steps: g.steps([[t.queue, 'red']]),
      showLimits: true,
      queries: [g.query(l.waitingOfReplica, '{{replica}}')],
    }),
    g.lines({
      title: 'Batch by replica',
      description: 'Requests that are being served.',
      unit: 'short',
      min: 0,
      queries: [g.query(l.inBatchOfReplica, '{{replica}}')],
    }),
    g.lines({
      title: 'Requests served',
      description: 'Requests that finished each second, for whatever reason.',
      unit: 'reqps',
      min: 0,
      queries: [g.query(l.finishedOfVariant, 'served')],
    }),
    g.counts({
      title: 'Replicas seen and full',
      description: 'Replicas whose load is known, and those of them that are full. Fewer seen than running: see WVAReplicasUnseen in docs/runbooks.md.',
      queries: [g.query(l.live, 'seen'), g.query(l.saturatedOfVariant, 'full'), g.query(d.running, 'running')],
      overrides: [g.dashed('running')],
    }),
    g.lines({
      title: 'GPU utilisation',
      description: 'Mean over the GPUs of its pods. Optional: needs DCGM_FI_DEV_GPU_UTIL with the labels namespace and pod.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [g.query(o.gpuUse, '{{variant_name}}')],
    }),
  ];

  local headroom = [
    g.lines({
      title: 'KV cache: used and there',
      description: 'Tokens resident in the KV caches of the variant, and how many they can hold.',
      unit: 'short',
      min: 0,
      queries: [g.query(l.tokensUsed, 'used'), g.query(l.tokensCapacity, 'capacity')],
      overrides: [g.limit('capacity')],
    }),
    g.lines({
      title: 'Free KV cache of a replica',
      description: 'Mean share of the KV cache below the threshold at which a replica is full.',
      unit: 'percentunit',
      steps: g.steps([[t.kvSpare, 'red']]),
      showLimits: true,
      queries: [g.query(l.kvSpareOfVariant, 'free')],
    }),
    g.lines({
      title: 'Capacity: missing and free',
      description: 'As the policy measures it; the unit is in the legend. For policy wva-v1 missing is 1 or 0 and free is a share of the KV cache.',
      unit: 'short',
      queries: [g.query(d.required, 'missing ({{unit}})'), g.query(d.spare, 'free {{unit}}')],
    }),
  ];

  p.dashboard({
    file: 'wva-variant.json',
    title: 'Variant',
    description: 'One variant: what was decided, whether it is followed, how full its replicas are.',
    variables: parts.variables.variant,
    rows: [
      g.row('Now', now),
      g.row('Replicas', replicas),
      g.row('Load', load),
      g.row('Headroom', headroom),
    ],
  })
