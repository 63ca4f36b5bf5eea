// Alerts. Each names a symptom or a cause that somebody can act on; docs/runbooks.md has a section for each, by its name.
{
  local config = $._config,
  local group(name, alerts) = { name: name, rules: [(import '../lib/alert.libsonnet')(config, a) for a in alerts] },

  prometheusAlerts+:: {
    groups+: [
      group('wva-exporter.alerts', (import 'exporter.libsonnet')(config)),
      group('wva-inputs.alerts', (import 'inputs.libsonnet')(config)),
      group('wva-decisions.alerts', (import 'decisions.libsonnet')(config)),
      group('wva-service.alerts', (import 'service.libsonnet')(config)),
    ],
  },
}
