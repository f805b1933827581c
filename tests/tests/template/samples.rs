//! What templates are given, and how the results are compared.

use std::collections::BTreeMap;

use seal_tests::templates::{Case, Rendered, by_go, by_us};

/// Values of many kinds, by their names.
pub(crate) fn values() -> BTreeMap<String, Vec<u8>> {
    let big = "lorem ipsum ".repeat(1000);
    let values: [(&str, &[u8]); 14] = [
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
    ];
    let owned = |(name, value): &(&str, &[u8])| ((*name).to_owned(), value.to_vec());
    values.iter().map(owned).collect()
}

/// A template with these values.
pub(crate) fn case(template: &str) -> Case {
    Case {
        template: template.to_owned(),
        values: values(),
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
