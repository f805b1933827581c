//! What rendering is charged grows as its work does, and no faster than what it is given and makes.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeMap;

use seal_template::{Limits, Template, Text};

/// Templates whose work is linear in `N`: nothing in them goes round more often than that.
const LINEAR: &[(&str, &str)] = &[
    ("text", "{{ range N }}x{{ end }}"),
    ("range", "{{ range N }}{{ end }}"),
    (
        "calls",
        "{{ define \"t\" }}{{ end }}{{ range N }}{{ template \"t\" }}{{ end }}",
    ),
    (
        "constants",
        "{{ $_ := list }}{{ range N }}{{ $_ = list 1 2 3 }}{{ end }}",
    ),
    ("upper", "{{ $_ := upper (repeat N \"ab\") }}"),
    ("title", "{{ $_ := title (repeat N \"ab \") }}"),
    ("snakecase", "{{ $_ := snakecase (repeat N \"aB\") }}"),
    ("trim", "{{ $_ := trim (repeat N \" \") }}"),
    (
        "trimAll",
        "{{ $_ := trimAll (repeat N \"ba\") (repeat N \"ab\") }}",
    ),
    ("indent", "{{ $_ := indent 2 (repeat N \"a\\n\") }}"),
    (
        "replace",
        "{{ $_ := replace \"a\" \"bc\" (repeat N \"ab\") }}",
    ),
    ("splitList", "{{ $_ := splitList \",\" (repeat N \"a,\") }}"),
    ("split", "{{ $_ := split \",\" (repeat N \"a,\") }}"),
    ("join", "{{ $_ := join \",\" (until N) }}"),
    ("cat", "{{ $x := repeat N \"a\" }}{{ $_ := cat $x $x $x }}"),
    ("quote", "{{ $_ := quote (repeat N \"\\x01\") }}"),
    ("quote of a list", "{{ $_ := quote (until N) }}"),
    ("print", "{{ $_ := print (until N) }}"),
    (
        "print of what is shared",
        "{{ $x := repeat N \"a\" }}{{ $_ := print (list $x $x $x $x) }}",
    ),
    (
        "keys that are printed",
        "{{ $x := repeat N \"a\" }}{{ $l := list $x $x }}{{ $_ := dict $l 1 $l 2 $l 3 }}",
    ),
    (
        "printf with brackets",
        "{{ $_ := printf (repeat N \"%[\") }}",
    ),
    ("html", "{{ $_ := html (repeat N \"<\") }}"),
    ("js", "{{ $_ := js (repeat N \"<\") }}"),
    ("urlquery", "{{ $_ := urlquery (repeat N \"<\") }}"),
    ("sha256sum", "{{ $_ := sha256sum (repeat N \"a\") }}"),
    (
        "b64dec that fails late",
        "{{ $_ := b64dec (print (repeat N \"a\") \"!\") }}",
    ),
    (
        "toJson that fails late",
        "{{ $x := repeat N \"a\" }}{{ $_ := toJson (list $x $x (float64 \"nan\")) }}",
    ),
    ("toPrettyJson", "{{ $_ := toPrettyJson (until N) }}"),
    (
        "fromJson that fails late",
        "{{ $_ := fromJson (print \"[\" (repeat N \"1,\") \"x\") }}",
    ),
    ("has", "{{ $_ := has -1 (until N) }}"),
    (
        "has of long lists",
        "{{ $l := until N }}{{ $m := until N }}{{ $_ := has (list $l) (list $l $l (list $m)) }}",
    ),
    ("deepEqual", "{{ $_ := deepEqual (until N) (until N) }}"),
    (
        "deepEqual of dictionaries",
        "{{ $x := repeat N \"a,\" }}{{ $_ := deepEqual (split \",\" $x) (split \",\" $x) }}",
    ),
    ("compact", "{{ $_ := compact (until N) }}"),
    ("reverse", "{{ $_ := reverse (until N) }}"),
    ("chunk", "{{ $_ := chunk 2 (until N) }}"),
    ("seq", "{{ $_ := seq N }}"),
    ("toStrings", "{{ $_ := toStrings (until N) }}"),
    (
        "set in a loop",
        "{{ $d := dict }}{{ range N }}{{ $_ := set $d (print .) 1 }}{{ end }}",
    ),
    (
        "get in a loop",
        "{{ $d := split \",\" (repeat N \"a,\") }}{{ $_ := dict }}{{ range N }}{{ $_ = index $d \"_1\" }}{{ end }}",
    ),
    (
        "range over a dictionary",
        "{{ range split \",\" (repeat N \"a,\") }}{{ end }}",
    ),
    (
        "merge",
        "{{ $x := repeat N \"1,\" }}{{ $d := dict \"a\" (split \",\" $x) }}{{ $_ := merge $d (deepCopy $d) }}",
    ),
    (
        "pick nothing",
        "{{ $d := dict }}{{ range N }}{{ $_ := set $d (print .) . }}{{ end }}{{ $_ := pick $d \"x\" }}",
    ),
    ("int", "{{ $_ := int (print (repeat N \"1\") \"x\") }}"),
    (
        "date with a long layout",
        "{{ $_ := date (repeat N \"Z0\") 0 }}",
    ),
    (
        "toDate with a long layout",
        "{{ $_ := toDate (repeat N \"Z0\") \"\" }}",
    ),
    ("clean", "{{ $_ := clean (repeat N \"a/../\") }}"),
    (
        "urlParse",
        "{{ $_ := urlParse (print \"http://h/\" (repeat N \"a\")) }}",
    ),
    (
        "regexMatch",
        "{{ $_ := regexMatch \"a*b\" (repeat N \"a\") }}",
    ),
    (
        "regexFindAll",
        "{{ $_ := regexFindAll \"a\" (repeat N \"ab\") -1 }}",
    ),
    (
        "regexReplaceAll of nothing",
        "{{ $_ := regexReplaceAll \"(x)?a\" \"aaa\" (repeat N \"$1\") }}",
    ),
    (
        "regexReplaceAll with groups that are never reached",
        "{{ $_ := regexReplaceAll (print \"^b\" (repeat 999 \"()\")) (repeat N \"a\") \"$1\" }}",
    ),
    (
        "expressions without case",
        "{{ $_ := regexMatch (print \"(?i)\" (repeat N \"1\")) \"\" }}",
    ),
    (
        "semver",
        "{{ $_ := (semver (print \"1.2.3-\" (repeat N \"a\"))).IncPatch.String }}",
    ),
];

