// An alert as Prometheus wants it, from {name, severity, expr, minutes, summary, description}. `minutes` is how long the
// expression must hold; 0 where it looks back far enough by itself.
local text = import 'text.libsonnet';

function(config, alert) {
  alert: alert.name,
  expr: text.lines(alert.expr),
  [if alert.minutes > 0 then 'for']:
    if alert.minutes % 60 == 0 then '%dh' % (alert.minutes / 60) else '%dm' % alert.minutes,
  labels: { severity: if std.objectHas(config.severities, alert.name) then config.severities[alert.name] else alert.severity }
          + config.alertLabels,
  annotations: {
    summary: alert.summary,
    description: alert.description,
    runbook_url: std.strReplace(config.runbookURLPattern, '{alert}', std.asciiLower(alert.name)),
  },
}
