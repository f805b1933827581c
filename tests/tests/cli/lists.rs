//! One bad item of a list hides none of the others, and nothing of it comes out.

use seal_tests::{run::Finished, scratch::Scratch};
use serde_json::{Value, json};

use crate::samples::{
    MARKER, SECRET, document, documents, fails_once, item, nothing_leaked, texts, values, with_cert,
};

const LIST: &str = "apiVersion: v1\nkind: List\nitems:\n";
/// Another value that must never appear.
const OTHER: &str = "Other-9e1f-battery-staple";
const LEFT_OUT: &str = "the whole list is left out of the output, because the items that failed";

/// A Secret that cannot be sealed, as it has no namespace.
fn bad() -> String {
    SECRET.replace("  namespace: prod\n", "")
}

#[track_caller]
fn encrypt(input: impl Into<Vec<u8>>) -> Finished {
    with_cert(&Scratch::new(), ["encrypt"])
        .stdin(input)
        .finish()
        .exits(1)
        .never_shows(MARKER)
        .never_shows(OTHER)
}

#[test]
fn the_rest_of_the_list_keeps_its_bytes_and_comments() {
    let other =
        "# another\n- apiVersion: v1   # stays\n  kind: ConfigMap\n  metadata: {name: c}\n# end\n";
    let bad = item(&bad()).replace("  metadata", "  # within\n  metadata");
    let input = format!(
        "{LIST}# good\n{}# bad\n{}  # below\n\n{other}---\nb: 2\n",
        item(SECRET),
        bad.replace("v1\n", "v1 # behind\n")
    );
    let run = fails_once(encrypt(input), "MissingNamespace");
    let start = format!("{LIST}# good\n- apiVersion: bitnami.com/v1alpha1\n");
    assert!(run.out().starts_with(&start), "{}", run.out());
    assert!(
        run.out().ends_with(&format!("\n\n{other}---\nb: 2\n")),
        "{}",
        run.out()
    );
    for comment in ["# bad", "# behind", "# within", "# below"] {
        assert!(!run.out().contains(comment), "{}", run.out());
    }
    let all = documents(run.out());
    assert_eq!(values(&all[0]["items"][0]), texts([("password", MARKER)]));
    assert_eq!(all[0]["items"][1]["kind"], "ConfigMap");
    assert_eq!(all[0]["items"].as_array().map(Vec::len), Some(2));
    assert!(!run.err().contains("left out"), "{}", run.err());
}

#[test]
fn every_shape_of_a_list_keeps_its_good_items() {
    let (good, bad) = (item(SECRET), item(&bad()));
    let json = |text: &str| documents(text)[0].to_string();
    let typed = format!("apiVersion: v1\nkind: SecretList\nitems:\n{bad}{good}");
    let indented = format!(
        "{LIST}{}",
        format!("{good}{bad}")
            .replace("\n  ", "\n      ")
            .replace("- ", "    - ")
    );
    for input in [
        format!("{LIST}{bad}{good}"),
        format!("{LIST}{good}{bad}"),
        format!("{LIST}{good}{bad}").trim_end().to_owned(),
        format!("{LIST}{bad}{good}").replace('\n', "\r\n"),
        format!("{bad}{good}"),
        format!("{LIST}- a: 1\n{bad}{good}"),
        json(&format!("{LIST}{bad}{good}")),
        format!("{:#}", documents(&format!("{LIST}{good}{bad}"))[0]),
        format!("items: [{}, {}]\n", json(&self::bad()), json(SECRET)),
        typed,
        indented,
    ] {
        let run = fails_once(encrypt(input.clone()), "MissingNamespace");
        let object = document(run.out());
        let list = object.as_array().or_else(|| object["items"].as_array());
        let list = list.expect("the list is there");
        let sealed: Vec<&Value> = list
            .iter()
            .filter(|item| item["kind"] == "SealedSecret")
            .collect();
        assert_eq!(sealed.len(), 1, "{input}");
        assert_eq!(values(sealed[0]), texts([("password", MARKER)]), "{input}");
        assert!(!run.err().contains("left out"), "{}", run.err());
        assert_eq!(
            list.iter().filter(|item| item["kind"] == "Secret").count(),
            0,
            "{input}"
        );
    }
}

#[test]
fn a_list_in_a_list_loses_only_what_failed() {
    let inner = format!("kind: List\nitems:\n{}", item(&bad()));
    let input = format!("{LIST}{}{}", item(&inner), item(SECRET));
    let run = fails_once(encrypt(input), "MissingNamespace");
    let list = document(run.out());
    assert_eq!(list["items"][0], json!({"kind": "List", "items": []}));
    assert_eq!(values(&list["items"][1]), texts([("password", MARKER)]));
}

