// How many replicas each variant has by kube-state-metrics, and the bounds of its HPA. Only of variants that the exporter named
// within memory: the rest of the cluster is nobody's business here.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);

  // A LeaderWorkerSet's leaders are a StatefulSet of its name, with one replica a group.
  local workloads(deployment, statefulSet) = std.join('or\n', [
    |||
      label_replace(label_replace(
        %s,
        "workload", "$1", "%s", "(.+)"),
        "workload_kind", "%s", "", "")
    ||| % [q.kube(kind.series), kind.label, kind.name]
    for kind in [
      { name: 'Deployment', label: 'deployment', series: deployment },
      { name: 'StatefulSet', label: 'statefulset', series: statefulSet },
    ]
  ]);
  local count(record, deployment, statefulSet) = q.rule(record, |||
    max %(by)s (
      max %(byWorkload)s (
    %(workloads)s
      )
      * %(on)s group_left (variant_name, model_name, role)
      (%(variants)s)
    )
  ||| % {
    by: q.by(q.variant),
    byWorkload: q.by(q.workload),
    workloads: q.indented(q.indented(workloads(deployment, statefulSet))),
    on: q.on(q.workload),
    variants: q.alone('wva:workload_variant:info', q.name),
  });
  local bound(record, name) = q.rule(record, |||
    max %(by)s (
      label_replace(label_replace(
        %(series)s,
        "variant_name", "$1", "horizontalpodautoscaler", "(.+)"),
        "variant_name", "$1", "horizontalpodautoscaler", "keda-hpa-(.+)")
    )
    * %(on)s group_left (model_name, role)
    (variant:wva_variant_rank:last * 0 + 1)
  ||| % { by: q.by(q.name), on: q.on(q.name), series: q.kube(name) });

  [
    // Always 1: the variant of each workload, under the name of its HPA, else its own.
    q.rule('wva:workload_variant:info', |||
      max %(byVariant)s (
        max %(by)s (
      %(workloads)s
        )
        * %(on)s group_left (variant_name)
        (%(scaled)s)
        or %(on)s
        label_replace(max %(by)s (
      %(workloads)s
          ),
          "variant_name", "$1", "workload", "(.+)")
      )
      * %(onName)s group_left (model_name, role)
      variant:wva_variant_rank:last
      * 0 + 1
    ||| % {
      byVariant: q.by(q.workload + ['variant_name']),
      by: q.by(q.workload),
      on: q.on(q.workload),
      onName: q.on(q.name),
      scaled: q.alone('wva:workload_scaler:info', q.workload),
      workloads: q.indented(q.indented(workloads('kube_deployment_spec_replicas', 'kube_statefulset_replicas'))),
    }),
    count('variant:wva_spec_replicas:kube', 'kube_deployment_spec_replicas', 'kube_statefulset_replicas'),
    count('variant:wva_current_replicas:kube', 'kube_deployment_status_replicas', 'kube_statefulset_status_replicas'),
    count('variant:wva_ready_replicas:kube', 'kube_deployment_status_replicas_ready', 'kube_statefulset_status_replicas_ready'),
    bound('variant:wva_min_replicas:kube', 'kube_horizontalpodautoscaler_spec_min_replicas'),
    bound('variant:wva_max_replicas:kube', 'kube_horizontalpodautoscaler_spec_max_replicas'),
    // Replicas that exist, or are asked for, and cannot serve yet.
    q.rule('variant:wva_pending_replicas:kube', |||
      clamp_min(
        (variant:wva_spec_replicas:kube > variant:wva_current_replicas:kube or variant:wva_current_replicas:kube)
        - variant:wva_ready_replicas:kube,
        0
      )
    |||),
    q.rule('role:wva_pending_replicas:sum', 'sum %s (variant:wva_pending_replicas:kube)' % q.by(q.role)),
  ]
