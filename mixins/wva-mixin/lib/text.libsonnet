// Text of several lines, without the line breaks that `|||` and formats leave. (std.stripChars takes milliseconds a line.)
{
  lines(text):: std.join('\n', std.filter(function(line) line != '', std.split(text, '\n'))),
  indented(text):: '  ' + std.strReplace(self.lines(text), '\n', '\n  '),
}
