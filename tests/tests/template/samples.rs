//! What templates are given, and how the results are compared.

use std::collections::BTreeMap;

use seal_tests::templates::{Case, Rendered, by_go, by_us};

/// Values of many kinds, by their names.
pub(crate) fn values() -> BTreeMap<String, Vec<u8>> {
    let big = "lorem ipsum ".repeat(1000);
    let huge = "a: 1\r\n  - <é> \"x\"\t\0".repeat(3_000);
    let values: [(&str, &[u8]); 25] = [
        ("user", b"alice"),
        ("empty", b""),
        ("num", b"42"),
        ("multi", b"a\nb"),
        ("html", b"<a href=\"x\">'&'</a>"),
        ("a-b", b"dash"),
        ("bin", b"\xff\xfe\0a"),
        ("unicode", "Grüße, 世界 😀".as_bytes()),
        ("float", b"3.25"),
        ("csv", b"a,b,c"),
        ("json", br#"{"a":[1,2.5,"x",null,true],"b":{"c":"<&>"}}"#),
        ("big", big.as_bytes()),
        ("neg", b"-7"),
        ("yaml", b"a: 1\nb:\n  - x\n"),
        ("crlf", b"a\r\n b \r\n\r\n"),
        ("octal", b"0755"),
        ("hex", b"0x1F"),
        ("exponent", b"-1.5e3"),
        ("nan", b"NaN"),
        ("spaces", b" \t "),
        ("date", b"2024-02-29"),
        ("version", b"1.2.3-rc.1+build.7"),
        ("base64", b"aGVsbG8gd29ybGQ="),
        ("nul", b"\0"),
        ("huge", huge.as_bytes()),
    ];
    let owned = |(name, value): &(&str, &[u8])| ((*name).to_owned(), value.to_vec());
    values.iter().map(owned).collect()
}

/// A template with these values.
pub(crate) fn case(template: &str) -> Case {
    let mut values = values();
    // It is long, and thousands of templates are sent to Go with their values.
    values.retain(|name, _| name != "huge" || template.contains(".huge"));
    Case {
        template: template.to_owned(),
        values,
    }
}

/// Whether both say the same: the same text, or no text.
pub(crate) fn agree(theirs: &Rendered, ours: &Rendered) -> bool {
    match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => theirs == ours,
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

/// Renders all by Go and by us, and fails with all that come out differently.
#[track_caller]
pub(crate) fn check(cases: &[Case]) {
    let mut differences = String::new();
    let mut count = 0;
    for (case, theirs) in cases.iter().zip(by_go(cases)) {
        let ours = by_us(case);
        if !agree(&theirs, &ours) {
            count += 1;
            differences.push_str(&format!(
                "{}\n  Go: {}\n  we: {}\n",
                case.template,
                shown(&theirs),
                shown(&ours)
            ));
        }
    }
    assert!(
        count == 0,
        "{count} of {} differ\n{differences}",
        cases.len()
    );
}

fn shown(rendered: &Rendered) -> String {
    match rendered {
        Ok(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Err(error) => format!("error: {error}"),
    }
}
