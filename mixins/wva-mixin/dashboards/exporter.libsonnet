// The exporter itself: alive, in time, reached by its data, small.
local g = import '../lib/grafana.libsonnet';

function(parts)
  local e = parts.exporter;
  local config = parts.config, p = parts.panels;
  local yes(good, bad) = { words: { '0': [bad, 'red'], '1': [good, 'green'] }, steps: g.steps([[1, 'green']], 'red') };

  local now = [
    p.decisionAge,
    g.stat({
      title: 'Copies up',
      description: 'Scrapes of the exporter that succeed. Fewer than %d is too few; more publish the same targets twice.' % config.exporterReplicas,
      unit: 'short',
      steps: g.steps([[config.exporterReplicas, 'green'], [config.exporterReplicas + 1, 'orange']], 'red'),
      queries: [g.query(e.up, 'up')],
    }),
    g.stat({
      title: 'Data source',
      description: 'Whether every copy got an answer in its last cycle.',
      unit: 'short',
      queries: [g.query(e.sourceUp, 'source')],
    } + yes('answers', 'silent')),
    g.stat({
      title: 'Configuration',
      description: 'Whether the last reload was accepted. After a refusal the one before stays in force and the log names file, line and field.',
      unit: 'short',
      queries: [g.query(e.reload, 'reload')],
    } + yes('accepted', 'refused')),
    g.stat({
      title: 'Configuration age',
      description: 'Time since a configuration was last accepted.',
      unit: 's',
      queries: [g.query(e.reloadAge, 'ago')],
    }),
    g.stat({
      title: 'Models',
      description: 'Models that the last cycle decided.',
      unit: 'short',
      queries: [g.query(e.models, 'models')],
    }),
    g.stat({
      title: 'Errors in an hour',
      description: 'Of all parts of the program.',
      unit: 'short',
      decimals: 0,
      steps: g.steps([[1, 'orange'], [10, 'red']]),
      queries: [g.query(e.recentErrors, 'errors')],
    }),
    g.stat({
      title: 'Version',
      description: 'Copies that run each version.',
      unit: 'short',
      queries: [g.query(e.version, '{{version}}')],
    }) { options+: { textMode: 'name' } },
  ];

  local cycle = [
    g.lines({
      title: 'Duration of a cycle',
      description: 'From the first query to the exposed text. Above the dashed line, the interval, decisions come late.',
      unit: 's',
      min: 0,
      queries: [
        g.query(e.cycle('0.5'), 'p50 {{instance}}'),
        g.query(e.cycle('0.99'), 'p99 {{instance}}'),
        g.query(e.interval, 'interval'),
      ],
      overrides: [g.limit('interval')],
    }),
    g.lines({
      title: 'Cycles',
      description: 'Cycles each second by how they ended.',
      unit: 'ops',
      min: 0,
      queries: [g.query(e.cycles, '{{status}}')],
    }),
    g.lines({
      title: 'Age of the last decision',
      description: 'By copy: a saw tooth as high as the interval. Above the dashed line its targets are not believed.',
      unit: 's',
      min: 0,
      steps: g.steps([[config.freshSeconds, 'red']]),
      showLimits: true,
      queries: [g.query(e.ageOfCopy, '{{instance}}')],
    }),
    g.counts({
      title: 'Errors',
      description: 'By part of the program and type.',
      bars: true,
      queries: [g.query(e.errors, '{{component}}: {{error_type}}')],
    }),
    g.lines({
      title: 'Clock skew',
      description: "The data source's clock minus the exporter's. Decisions use the source's.",
      unit: 's',
      queries: [g.query(e.skew, '{{instance}}')],
    }),
    g.states({
      title: 'Copies and their source',
      description: 'Whether each copy is scraped, and whether its data source answers.',
      words: { '0': ['down', 'red'], '1': ['up', 'green'] },
      steps: g.steps([[1, 'green']], 'red'),
      queries: [g.query(e.copies, '{{instance}} scraped'), g.query(e.sources, '{{instance}} reaches {{source}}')],
    }),
  ];

  local data = [
    g.lines({
      title: 'Duration of queries, p99',
      description: 'By what is asked. A slow one makes the cycle slow.',
      unit: 's',
      min: 0,
      queries: [g.query(e.query('0.99'), '{{query_type}}')],
    }),
    g.counts({
      title: 'Queries that failed',
      description: 'By why there was no usable answer; WVAQueriesFailing names the query. Warnings are answers that the source itself called incomplete.',
      bars: true,
      queries: [g.query(e.queryErrors, '{{reason}}'), g.query(e.queryWarnings, 'warning')],
    }),
    g.lines({
      title: 'Age of inputs',
      description: 'Age of the oldest sample that the last cycle used, over all models. Above the dashed line replicas count as unknown.',
      unit: 's',
      min: 0,
      steps: g.steps([[config.maxInputAgeSeconds, 'red']]),
      showLimits: true,
      queries: [g.query(e.inputAgeOfFleet, '{{signal}}')],
    }),
    g.counts({
      title: 'Models that lack an input',
      description: 'By signal. Targets of such a model do not fall; a missing cost only changes the order of variants.',
      queries: [g.query(e.inputMissingOfFleet, '{{signal}}')],
    }),
    g.counts({
      title: 'Engine against rules',
      description: 'Sum over variants of how far the target is from the decision of the recording rules. 0 for policy wva-v1 on good data; any other policy may differ.',
      queries: [g.query(e.disagreement, 'replicas')],
    }),
    g.lines({
      title: 'Series of a scrape',
      description: 'Samples of one scrape of the exporter: about 20 a variant.',
      unit: 'short',
      decimals: 0,
      min: 0,
      queries: [g.query(e.series, '{{instance}}')],
    }),
  ];

  local process = [
    g.lines({
      title: 'Memory',
      description: 'Resident memory of the process.',
      unit: 'bytes',
      min: 0,
      queries: [g.query(e.memory, '{{instance}}')],
    }),
    g.lines({
      title: 'CPU',
      description: 'Cores in use.',
      unit: 'short',
      decimals: 2,
      min: 0,
      queries: [g.query(e.cpu, '{{instance}}')],
    }),
    g.lines({
      title: 'Duration of a scrape',
      description: 'How long Prometheus takes to read the page of the exporter.',
      unit: 's',
      min: 0,
      queries: [g.query(e.scrape, '{{instance}}')],
    }),
  ];

  p.dashboard({
    file: 'wva-exporter.json',
    title: 'Exporter',
    description: 'The exporter itself: alive, in time, reached by its data.',
    from: '1h',
    variables: parts.variables.exporter,
    rows: [
      g.row('Now', now),
      g.row('The loop', cycle),
      g.row('What it decides from', data),
      g.row('The process', process),
    ],
  })
