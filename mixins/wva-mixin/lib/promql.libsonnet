// PromQL from parts: selectors with the operator's matchers, label lists with the cluster label, durations.
local engines = import 'engines.libsonnet';
local names = import 'names.libsonnet';
local text = import 'text.libsonnet';

function(config) {
  local cluster = if config.showMultiCluster then [config.clusterLabel] else [],

  // Label sets, from the finest to the coarsest.
  target: ['namespace', 'model_name', 'pod', 'instance', 'job'],
  replica: ['namespace', 'model_name', 'role', 'variant_name', 'replica'],
  variant: ['namespace', 'model_name', 'role', 'variant_name'],
  role: ['namespace', 'model_name', 'role'],
  model: ['namespace', 'model_name'],
  name: ['namespace', 'variant_name'],
  workload: ['namespace', 'workload_kind', 'workload'],
  copy: ['job', 'instance'],

  labels(list):: std.join(', ', cluster + list),
  by(list):: 'by (%s)' % self.labels(list),
  on(list):: 'on (%s)' % self.labels(list),

  duration(seconds)::
    if seconds % 3600 == 0 then '%dh' % (seconds / 3600)
    else if seconds % 60 == 0 then '%dm' % (seconds / 60)
    else if seconds % 1 == 0 then '%ds' % seconds
    else '%dms' % std.round(seconds * 1000),

  selector(name, matchers)::
    local given = std.join(',', std.filter(function(m) m != '', matchers));
    if given == '' then name else '%s{%s}' % [name, given],
  over(selector, seconds):: '%s[%s]' % [selector, self.duration(seconds)],

  engine(name, matcher=''):: self.selector(name, [config.engineSelector, matcher]),
  // Of a gauge that is given in parts as well, its total.
  gauge(engine, name)::
    self.selector(name, [config.engineSelector] + ['%s=""' % label for label in engine.partLabels]),
  // What `make(engine, name)` says of every name that engines have for a signal: of a target the first one speaks. Samples of
  // different engines never have a target in common.
  everyEngine(signal, make)::
    self.first([make(engine, name) for engine in engines.engines for name in engine[signal]], self.target),
  // A level now, to be summed: the parts of a sharded engine say the same of the whole, so they count once.
  level(signal)::
    local level(engine, name) =
      local series = self.gauge(engine, name);
      if engine.sharded then 'max %s (%s)' % [self.by(self.target + engine.dataRanks), series] else series;
    self.everyEngine(signal, level),
  // A counter's increase per second.
  rate(signal, seconds)::
    self.everyEngine(signal, function(engine, name) 'rate(%s)' % self.over(self.engine(name), seconds)),

  router(name):: self.selector(name, [config.routerSelector]),

  // A series of wva-exporter by its name in conventions.py, under the variant's own namespace.
  wva(name, matcher=''):: self.own(self.selector(names[name], [config.wvaSelector, matcher])),
  wvaOver(func, name, seconds, matcher='')::
    self.own('%s(%s)' % [func, self.over(self.selector(names[name], [config.wvaSelector, matcher]), seconds)]),
  own(expr)::
    if config.namespaceLabel == 'namespace' then expr
    else 'label_replace(%s, "namespace", "$1", "%s", "(.+)")' % [expr, config.namespaceLabel],

  // The other way round: the variant's namespace also where the store has it of the exporter's own series.
  asStored(expr)::
    if config.namespaceLabel == 'namespace' then expr
    else 'label_replace((\n%s\n  ), "%s", "$1", "namespace", "(.+)")' % [self.indented(self.indented(expr)), config.namespaceLabel],

  // A series of kube-state-metrics under its own labels, whether or not the scrape honours them.
  kube(name, matcher='')::
    'label_replace(%s, "namespace", "$1", "exported_namespace", "(.+)")'
    % self.selector(name, [config.kubeStateMetricsSelector, matcher]),
  kubePod(name, matcher='')::
    'label_replace(%s, "pod", "$1", "exported_pod", "(.+)")' % self.kube(name, matcher),

  // The first of several names that a replica has speaks for it.
  first(exprs, labels):: std.join('\nor %s\n' % self.on(labels), exprs),

  // Rows that are alone with these labels: a second one would make a join fail for the whole fleet.
  alone(series, labels):: '%s and %s (count %s (%s) == 1)' % [series, self.on(labels), self.by(labels), series],

  // Every jsonnet spells 0.8 its own way unless it is told how.
  number(value):: if value % 1 == 0 then '%d' % value else '%g' % value,

  // A bucket bound as any server spells it: 1 or 1.0.
  bound(value):: if value % 1 == 0 then 'le=~"%d([.]0)?"' % value else 'le="%g"' % value,

  indented(lines):: text.indented(lines),

  rule(record, expr, labels={}):: { record: record, expr: text.lines(expr) } + (if labels == {} then {} else { labels: labels }),
}
