// Recording rules. One group a chain: rules of a group run in order, chains across groups lag by one evaluation.
{
  local config = $._config,
  local group(name, rules) = {
    name: name,
    interval: (import '../lib/promql.libsonnet')(config).duration(config.evaluationIntervalSeconds),
    rules: rules,
  },

  prometheusRules+:: {
    groups+: [
      group('wva-decision.rules',
            (import 'members.libsonnet')(config)
            + (import 'headroom.libsonnet')(config)
            + (import 'counts.libsonnet')(config)
            + (import 'decision.libsonnet')(config)
            + (import 'safe.libsonnet')(config)),
      group('wva-demand.rules', (import 'demand.libsonnet')(config)),
      group('wva-latency.rules', (import 'latency.libsonnet')(config)),
      group('wva-cost.rules', (import 'cost.libsonnet')(config)),
    ],
  },
}