#[test]
fn each_kind_of_failure_takes_its_item_only() {
    let base64 = SECRET.replace("stringData", "data");
    let misspelt = SECRET.replace("stringData", "stringdata");
    let unnamed = format!("data: {{password: {MARKER}}}\n");
    let wrong = SECRET.replace("kind: Secret", "kind: secret");
    let comment = format!(
        "# {OTHER}
{}",
        item(&SECRET.replace(MARKER, OTHER))
    );
    for (bad, reason) in [
        (item(&base64), "InvalidValue"),
        (item(&misspelt), "InvalidObject"),
        (item(&unnamed), "WrongKind"),
        (item(&wrong), "WrongKind"),
        (comment, "PlaintextInMetadata"),
    ] {
        let run = fails_once(encrypt(format!("{LIST}{bad}{}", item(SECRET))), reason);
        let list = document(run.out());
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{reason}");
        assert_eq!(values(&list["items"][0]), texts([("password", MARKER)]));
    }
}

#[test]
fn a_list_of_which_every_item_failed_is_left_out() {
    let run = encrypt(format!("{LIST}{}{}---\nb: 2\n", item(&bad()), item(&bad())));
    assert_eq!(document(run.out()), json!({"b": 2}));
    assert!(!run.err().contains("left out"), "{}", run.err());
}

#[test]
fn a_value_that_would_stay_elsewhere_in_the_list_is_refused() {
    let secret = |values: &str| {
        format!(
            "{}{values}",
            SECRET.split("stringData").next().unwrap_or_default()
        )
    };
    let good = item(SECRET);
    for (anchor, values) in [
        (
            format!("- a: &x {MARKER}\n"),
            "stringData: {password: *x}\n",
        ),
        (format!("- &x {{password: {MARKER}}}\n"), "stringData: *x\n"),
        (
            format!("- &x {{password: {MARKER}}}\n"),
            "stringData: {<<: *x}\n",
        ),
        (
            format!("- a: &x {{stringData: {{password: {MARKER}}}}}\n"),
            "<<: *x\n",
        ),
    ] {
        let item = item(&secret(values));
        let run = encrypt(format!("{LIST}{anchor}{item}{good}---\na: 1\n"));
        let run = fails_once(run, "PlaintextInMetadata").says(LEFT_OUT);
        assert_eq!(run.out(), "---\na: 1\n");
    }
    let labels = SECRET.replace("  namespace", "  labels: *x\n  namespace");
    with_cert(&Scratch::new(), ["encrypt"])
        .stdin(format!("{LIST}- a: &x {{b: c}}\n{}", item(&labels)))
        .finish()
        .exits(0)
        .never_shows(MARKER);
}

#[test]
fn a_list_is_left_out_as_a_whole_where_part_of_an_item_would_stay() {
    let with_alias = bad().replace(MARKER, &format!("&x {MARKER}"));
    let elsewhere = bad().replace(MARKER, "*x");
    let merged = "apiVersion: v1\nkind: Secret\nstringData:\n  <<: *x\n";
    let good = item(SECRET);
    for list in [
        format!("{LIST}{}- a: *x\n{good}", item(&with_alias)),
        format!("{LIST}- a: &x {MARKER}\n{}{good}", item(&elsewhere)),
        format!(
            "{LIST}- a: &x {{password: {MARKER}}}\n{}{good}",
            item(merged)
        ),
        format!(
            "{LIST}{}{good}# {OTHER}
",
            item(&bad().replace(MARKER, OTHER))
        ),
        format!(
            "items: [{},\n # mine\n {}]\n",
            documents(&bad())[0],
            documents(SECRET)[0]
        ),
    ] {
        let other = format!("{LIST}{}{good}", item(&bad()));
        let run = encrypt(format!("a: 1\n---\n{list}---\n{other}"));
        let run = run.says(&format!("standard input:3:1: document 2: {LEFT_OUT}"));
        assert_eq!(run.err().matches("left out").count(), 1, "{}", run.err());
        let all = documents(run.out());
        assert_eq!((all.len(), &all[0]), (2, &json!({"a": 1})), "{list}");
        assert_eq!(values(&all[1]["items"][0]), texts([("password", MARKER)]));
    }
}

#[test]
fn a_file_named_by_output_is_not_written_for_a_list_in_part() {
    let scratch = Scratch::new();
    scratch.write(
        "list.yaml",
        format!("{LIST}{}{}", item(SECRET), item(&bad())),
    );
    let run = with_cert(&scratch, ["encrypt", "list.yaml", "--output=out.yaml"]).finish();
    let run = fails_once(run, "MissingNamespace").says("out.yaml: not written");
    assert_eq!(run.out(), "");
    assert!(!scratch.path().join("out.yaml").exists());
    nothing_leaked(&scratch, &["list.yaml"]);
}

#[test]
fn in_place_an_item_that_failed_stays_as_it_is() {
    let scratch = Scratch::new();
    scratch.write(
        "list.yaml",
        format!("{LIST}{}{}", item(SECRET), item(&bad())),
    );
    let run = with_cert(&scratch, ["encrypt", "--in-place", "list.yaml"]).finish();
    fails_once(run, "MissingNamespace");
    let text = scratch.read("list.yaml");
    assert!(text.ends_with(&item(&bad())), "{text}");
    assert_eq!(
        values(&document(&text)["items"][0]),
        texts([("password", MARKER)])
    );
}
