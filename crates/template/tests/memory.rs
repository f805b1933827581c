//! What a rendering takes of the machine's memory is bounded by its limit, whatever the template. A process of its own: there is
//! one test in this file.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail where it stands, and looks at its own process"
)]

use std::{collections::BTreeMap, fs};

use seal_template::{Limits, Template, Text};

const MEMORY: usize = 8 << 20;

/// The most memory that this process has had, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let number = line.split_whitespace().nth(1).unwrap();
    number.parse::<usize>().unwrap() * 1024
}

fn templates() -> Vec<(&'static str, String)> {
    let text = "{{ $a := repeat 4000000 \"a\" }}";
    let numbers = "{{ $a := repeat 2000000 \"1,\" }}";
    let version =
        "{{ $v := print \"1.2.3-\" (repeat 100000 \"a\") }}{{ $l := list }}{{ $d := dict }}";
    vec![
        ("cat", format!("{text}{{{{ $_ := cat {} }}}}", "$a ".repeat(200))),
        ("quote", format!("{text}{{{{ $_ := quote {} }}}}", "$a ".repeat(200))),
        ("dict", format!("{text}{{{{ $l := list $a }}}}{{{{ $_ := dict {} }}}}", "(print $l 1) 1 ".repeat(200))),
        ("splitList", format!("{text}{{{{ $_ := splitList \"\" $a }}}}")),
        ("split", format!("{text}{{{{ $_ := split \"\" $a }}}}")),
        ("replace", format!("{text}{{{{ $_ := replace \"\" \"b\" $a }}}}")),
        ("fromJson", format!("{numbers}{{{{ $_ := fromJson (print \"[\" $a \"1]\") }}}}")),
        ("fromJson of keys", "{{ $a := repeat 200000 \"\\\"a\\\":{},\" }}{{ $_ := fromJson (print \"{\" $a \"}\") }}".to_owned()),
        ("toJson", "{{ $a := repeat 4000000 \"\\x01\" }}{{ $_ := toJson $a }}".to_owned()),
        ("printf %q", "{{ $a := repeat 4000000 \"\\xff\" }}{{ $_ := printf \"%q\" $a }}".to_owned()),
        ("seq", "{{ $_ := seq 1000000 }}".to_owned()),
        ("constraints", "{{ $_ := semverCompare (repeat 2000000 \"1,\") \"1\" }}".to_owned()),
        ("regexFindAll", format!("{text}{{{{ $_ := regexFindAll \"a\" $a -1 }}}}")),
        ("regexSplit", format!("{text}{{{{ $_ := regexSplit \"a\" $a -1 }}}}")),
        ("an expression that repeats", "{{ $_ := regexMatch (repeat 100000 \"a{1000}|\") \"\" }}".to_owned()),
        ("an expression that repeats in groups", "{{ $_ := regexMatch (repeat 100000 \"(a{1000}\") \"\" }}".to_owned()),
        ("open branches", format!("{{{{ define \"t\" }}}}{}{{{{ template \"t\" }}}}{}{{{{ end }}}}{{{{ template \"t\" }}}}", "{{ if 1 }}".repeat(20_000), "{{ end }}".repeat(20_000))),
        ("open dictionaries", "{{ $d := split \"a\" (repeat 20000 \"a\") }}{{ define \"t\" }}{{ $d := . }}{{ range $d }}{{ template \"t\" $d }}{{ end }}{{ end }}{{ template \"t\" $d }}".to_owned()),
        ("versions", format!("{version}{{{{ range 1000 }}}}{{{{ $_ := set $d (print .) (semver $v) }}}}{{{{ end }}}}")),
        ("versions made of others", format!("{version}{{{{ $v = semver $v }}}}{{{{ range 1000 }}}}{{{{ $_ := set $d (print .) $v.IncPatch }}}}{{{{ $_ := set $d (print . \"a\") ($v.SetMetadata \"a\") }}}}{{{{ end }}}}")),
        ("zones", "{{ $z := print \"+\" (repeat 100000 \"0\") }}{{ $d := dict }}{{ range 1000 }}{{ $_ := set $d (print .) (toDate \"MST\" $z) }}{{ end }}".to_owned()),
        ("what is shared", "{{ $l := list 1 }}{{ range 40 }}{{ $l = list $l $l }}{{ end }}{{ deepCopy $l }}".to_owned()),
        ("small texts", "{{ $d := dict }}{{ range 1000000 }}{{ $_ := set $d (print .) (print .) }}{{ end }}".to_owned()),
    ]
}

#[test]
fn a_rendering_takes_little_more_memory_than_it_may() {
    let before = peak();
    for (name, template) in templates() {
        let limits = Limits {
            memory: MEMORY,
            ..Limits::default()
        };
        let rendered = Template::parse("item", &template).and_then(|template| {
            template.render(&BTreeMap::<Text, Text>::new(), &mut limits.clone())
        });
        drop((rendered, template));
        let taken = peak() - before;
        assert!(taken < 6 * MEMORY, "{name}: {} MB", taken >> 20);
    }
}
