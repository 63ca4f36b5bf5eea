// What several dashboards show, and what all of them have in common.
local grafana = import '../lib/grafana.libsonnet';

function(config, parts)
  local decisions = parts.decisions;
  local link(file, fields) = [{
    title: 'Look into it',
    url: '/d/%s?${datasource:queryparam}&${__url_time_range}%s' % [
      grafana.uid(file),
      std.join('', ['&var-%s=${__data.fields["%s"]}' % [variable, fields[variable]] for variable in std.objectFields(fields)]),
    ],
  }];

  {
    dashboard(spec):: grafana.dashboard({
      tags: config.dashboardTags,
      timezone: config.dashboardTimezone,
      refresh: config.dashboardRefresh,
      from: '6h',
    } + spec + { title: config.dashboardNamePrefix + spec.title }),

    // Columns that lead to the dashboards of one variant and of one model.
    toVariant: grafana.column('Variant', { links: link('wva-variant.json', { namespace: 'Namespace', variant: 'Variant' }) }),
    toModel: grafana.column('Model', { links: link('wva-model.json', { namespace: 'Namespace', model: 'Model' }) }),

    colouredText: { type: 'color-text' },

    held: grafana.stat({
      title: 'Held',
      description: 'Variants whose target echoes an earlier decision because data are missing or doubtful. Targets do not fall meanwhile. The panel about reasons says why.',
      unit: 'short',
      steps: grafana.steps([[1, 'orange']]),
      queries: [grafana.query(decisions.held, 'held')],
    }),
    decisionAge: grafana.stat({
      title: 'Last decision',
      description: 'Time since a copy of the exporter ended a cycle. Beyond %d seconds its targets are not believed any more.' % config.freshSeconds,
      unit: 's',
      steps: grafana.steps([[config.freshSeconds / 2, 'orange'], [config.freshSeconds, 'red']]),
      queries: [grafana.query(parts.exporter.age, 'ago')],
    }),
    reasons: grafana.states({
      title: 'Why targets are held',
      description: 'One line a variant and reason: orange while its target is held for this reason, green while it is decided on good data. Reasons are explained in docs/metrics.md.',
      words: { '0': ['decided on good data', 'green'], '1': ['held', 'orange'] },
      steps: grafana.steps([[1, 'orange']]),
      queries: [grafana.query(decisions.reasons, '{{namespace}}/{{variant_name}}: {{reason}}')],
    }),
    changes: grafana.counts({
      title: 'Changes of targets',
      description: 'How often targets rose and fell. Many of both in a short time is flapping.',
      bars: true,
      queries: [grafana.query(decisions.changes, '{{direction}}')],
      overrides: [
        grafana.named('scale-up', { color: { mode: 'fixed', fixedColor: 'orange' } }),
        grafana.named('scale-down', { color: { mode: 'fixed', fixedColor: 'blue' } }),
      ],
    }),
    // A latency with its objective as a dashed line.
    latency(title, description, limitSeconds, queries):: grafana.lines({
      title: title,
      description: description,
      unit: 's',
      min: 0,
      steps: grafana.steps([[limitSeconds, 'red']]),
      showLimits: true,
      queries: queries,
    }),
    burn(title, what, queries):: grafana.lines({
      title: title,
      description: 'How many times faster than the objective allows the error budget of %s is spent. 1 spends it exactly; above %s for an hour it is gone within 2 days.' % [what, '14.4'],
      unit: 'short',
      decimals: 2,
      min: 0,
      steps: grafana.steps([[1, 'orange'], [14.4, 'red']]),
      showLimits: true,
      queries: queries,
    }),
  }
