// What a reader can choose. Each list holds what the choices before it leave.
local grafana = import '../lib/grafana.libsonnet';

function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local known = 'variant:wva_variant_rank:last';
  local clusters = if config.showMultiCluster then
    [grafana.variable('cluster', 'Cluster', 'label_values(%s, %s)' % [known, config.clusterLabel])] else [];
  local cluster = if config.showMultiCluster then ['%s=~"$cluster"' % config.clusterLabel] else [];
  local values(matchers, label) = 'label_values(%s, %s)' % [q.selector(known, cluster + matchers), label];

  local namespace = 'namespace=~"$namespace"';
  local namespaces = grafana.variable('namespace', 'Namespace', values([], 'namespace'));
  local models(one) = grafana.variable('model', 'Model', values([namespace], 'model_name'), one);
  local variants(one) =
    grafana.variable('variant', 'Variant', values([namespace, 'model_name=~"$model"'], 'variant_name'), one);

  {
    exporter: [grafana.datasourceVariable('datasource', config.datasourceName)] + clusters,
    fleet: self.exporter + [namespaces, models(false), variants(false)],
    model: self.exporter + [namespaces, models(true), variants(false)],
    variant: self.exporter + [namespaces, models(false), variants(true)],
  }
