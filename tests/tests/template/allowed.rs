//! Functions that give something else each time: off, and where they are allowed, of the form that they have in Go.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seal_template::{
    Allowed, Error, Limits, Problem, Template, Text,
    functions::{self, Status, Why},
};
use seal_tests::templates::by_go;

use crate::samples::{case, values};

/// Templates that say the same whatever the functions in them give.
const FORMS: &[&str] = &[
    r#"{{ regexMatch "^[A-Za-z0-9]{300}$" (randAlphaNum 300) }}{{ randAlphaNum 0 }}{{ randAlphaNum -1 }}{{ len (randAlphaNum 7) }}"#,
    r#"{{ eq (randAlphaNum 40) (randAlphaNum 40) }}{{ regexFindAll "[a-z]" (randAlphaNum 900) -1 | uniq | len }}{{ regexFindAll "[0-9]" (randAlphaNum 900) -1 | uniq | len }}"#,
    r#"{{ randAlphaNum "1" }}"#,
    r#"{{ regexMatch "^[A-Za-z]{300}$" (randAlpha 300) }}{{ randAlpha 0 }}{{ randAlpha -1 }}"#,
    r#"{{ eq (randAlpha 40) (randAlpha 40) }}{{ regexFindAll "." (randAlpha 2000) -1 | uniq | len }}"#,
    r#"{{ randAlpha }}"#,
    r#"{{ regexMatch "^[0-9]{300}$" (randNumeric 300) }}{{ randNumeric 0 }}{{ randNumeric -1 }}"#,
    r#"{{ eq (randNumeric 40) (randNumeric 40) }}{{ regexFindAll "." (randNumeric 2000) -1 | uniq | len }}"#,
    r#"{{ randNumeric 1.5 }}"#,
    r#"{{ regexMatch "^[ -~]{300}$" (randAscii 300) }}{{ randAscii 0 }}{{ randAscii -1 }}"#,
    r#"{{ eq (randAscii 40) (randAscii 40) }}{{ regexFindAll "." (randAscii 5000) -1 | uniq | len }}"#,
    r#"{{ randAscii nil }}"#,
    r#"{{ len (randBytes 32) }}{{ len (b64dec (randBytes 32)) }}{{ randBytes 0 }}"#,
    r#"{{ eq (randBytes 16) (randBytes 16) }}"#,
    r#"{{ randBytes -1 }}"#,
    r#"{{ randInt 5 6 }}{{ randInt -1 0 }}{{ $seen := list }}{{ range 400 }}{{ $seen = append $seen (randInt -2 3) }}{{ end }}{{ $seen | uniq | toStrings | sortAlpha }}"#,
    r#"{{ randInt 5 5 }}"#,
    r#"{{ randInt 6 5 }}"#,
    r#"{{ typeOf (randInt 0 9) }}{{ randInt 9223372036854775806 9223372036854775807 }}"#,
    r#"{{ shuffle "aaaa" }}{{ shuffle "" }}{{ shuffle "a" }}{{ len (shuffle "Grüße") }}{{ shuffle .bin | len }}"#,
    r#"{{ regexFindAll "." (shuffle "abcdefgh") -1 | sortAlpha | join "" }}{{ eq .big (shuffle .big) }}"#,
    r#"{{ shuffle 1 }}"#,
    r#"{{ regexMatch "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" uuidv4 }}"#,
    r#"{{ eq uuidv4 uuidv4 }}{{ len uuidv4 }}"#,
    r#"{{ uuidv4 1 }}"#,
    r#"{{ decryptAES "key" (encryptAES "key" "plaintext") }}{{ encryptAES "key" "" }}{{ encryptAES "key" "0123456789abcdef" | len }}"#,
    r#"{{ encryptAES "a key that is longer than the longest that fits" .big | decryptAES "a key that is longer than the longest that fits" | eq .big }}"#,
    r#"{{ eq (encryptAES "" "a") (encryptAES "" "a") }}{{ encryptAES 1 "a" }}"#,
    r#"{{ (now).Year | gt 2000 }}{{ now.IsZero }}{{ typeOf now }}{{ now.Before (toDate "2006" "1999") }}{{ now | date "2006" | len }}"#,
    r#"{{ (now.Add 5000000000).After now }}{{ date "MST" nil }}{{ date "MST" "x" }}{{ dateInZone "MST" 1.5 "Asia/Tokyo" }}"#,
    r#"{{ htmlDate nil | len }}{{ htmlDateInZone "" "UTC" | len }}{{ now 1 }}"#,
    r#"{{ regexMatch "^[0-9]+h[0-9]+m[0-9]+s$" (ago 0) }}{{ ago now }}{{ ago nil }}"#,
    r#"{{ ago (now.Add 5400000000000) }}{{ ago (toDate "2006" "1600") }}"#,
    r#"{{ ago }}"#,
    r#"{{ durationRound (toDate "2006" "1700") }}{{ durationRound (now.Add -7500000000000) }}{{ durationRound (now.Add 100000000000) }}"#,
];

