// The mixin: `jb install …/mixins/wva-mixin`, then import this file and override `_config` (config.libsonnet says what).
(import 'config.libsonnet') +
(import 'rules/rules.libsonnet') +
(import 'alerts/alerts.libsonnet') +
(import 'dashboards/dashboards.libsonnet')