fn steps(template: &str, size: usize) -> u64 {
    let template = template.replace('N', &size.to_string());
    let mut limits = Limits {
        steps: u64::MAX,
        memory: usize::MAX,
        output: usize::MAX,
        ..Limits::default()
    };
    let rendered = Template::parse("item", &template)
        .and_then(|template| template.render(&BTreeMap::<Text, Text>::new(), &mut limits));
    assert!(rendered.is_ok(), "{template}: {:?}", rendered.err());
    u64::MAX - limits.steps
}

#[test]
fn steps_are_linear_in_what_there_is_to_do() {
    const SIZE: usize = 1_000;
    let mut wrong = Vec::new();
    for (name, template) in LINEAR {
        // Without what does not grow.
        let none = steps(template, 1);
        let grown: Vec<u64> = [1, 2, 4, 8]
            .map(|times| steps(template, times * SIZE) - none)
            .into();
        let is_linear = grown.windows(2).all(|pair| {
            let (once, twice) = (pair[0], pair[1]);
            twice >= once * 2 - once / 4 && twice <= once * 2 + once / 4
        });
        // What costs nothing however much there is grows without being counted.
        if !is_linear || grown[0] < SIZE as u64 / 32 {
            wrong.push(format!("{name}: {grown:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn steps_are_those_of_all_pairs_where_all_pairs_are_compared() {
    for template in [
        "{{ $_ := uniq (until N) }}",
        "{{ $_ := without (until N) 1 (until N) }}",
        "{{ $_ := regexFindAll \".*?b|a\" (repeat N \"a\") -1 }}",
        "{{ $_ := semverCompare (print \"1.2.3-\" (repeat N \"1-\") \"1\") \"1.2.3\" }}",
    ] {
        let (once, twice) = (steps(template, 500), steps(template, 1000));
        assert!(twice > once + once / 2, "{template}: {once}, {twice}");
    }
}

#[test]
fn names_in_a_template_cost_as_much_as_they_are_long() {
    for template in [
        "{{ $d := dict \"NAME\" 1 }}{{ range 1000 }}{{ $_ := $d.NAME }}{{ end }}",
        "{{ $d := dict \"NAME\" 1 }}{{ range 1000 }}{{ $_ := get $d \"NAME\" }}{{ end }}",
        "{{ define \"NAME\" }}{{ end }}{{ range 1000 }}{{ template \"NAME\" }}{{ end }}",
        "{{ range 1000 }}{{ $_ := eq \"NAME\" \"NAME\" }}{{ end }}",
    ] {
        let [short, long] =
            [1, 100_000].map(|length| steps(&template.replace("NAME", &"n".repeat(length)), 0));
        assert!(long - short > 100_000, "{template}: {short}, {long}");
    }
}

#[test]
fn numbers_with_many_digits_cost_as_many() {
    let shown = |format: &str| steps(&format!("{{{{ $_ := printf \"{format}\" 1e300 }}}}"), 0);
    assert!(shown("%.1000g") > shown("%.2g") + 400);
    assert!(shown("%.2f") > shown("%.2g") + 100);
}
