// What an operator can say. Override as in
//   (import 'mixin.libsonnet') + { _config+:: { scrapeIntervalSeconds: 30, thresholds+: { kvCache: 0.75 } } }
// or give the same keys as YAML to `wva-exporter generate mixin --mixin.config FILE`.
{
  _config+:: {
    // Matchers, put between the braces of every selector as they are.
    wvaSelector: 'job=~".*wva-exporter.*"',  // wva-exporter's own series
    engineSelector: '',  // the engines' own series, whichever engine; they need a `namespace` and, in Kubernetes, a `pod` label
    kubeStateMetricsSelector: '',  // kube-state-metrics
    routerSelector: '',  // the request router (endpoint picker) in front of the engines

    // Whether the scrape of wva-exporter sets `honorLabels: true`. Without it the namespace of a variant is stored as
    // `exported_namespace`. kube-state-metrics is read either way.
    honorLabels: true,
    namespaceLabel: if self.honorLabels then 'namespace' else 'exported_namespace',

    // For a Prometheus, Thanos or Mimir that holds several clusters: keep this label everywhere.
    showMultiCluster: false,
    clusterLabel: 'cluster',

    // How often engines are scraped and rules are evaluated. Windows follow as they do in the exporter.
    scrapeIntervalSeconds: 15,
    evaluationIntervalSeconds: 15,
    windowSeconds: std.max(60, 4 * self.scrapeIntervalSeconds),  // levels and rates
    longWindowSeconds: std.max(300, 4 * self.scrapeIntervalSeconds),  // trends and mean sizes
    maxInputAgeSeconds: std.max(60, 4 * self.scrapeIntervalSeconds),  // an engine silent for longer is not counted

    // The desired count that outlives the exporter. A copy whose last cycle is older than `freshSeconds` is not believed,
    // the last believed word is held for `holdSeconds` (as `hold` of the exporter), then the pure PromQL decision takes over.
    freshSeconds: 120,
    holdSeconds: 600,
    memorySeconds: 86400,  // how long order, model and role of a variant are remembered without the exporter
    exporterReplicas: 1,  // how many copies of the exporter publish the same series on purpose

    // When a replica is full, and what must stay free (those of the exporter). `compat: 'exact'` repeats WVA's averages over
    // replicas that are not saturated, as the exporter's key of that name does.
    thresholds: { kvCache: 0.80, queue: 5, kvSpare: 0.10, queueSpare: 3 },
    compat: 'corrected',

    // Latency objectives: the share `objective` of requests (of token gaps) is faster than these. Each must be a bucket
    // bound of the engine's histogram. `histogram: 'native'` where the engines' histograms are scraped as native ones.
    slo: { ttftSeconds: 1, itlSeconds: 0.1, objective: 0.95 },
    histogram: 'classic',

    // Thresholds of alerts.
    costBudgetPerHour: null,  // null: the exporter's own setting, cost_budget_per_hour; without that no alert about cost
    notActuatedMinutes: 15,  // twice the start-up time of a replica
    byHandHours: 24,
    flapsPerHalfHour: 3,  // rises and as many falls of one target
    clockSkewSeconds: 30,

    // Alerts: where their runbooks are ({alert} becomes the alert's name in lower case), what they are called in other
    // severities, and labels that all of them get.
    runbookURLPattern: 'https://github.com/wva-exporter/wva-exporter/blob/main/docs/runbooks.md#{alert}',
    severities: {},  // { WVACostOverBudget: 'critical' }
    alertLabels: {},

    // Dashboards.
    dashboardNamePrefix: 'WVA / ',
    dashboardTags: ['wva-mixin'],
    dashboardTimezone: 'browser',
    dashboardRefresh: '30s',
    datasourceName: '',  // the data source that is chosen at first; '' is Grafana's default
    currencyUnit: 'currencyUSD',  // Grafana's unit for the currency of the exporter's configuration
    dcgmSelector: '',  // NVIDIA's exporter of GPU metrics, if there is one
    gpuResources: 'nvidia_com_gpu|amd_com_gpu|gpu_intel_com_i915|gpu_intel_com_xe',  // of nodes, as kube-state-metrics spells them
  },
}
