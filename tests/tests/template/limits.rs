//! What rendering may take is limited, and no less than what is promised.

use seal_tests::templates::by_us;

use crate::samples::case;

/// Renders on a stack as small as threads have.
fn on_a_small_stack(template: String) -> Result<Vec<u8>, String> {
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || by_us(&case(&template)))
        .unwrap()
        .join()
        .unwrap()
}

#[track_caller]
fn renders(template: &str, expected: &str) {
    let text = on_a_small_stack(template.to_owned()).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[track_caller]
fn fails(template: &str, because: &str) {
    let error = on_a_small_stack(template.to_owned()).unwrap_err();
    assert!(error.contains(because), "{error}");
}

#[test]
fn what_is_promised_fits() {
    let turns = "{{ $n := 0 }}{{ range 100000 }}{{ $n = add1 $n }}{{ end }}{{ $n }}";
    renders(turns, "100000");
    let calls = "{{ define \"t\" }}{{ if gt (int .) 1 }}{{ with sub . 1 }}{{ template \"t\" . }}{{ end }}{{ else }}end{{ end }}{{ end }}{{ template \"t\" 500 }}";
    renders(calls, "end");
    let output = on_a_small_stack("{{ range 1024 }}{{ repeat 1024 \"x\" }}{{ end }}".to_owned());
    assert_eq!(output.unwrap().len(), 1 << 20);
}

#[test]
fn more_is_refused() {
    fails("{{ range 1000000000000 }}{{ end }}", "too many steps");
    fails(
        "{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}",
        "nested too deeply",
    );
    fails(
        "{{ range 1024 }}{{ repeat 1024 \"x\" }}{{ end }}y",
        "longer than",
    );
    fails("{{ repeat 1000000000 \"x\" | len }}", "too much memory");
    fails("{{ until 1000000000 | len }}", "too much memory");
    fails(
        "{{ printf \"%1000000d\" 1 | repeat 100 | len }}",
        "too much memory",
    );
    fails(
        "{{ $x := \"x\" }}{{ range 64 }}{{ $x = print $x $x }}{{ end }}",
        "too much memory",
    );
    fails(
        "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}{{ $x }}",
        "nested too deeply",
    );
    fails(
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $d }}",
        "nested too deeply",
    );
    fails(
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $d | toJson }}",
        "nested too deeply",
    );
    let many =
        "{{ $d := dict \"a\" 1 }}{{ $_ := set $d \"b\" $d }}{{ $_ := set $d \"c\" $d }}{{ $d }}";
    fails(many, "");
}

#[test]
fn nesting_takes_no_stack() {
    let parentheses = |count| format!("{{{{ {}1{} }}}}", "(".repeat(count), ")".repeat(count));
    renders(&parentheses(100), "1");
    fails(&parentheses(101), "nested too deeply");
    let blocks = format!(
        "{}x{}",
        "{{ if true }}".repeat(50_000),
        "{{ end }}".repeat(50_000)
    );
    renders(&blocks, "x");
    let chain = format!(
        "{{{{ if false }}}}{}x{{{{ end }}}}",
        "{{ else if false }}".repeat(50_000)
    );
    renders(&chain, "");
    let calls = format!(
        "{{{{ print {}1{} }}}}",
        "(print ".repeat(99),
        ")".repeat(99)
    );
    renders(&calls, "1");
}

#[test]
fn an_error_says_where_and_never_what() {
    let error = on_a_small_stack("a\nb {{ fail .user }}".to_owned()).unwrap_err();
    assert_eq!(error, "2:6: fail: the template gave up");
    let error = on_a_small_stack("é {{ mustFromJson .user }}".to_owned()).unwrap_err();
    assert_eq!(
        error,
        "1:6: mustFromJson: the function refuses its arguments"
    );
    for template in [
        "{{ .user.x }}",
        "{{ index .user .num }}",
        "{{ .user | semver }}",
        "{{ template .user }}",
    ] {
        let error = on_a_small_stack(template.to_owned()).unwrap_err();
        assert!(!error.contains("alice") && !error.contains("42"), "{error}");
    }
}
