// Sources that not every cluster has: panels on them may be empty.
function(s, config)
  // Exporters beside the engines name the pod themselves, or under `exported_`.
  local ofPod(expr) = |||
    label_replace(label_replace(
      %s,
      "namespace", "$1", "exported_namespace", "(.+)"),
      "pod", "$1", "exported_pod", "(.+)")
  ||| % expr;
  local variants = 'max %s (%s * 0 + 1)' % [
    s.by(['namespace', 'pod', 'variant_name']),
    s.variants('wva:engine_variant:info'),
  ];

  {
    gpuUse: |||
      avg %(by)s (
        max %(byPod)s (
      %(use)s
        )
        * %(on)s group_left (variant_name)
        (%(variants)s)
      ) / 100
    ||| % {
      by: s.by(s.name),
      byPod: s.by(['namespace', 'pod', 'gpu']),
      use: s.indented(s.indented(ofPod(s.around('DCGM_FI_DEV_GPU_UTIL', config.dcgmSelector)))),
      on: s.on(['namespace', 'pod']),
      variants: variants,
    },
    unschedulable: |||
      sum %(by)s (
        max %(byPod)s (
      %(pods)s
        )
        * %(on)s group_left (workload)
        max %(byWorkload)s (%(owned)s)
      )
    ||| % {
      by: s.by(['namespace', 'workload']),
      byPod: s.by(['namespace', 'pod']),
      pods: s.indented(s.indented(ofPod(s.around('kube_pod_status_unschedulable', config.kubeStateMetricsSelector)))),
      on: s.on(['namespace', 'pod']),
      byWorkload: s.by(['namespace', 'pod', 'workload']),
      owned: s.everything('wva:pod_workload:info', s.inNamespaces),
    },
    gpusOfNodes: 'sum %s (%s)' % [
      s.by(['resource']),
      s.around('kube_node_status_allocatable', config.kubeStateMetricsSelector, 'resource=~"%s"' % config.gpuResources),
    ],
    gpusOfPods: 'sum %s (%s)' % [
      s.by(['resource']),
      s.around('kube_pod_container_resource_requests', config.kubeStateMetricsSelector, 'resource=~"%s"' % config.gpuResources),
    ],
  }
