// Whose each engine is: the pod's label, else the workload that owns it under the name of its HPA, else the stem of its name,
// else one variant a job and model. Selectors of the exporter's configuration are not known here.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local target = q.target;

  local scaler = q.kube('kube_horizontalpodautoscaler_info');
  local deploymentPod = '(.+)-[456789bcdf]{5,10}-[bcdfghjklmnpqrstvwxz2456789]{5}';
  local statefulSetPod = '(.+)-(?:0|[1-9][0-9]{0,4})';

  [
    // Seconds since the newest sample, of the rank that is furthest behind; engines that are silent are not there.
    q.rule('wva:engine_age_seconds:max', |||
      (
        time()
        - min %(by)s (
      %(newest)s
        )
      ) < %(age)s
    ||| % {
      by: q.by(target + ['llm_d_ai_variant']),
      // timestamp() must stand directly on a selector: of any other expression it is the time of evaluation.
      newest: q.indented(q.everyEngine('presence', function(engine, name) 'timestamp(%s)' % q.gauge(engine, name))),
      age: q.number(config.maxInputAgeSeconds),
    }),

    // Variants as the exporter describes them, for as long as its word is remembered.
    q.rule('variant:wva_variant_info:max', |||
      max %(by)s (%(info)s)
    ||| % { by: q.by(['namespace', 'variant_name', 'model_name', 'role']), info: q.wva('variant_info') }),
    q.rule('variant:wva_variant_info:last', |||
      variant:wva_variant_info:max
      or %(on)s
      last_over_time(%(remembered)s)
    ||| % { on: q.on(q.name), remembered: q.over('variant:wva_variant_info:max', config.memorySeconds) }),
    q.rule('variant:wva_variant_rank:max', |||
      max %(by)s (%(rank)s)
    ||| % { by: q.by(q.name), rank: q.wva('variant_rank') }),
    q.rule('variant:wva_variant_rank:last', |||
      last_over_time(%(rank)s)
      * %(on)s group_left (model_name, role)
      (%(info)s)
    ||| % {
      rank: q.over('variant:wva_variant_rank:max', config.memorySeconds),
      on: q.on(q.name),
      info: q.alone('variant:wva_variant_info:last', q.name),
    }),

    // The variant of each workload that an HPA scales: the HPA's name, or that of the ScaledObject from which KEDA made it.
    q.rule('wva:workload_scaler:info', |||
      max %(by)s (
        label_replace(label_replace(label_replace(label_replace(
          %(scaler)s,
          "variant_name", "$1", "horizontalpodautoscaler", "(.+)"),
          "variant_name", "$1", "horizontalpodautoscaler", "keda-hpa-(.+)"),
          "workload", "$1", "scaletargetref_name", "(.+)"),
          "workload_kind", "$1", "scaletargetref_kind", "(.+)")
      )
    ||| % { by: q.by(q.workload + ['variant_name']), scaler: scaler }),

    // The workload that owns each pod, in namespaces that have engines.
    q.rule('wva:pod_workload:info', |||
      max %(by)s (
        (
          label_replace(label_replace(
            label_replace(%(replicaSetPod)s, "replicaset", "$1", "owner_name", "(.+)")
            * %(onReplicaSet)s group_left (deployment)
            max %(byReplicaSet)s (label_replace(%(replicaSet)s, "deployment", "$1", "owner_name", "(.+)")),
            "workload", "$1", "deployment", "(.+)"),
            "workload_kind", "Deployment", "", "")
          or
          label_replace(label_replace(
            %(statefulSetPod)s,
            "workload", "$1", "owner_name", "(.+)"),
            "workload_kind", "StatefulSet", "", "")
        )
        and %(onNamespace)s wva:engine_age_seconds:max
      )
    ||| % {
      by: q.by(['namespace', 'pod', 'workload_kind', 'workload']),
      replicaSetPod: q.kubePod('kube_pod_owner', 'owner_kind="ReplicaSet"'),
      statefulSetPod: q.kubePod('kube_pod_owner', 'owner_kind="StatefulSet"'),
      replicaSet: q.kube('kube_replicaset_owner', 'owner_kind="Deployment"'),
      onReplicaSet: q.on(['namespace', 'replicaset']),
      byReplicaSet: q.by(['namespace', 'replicaset', 'deployment']),
      onNamespace: q.on(['namespace']),
    }),
    q.rule('wva:engine_workload:info', |||
      max %(by)s (
        wva:engine_age_seconds:max
        * %(onPod)s group_left (workload_kind, workload)
        (%(owned)s)
        or %(on)s
        label_replace(label_replace(
          wva:engine_age_seconds:max{pod=~"%(deploymentPod)s"},
          "workload", "$1", "pod", "%(deploymentPod)s"),
          "workload_kind", "Deployment", "", "")
        or %(on)s
        label_replace(label_replace(
          wva:engine_age_seconds:max{pod=~"%(statefulSetPod)s"},
          "workload", "$1", "pod", "%(statefulSetPod)s"),
          "workload_kind", "StatefulSet", "", "")
      )
    ||| % {
      by: q.by(target + ['workload_kind', 'workload']),
      on: q.on(target),
      onPod: q.on(['namespace', 'pod']),
      owned: q.alone('wva:pod_workload:info', ['namespace', 'pod']),
      deploymentPod: deploymentPod,
      statefulSetPod: statefulSetPod,
    }),

    // Always 1: the variant and role of each engine, and what its replica is called.
    q.rule('wva:engine_variant:info', |||
      max %(by)s (
        label_replace(label_replace(
          label_replace(
            wva:engine_age_seconds:max{llm_d_ai_variant!=""},
            "variant_name", "$1", "llm_d_ai_variant", "(.+)")
          or %(on)s
          wva:engine_workload:info
          * %(onWorkload)s group_left (variant_name)
          (%(scaled)s)
          or %(on)s
          label_replace(wva:engine_workload:info, "variant_name", "$1", "workload", "(.+)")
          or %(on)s
          label_join(wva:engine_age_seconds:max, "variant_name", "-", "job", "model_name"),
          "replica", "$1", "instance", "(.+)"),
          "replica", "$1", "pod", "(.+)")
      ) * 0 + 1
    ||| % {
      by: q.by(target + ['variant_name', 'replica']),
      on: q.on(target),
      onWorkload: q.on(q.workload),
      scaled: q.alone('wva:workload_scaler:info', q.workload),
    }),
    q.rule('wva:engine_role:info', |||
      wva:engine_variant:info
      * %(on)s group_left (role)
      (%(info)s)
      or %(onTarget)s
      label_replace(wva:engine_variant:info, "role", "both", "", "")
    ||| % { on: q.on(q.name), onTarget: q.on(target), info: q.alone('variant:wva_variant_info:last', q.name) }),
  ]
