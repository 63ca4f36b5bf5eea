// Dashboards of Grafana's classic schema (v1; Grafana 9 to 13) from a few parts. Knows nothing of PromQL.
//
// A panel is made from {title, description, unit, queries} and the width and height that it takes on a grid of 24 columns.
local text = import 'text.libsonnet';

{
  local grafana = self,

  datasource:: { type: 'prometheus', uid: '${datasource}' },

  // What one line or one column asks.
  query(expr, legend):: { expr: text.lines(expr), legendFormat: legend },

  // Colours change at these values: [[80, 'orange'], [90, 'red']]; below the first it is green, or `base`.
  steps(list, base='green'):: {
    mode: 'absolute',
    steps: [{ color: base, value: null }] + [{ color: step[1], value: step[0] } for step in list],
  },
  plain:: self.steps([], 'text'),

  // Words for numbers: {'0': ['in order', 'green']}.
  words(table):: [{
    type: 'value',
    options: {
      [value]: { text: table[value][0], color: table[value][1], index: i }
      for i in std.range(0, std.length(std.objectFields(table)) - 1)
      for value in [std.objectFields(table)[i]]
    },
  }],

  // Settings for the lines or columns of these names.
  named(pattern, properties):: {
    matcher: { id: 'byRegexp', options: pattern },
    properties: [{ id: name, value: properties[name] } for name in std.objectFields(properties)],
  },
  column(name, properties):: self.named('^%s$' % name, properties) { matcher: { id: 'byName', options: name } },
  dashed(pattern):: self.named(pattern, {
    'custom.lineStyle': { fill: 'dash', dash: [8, 6] },
    'custom.lineWidth': 2,
    'custom.fillOpacity': 0,
    'custom.stacking': { mode: 'none', group: 'A' },
  }),
  limit(pattern, colour='red'):: self.dashed(pattern) {
    properties+: [{ id: 'color', value: { mode: 'fixed', fixedColor: colour } }],
  },

  local panel(type, spec) = {
    type: type,
    title: spec.title,
    description: spec.description,
    datasource: grafana.datasource,
    targets: [
      spec.queries[i] {
        refId: std.char(std.codepoint('A') + i),
        datasource: grafana.datasource,
        editorMode: 'code',
        instant: false,
        range: !self.instant,
      }
      for i in std.range(0, std.length(spec.queries) - 1)
    ],
    fieldConfig: {
      defaults: {
        unit: spec.unit,
        thresholds: std.get(spec, 'steps', grafana.plain),
        [if std.objectHas(spec, 'decimals') then 'decimals']: spec.decimals,
        [if std.objectHas(spec, 'min') then 'min']: spec.min,
        [if std.objectHas(spec, 'max') then 'max']: spec.max,
        [if std.objectHas(spec, 'words') then 'mappings']: grafana.words(spec.words),
      },
      overrides: std.get(spec, 'overrides', []),
    },
    gridPos: { w: std.get(spec, 'w', 8), h: std.get(spec, 'h', 8) },
  },
  local instant = { targets: [target { instant: true } for target in super.targets] },

  // One number.
  stat(spec):: panel('stat', { w: 3, h: 4 } + spec) + instant + {
    options: {
      colorMode: if std.objectHas(spec, 'steps') then 'background' else 'none',
      graphMode: 'none',
      justifyMode: 'auto',
      orientation: 'auto',
      textMode: if std.length(spec.queries) > 1 then 'value_and_name' else 'auto',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  },

  // Lines over time. `stacked` adds them up; `showLimits` draws where colours change.
  lines(spec):: panel('timeseries', spec) + {
    local stacked = std.get(spec, 'stacked', false),
    fieldConfig+: { defaults+: {
      color: { mode: 'palette-classic' },
      custom: {
        drawStyle: if std.get(spec, 'bars', false) then 'bars' else 'line',
        lineInterpolation: std.get(spec, 'interpolation', 'linear'),
        lineWidth: 2,
        fillOpacity: if stacked then 30 else if std.get(spec, 'bars', false) then 60 else 5,
        showPoints: 'never',
        spanNulls: false,
        stacking: { mode: if stacked then 'normal' else 'none', group: 'A' },
        thresholdsStyle: { mode: if std.get(spec, 'showLimits', false) then 'dashed' else 'off' },
        axisPlacement: 'auto',
        axisSoftMin: 0,
      },
    } },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  },

  // Lines of whole numbers: they step.
  counts(spec):: self.lines({ unit: 'short', decimals: 0, min: 0, interpolation: 'stepAfter' } + spec),

  // States over time, a row a series.
  states(spec):: panel('state-timeline', { unit: 'short' } + spec) + {
    fieldConfig+: { defaults+: { color: { mode: 'thresholds' }, custom: { fillOpacity: 80, lineWidth: 0 } } },
    options: {
      mergeValues: true,
      showValue: 'never',
      alignValue: 'center',
      rowHeight: 0.8,
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'single', sort: 'none' },
    },
  },

  // A row for each thing: `keys` are labels as {label: heading}, in the order of `order` before the
  // columns and of `last` after them; each column is {name, expr}, what
  // its cells look like.
  table(spec)::
    local columns = spec.columns;
    local value(i) = 'Value #%s' % std.char(std.codepoint('A') + i);
    local headings = spec.keys { [value(i)]: columns[i].name for i in std.range(0, std.length(columns) - 1) };
    local shown = spec.order + [column.name for column in columns] + std.get(spec, 'last', []);
    panel('table', { w: 24 } + spec + {
      unit: 'short',
      queries: [grafana.query(column.expr, column.name) for column in columns],
      overrides: [
        grafana.column(column.name, column.cells)
        for column in columns
        if std.objectHas(column, 'cells')
      ] + std.get(spec, 'overrides', []),
    }) + instant + {
      targets: [target { format: 'table' } for target in super.targets],
      fieldConfig+: { defaults+: { custom: { align: 'auto', filterable: true, inspect: false } } },
      options: {
        showHeader: true,
        cellHeight: 'sm',
        footer: { show: false, reducer: ['sum'], countRows: false, fields: '' },
        sortBy: [{ displayName: spec.sortBy, desc: true }],
      },
      transformations: [
        { id: 'merge', options: {} },
        { id: 'organize', options: {
          excludeByName: { Time: true } + {
            [value(i)]: true
            for i in std.range(0, std.length(columns) - 1)
            if std.get(columns[i], 'hidden', false)
          },
          renameByName: headings,
          indexByName: {
            [field]: std.find(headings[field], shown)[0]
            for field in std.objectFields(headings)
            if std.member(shown, headings[field])
          },
        } },
      ],
    },

  row(title, panels):: { title: title, panels: panels },

  // Panels side by side until a line of 24 columns is full, under a heading for each row.
  local placed(rows) =
    local start = { y: 0, id: 1, panels: [] };
    local put(state, panel) =
      local full = state.x + panel.gridPos.w > 24;
      local x = if full then 0 else state.x;
      local y = if full then state.y + state.h else state.y;
      {
        x: x + panel.gridPos.w,
        y: y,
        h: if full then panel.gridPos.h else std.max(state.h, panel.gridPos.h),
        id: state.id + 1,
        panels: state.panels + [panel { id: state.id, gridPos+: { x: x, y: y } }],
      };
    local heading(state, title) = {
      id: state.id,
      type: 'row',
      title: title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y: state.y, w: 24, h: 1 },
    };
    local add(state, row) =
      local end = std.foldl(put, row.panels, {
        x: 0,
        y: state.y + 1,
        h: 0,
        id: state.id + 1,
        panels: state.panels + [heading(state, row.title)],
      });
      { y: end.y + end.h, id: end.id, panels: end.panels };
    std.foldl(add, rows, start).panels,

  // A variable that asks the data source; everything is selected at first, unless `one`.
  variable(name, label, query, one=false):: {
    name: name,
    label: label,
    type: 'query',
    datasource: grafana.datasource,
    query: { query: query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: !one,
    hide: 0,
    [if !one then 'allValue']: '.+',
    [if !one then 'current']: { text: ['All'], value: ['$__all'], selected: true },
  },
  datasourceVariable(name, current):: {
    name: name,
    label: 'Data Source',
    type: 'datasource',
    query: 'prometheus',
    regex: '',
    refresh: 1,
    hide: 0,
    multi: false,
    includeAll: false,
    [if current != '' then 'current']: { text: current, value: current, selected: true },
  },

  uid(file):: std.md5(file),

  // {file, title, description, tags, timezone, refresh, from, variables, rows}
  dashboard(spec):: {
    uid: grafana.uid(spec.file),
    title: spec.title,
    description: spec.description,
    tags: spec.tags,
    editable: false,
    schemaVersion: 39,
    version: 1,
    timezone: spec.timezone,
    refresh: spec.refresh,
    graphTooltip: 1,
    time: { from: 'now-' + spec.from, to: 'now' },
    annotations: { list: [] },
    templating: { list: spec.variables },
    links: [{
      type: 'dashboards',
      title: 'Others',
      tags: spec.tags,
      asDropdown: true,
      includeVars: true,
      keepTime: true,
      targetBlank: false,
      icon: 'external link',
      tooltip: '',
      url: '',
    }],
    panels: placed(spec.rows),
  },
}
