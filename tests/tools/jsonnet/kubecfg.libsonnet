// What upstream's manifest asks of kubecfg, which jsonnet has itself.
{ parseYaml(text):: [std.parseYaml(text)] }
