// Dashboards by file name. Queries, variables and layout stand apart: `queries/` asks, `variables.libsonnet` lets choose, the
// files beside this one lay out.
{
  local config = $._config,
  local scope = (import 'scope.libsonnet')(config),
  local parts = {
    config: config,
    scope: scope,
    decisions: (import 'queries/decisions.libsonnet')(scope),
    load: (import 'queries/load.libsonnet')(scope),
    service: (import 'queries/service.libsonnet')(scope),
    cost: (import 'queries/cost.libsonnet')(scope, config),
    exporter: (import 'queries/exporter.libsonnet')(scope),
    optional: (import 'queries/optional.libsonnet')(scope, config),
    panels: (import 'panels.libsonnet')(config, self),
    variables: (import 'variables.libsonnet')(config),
  },

  grafanaDashboards+:: {
    'wva-overview.json': (import 'overview.libsonnet')(parts),
    'wva-model.json': (import 'model.libsonnet')(parts),
    'wva-variant.json': (import 'variant.libsonnet')(parts),
    'wva-economics.json': (import 'economics.libsonnet')(parts),
    'wva-exporter.json': (import 'exporter.libsonnet')(parts),
  },
}