fn rendered(template: &str, allowed: Allowed<'_>) -> Result<Vec<u8>, Error> {
    let values: BTreeMap<Text, Text> = values()
        .into_iter()
        .map(|(key, value)| (Text::from(key), Text::from(value)))
        .collect();
    let template = Template::parse("item", template)?;
    template
        .render_allowing(&values, &mut Limits::default(), allowed)
        .map(|text| text.to_vec())
}

/// Numbers that look random, the same in each run.
fn numbers() -> impl FnMut(&mut [u8]) {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    move |bytes| {
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = (state >> 32) as u8;
        }
    }
}

#[test]
fn what_is_allowed_has_the_form_that_it_has_in_go() {
    let cases: Vec<_> = FORMS.iter().map(|template| case(template)).collect();
    let mut wrong = Vec::new();
    for (template, theirs) in FORMS.iter().zip(by_go(&cases)) {
        let mut random = numbers();
        let allowed = Allowed {
            random: Some(&mut random),
            now: Some("2026-03-04T05:06:07.89Z".parse::<Timestamp>().unwrap()),
        };
        let ours = rendered(template, allowed);
        let agree = match (&theirs, &ours) {
            (Ok(theirs), Ok(ours)) => theirs == ours,
            (Err(_), Err(_)) => true,
            _ => false,
        };
        if !agree {
            let theirs = theirs.map(|text| String::from_utf8_lossy(&text).into_owned());
            let ours = ours.map(|text| String::from_utf8_lossy(&text).into_owned());
            wrong.push(format!("{template}\n  Go: {theirs:?}\n  we: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_function_that_can_be_allowed_has_three_forms() {
    let few: Vec<&str> = functions::all()
        .filter(|function| matches!(function.status, Status::Off(Why::Random | Why::Clock)))
        .map(|function| function.name)
        .filter(|name| FORMS.iter().filter(|form| form.contains(name)).count() < 3)
        .collect();
    assert!(few.is_empty(), "{few:?}");
}

/// A call of a function with arguments of the types that it has.
fn call(function: &functions::Function) -> String {
    let mut call = format!("{{{{ {}", function.name);
    for parameter in function.parameters {
        call.push_str(match parameter {
            functions::Parameter::Int | functions::Parameter::Uint32 => " 1",
            functions::Parameter::List => " (list)",
            functions::Parameter::Certificate => " .",
            _ => " \"1\"",
        });
    }
    call + " }}"
}

#[test]
fn what_is_not_allowed_says_why() {
    for function in functions::all() {
        let Status::Off(why) = function.status else {
            continue;
        };
        let mut random = numbers();
        let allowed = match why {
            Why::Random => Allowed {
                now: Some(Timestamp::UNIX_EPOCH),
                random: None,
            },
            Why::Clock => Allowed {
                random: Some(&mut random),
                now: None,
            },
            Why::Keys | Why::Costly => Allowed {
                random: Some(&mut random),
                now: Some(Timestamp::UNIX_EPOCH),
            },
        };
        let error = rendered(&call(function), allowed).unwrap_err();
        assert_eq!(
            error.problem,
            Problem::FunctionOff(why),
            "{}",
            function.name
        );
        assert_eq!(error.function.as_deref(), Some(function.name));
    }
}

#[test]
fn a_date_that_is_none_is_the_clock() {
    for template in [
        r#"{{ date "2006" "x" }}"#,
        r#"{{ htmlDate nil }}"#,
        r#"{{ dateInZone "2006" 1.5 "UTC" }}"#,
        r#"{{ htmlDateInZone .user "UTC" }}"#,
        r#"{{ durationRound (toDate "2006" "2000") }}"#,
    ] {
        let error = rendered(template, Allowed::default()).unwrap_err();
        assert_eq!(
            error.problem,
            Problem::FunctionOff(Why::Clock),
            "{template}"
        );
    }
}

#[test]
fn the_time_that_is_given_is_now() {
    let at = |time: &str| {
        let allowed = Allowed {
            random: None,
            now: Some(time.parse().unwrap()),
        };
        let template = "{{ now }}|{{ now.UnixNano }}|{{ ago 0 }}";
        String::from_utf8(rendered(template, allowed).unwrap()).unwrap()
    };
    assert_eq!(
        at("2026-03-04T05:06:07.89Z"),
        "2026-03-04 05:06:07.89 +0000 UTC|1772600767890000000|492389h6m8s"
    );
    assert_eq!(
        at("1969-12-31T23:59:59.5Z"),
        "1969-12-31 23:59:59.5 +0000 UTC|-500000000|-1s"
    );
}

#[test]
fn random_texts_are_limited_too() {
    for template in [
        "{{ randAlphaNum 9223372036854775807 }}",
        "{{ randBytes 9223372036854775807 }}",
        "{{ range 100 }}{{ $x := randAscii 1000000 }}{{ end }}",
    ] {
        let mut random = numbers();
        let allowed = Allowed {
            random: Some(&mut random),
            now: None,
        };
        let error = rendered(template, allowed).unwrap_err();
        let limited = matches!(error.problem, Problem::Memory(_) | Problem::Steps(_));
        assert!(limited, "{template}: {error}");
    }
}
