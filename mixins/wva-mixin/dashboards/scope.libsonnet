// Selectors under the variables of a dashboard. Every query gets its names through here.
local names = import '../lib/names.libsonnet';

function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local cluster = if config.showMultiCluster then ['%s=~"$cluster"' % config.clusterLabel] else [];
  local of(label, variable) = '%s=~"$%s"' % [label, variable];
  local namespace = of('namespace', 'namespace');
  local stored = of(config.namespaceLabel, 'namespace');
  local model = of('model_name', 'model');
  local variant = of('variant_name', 'variant');
  local select(name, matchers) = q.selector(name, cluster + matchers);

  q {
    // Recorded series of variants (and replicas), of models, and of nothing finer than a cluster.
    variants(record, matcher=''):: select(record, [namespace, model, variant, matcher]),
    models(record, matcher=''):: select(record, [namespace, model, matcher]),
    roles(record):: select(record, [namespace, model]),
    everything(record, matcher=''):: select(record, [matcher]),

    // Always 1: the variants that are selected, with their model and role.
    selected:: '%s * 0 + 1' % self.variants('variant:wva_variant_rank:last'),
    // Rows of variants that carry no model, cut to those selected, or with their model.
    chosen(expr):: '%s\nand %s\n%s' % [expr, q.on(q.name), self.variants('variant:wva_variant_rank:last')],
    withModel(expr):: '(%s)\n* %s group_left (model_name)\n(%s)' % [expr, q.on(q.name), self.selected],

    // A recorded series that has only namespace and variant.
    recorded(record):: self.chosen(select(record, [namespace, variant])),

    // The exporter's series of a variant; copies of the exporter say the same.
    ofVariant(name, matcher='', keep=[])::
      self.chosen('max %s (%s)' % [
        q.by(q.name + keep),
        q.own(select(names[name], [config.wvaSelector, stored, variant, matcher])),
      ]),
    ratesOfVariant(name, func, window, keep)::
      'sum %s (%s)' % [
        q.by(q.name + keep),
        q.own('%s(%s[%s])' % [func, select(names[name], [config.wvaSelector, stored, variant]), window]),
      ],
    // Of a model.
    ofModel(name, keep, matcher='')::
      'max %s (%s)' % [q.by(q.model + keep), q.own(select(names[name], [config.wvaSelector, stored, model, matcher]))],
    // Of the exporter itself; `suffix` as histograms have.
    exporter(name, suffix='', matcher=''):: select(names[name] + suffix, [config.wvaSelector, matcher]),
    process(name):: select(name, [config.wvaSelector]),

    // What stands around the engines.
    around(name, selector, matcher=''):: select(name, [selector, matcher]),
    inNamespaces:: namespace,
    storedNamespace:: config.namespaceLabel,
  }
